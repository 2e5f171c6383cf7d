import { describe, expect, test } from 'vitest';
import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';
import { observedIn } from '../../src/testkit/observed.ts';
import { snapshotAt } from '../corpus/corpus.ts';
import { looksWrong, topologies } from '../support/healthy-meshes.ts';
import { follow, outcomeOf } from './follow.ts';

/*
 * In a healthy mesh of any topology every call gets there, end to end: as its objects say, and as probes see it.
 */

/** Shops where a mesh has none of its own. */
const withShop: Readonly<Record<string, MeshBuilder>> = {
  'external control plane': mesh()
    .externalControlPlane('outside', 'inside', { remotes: ['south'] })
    .namespace('shop', { injected: true, clusters: ['inside', 'south'] })
    .service('abc.shop', { in: ['inside', 'south'] }),
  'ambient on two networks': mesh()
    .ambient('east', 'west')
    .namespace('shop', { injected: true })
    .service('abc.shop', { serviceLabels: { 'istio.io/global': 'true' } }),
};

describe.each(Object.entries({ ...topologies, ...looksWrong }))('%s', (name, given) => {
  const built = withShop[name] ?? given;
  const objects = built.objects();
  const snapshot = snapshotAt(objects, built.takenAt);
  const callers = [...objects].filter(([, own]) =>
    own.some(({ kind, metadata }) => kind === 'Service' && metadata.namespace === 'shop' && metadata.name === 'abc'),
  );

  test.each(callers.map(([cluster]) => cluster))('a call from %s', async (cluster) => {
    const predicted = await follow(snapshot, `${cluster}/shop/abc`, 'abc.shop');
    expect([outcomeOf(predicted), predicted.verdict.text]).toEqual(['works', expect.stringContaining('nothing was measured')]);
    // Each cluster with endpoints is a way of its own.
    expect(predicted.ways.map((way) => way.cluster)).toEqual(callers.map(([one]) => one).toSorted());
    expect(predicted.ways.every(({ verdict }) => verdict === 'works')).toBe(true);
    // What istiod makes of a host name is in no object.
    if (name in looksWrong) return;
    const measured = await follow(
      { ...snapshot, observations: observedIn(objects, [{ namespace: 'shop', name: 'abc', port: 80 }]) },
      `${cluster}/shop/abc`,
      'abc.shop',
    );
    expect(outcomeOf(measured)).toBe('works');
  });
});

test('a pod outside the mesh calls the Service of its own cluster, and no other', async () => {
  const built = mesh()
    .multiPrimary('east', 'west', { networks: 2 })
    .namespace('shop', { injected: true })
    .service('abc.shop')
    .namespace('plain')
    .workload('batch.plain');
  const report = await follow(snapshotAt(built.objects(), built.takenAt), 'east/plain/batch', 'abc.shop');
  expect(outcomeOf(report)).toBe('works');
  expect(report.ways.map(({ cluster, verdict }) => [cluster, verdict])).toEqual([
    ['east', 'works'],
    ['west', 'unused'],
  ]);
});

test.each(['east', 'west'])('a Service of ambient that is global in one cluster only is called within %s alone', async (cluster) => {
  const built = mesh()
    .ambient('east', 'west')
    .namespace('shop', { injected: true })
    .service('abc.shop', { serviceLabels: { 'istio.io/global': 'true' } })
    .edit(
      (before) =>
        new Map(
          [...before].map(([name, own]) => [
            name,
            own.map((object) =>
              name === 'west' && object.kind === 'Service' && object.metadata.name === 'abc'
                ? { ...object, metadata: { ...object.metadata, labels: {} } }
                : object,
            ),
          ]),
        ),
    );
  const report = await follow(snapshotAt(built.objects(), built.takenAt), `${cluster}/shop/abc`, 'abc.shop');
  expect(outcomeOf(report)).toBe('works');
  expect(Object.fromEntries(report.ways.map((way) => [way.cluster, way.verdict]))).toEqual({
    east: cluster === 'east' ? 'works' : 'unused',
    west: cluster === 'west' ? 'works' : 'unused',
  });
});
