import { describe, expect, test } from 'vitest';
import { inOrder } from '../../src/builder/edits/edit.ts';
import { takenAt } from '../../src/builder/timeline.ts';
import { crashes, loud, type Run, run, snapshotAt, told } from '../corpus/corpus.ts';
import { meshes } from '../breakage/meshes.ts';
import { rows, type Staged } from './staged.ts';

/** What is wrong with the answer to a fault: one line each. */
function complaints(row: Staged, { judgement, causes, report }: Run): string[] {
  const found = causes.map(({ finding }) => `${finding.area}/${finding.check}`);
  const lines = crashes(judgement);
  if (found.join() !== row.causes.join()) lines.push('the causes are others', ...causes.map(({ finding }) => told(finding)));
  const [first] = causes;
  if (first === undefined) return lines;
  const { severity = 'error', certainty = 'certain', exit = 1 } = row;
  if (first.severity !== severity) lines.push(`severity is ${first.severity}, not ${severity}`);
  if (first.finding.certainty !== certainty) lines.push(`certainty is ${first.finding.certainty}, not ${certainty}`);
  if (report.exit.code !== exit) lines.push(`exit is ${report.exit.code} (${report.exit.reason}), not ${exit}`);
  return lines;
}

describe('the mesh is silent before anybody breaks it', () => {
  test.each(Object.entries(meshes))('%s', async (_name, mesh) => {
    const { judgement } = await run(snapshotAt(mesh.objects(), takenAt));
    expect([...crashes(judgement), ...loud(judgement.findings).map(told)]).toEqual([]);
  });
});

describe('faults of built meshes are told by their causes, root first, and nothing else is', () => {
  test.each(rows.map((row) => [row.mesh, row.name, row] as const))('%s: %s', async (mesh, _name, row) => {
    const broken = inOrder(...row.edits)(meshes[mesh].objects());
    expect(complaints(row, await run(snapshotAt(broken, takenAt)))).toEqual([]);
  });
});
