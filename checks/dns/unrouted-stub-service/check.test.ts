import { applied, checkTester, discoverySelectors, exportedTo, mesh, type MeshBuilder, remoteSecretDeleted } from 'meshdoctor/testkit';
import check from './check.ts';

const peers = mesh()
  .multiPrimary('east', 'west')
  .namespace('shop', { injected: true })
  .service('v1.shop', { in: ['west'] })
  .workload('client.shop', { in: ['east'] });
const route = (cluster: string) =>
  applied({
    cluster,
    kind: 'VirtualService',
    namespace: 'shop',
    name: 'front',
    spec: { hosts: ['front'], http: [{ route: [{ destination: { host: 'v1.shop.svc.cluster.local' } }] }] },
  });
const front = (built: MeshBuilder, clusters: readonly string[] = ['west']): MeshBuilder =>
  built.service('front.shop', { in: clusters, withoutWorkload: true, selector: { app: 'none' } });

checkTester(check, {
  healthy: {
    'the routes are in both primaries': front(peers).edit(route('west')).edit(route('east')),
    'the service has pods': peers.service('front.shop', { in: ['west'] }).edit(route('west')),
    'no routes': front(peers),
    'a primary and its remote': front(
      mesh()
        .primaryRemote('east', 'west')
        .namespace('shop', { injected: true })
        .service('v1.shop', { in: ['west'] })
        .workload('client.shop'),
    ).edit(route('east')),
    'the other primary does not read it': front(peers)
      .edit(route('west'))
      .edit(remoteSecretDeleted({ cluster: 'east', of: 'west' })),
    'shown to nobody else': front(peers)
      .edit(route('west'))
      .edit(exportedTo({ cluster: 'west', service: 'front.shop', to: '~' })),
    'the other primary does not look into that namespace': front(peers)
      .edit(route('west'))
      .edit(discoverySelectors({ cluster: 'east', labels: { 'kubernetes.io/metadata.name': 'istio-system' } })),
  },
  broken: {
    'by DNS capture': {
      mesh: front(peers).edit(route('west')),
      findings: ['unrouted-stub-service @ west:Service/shop/front (error likely)'],
    },
    'a copy of the service, and not of the routes': {
      mesh: front(peers, ['east', 'west']).edit(route('west')),
      findings: ['unrouted-stub-service @ west:Service/shop/front (error likely)'],
    },
  },
});
