import { checkTester, istiodRouteFor, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const plain = mesh().primaryRemote('east', 'west').namespace('shop', { injected: true });
const canary = mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' });
const east = { cluster: 'east' };
const all = ['*'];

checkTester(check, {
  healthy: {
    'one route for every name': plain,
    'a route for each revision': canary,
    'two primaries': mesh().multiPrimary('east', 'west'),
    'an external control plane': mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] }),
    'a route for every name beside those of a revision: the named one is taken': canary.edit(
      istiodRouteFor({ ...east, name: 'istiod-vs', service: 'istiod-1-30-3', sniHosts: all, minutesAgo: 3000 }),
    ),
    'a copy that leads to the same place': plain.edit(
      istiodRouteFor({ ...east, name: 'copy', service: 'istiod', sniHosts: all, minutesAgo: 9 }),
    ),
  },
  broken: {
    'the route of the canary was copied from the sample': {
      mesh: plain.edit(istiodRouteFor({ ...east, name: 'istiod-vs-canary', service: 'istiod-canary', sniHosts: all, minutesAgo: 9 })),
      findings: ['shadowed-istiod-route @ east:VirtualService/istio-system/istiod-vs-canary (error likely)'],
    },
    'a route of before takes every name': {
      mesh: plain.edit(istiodRouteFor({ ...east, name: 'old', service: 'istiod-1-20-0', sniHosts: all, minutesAgo: 9000 })),
      findings: ['shadowed-istiod-route @ east:VirtualService/istio-system/istiod-vs (error likely)'],
    },
    'one shared name takes the others with it': {
      mesh: canary.edit(
        istiodRouteFor({
          ...east,
          name: 'both',
          service: 'istiod-1-30-3',
          sniHosts: ['istiod.example.com', 'istiod-1-31-0.istio-system.svc'],
          minutesAgo: 9000,
        }),
      ),
      findings: ['shadowed-istiod-route @ east:VirtualService/istio-system/istiod-vs-1-31-0 (error likely)'],
    },
  },
});
