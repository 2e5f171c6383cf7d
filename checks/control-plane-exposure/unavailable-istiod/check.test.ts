import { checkTester, mesh, type MeshBuilder } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const remote = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true });
const peers = mesh().multiPrimary(east, west);
const upgrade = mesh().canary(east, west, { from: '1-30-3', to: '1-31-0' });

/** A Deployment of istiod that wants so many pods and has none that is ready. */
const down = (built: MeshBuilder, cluster: string, name: string, replicas: number, namespace = 'istio-system'): MeshBuilder =>
  built.break((m) =>
    m
      .cluster(cluster)
      .patch('Deployment', namespace, name, { spec: { replicas }, status: { replicas, readyReplicas: null, availableReplicas: null } }),
  );
/** No proxy of the new revision runs. */
const unused = upgrade.edit((objects) =>
  new Map(objects).set(
    east,
    (objects.get(east) ?? []).filter(({ kind, metadata }) => kind !== 'Pod' || metadata.annotations?.['istio.io/rev'] !== '1-31-0'),
  ),
);

checkTester(check, {
  healthy: {
    'one istiod for two clusters': remote,
    'two primaries': peers,
    'an external istiod beside that of its own cluster': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'a new revision that nobody uses yet is scaled to nothing': down(unused, east, 'istiod-1-31-0', 0),
  },
  broken: {
    'scaled to nothing': {
      mesh: down(remote, east, 'istiod-1-31-0', 0),
      findings: ['unavailable-istiod @ east:Deployment/istio-system/istiod-1-31-0 (error certain)'],
    },
    'never ready': {
      mesh: down(peers, west, 'istiod', 2),
      findings: ['unavailable-istiod @ west:Deployment/istio-system/istiod (error certain)'],
    },
    'an external one': {
      mesh: down(mesh().externalControlPlane('outside', west, { remotes: ['north'] }), 'outside', 'istiod', 1, 'external-istiod'),
      findings: ['unavailable-istiod @ outside:Deployment/external-istiod/istiod (error certain)'],
    },
    'a new revision that the ingress gateway is on': {
      mesh: down(upgrade, east, 'istiod-1-31-0', 1),
      findings: ['unavailable-istiod @ east:Deployment/istio-system/istiod-1-31-0 (error certain)'],
    },
  },
});
