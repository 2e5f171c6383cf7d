import { checkTester, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

type Spec = Readonly<Record<string, unknown>>;
const base = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop')
  .service('only.shop', { in: ['west'] });
const rule = (trafficPolicy: Spec, host = 'abc', more: Spec = {}) =>
  base.break((m) =>
    m.cluster('east').add({
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata: { name: 'abc', namespace: 'shop' },
      spec: { host, trafficPolicy, ...more },
    }),
  );
const failover = { loadBalancer: { localityLbSetting: { failover: [{ from: 'one', to: 'two' }] } } };
const at = 'east:DestinationRule/shop/abc';

checkTester(check, {
  healthy: {
    'no rule': base,
    'failover with outlier detection': rule({ ...failover, outlierDetection: { consecutive5xxErrors: 1 } }),
    'outlier detection alone': rule({ outlierDetection: {} }),
    'weights need none': rule({ loadBalancer: { localityLbSetting: { distribute: [{ from: 'one/*', to: { 'two/*': 100 } }] } } }),
    'turned off': rule({ loadBalancer: { localityLbSetting: { enabled: false, failoverPriority: ['topology.istio.io/cluster'] } } }),
    'a service of one cluster': rule(failover, 'only'),
  },
  broken: {
    'failover alone': { mesh: rule(failover), findings: [`missing-outlier-detection @ ${at} (warning likely)`] },
    'priorities alone': {
      mesh: rule({ loadBalancer: { localityLbSetting: { failoverPriority: ['topology.istio.io/network'] } } }),
      findings: [`missing-outlier-detection @ ${at}`],
    },
    'priorities of one port': {
      mesh: rule({ outlierDetection: {}, portLevelSettings: [{ port: { number: 80 }, ...failover }] }),
      findings: [`missing-outlier-detection @ ${at}`],
    },
  },
});
