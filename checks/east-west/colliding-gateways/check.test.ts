import { checkTester, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const gateway = (
  name: string,
  server: { hosts: readonly string[]; mode?: string; port?: number },
  options: { createdAt?: string; selector?: Readonly<Record<string, string>>; namespace?: string } = {},
) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'Gateway',
  metadata: { name, namespace: options.namespace ?? 'istio-system', creationTimestamp: options.createdAt ?? '2026-11-22T10:00:00Z' },
  spec: {
    selector: options.selector ?? { istio: 'eastwestgateway' },
    servers: [
      {
        port: { number: server.port ?? 15443, name: 'tls', protocol: server.mode === '' ? 'TCP' : 'TLS' },
        hosts: [...server.hosts],
        ...(server.mode === '' ? {} : { tls: { mode: server.mode ?? 'AUTO_PASSTHROUGH' } }),
      },
    ],
  },
});

const old = '2026-01-01T00:00:00Z';
const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true }).service('abc.shop');
const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('abc.shop');
const east = (...objects: ReturnType<typeof gateway>[]) =>
  remote.break((m) => objects.reduce((cluster, object) => cluster.add(object), m.cluster('east')));

checkTester(check, {
  healthy: {
    'one Gateway': remote,
    'the same server twice: the younger is passed over': east(gateway('again', { hosts: ['*.local'] })),
    'the same server twice, any namespace spelled out': east(gateway('again', { hosts: ['*/*.local'] })),
    'another port': east(gateway('other', { hosts: ['*.svc.cluster.local'], port: 15444 })),
    'other pods': east(gateway('other', { hosts: ['*.svc.cluster.local'] }, { selector: { istio: 'ingressgateway' } })),
    'hosts that no service has': east(gateway('other', { hosts: ['*.example.local'] })),
    'what is passed through by routes': east(gateway('other', { hosts: ['*.example.com'], mode: 'PASSTHROUGH' })),
    'in the remote, where nobody reads it': remote.break((m) =>
      m.cluster('west').add(gateway('other', { hosts: ['*.svc.cluster.local'] })),
    ),
    'an ambient mesh': mesh().ambient('east', 'west'),
  },
  broken: {
    'hosts that overlap': {
      mesh: east(gateway('wide', { hosts: ['*.svc.cluster.local'] })),
      findings: ['colliding-gateways/doubled @ east:Gateway/istio-system/wide (error likely)'],
    },
    'a namespace beside the whole mesh, in one of two primaries': {
      mesh: peers.break((m) => m.cluster('west').add(gateway('shop', { hosts: ['*.shop.svc.cluster.local'] }))),
      findings: ['colliding-gateways/doubled @ west:Gateway/istio-system/shop'],
    },
    'an older one passes the same hosts through by routes': {
      mesh: east(gateway('first', { hosts: ['*.local'], mode: 'PASSTHROUGH' }, { createdAt: old })),
      findings: ['colliding-gateways/skipped @ east:Gateway/istio-system/cross-network-gateway (error likely)'],
    },
    'an older one takes the port for plain text': {
      mesh: east(gateway('first', { hosts: ['*'], mode: '' }, { createdAt: old })),
      findings: ['colliding-gateways/skipped @ east:Gateway/istio-system/cross-network-gateway'],
    },
    'the younger has further hosts, and is passed over whole': {
      mesh: remote.break((m) =>
        m
          .cluster('east')
          .patch('Gateway', 'istio-system', 'cross-network-gateway', (object) => {
            const text = JSON.stringify(object).replaceAll('*.local', '*.shop.svc.cluster.local');
            return JSON.parse(text) as typeof object;
          })
          .add(gateway('more', { hosts: ['*.shop.svc.cluster.local', '*.default.svc.cluster.local'] })),
      ),
      findings: ['colliding-gateways/skipped @ east:Gateway/istio-system/more (warning likely)'],
    },
  },
});
