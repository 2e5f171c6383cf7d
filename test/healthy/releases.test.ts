import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { crashes, loud, run, snapshotAt, told } from '../corpus/corpus.ts';
import { topologies } from './releases.ts';

const cases = Object.entries(topologies).flatMap(([name, { built, releases, declared }]) =>
  releases.map((release) => ({ name, release, built, declared })),
);

test.each(cases)('$name, $release, is silent', async ({ built, release, declared }) => {
  const one = built(release);
  const snapshot = snapshotAt(one.objects(), one.takenAt);
  const { judgement, report } = await run(declared === undefined ? snapshot : { ...snapshot, intent: declared });
  expect([...crashes(judgement), ...loud(judgement.findings).map(told)]).toEqual([]);
  expect(report.exit).toMatchObject({ code: 0 });
});

test('recordings of them on real components are there', () => {
  const recordings = Object.values(topologies).flatMap(({ recording }) => recording ?? []);
  expect(recordings.filter((name) => !existsSync(`fixtures/recorded/${name}.json.gz`))).toEqual([]);
});
