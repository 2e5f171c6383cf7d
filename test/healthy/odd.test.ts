import { describe, expect, test } from 'vitest';
import { snapshotOf } from '../../src/collect/snapshot.ts';
import { mesh } from '../../src/builder/mesh.ts';
import { observedIn } from '../../src/testkit/observed.ts';
import type { MeshObjects } from '../../src/model/kube.ts';
import { crashes, loud, run, told } from '../corpus/corpus.ts';
import { access } from './odd/access.ts';
import { type Odd, primaryRemote } from './odd/edits.ts';
import { doors } from './odd/doors.ts';
import { gateways } from './odd/gateways.ts';
import { known } from './odd/known.ts';
import { setups } from './odd/setups.ts';
import { sources } from './odd/sources.ts';
import { tenants } from './odd/tenants.ts';
import { topologies } from './odd/topologies.ts';
import { elsewhere, entries } from './page.ts';

/** Healthy meshes that look odd, as real companies have them. Nothing may be said about any of them at warning or above. */
const cases: Readonly<Record<string, () => Odd>> = {
  ...known,
  ...topologies,
  ...gateways,
  ...access,
  ...sources,
  ...doors,
  ...setups,
  ...tenants,
};

async function heard(odd: Odd, options: { complete: boolean; hasTime: boolean }): Promise<readonly string[]> {
  const { built, only, takenAt = {}, declared } = odd;
  const given: MeshObjects = new Map([...built.objects()].filter(([name]) => only === undefined || only.includes(name)));
  const whole = snapshotOf(given, { complete: options.complete });
  const snapshot = {
    ...whole,
    ...(declared === undefined ? {} : { intent: declared }),
    clusters: whole.clusters.map((one) => (options.hasTime ? { ...one, takenAt: takenAt[one.name] ?? built.takenAt } : one)),
  };
  const { judgement, report } = await run(snapshot);
  return [
    ...crashes(judgement),
    ...loud(judgement.findings).map(told),
    ...(report.exit.code === 0 ? [] : [`exit ${report.exit.code}: ${report.exit.reason}`]),
  ];
}

test('everything that is known to look wrong without being so has a mesh', () => {
  const named = new Set(Object.keys(cases).map((name) => Number(/^FP-(\d+): /.exec(name)?.[1])));
  const missing = Array.from({ length: entries }, (_, index) => index + 1).filter((one) => !named.has(one));
  expect(missing).toEqual(Object.keys(elsewhere).map(Number));
});

test('FP-15: metrics of 1.29 say timeout of every cluster', async () => {
  const built = mesh().primaryRemote('east', 'west', { networks: 2, release: '1.29.4' });
  const objects = built.objects();
  const metrics = observedIn(objects).flatMap(({ istiodStates }) =>
    istiodStates?.status === 'observed' ? istiodStates.value.map((state) => JSON.stringify(state.metrics)) : [],
  );
  expect(metrics.some((text) => text.includes('"status":"timeout"'))).toBe(true);
  const { judgement } = await run({
    ...snapshotOf(objects, { complete: true, takenAt: built.takenAt }),
    observations: observedIn(objects),
  });
  expect([...crashes(judgement), ...loud(judgement.findings).map(told)]).toEqual([]);
});

test('FP-20: debug endpoints that let nobody in are a gap, and no fault', async () => {
  const objects = primaryRemote.objects();
  const refused = { failed: 'unauthorized', reason: 'HTTP 401' } as const;
  const observations = observedIn(objects).map((one) =>
    one.istiods?.status !== 'observed'
      ? one
      : {
          ...one,
          istiods: {
            ...one.istiods,
            value: one.istiods.value.map((replica) => ({
              ...replica,
              clusters: refused,
              gateways: refused,
              shards: refused,
              nameTables: replica.nameTables.map(({ proxy }) => ({ proxy, table: refused })),
            })),
          },
        },
  );
  const { judgement } = await run({ ...snapshotOf(objects, { complete: true, takenAt: primaryRemote.takenAt }), observations });
  expect([...crashes(judgement), ...loud(judgement.findings).map(told)]).toEqual([]);
  expect(judgement.outcomes.some(({ kind }) => kind === 'inconclusive')).toBe(true);
});

describe('silent on healthy meshes that look odd', () => {
  test.each(Object.entries(cases))('%s', async (_name, make) => {
    const odd = make();
    const ways = {
      'as a whole': { complete: true, hasTime: true },
      'without a time': { complete: true, hasTime: false },
      'as a part': { complete: false, hasTime: true },
      'as a part without a time': { complete: false, hasTime: false },
    };
    const lines: string[] = [];
    for (const [way, options] of Object.entries(ways)) lines.push(...(await heard(odd, options)).map((line) => `${way}: ${line}`));
    expect(lines.join('\n')).toBe('');
  });
});
