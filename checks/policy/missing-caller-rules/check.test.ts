import { checkTester, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

type Spec = Readonly<Record<string, unknown>>;
const object = (kind: string, namespace: string, spec: Spec, name = 'abc') => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace },
  spec,
});
const route = object('VirtualService', 'shop', { hosts: ['abc'], http: [{ timeout: '1s', route: [{ destination: { host: 'abc' } }] }] });
const rule = object('DestinationRule', 'shop', { host: 'abc.shop.svc.cluster.local', trafficPolicy: { outlierDetection: {} } });
const peers = mesh()
  .multiPrimary('east', 'west')
  .namespace('shop', { injected: true })
  .service('abc.shop')
  .service('only.shop', { in: ['west'] });

checkTester(check, {
  healthy: {
    'no rules': peers,
    'the same in both': peers.break((m) => m.cluster('east').add(route).add(rule).cluster('west').add(route).add(rule)),
    'a rule for all hosts instead': peers.break((m) =>
      m
        .cluster('east')
        .add(rule)
        .cluster('west')
        .add(object('DestinationRule', 'istio-system', { host: '*.local', trafficPolicy: { outlierDetection: {} } }, 'all')),
    ),
    'a route of an ingress gateway': peers.break((m) =>
      m.cluster('east').add(object('VirtualService', 'shop', { hosts: ['abc'], gateways: ['ingress'], http: [] })),
    ),
    'a host outside the mesh': peers.break((m) =>
      m.cluster('east').add(object('DestinationRule', 'shop', { host: 'api.example.com', trafficPolicy: { tls: { mode: 'SIMPLE' } } })),
    ),
    'a service that the other cluster does not run': mesh()
      .multiPrimary('east', 'west')
      .namespace('shop', { injected: true })
      .service('abc.shop', { in: ['east'] })
      .service('other.shop', { in: ['west'] })
      .break((m) => m.cluster('east').add(object('VirtualService', 'shop', { hosts: ['other'], http: [] }))),
    'one primary': mesh()
      .primaryRemote('east', 'west')
      .namespace('shop', { injected: true })
      .service('abc.shop')
      .break((m) => m.cluster('east').add(route)),
    'a service of one cluster, with its own rules there': peers.break((m) =>
      m.cluster('west').add(object('DestinationRule', 'shop', { host: 'only', trafficPolicy: { outlierDetection: {} } }, 'only')),
    ),
  },
  broken: {
    'a route beside one of two primaries': {
      mesh: peers.break((m) => m.cluster('west').add(route)),
      findings: ['missing-caller-rules/missing @ east:Cluster/east (warning likely)'],
    },
    'a rule beside one of two primaries': {
      mesh: peers.break((m) => m.cluster('west').add(rule)),
      findings: ['missing-caller-rules/missing @ east:Cluster/east'],
    },
    'a route beside a service that only its name is known of elsewhere': {
      mesh: peers.break((m) =>
        m.cluster('west').add(object('VirtualService', 'shop', { hosts: ['only'], http: [{ retries: { attempts: 0 } }] }, 'only')),
      ),
      findings: ['missing-caller-rules/unused @ east:Cluster/east (info possible)'],
    },
  },
});
