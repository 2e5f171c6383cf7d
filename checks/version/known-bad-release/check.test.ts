import { checkTester, inCluster, istiodOfRelease, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const remote = mesh().primaryRemote(east, west, { networks: 2 });
const istiod = 'east:Deployment/istio-system/istiod';
const found = `known-bad-release @ ${istiod} (info likely)`;

/** A Service of the cluster that sends what enters by an ingress gateway through its waypoint. */
const throughWaypoint = inCluster(east, (objects) => [
  ...objects,
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'cart', namespace: 'istio-system', labels: { 'istio.io/ingress-use-waypoint': 'true' } },
    spec: { ports: [{ port: 80 }] },
  },
]);

checkTester(check, {
  healthy: {
    'a release without known faults': remote,
    'a release that nobody knows yet': remote.edit(istiodOfRelease({ cluster: east, release: '1.99.0' })),
    'faults of waypoints in a mesh without any': mesh()
      .ambient(east, west)
      .edit(istiodOfRelease({ cluster: east, release: '1.31.0' })),
  },
  broken: {
    'the release that loses clusters when their secret is renewed': {
      mesh: remote.edit(istiodOfRelease({ cluster: east, release: '1.30.1' })),
      findings: [found],
    },
    'one of two primaries': {
      mesh: mesh()
        .multiPrimary(east, west)
        .edit(istiodOfRelease({ cluster: east, release: '1.30.3' })),
      findings: [found],
    },
    'ambient in a release that bypasses waypoints': {
      mesh: mesh()
        .ambient(east, west)
        .edit(istiodOfRelease({ cluster: east, release: '1.29.5' }))
        .edit(throughWaypoint),
      findings: [found],
    },
    'ambient in its first releases': {
      mesh: mesh()
        .ambient(east, west)
        .edit(istiodOfRelease({ cluster: west, release: '1.28.0' })),
      findings: ['known-bad-release @ west:Deployment/istio-system/istiod (info likely)'],
    },
    'a release that removes tags': {
      mesh: remote.edit(istiodOfRelease({ cluster: east, release: '1.20.0' })),
      findings: [found],
    },
    'an external istiod': {
      mesh: mesh()
        .externalControlPlane('outside', west, { remotes: ['north'] })
        .edit(istiodOfRelease({ cluster: 'outside', release: '1.30.2' })),
      findings: ['known-bad-release @ outside:Deployment/external-istiod/istiod (info likely)'],
    },
  },
});
