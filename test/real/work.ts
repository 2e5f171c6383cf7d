import { basename } from 'node:path';
import { cases } from './cases/all.ts';
import { faults } from './faults/all.ts';
import { triesAllFixes } from './faults/fixed.ts';
import { type Tried, tryFault, tryHealthy } from './faults/try.ts';
import type { Lab } from './lab/lab.ts';
import { writeFixed } from './results.ts';
import { topologies } from './topologies/all.ts';

/** What `npm run real -- try` does inside a run: the faults and cases named, or a look whether it is healthy. */
export async function work(lab: Lab, names: readonly string[], say: (line: string) => void): Promise<void> {
  // A run's folder has the name of its topology.
  const flags = topologies.find(({ name }) => name === basename(lab.folder))?.checkFlags ?? [];
  if (names.length === 0) say((await tryHealthy(lab, flags)).join('\n') || 'healthy and silent');
  for (const name of names) {
    const fault = faults.find(({ id }) => id === name);
    const wanted = cases.find((candidate) => candidate.name === name);
    if (fault === undefined && wanted === undefined) say(`${name}: there is no such fault or case`);
    if (fault !== undefined) {
      const tried = await tryFault(lab, { ...fault, flags: [...flags, ...(fault.flags ?? [])] });
      if (triesAllFixes) writeFixed([tried]);
      say(
        `${tried.wrong.length === 0 ? '✓' : '✗'} ${name} (${tried.seconds} s): ${tried.causes.join(', ')}\n${[...spokenFix(tried), ...tried.ran, ...tried.wrong].map((line) => `    ${line.replaceAll('\n', '\n    ')}`).join('\n')}`,
      );
    }
    if (wanted !== undefined)
      await wanted.run(lab).then(
        () => say(`✓ ${name}`),
        (error: unknown) => say(`✗ ${name}: ${error instanceof Error ? error.message : String(error)}`),
      );
  }
}

function spokenFix({ fixed }: Tried): readonly string[] {
  return fixed === undefined ? [] : [`fix: ${fixed.cured}; undo: ${fixed.undone}`];
}
