import {
  checkTester,
  discoverySelectors,
  inOrder,
  mesh,
  type MeshBuilder,
  namespaceRelabelled,
  remoteSecretDeleted,
} from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh()
  .primaryRemote('east', 'west')
  .namespace('shop', { injected: true })
  .service('abc.shop')
  .namespace('plain')
  .workload('batch.plain');
const peers = mesh()
  .multiPrimary('east', 'west')
  .namespace('shop', { injected: true })
  .service('abc.shop')
  .namespace('plain')
  .workload('batch.plain');
const chosen = { mesh: 'yes' };
const selecting = (built: MeshBuilder, primaries: readonly string[], but: readonly string[] = []): MeshBuilder =>
  built.edit(
    inOrder(
      ...primaries.map((cluster) => discoverySelectors({ cluster, labels: chosen })),
      ...[...built.objects().keys()].flatMap((cluster) =>
        ['istio-system', 'shop']
          .filter((namespace) => !but.includes(`${cluster}/${namespace}`))
          .map((namespace) => namespaceRelabelled({ cluster, namespace, labels: chosen })),
      ),
    ),
  );

checkTester(check, {
  healthy: {
    'no selectors': remote,
    'everything with proxies is selected': selecting(remote, ['east']),
    'two primaries with selectors': selecting(peers, ['east', 'west']),
    'one primary with selectors, the other without': selecting(peers, ['east']),
    'two primaries, one with a namespace of its own': selecting(
      peers.namespace('own', { injected: true, clusters: ['west'] }).workload('job.own', { in: ['west'] }),
      ['east'],
    ),
    'a remote that istiod does not read': selecting(remote, ['east'], ['west/shop']).edit(
      remoteSecretDeleted({ cluster: 'east', of: 'west' }),
    ),
    ambient: mesh().ambient('east', 'west'),
  },
  broken: {
    'a namespace of the remote lacks the label': {
      mesh: selecting(remote, ['east'], ['west/shop']),
      findings: ['undiscovered-namespace/hidden @ west:Namespace/shop (error certain)'],
    },
    'a namespace of the primary lacks the label': {
      mesh: selecting(remote, ['east'], ['east/shop']),
      findings: ['undiscovered-namespace/hidden @ east:Namespace/shop (error certain)'],
    },
    'the system namespace of the remote lacks the label': {
      mesh: selecting(remote, ['east'], ['west/istio-system']),
      findings: ['undiscovered-namespace/hidden @ west:Namespace/istio-system (error certain)'],
    },
    'a namespace of a peer lacks the label': {
      mesh: selecting(peers, ['east'], ['west/shop']),
      findings: ['undiscovered-namespace/elsewhere @ west:Namespace/shop (warning likely)'],
    },
    'nothing runs there yet': {
      mesh: selecting(remote.namespace('new', { injected: true, clusters: ['west'] }), ['east']),
      findings: ['undiscovered-namespace/future @ west:Namespace/new (warning certain)'],
    },
  },
});
