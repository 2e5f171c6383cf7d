import { ambientOnOneNetwork, checkTester, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const global = { 'istio.io/global': 'true' };
const shop = (release: string, waypoint: Readonly<Record<string, string>> = global) =>
  mesh()
    .ambient('east', 'west', { release })
    .namespace('shop', { injected: true })
    .service('abc.shop', { serviceLabels: { ...global, 'istio.io/use-waypoint': 'waypoint' } })
    .waypoint('waypoint.shop', { serviceLabels: waypoint });
const flat = ambientOnOneNetwork({ clusters: { east: 'network1', west: 'network2' }, network: 'network1' });

checkTester(check, {
  healthy: {
    'two networks': shop('1.28.6'),
    'a release that tells of all addresses': shop('1.30.0').edit(flat),
    'waypoints that are not global': shop('1.28.6', {}).edit(flat),
  },
  broken: {
    'global waypoints on one network': {
      mesh: shop('1.28.6').edit(flat),
      findings: ['single-network-waypoint @ east:Service/shop/waypoint', 'single-network-waypoint @ west:Service/shop/waypoint'],
    },
    'an older release, one of the services': {
      mesh: shop('1.27.1').service('own.shop').edit(flat),
      findings: ['single-network-waypoint @ east:Service/shop/waypoint', 'single-network-waypoint @ west:Service/shop/waypoint'],
    },
  },
});
