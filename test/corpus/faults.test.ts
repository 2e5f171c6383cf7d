import { afterAll, describe, expect, test } from 'vitest';
import { inOrder } from '../../src/builder/edits/edit.ts';
import type { MeshObjects } from '../../src/model/kube.ts';
import { corpus, crashes, flagsOf, loud, objectsOf, type Run, run, snapshotAt, told } from './corpus.ts';
import { type Fault, faults, takenAt } from './faults.ts';

const real = new Map<Fault['mesh'], MeshObjects>();

/** The fault's mesh before anybody broke it; read once. */
function healthy(mesh: Fault['mesh']): MeshObjects {
  const known = real.get(mesh) ?? objectsOf(mesh);
  real.set(mesh, known);
  return known;
}

async function runOf(fault: Fault): Promise<Run> {
  return await run(snapshotAt(inOrder(...fault.edits)(healthy(fault.mesh)), takenAt[fault.mesh]), flagsOf(fault.flags));
}

/** What is wrong with the answer to a fault: one line each. */
function complaints(fault: Fault, { judgement, causes, report }: Run): readonly string[] {
  const lines = crashes(judgement);
  const { expect: wanted } = fault;
  const [first] = causes;
  if (first === undefined) return [...lines, 'nothing was found'];
  const { finding } = first;
  const code = `${finding.area}/${finding.check}`;
  if (code !== wanted.first) lines.push(`first is ${told(finding)}`);
  else {
    if (first.severity !== wanted.severity) lines.push(`severity is ${first.severity}, not ${wanted.severity}`);
    if (finding.certainty !== wanted.certainty) lines.push(`certainty is ${finding.certainty}, not ${wanted.certainty}`);
  }
  if (report.exit.code !== wanted.exit) lines.push(`exit is ${report.exit.code} (${report.exit.reason}), not ${wanted.exit}`);
  const folded = new Set(first.explains.map(({ fingerprint }) => fingerprint));
  for (const other of loud(judgement.findings)) {
    if (other === finding) continue;
    const name = `${other.area}/${other.check}`;
    if (name === wanted.first) {
      if (!folded.has(other.fingerprint)) lines.push(`said twice: ${told(other)}`);
    } else if (fault.alsoFolded?.includes(name) !== true) lines.push(`unrelated: ${told(other)}`);
    else if (!folded.has(other.fingerprint)) lines.push(`not folded: ${told(other)}`);
  }
  return lines;
}

describe.skipIf(corpus === '')('each scripted fault of a real mesh is the first cause, and nothing else is said', () => {
  const table: string[] = [];

  test.each(faults.map((fault) => [fault.catalogue, fault.name, fault.mesh, fault] as const))(
    '%s: %s (%s)',
    async (catalogue, name, _mesh, fault) => {
      const lines = complaints(fault, await runOf(fault));
      if (lines.length > 0) table.push(`${catalogue.padEnd(7)} ${name} → ${fault.expect.first}`, ...lines.map((line) => `        ${line}`));
      expect(lines).toEqual([]);
    },
  );

  // All rows that fail at a glance, below a screenful of differences.
  afterAll(() => {
    if (table.length > 0) process.stderr.write(`\n${table.join('\n')}\n`);
  });
});
