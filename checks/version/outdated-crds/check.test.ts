import { checkTester, crdsWithoutV1, inCluster, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const remote = mesh().primaryRemote(east, west, { networks: 2 });
const peers = mesh().multiPrimary(east, west);

checkTester(check, {
  healthy: {
    'a remote': remote,
    'two primaries': peers,
    'an istiod that reads older versions': mesh()
      .primaryRemote(east, west, { release: '1.23.6' })
      .edit(crdsWithoutV1({ cluster: east }))
      .edit(crdsWithoutV1({ cluster: west })),
    'a remote without custom resources': remote.edit(
      inCluster(west, (objects) =>
        objects.filter(({ kind, metadata }) => kind !== 'CustomResourceDefinition' || !metadata.name.endsWith('istio.io')),
      ),
    ),
    'old definitions in a remote, of configuration that nobody reads there': remote.edit(
      crdsWithoutV1({ cluster: west, kinds: ['VirtualService', 'Gateway', 'PeerAuthentication'] }),
    ),
    'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'an istiod of a release that nobody knows yet': mesh()
      .primaryRemote(east, west, { release: '1.99.0' })
      .edit(crdsWithoutV1({ cluster: west })),
  },
  broken: {
    'definitions of the first installation': {
      mesh: remote.edit(crdsWithoutV1({ cluster: east })),
      findings: ['outdated-crds/own @ east:CustomResourceDefinition/authorizationpolicies.security.istio.io (error likely)'],
    },
    'one kind that was forgotten': {
      mesh: peers.edit(crdsWithoutV1({ cluster: west, kinds: ['Telemetry'] })),
      findings: ['outdated-crds/own @ west:CustomResourceDefinition/telemetries.telemetry.istio.io (error likely)'],
    },
    'a remote that was not upgraded': {
      mesh: remote.edit(crdsWithoutV1({ cluster: west })),
      findings: ['outdated-crds/read @ west:CustomResourceDefinition/workloadentries.networking.istio.io (warning likely)'],
    },
    'another primary that was not upgraded': {
      mesh: mesh()
        .multiPrimary(east, west, { revisions: ['1-24-6', '1-22-8'] })
        .edit(crdsWithoutV1({ cluster: west })),
      findings: ['outdated-crds/read @ west:CustomResourceDefinition/workloadentries.networking.istio.io (warning likely)'],
    },
  },
});
