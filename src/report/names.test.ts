import { describe, expect, test } from 'vitest';
import { mesh, type MeshBuilder } from '../builder/mesh.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import { judge } from '../engine/judge.ts';
import type { ClusterObservations } from '../model/observations.ts';
import { observedIn } from '../testkit/observed.ts';
import { factsOf } from '../testkit/suite.ts';
import { namesOf } from './names.ts';

const built = mesh()
  .primaryRemote('east', 'west', { networks: 2 })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['east'], port: 5000 })
  .workload('client.shop', { in: ['west'] });
const abc = { namespace: 'shop', name: 'abc', port: 5000 };

async function names(of: MeshBuilder, services: Parameters<typeof namesOf>[1] = [], observations: readonly ClusterObservations[] = []) {
  const snapshot = { ...snapshotOf(of.objects()), observations };
  return namesOf(await judge(snapshot, factsOf(snapshot), []), services);
}

describe('names of a report', () => {
  test('none where nobody named one and nobody was asked', async () => {
    expect(await names(built)).toEqual([]);
  });

  test('a named one is predicted without probes', async () => {
    expect(
      (await names(built, [abc])).map(({ service, port, named, callers }) => [service, port, named, ...callers.map((one) => one.verdict)]),
    ).toEqual([['shop/abc', 5000, true, 'predicted', 'predicted']]);
  });

  test('without any, those that probes asked for', async () => {
    expect(
      (await names(built, [], observedIn(built))).map(({ service, named, callers }) => [
        service,
        named,
        ...callers.map((one) => one.verdict),
      ]),
    ).toEqual([['shop/abc', false, 'ok', 'ok']]);
  });

  test('each mesh tells of its own clusters', async () => {
    const two = built.multiPrimary('north', 'south', { networks: 2 });
    expect((await names(two, [abc])).map(({ callers }) => callers.map(({ cluster }) => cluster))).toEqual([['east', 'west']]);
    const nowhere = { namespace: 'shop', name: 'nowhere' };
    expect((await names(two, [nowhere])).map(({ callers }) => callers.map(({ cluster, verdict }) => `${cluster} ${verdict}`))).toEqual([
      ['east broken', 'west broken'],
      ['north broken', 'south broken'],
    ]);
  });
});
