import { checkTester, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

type Spec = Readonly<Record<string, unknown>>;
const rule = (namespace: string, spec: Spec, name = 'abc') => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name, namespace },
  spec,
});

const remote = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { targetPort: 8080 })
  .service('stub.shop', { in: ['west'] })
  .service('stub.shop', { in: ['east'], withoutWorkload: true })
  .namespace('callers', { injected: true })
  .workload('curl.callers')
  .namespace('plain')
  .service('db.plain');
const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('abc.shop');
const simple = { trafficPolicy: { tls: { mode: 'SIMPLE', caCertificates: '/etc/ca.pem' } } };
const off = { trafficPolicy: { tls: { mode: 'DISABLE' } } };
const east = (object: ReturnType<typeof rule>) => remote.break((m) => m.cluster('east').add(object));

checkTester(check, {
  healthy: {
    'no rule': remote,
    'a rule that asks for what is used anyway': east(rule('shop', { host: 'abc', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } })),
    'a rule that says nothing of TLS': east(rule('shop', { host: 'abc', trafficPolicy: { outlierDetection: {} } })),
    'a host outside the mesh': east(rule('shop', { host: 'api.example.com', ...simple })),
    'a host without sidecars': east(rule('plain', { host: 'db', ...off })),
    'a rule for the whole mesh behind one of the service': remote.break((m) =>
      m
        .cluster('east')
        .add(rule('istio-system', { host: '*.local', ...off }, 'all'))
        .add(rule('shop', { host: '*.shop.svc.cluster.local', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } })),
    ),
    'a rule of some pods': east(rule('shop', { host: 'abc', workloadSelector: { matchLabels: { app: 'other' } }, ...off })),
    'another port': east(
      rule('shop', { host: 'abc', trafficPolicy: { portLevelSettings: [{ port: { number: 9090 }, tls: { mode: 'DISABLE' } }] } }),
    ),
    'a namespace that has no callers': east(rule('plain', { host: 'abc.shop.svc.cluster.local', ...off })),
    'in a remote, where nobody reads it': remote.break((m) => m.cluster('west').add(rule('shop', { host: 'abc', ...off }))),
    'istiod itself, which remotes reach through a gateway': east(
      rule('istio-system', { host: 'istiod-1-31-0.istio-system.svc.cluster.local', ...simple }),
    ),
    'one network': mesh()
      .primaryRemote('east', 'west', { networks: 1 })
      .namespace('shop', { injected: true })
      .service('abc.shop')
      .break((m) => m.cluster('east').add(rule('shop', { host: 'abc', ...off }))),
    'an ambient mesh': mesh().ambient('east', 'west'),
  },
  broken: {
    'TLS of its own for a service that every cluster has': {
      mesh: east(rule('shop', { host: 'abc', ...simple })),
      findings: ['mismatched-client-tls @ east:DestinationRule/shop/abc (warning likely)'],
    },
    'no TLS for the whole mesh': {
      mesh: east(rule('istio-system', { host: '*.local', ...off })),
      findings: ['mismatched-client-tls @ east:DestinationRule/istio-system/abc (error certain)'],
    },
    'an empty tls block, which turns TLS off': {
      mesh: east(rule('shop', { host: 'stub', trafficPolicy: { tls: {} } })),
      findings: ['mismatched-client-tls @ east:DestinationRule/shop/abc (error certain)'],
    },
    'one port': {
      mesh: east(rule('shop', { host: 'abc', trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, tls: { mode: 'DISABLE' } }] } })),
      findings: ['mismatched-client-tls @ east:DestinationRule/shop/abc (warning likely)'],
    },
    'a rule of the namespace that calls': {
      mesh: east(rule('callers', { host: 'stub.shop.svc.cluster.local', ...off, exportTo: ['.'] })),
      findings: ['mismatched-client-tls @ east:DestinationRule/callers/abc (error certain)'],
    },
    'a rule of the other primary, which its gateway follows': {
      mesh: peers.break((m) => m.cluster('west').add(rule('shop', { host: 'abc', ...off }))),
      findings: ['mismatched-client-tls @ west:DestinationRule/shop/abc (error certain)'],
    },
  },
});
