import { checkTester, discoverySelectors, mesh, type MeshBuilder, meshConfigWith } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west').namespace('shop', { injected: true });
const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true });
const different = (built: MeshBuilder): MeshBuilder =>
  built
    .service('api.shop', { in: ['east'] })
    .workload('billing.shop', { in: ['west'] })
    .service('api.shop', { in: ['west'], withoutWorkload: true, selector: { app: 'billing' } });
const kept = ['serviceSettings:', '- settings:', '    clusterLocal: true', '  hosts:', '  - "*.shop.svc.cluster.local"'];
const found = ['ambiguous-service @ west:Service/shop/api (warning possible)'];

checkTester(check, {
  healthy: {
    'the same everywhere': peers.service('api.shop'),
    'other workloads of one application': peers
      .service('api.shop', { in: ['east'] })
      .workload('api-v2.shop', { in: ['west'], labels: { part: 'api' } })
      .service('api.shop', { in: ['west'], withoutWorkload: true, selector: { part: 'api' } })
      .break((m) => m.cluster('east').patch('Service', 'shop', 'api', { spec: { selector: { app: 'api', part: 'api' } } })),
    'kept to its cluster': different(remote).edit(meshConfigWith({ cluster: 'east', lines: kept })),
    'outside the mesh': different(mesh().multiPrimary('east', 'west').namespace('shop')),
    'istiod does not look into that namespace': different(remote).edit(
      discoverySelectors({ cluster: 'east', labels: { 'kubernetes.io/metadata.name': 'istio-system' } }),
    ),
  },
  broken: {
    'a remote': { mesh: different(remote), findings: found },
    'two primaries': { mesh: different(peers), findings: found },
  },
});
