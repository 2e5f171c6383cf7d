import { describe, expect, test } from 'vitest';
import { planInput } from '../../test/support/probe-mesh.ts';
import { mesh } from '../builder/mesh.ts';
import { clusterName } from '../model/ids.ts';
import type { KubeObject } from '../model/kube.ts';
import { questionsOf } from './istiod-questions.ts';
import type { PlanInput } from './plan.ts';
import { planIstiods } from './plan-istiods.ts';

const east = clusterName('east');
const west = clusterName('west');
const shop = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['east'] })
  .workload('caller.shop', { in: ['west'] });

function targetsIn(cluster: typeof east, input: PlanInput) {
  const plan = planIstiods(cluster, input);
  return 'targets' in plan ? plan.targets : [];
}

/** The running istiod once more, changed. */
function anotherReplica(name: string, change: (pod: KubeObject) => KubeObject = (pod) => pod) {
  return shop.edit(
    (objects) =>
      new Map(
        [...objects].map(([cluster, own]) => {
          const istiod = own.find((object) => object.kind === 'Pod' && object.metadata.labels?.['app'] === 'istiod');
          return [cluster, istiod === undefined ? own : [...own, change({ ...istiod, metadata: { ...istiod.metadata, name } })]];
        }),
      ),
  );
}

describe('planIstiods', () => {
  test('an istiod is asked for the names of its mesh and the tables of one proxy per cluster', () => {
    const [istiod, ...others] = targetsIn(east, planInput(shop));
    expect(others).toEqual([]);
    expect(istiod).toMatchObject({ namespace: 'istio-system', revision: '1-31-0', hosts: ['abc.shop.svc.cluster.local'] });
    expect(istiod?.proxies.map(({ cluster, name }) => `${cluster} ${name.replace(/-.*/, '')}`)).toEqual(['east abc', 'west caller']);
    // Clusters, gateways, mesh config, metrics, objects, two name tables, three gateways, endpoints.
    expect(istiod && questionsOf(istiod)).toBe(11);
  });

  test('every running replica is asked, sorted by name; one that does not run is not', () => {
    const names = (built: typeof shop) => targetsIn(east, planInput(built)).map(({ pod }) => pod.name);
    const [first] = names(shop);
    expect(names(anotherReplica('a-replica'))).toEqual(['a-replica', first]);
    expect(names(anotherReplica('a-replica', (pod) => ({ ...pod, status: { phase: 'Pending' } })))).toEqual([first]);
  });

  test('a cluster without istiod has nothing to probe, one whose pods may not be read says so', () => {
    expect(planIstiods(west, planInput(shop))).toEqual({ status: 'not-asked', because: 'nothing to probe' });
    const refused = { status: 'forbidden', verb: 'list', resource: 'pods' } as const;
    const failed = { status: 'failed', code: 'timeout', reason: 'too slow' } as const;
    expect(
      planIstiods(
        east,
        planInput(shop, [], (_, facts) => ({ ...facts, pods: refused })),
      ),
    ).toEqual(refused);
    expect(
      planIstiods(
        east,
        planInput(shop, [], (_, facts) => ({ ...facts, pods: failed })),
      ),
    ).toEqual(failed);
  });

  test('each istiod of an external cluster is asked for the names of its own mesh', () => {
    const built = mesh()
      .externalControlPlane('outside', 'inside', { remotes: ['south'] })
      .namespace('shop', { injected: true, clusters: ['inside', 'south'] })
      .service('abc.shop', { in: ['inside'] });
    const asked = targetsIn(clusterName('outside'), planInput(built)).map(({ namespace, hosts }) => `${namespace}: ${hosts.join()}`);
    expect(asked).toEqual(['external-istiod: abc.shop.svc.cluster.local', 'istio-system: ']);
  });

  test('of two revisions each is asked for proxies of its own', () => {
    const built = mesh()
      .canary('east', 'west', { from: '1-24-6', to: '1-31-0', stage: 'control-plane' })
      .namespace('shop', { injected: true })
      .service('abc.shop', { in: ['east'] });
    const asked = targetsIn(east, planInput(built)).map(({ revision, proxies }) => `${revision}: ${proxies.length}`);
    expect(asked).toEqual(['1-24-6: 1', '1-31-0: 0']);
  });
});
