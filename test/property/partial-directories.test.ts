import { describe, expect, test } from 'vitest';
import { mesh } from '../../src/builder/mesh.ts';
import { projectFacts } from '../../src/collect/facts.ts';
import { snapshotOf } from '../../src/collect/snapshot.ts';
import { lackingOne } from '../../src/testkit/mesh-contracts.ts';
import { shuffled } from '../../src/testkit/variations.ts';
import { crashes, factsOf, loud, run, told } from '../corpus/corpus.ts';

/** A part of all objects is drawn each time; MESHDOCTOR_EXHAUSTIVE=1 removes every one. */
const isExhaustive = process.env['MESHDOCTOR_EXHAUSTIVE'] === '1';
const seed = Number(process.env['MESHDOCTOR_SEED'] ?? 20261122);
const removals = isExhaustive ? Number.POSITIVE_INFINITY : 40;

const shops = { injected: true } as const;
const meshes = {
  'primary-remote on two networks': mesh().primaryRemote('east', 'west', { networks: 2 }).namespace('shop', shops).service('abc.shop'),
  'primary-remote with a revision': mesh()
    .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0', tags: ['prod'] })
    .namespace('shop', shops)
    .service('abc.shop'),
  'primary-remote on one network': mesh()
    .primaryRemote('east', ['west', 'south'], { networks: 1 })
    .namespace('shop', shops)
    .service('abc.shop'),
  'primary-remote 1.24': mesh()
    .primaryRemote('east', 'west', { networks: 2, release: '1.24.6' })
    .namespace('shop', shops)
    .service('abc.shop'),
  'multi-primary on two networks': mesh().multiPrimary('east', 'west', { networks: 2 }).namespace('shop', shops).service('abc.shop'),
  'multi-primary on one network': mesh().multiPrimary('east', 'west', { networks: 1 }).namespace('shop', shops).service('abc.shop'),
} as const;

describe(`directories that need not hold everything (${isExhaustive ? 'every object' : `MESHDOCTOR_SEED=${seed}`})`, () => {
  test.each(Object.entries(meshes))('%s: what is missing proves nothing', async (_name, built) => {
    const snapshot = snapshotOf(built.objects(), { complete: false, takenAt: built.takenAt });
    const facts = factsOf(snapshot);
    const whole = await run(snapshot, {}, facts);
    const lines = [...crashes(whole.judgement), ...loud(whole.judgement.findings).map(told)].map((line) => `all there: ${line}`);
    const lacking = snapshot.clusters.flatMap((cluster) => [...lackingOne(cluster)]);
    for (const { what, cluster } of shuffled(lacking, seed).slice(0, removals)) {
      const { judgement } = await run(snapshot, {}, new Map([...facts, [cluster.name, projectFacts(cluster)]]));
      lines.push(
        ...[...crashes(judgement), ...loud(judgement.findings).map(told)].map((line) => `without ${what} in ${cluster.name}: ${line}`),
      );
    }
    expect(lines).toEqual([]);
  });
});
