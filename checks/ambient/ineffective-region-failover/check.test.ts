import { checkTester, mesh, objectsAdded } from 'meshdoctor/testkit';
import check from './check.ts';

const global = { 'istio.io/global': 'true' };
const shop = mesh().ambient('east', 'west').namespace('shop', { injected: true }).service('abc.shop', { serviceLabels: global });
const rule = (host: string, localityLbSetting: Readonly<Record<string, unknown>>) =>
  objectsAdded({
    cluster: 'east',
    objects: [
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'DestinationRule',
        metadata: { name: 'abc', namespace: 'shop' },
        spec: { host, trafficPolicy: { loadBalancer: { localityLbSetting }, outlierDetection: { consecutive5xxErrors: 1 } } },
      },
    ],
  });
const regions = { enabled: true, failover: [{ from: 'region1', to: 'region2' }] };
const found = ['ineffective-region-failover @ east:DestinationRule/shop/abc (info possible)'];

checkTester(check, {
  healthy: {
    'no rule': shop,
    'by cluster, as the guide has it': shop.edit(rule('abc', { enabled: true, failoverPriority: ['topology.istio.io/cluster'] })),
    'a local service': mesh().ambient('east', 'west').namespace('shop', { injected: true }).service('abc.shop').edit(rule('abc', regions)),
    'switched off': shop.edit(rule('abc', { ...regions, enabled: false })),
    'for every host': shop.edit(rule('*.local', regions)),
  },
  broken: {
    'regions to fail over to': { mesh: shop.edit(rule('abc.shop.svc.cluster.local', regions)), findings: found },
    'shares of regions, by the short name': {
      mesh: shop.edit(rule('abc', { distribute: [{ from: 'region1/*', to: { 'region1/*': 80, 'region2/*': 20 } }] })),
      findings: found,
    },
  },
});
