import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mesh } from '../../src/builder/mesh.ts';
import type { KubeObject, MeshObjects } from '../../src/model/kube.ts';
import { reporters } from '../../src/report/formats.ts';
import { crashes, run, snapshotAt } from '../corpus/corpus.ts';

/** Another seed mutates other fields: MESHDOCTOR_SEED=7 npm test. */
const seed = Number(process.env['MESHDOCTOR_SEED'] ?? 20261122);
const numRuns = process.env['MESHDOCTOR_EXHAUSTIVE'] === '1' ? 1_000 : 25;

const meshes = [
  mesh()
    .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
    .namespace('shop', { injected: true })
    .service('abc.shop', { in: ['east'] }),
  mesh().multiPrimary('east', 'west', { networks: 2 }).namespace('shop', { injected: true }).service('abc.shop'),
];
const style = { width: 100, colour: false, unicode: true, verbosity: 1 };

/** What somebody, or some tool, may have written where something else belongs. */
const oddValue = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    '',
    0,
    -1,
    1e21,
    true,
    [],
    {},
    [null],
    [[]],
    { '': null },
    'undefined',
    'x'.repeat(5_000),
    '{',
    '\u0000',
    '2026-99-99T00:00:00Z',
    '999.1.1.1',
    ':',
  ),
  fc.jsonValue({ maxDepth: 2 }),
);
const mutation = fc.record({
  cluster: fc.nat(),
  object: fc.nat(),
  steps: fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 9 }),
  value: oddValue,
});

type Mutation = { readonly cluster: number; readonly object: number; readonly steps: readonly number[]; readonly value: unknown };

function mutated(objects: MeshObjects, { cluster, object, steps, value }: Mutation): MeshObjects {
  const names = [...objects.keys()];
  const name = names[cluster % names.length] ?? '';
  const own = objects.get(name) ?? [];
  return new Map(objects).set(
    name,
    own.map((item, index) => (index === object % own.length ? (changed(item, steps, value) as KubeObject) : item)),
  );
}

/** A copy with another value at the end of the path; each step picks one of the keys that are there. The path may end early. */
function changed(target: unknown, [step, ...rest]: readonly number[], value: unknown): unknown {
  if (step === undefined || typeof target !== 'object' || target === null) return value;
  const keys = Object.keys(target);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return value;
  const next = changed(Reflect.get(target, key), rest, value);
  if (Array.isArray(target)) return target.map((item: unknown, index) => (String(index) === key ? next : item));
  const copy: Record<string, unknown> = { ...target };
  if (next === undefined) delete copy[key];
  else copy[key] = next;
  return copy;
}

test('the mutations do change the mesh', () => {
  const [built] = meshes;
  const before = JSON.stringify([...(built?.objects() ?? [])]);
  const changes = fc.sample(mutation, { seed, numRuns: 50 }).map((one) => JSON.stringify([...mutated(built?.objects() ?? new Map(), one)]));
  expect(changes.filter((after) => after !== before).length).toBeGreaterThan(40);
  expect(new Set(changes).size).toBeGreaterThan(40);
});

describe(`objects with odd fields (MESHDOCTOR_SEED=${seed})`, () => {
  test.each(meshes.map((built, index) => [index === 0 ? 'primary-remote' : 'multi-primary', built] as const))(
    '%s: nothing throws, and two runs say the same',
    async (_name, built) => {
      await fc.assert(
        fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
          const odd = mutations.reduce(mutated, built.objects());
          const [first, second] = [await run(snapshotAt(odd, built.takenAt)), await run(snapshotAt(odd, built.takenAt))];
          expect(crashes(first.judgement)).toEqual([]);
          expect(JSON.stringify(second.report)).toBe(JSON.stringify(first.report));
          for (const reporter of reporters) expect(reporter.render(second.report, style)).toBe(reporter.render(first.report, style));
        }),
        { seed, numRuns },
      );
    },
    120_000,
  );
});
