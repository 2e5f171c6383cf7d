import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { builtin } from '../../checks/index.ts';
import { sideNeeds } from '../../src/api/check.ts';
import { inOrder } from '../../src/builder/edits/edit.ts';
import { judge } from '../../src/engine/judge.ts';
import type { Judgement, RegisteredCheck } from '../../src/engine/types.ts';
import { inferTopology } from '../../src/mesh/topology.ts';
import type { FactName } from '../../src/model/facts.ts';
import type { MeshObjects } from '../../src/model/kube.ts';
import { worse } from '../../src/testkit/contracts.ts';
import { type Loss, losses, shuffled, without } from '../../src/testkit/variations.ts';
import { allFacts, corpus, crashes, factsOf, flagsOf, objectsOf, optionsOf, snapshotAt } from '../corpus/corpus.ts';
import { type Fault, faults, takenAt } from '../corpus/faults.ts';

/** A part of all rows and losses is drawn each time; MESHDOCTOR_EXHAUSTIVE=1 tries every one. */
const isExhaustive = process.env['MESHDOCTOR_EXHAUSTIVE'] === '1';
const seed = Number(process.env['MESHDOCTOR_SEED'] ?? 20261122);
const lossesPerRow = isExhaustive ? Number.POSITIVE_INFINITY : 8;

const readers = new Map<FactName, readonly RegisteredCheck[]>(
  allFacts.map((fact) => [
    fact,
    builtin.filter(({ check }) => [...sideNeeds(check.needs, 'any'), ...sideNeeds(check.uses, 'any')].includes(fact)),
  ]),
);

describe.skipIf(corpus === '')(
  `taking a fact away from a broken real mesh adds nothing (${isExhaustive ? 'every fact' : `MESHDOCTOR_SEED=${seed}`})`,
  () => {
    const real = new Map<Fault['mesh'], MeshObjects>();

    test.each(faults.map((fault, index) => [fault.name, fault, index] as const))(
      '%s',
      { timeout: 120_000 },
      async (_name, fault, index) => {
        const healthy = real.get(fault.mesh) ?? objectsOf(fault.mesh);
        real.set(fault.mesh, healthy);
        const snapshot = snapshotAt(inOrder(...fault.edits)(healthy), takenAt[fault.mesh]);
        const facts = factsOf(snapshot);
        const { services } = optionsOf(flagsOf(fault.flags));
        const whole = await judge(snapshot, facts, builtin, { services });
        const all = [...facts.keys()].flatMap((cluster) =>
          allFacts
            .filter((fact) => facts.get(cluster)?.[fact].status === 'collected')
            .flatMap((fact) => (Object.keys(losses) as Loss[]).map((how) => ({ cluster, fact, how }))),
        );
        const lines: string[] = [];
        for (const { cluster, fact, how } of shuffled(all, seed + index).slice(0, lossesPerRow)) {
          const less = without(facts, cluster, fact, how);
          // A check that does not read the fact can only be touched through the topology.
          const isSameTopology = isDeepStrictEqual(inferTopology(less), whole.topology);
          const concerned = isSameTopology ? (readers.get(fact) ?? []) : builtin;
          const judged = await judge(snapshot, less, concerned, { services });
          lines.push(
            ...[...crashes(judged), ...worse(among(whole, concerned), judged)].map((line) => `${fact} of ${cluster} ${how}: ${line}`),
          );
        }
        expect(lines).toEqual([]);
      },
    );
  },
);

function among({ findings }: Judgement, checks: readonly RegisteredCheck[]): Pick<Judgement, 'findings'> {
  const ids = new Set(checks.map(({ check }) => check.id));
  return { findings: findings.filter((finding) => ids.has(finding.check)) };
}
