import { checkTester, discoverySelectors, mesh, type MeshBuilder } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west');
const peers = mesh().multiPrimary('east', 'west');
const half = (built: MeshBuilder, labels: Readonly<Record<string, string>> = {}): MeshBuilder =>
  built
    .namespace('shop', { injected: true, clusters: ['east'] })
    .namespace('shop', { clusters: ['west'], labels })
    .service('abc.shop');

checkTester(check, {
  healthy: {
    'injected in both': peers.namespace('shop', { injected: true }).service('abc.shop'),
    'injected in none': peers.namespace('shop').service('abc.shop'),
    'a label that says no': half(peers, { 'istio-injection': 'disabled' }),
    'pods that are left out on purpose': peers
      .namespace('shop', { injected: true, clusters: ['east'] })
      .namespace('shop', { clusters: ['west'] })
      .service('abc.shop', { in: ['east'] })
      .service('abc.shop', { in: ['west'], inject: false }),
    'on one network': half(mesh().multiPrimary('east', 'west', { networks: 1 })),
    'no common service': peers
      .namespace('shop', { injected: true, clusters: ['east'] })
      .namespace('shop', { clusters: ['west'] })
      .service('abc.shop', { in: ['east'] })
      .service('other.shop', { in: ['west'] }),
    'istiod does not look into that namespace': half(remote).edit(
      discoverySelectors({ cluster: 'east', labels: { 'kubernetes.io/metadata.name': 'istio-system' } }),
    ),
    'a namespace of a peer alone': peers.namespace('own', { injected: true, clusters: ['west'] }).service('job.own', { in: ['west'] }),
  },
  broken: {
    'a remote': { mesh: half(remote), findings: ['unmeshed-namespace/unlabelled @ west:Namespace/shop (warning likely)'] },
    'a peer': { mesh: half(peers), findings: ['unmeshed-namespace/unlabelled @ west:Namespace/shop (warning likely)'] },
    'by revision': {
      mesh: half(mesh().primaryRemote('east', 'west', { revision: '1-31-0' })),
      findings: ['unmeshed-namespace/unlabelled @ west:Namespace/shop (warning likely)'],
    },
    'a namespace of the remote that the primary lacks': {
      mesh: remote.namespace('own', { injected: true, clusters: ['west'] }).service('job.own', { in: ['west'] }),
      findings: ['unmeshed-namespace/absent @ west:Cluster/west (info likely)'],
    },
  },
});
