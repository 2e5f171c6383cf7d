import { checkTester, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const global = { 'istio.io/global': 'true' };
const use = { 'istio.io/use-waypoint': 'waypoint' };
const shop = (release: string, waypoint: Readonly<Record<string, string>> = global) =>
  mesh()
    .ambient('east', 'west', { release })
    .namespace('shop', { injected: true })
    .service('abc.shop', { serviceLabels: { ...global, ...use } })
    .waypoint('waypoint.shop', { serviceLabels: waypoint });

checkTester(check, {
  healthy: {
    'global services only': shop('1.27.1'),
    'a release that keeps to the scope': shop('1.28.6').service('own.shop', { serviceLabels: use }),
    'a local service of one cluster': shop('1.27.1').service('own.shop', { in: ['east'], serviceLabels: use }),
    'a local service without waypoint': shop('1.27.1').service('own.shop'),
  },
  broken: {
    'a local service behind it': {
      mesh: shop('1.27.1').service('own.shop', { serviceLabels: use }),
      findings: ['leaking-waypoint @ east:Service/shop/waypoint', 'leaking-waypoint @ west:Service/shop/waypoint'],
    },
    'several of them, in the release before the fix': {
      mesh: shop('1.28.0')
        .service('own.shop', { serviceLabels: use })
        .service('mine.shop', { serviceLabels: { ...use, 'istio.io/global': 'false' } }),
      findings: ['leaking-waypoint @ east:Service/shop/waypoint', 'leaking-waypoint @ west:Service/shop/waypoint'],
    },
  },
});
