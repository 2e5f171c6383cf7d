import { checkTester, injectorServiceDeleted, mesh, proxiesAsk } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const primaries = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('cart.shop');
const gone = 'istiod-remote.istio-system.svc';

checkTester(check, {
  healthy: {
    'a remote': remote,
    'two primaries': primaries,
    'an old release': mesh()
      .primaryRemote('east', 'west', { release: '1.24.6' })
      .namespace('shop', { injected: true })
      .service('cart.shop'),
    'an upgrade in flight': mesh()
      .canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' })
      .namespace('shop', { injected: true })
      .service('cart.shop'),
    'an external control plane, whose address is no Service': mesh()
      .externalControlPlane('outside', 'inside', { remotes: ['south'] })
      .namespace('shop', { injected: true })
      .service('cart.shop'),
    ambient: mesh().ambient('east', 'west'),
    'the same Service by its full name': remote.edit(
      proxiesAsk({ cluster: 'west', host: 'istiod-1-31-0.istio-system.svc.cluster.local', only: 'sidecars' }),
    ),
    'an address outside the cluster': remote.edit(proxiesAsk({ cluster: 'west', host: 'istiod.example.com', only: 'sidecars' })),
  },
  broken: {
    'sidecars ask for a Service of before': {
      mesh: remote.edit(proxiesAsk({ cluster: 'west', host: gone, only: 'sidecars' })),
      findings: ['missing-discovery-service @ west:Cluster/west (error certain)'],
    },
    'the gateway too': {
      mesh: remote.edit(proxiesAsk({ cluster: 'west', host: gone })),
      findings: ['missing-discovery-service @ west:Cluster/west (error certain)'],
    },
    'in a primary': {
      mesh: primaries.edit(proxiesAsk({ cluster: 'east', host: 'istiod-1-30-0.istio-system.svc', only: 'sidecars' })),
      findings: ['missing-discovery-service @ east:Cluster/east (error certain)'],
    },
    'the Service was deleted': {
      mesh: remote.edit(injectorServiceDeleted({ cluster: 'west' })),
      findings: ['missing-discovery-service @ west:Cluster/west (error certain)'],
    },
  },
});
