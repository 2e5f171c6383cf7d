import { expect, test } from 'vitest';
import { observedIn } from '../../src/testkit/observed.ts';
import { crashes, loud, run, snapshotAt, told } from '../corpus/corpus.ts';
import { verified } from './verified.ts';

test.each(Object.entries(verified))('%s', async (_name, { mesh, holds }) => {
  const objects = mesh.objects();
  expect(holds(objects)).toBe(true);
  const { judgement, report } = await run({ ...snapshotAt(objects, mesh.takenAt), observations: observedIn(objects) });
  expect([...crashes(judgement), ...loud(judgement.findings).map(told)]).toEqual([]);
  expect(report.exit).toMatchObject({ code: 0 });
});
