import { describe, expect, test } from 'vitest';
import { projectFacts } from '../../src/collect/facts.ts';
import { snapshotOf } from '../../src/collect/snapshot.ts';
import { lackingOne } from '../../src/testkit/mesh-contracts.ts';
import { shuffled } from '../../src/testkit/variations.ts';
import { crashes, factsOf, loud, run, told } from '../corpus/corpus.ts';
import { topologies } from '../support/healthy-meshes.ts';

/** A part of all objects is drawn each time; MESHDOCTOR_EXHAUSTIVE=1 removes every one. */
const isExhaustive = process.env['MESHDOCTOR_EXHAUSTIVE'] === '1';
const seed = Number(process.env['MESHDOCTOR_SEED'] ?? 20261122);
const removals = isExhaustive ? Number.POSITIVE_INFINITY : 20;

describe(`directories that need not hold everything (${isExhaustive ? 'every object' : `MESHDOCTOR_SEED=${seed}`})`, () => {
  test.each(Object.entries(topologies))('%s: what is missing proves nothing', { timeout: 120_000 }, async (_name, built) => {
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
