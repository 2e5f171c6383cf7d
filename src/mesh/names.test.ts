import { describe, expect, test } from 'vitest';
import { mesh, type MeshBuilder } from '../builder/mesh.ts';
import { projectFacts } from '../collect/facts.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import { clusterName } from '../model/ids.ts';
import { namesToProbe, type NamedService } from './names.ts';
import { inferTopology } from './topology.ts';

const pair = mesh().primaryRemote('east', 'west', { networks: 2 }).namespace('shop', { injected: true }).namespace('plain');

describe('names to probe', () => {
  test('a service that lives in one cluster only is preferred to one of all clusters, per cluster', () => {
    const built = pair
      .service('abc.shop')
      .service('only-east.shop', { in: ['east'] })
      .service('zzz-west.shop', { in: ['west'], port: 8080 });
    expect(asked(built)).toEqual(['shop/only-east:80 of east,west', 'shop/zzz-west:8080 of east,west']);
  });

  test('one behind a sidecar is preferred to one without', () => {
    const built = pair
      .service('aaa.plain', { in: ['east'] })
      .service('zzz.shop', { in: ['east'] })
      .service('web.shop', { in: ['west'] });
    expect(asked(built)).toEqual(['shop/web:80 of east,west', 'shop/zzz:80 of east,west']);
  });

  test('a service of all clusters has to do where there is no other, and each is asked for once', () => {
    expect(asked(pair.service('abc.shop'))).toEqual(['shop/abc:80 of east,west']);
  });

  test('headless services, stubs without endpoints and those of Istio are not chosen', () => {
    expect(asked(pair.service('peers.shop', { headless: true }).service('stub.shop', { withoutWorkload: true }))).toEqual([]);
  });

  test('a single cluster has nothing to ask across', () => {
    const alone = pair.service('abc.shop', { in: ['east'] }).objects();
    const only = new Map([...alone].filter(([name]) => name === 'east'));
    expect(namesOf(only)).toEqual([]);
  });

  test('named: in the mesh that has it, and only there', () => {
    const two = pair
      .service('abc.shop')
      .multiPrimary('north', 'south', { networks: 2 })
      .namespace('store', { clusters: ['north', 'south'] })
      .service('xyz.store', { in: ['south'] });
    expect(asked(two, [{ namespace: 'store', name: 'xyz', port: 80 }])).toEqual(['store/xyz:80 of north,south, named']);
  });

  test('named, and nowhere: every mesh is asked; twice the same is once, with its port', () => {
    const nowhere = { namespace: 'shop', name: 'nope' };
    expect(asked(pair.service('abc.shop'), [nowhere, { ...nowhere, port: 9 }])).toEqual(['shop/nope:9 of east,west, named']);
  });

  test('a cluster whose services could not be read gives no name, and takes none from the others', () => {
    const facts = factsOf(
      pair
        .service('abc.shop', { in: ['east'] })
        .service('xyz.shop', { in: ['west'] })
        .objects(),
    );
    const west = facts.get(clusterName('west'));
    if (west === undefined) throw new Error('west is gone');
    const less = new Map(facts).set(clusterName('west'), {
      ...west,
      services: { status: 'forbidden', verb: 'list', resource: 'services' },
    });
    expect(namesToProbe(less, inferTopology(less), []).map(({ name }) => name)).toEqual(['abc']);
  });
});

function factsOf(objects: ReturnType<MeshBuilder['objects']>) {
  return new Map(snapshotOf(objects).clusters.map((cluster) => [cluster.name, projectFacts(cluster)]));
}

function namesOf(objects: ReturnType<MeshBuilder['objects']>, named: readonly NamedService[] = []): string[] {
  const facts = factsOf(objects);
  return namesToProbe(facts, inferTopology(facts), named).map(
    (one) => `${one.namespace}/${one.name}:${one.port ?? '-'} of ${one.members.join()}${one.named ? ', named' : ''}`,
  );
}

function asked(built: MeshBuilder, named: readonly NamedService[] = []): string[] {
  return namesOf(built.objects(), named);
}
