import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cases } from './cases/all.ts';
import { faults } from './faults/all.ts';
import { check, record } from './faults/check.ts';
import { type Tried, tryFault, tryHealthy } from './faults/try.ts';
import { type Lab, startLab } from './lab/lab.ts';
import type { LaneFinished, LaneLine, LaneRequest } from './lane-line.ts';
import { type Baseline, askRivals, falseAlarms, verdicts } from './rivals.ts';
import { topologyNamed } from './topologies/all.ts';

/*
 * First process of one lane of the test: builds a topology and tries on it what it was given, one thing after the other. What became of each is one line
 * of JSON on standard output. Argument: a LaneRequest as JSON.
 */

async function main(): Promise<void> {
  // Written by test.ts in the same run.
  const { topology: name, folder, faults: faultIds, cases: caseNames, recordings } = JSON.parse(process.argv[2] ?? '{}') as LaneRequest;
  const topology = topologyNamed(name);
  const isRecorded = recordings !== undefined;
  const recorded = (base: string, bytes: Buffer): void => {
    if (recordings === undefined) return;
    mkdirSync(recordings, { recursive: true });
    writeFileSync(join(recordings, `${base}.json.gz`), bytes);
  };
  const start = Date.now();
  const lab = await startLab(folder, topology.clusters);
  await topology.build(lab);
  const flags = topology.checkFlags ?? [];
  const built = seconds(start);
  const wrong = await tryHealthy(lab, flags);
  const baseline: Baseline = isRecorded ? await askRivals(lab) : new Map();
  const { report } = await check(lab, flags);
  const unproven = report.notChecked.map(({ reason }) => reason);
  const unprovenChecks = report.checks.filter(({ results }) => results.some(({ result }) => result === 'unknown')).map(({ id }) => id);
  say({ line: 'healthy', topology: name, wrong, built, alarms: falseAlarms(baseline), unproven, unprovenChecks });
  if (isRecorded && wrong.length === 0) recorded(name, await record(lab, name, flags));
  const left = wrong.length === 0 ? await tryAll(lab, faultIds, flags, baseline, isRecorded ? recorded : undefined) : faultIds;
  if (left.length === 0 || left.length === faultIds.length) {
    for (const caseName of wrong.length === 0 ? caseNames : []) {
      const start = Date.now();
      const failure = await failureOf(lab, caseName);
      say({ line: 'case', name: caseName, topology: name, wrong: failure === undefined ? [] : [failure], seconds: seconds(start) });
    }
  }
  say({ line: 'finished', left });
  // The lab's own processes would keep us.
  process.exit(0);
}

/** Gives those that were not tried: after one that could not be undone, the mesh is good for nothing. */
async function tryAll(
  lab: Lab,
  ids: readonly string[],
  flags: readonly string[],
  healthy: Baseline,
  recorded: ((base: string, bytes: Buffer) => void) | undefined,
): Promise<readonly string[]> {
  for (const [position, id] of ids.entries()) {
    const fault = faults.find((candidate) => candidate.id === id);
    if (fault === undefined) throw new Error(`There is no fault ${id}.`);
    let broken: Baseline = new Map();
    const { recording, ...tried }: Tried = await tryFault(
      lab,
      { ...fault, flags: [...flags, ...(fault.flags ?? [])] },
      recorded === undefined
        ? {}
        : {
            isRecorded: true,
            whileBroken: async () => {
              broken = await askRivals(lab);
            },
          },
    );
    if (recording !== undefined) recorded?.(id, recording);
    say({ line: 'fault', ...tried, about: fault.about, topology: fault.topology, said: verdicts(healthy, broken, tried.object) });
    if (!tried.isHealthyAgain) return ids.slice(position + 1);
  }
  return [];
}

async function failureOf(lab: Lab, name: string): Promise<string | undefined> {
  try {
    const wanted = cases.find((candidate) => candidate.name === name);
    if (wanted === undefined) throw new Error(`There is no case ${name}.`);
    await wanted.run(lab);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function say(line: LaneLine | LaneFinished): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function seconds(start: number): number {
  return Math.round((Date.now() - start) / 1000);
}

await main();
