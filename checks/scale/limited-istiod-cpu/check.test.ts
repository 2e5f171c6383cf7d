import { checkTester, istiodLimited, manyProxies, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const remote = mesh().primaryRemote(east, west, { networks: 2 }).namespace('shop', { injected: true }).workload('cart.shop');
const found = 'limited-istiod-cpu @ east:Deployment/istio-system/istiod (info possible)';

checkTester(check, {
  healthy: {
    'no limit': remote,
    'a limit of memory': remote.edit(istiodLimited({ cluster: east, memory: '4Gi' })),
    'a limit that is high enough': remote.edit(istiodLimited({ cluster: east, cpu: '2' })),
    'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
  },
  broken: {
    'half a core': { mesh: remote.edit(istiodLimited({ cluster: east, cpu: '500m' })), findings: [found] },
    'one core for a large mesh': {
      mesh: remote.edit(istiodLimited({ cluster: east, cpu: '1' })).edit(manyProxies({ cluster: east, namespace: 'shop', proxies: 1100 })),
      findings: [found],
    },
  },
});
