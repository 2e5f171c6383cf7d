import {
  checkTester,
  crossNetworkGatewayDeleted,
  crossNetworkGatewayForRevision,
  crossNetworkGatewayIn,
  crossNetworkGatewayMode,
  crossNetworkGatewayPort,
  crossNetworkGatewaySelects,
  gatewayScaledToZero,
  mesh,
} from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true });
const peers = mesh().multiPrimary('east', 'west');
const east = { cluster: 'east' };
const gateway = 'Gateway/istio-system/cross-network-gateway';

/** The same by the Gateway API, for the pods of a Service that is named. */
const byKubeGateway = (tls: Readonly<Record<string, unknown>>, service = 'istio-eastwestgateway') =>
  peers.edit(crossNetworkGatewayDeleted(east)).break((m) =>
    m.cluster('east').add({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: 'cross-network', namespace: 'istio-system' },
      spec: {
        gatewayClassName: 'istio',
        addresses: [{ type: 'Hostname', value: `${service}.istio-system.svc.cluster.local` }],
        listeners: [{ name: 'tls', hostname: '*.local', port: 15443, protocol: 'TLS', tls }],
      },
    }),
  );
const auto = { 'gateway.istio.io/listener-protocol': 'auto-passthrough' };

checkTester(check, {
  healthy: {
    'one Gateway in the primary opens the gateways of both clusters': remote,
    'each of two primaries has its own': peers,
    'one of them by the Kubernetes Gateway API': byKubeGateway({ mode: 'Passthrough', options: auto }),
    'it lets everything through that sidecars serve': remote.service('abc.shop').break((m) =>
      m.cluster('east').patch('Gateway', 'istio-system', 'cross-network-gateway', (object) => {
        const text = JSON.stringify(object).replaceAll('*.local', '*.shop.svc.cluster.local');
        return JSON.parse(text) as typeof object;
      }),
    ),
    'an old release': mesh().primaryRemote('east', 'west', { release: '1.24.6', revision: '1-24-6' }),
    'one network needs none': mesh().primaryRemote('east', 'west', { networks: 1 }),
    'an ambient mesh': mesh().ambient('east', 'west'),
    'an upgrade in flight': mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'an upgrade in flight, with a Gateway for the old revision, which has the gateways': mesh()
      .canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' })
      .edit(crossNetworkGatewayForRevision({ ...east, revision: '1-30-3' })),
    'another name and all hosts': remote.break((m) =>
      m.cluster('east').patch('Gateway', 'istio-system', 'cross-network-gateway', (object) => {
        const text = JSON.stringify(object)
          .replaceAll('*.local', '*')
          .replaceAll('"name":"cross-network-gateway"', '"name":"between-networks"');
        return JSON.parse(text) as typeof object;
      }),
    ),
  },
  broken: {
    'a listener of the Kubernetes Gateway API passes TLS to routes': {
      mesh: byKubeGateway({ mode: 'Passthrough' }),
      findings: ['unexposed-services/unexposed @ east:Gateway/istio-system/cross-network'],
    },
    'a listener of the Kubernetes Gateway API for other pods': {
      mesh: byKubeGateway({ mode: 'Passthrough', options: auto }, 'istio-ingressgateway'),
      findings: ['unexposed-services/unexposed @ east:Namespace/istio-system'],
    },
    'the Gateway was never applied': {
      mesh: remote.edit(crossNetworkGatewayDeleted(east)),
      findings: ['unexposed-services/unexposed @ east:Namespace/istio-system'],
    },
    'one of two primaries has none': {
      mesh: peers.edit(crossNetworkGatewayDeleted(east)),
      findings: ['unexposed-services/unexposed @ east:Namespace/istio-system'],
    },
    'it was applied in the remote': {
      mesh: remote.edit(crossNetworkGatewayIn({ cluster: 'east', instead: 'west' })),
      findings: [
        'unexposed-services/onlyInRemote @ east:Namespace/istio-system',
        'unexposed-services/unexposed @ east:Namespace/istio-system',
      ],
    },
    'it selects no pod': {
      mesh: remote.edit(crossNetworkGatewaySelects({ ...east, selector: { istio: 'gateway' } })),
      findings: [`unexposed-services/unexposed @ east:${gateway}`],
    },
    'its mode is not AUTO_PASSTHROUGH': {
      mesh: remote.edit(crossNetworkGatewayMode({ ...east, mode: 'PASSTHROUGH' })),
      findings: [`unexposed-services/unexposed @ east:${gateway}`],
    },
    'it opens another port': {
      mesh: remote.edit(crossNetworkGatewayPort({ ...east, port: 15444 })),
      findings: ['unexposed-services/unexposed @ east:Namespace/istio-system'],
    },
    'it belongs to another revision': {
      mesh: remote.edit(crossNetworkGatewayForRevision({ ...east, revision: '1-29-2' })),
      findings: [`unexposed-services/unexposed @ east:${gateway}`],
    },
    'it belongs to the new revision of an upgrade, and the gateways to the old one': {
      mesh: mesh()
        .canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' })
        .edit(crossNetworkGatewayForRevision({ ...east, revision: '1-31-0' })),
      findings: [`unexposed-services/unexposed @ east:${gateway}`],
    },
    'it lets only one namespace through': {
      mesh: remote
        .service('abc.shop')
        .namespace('other', { injected: true })
        .service('xyz.other')
        .break((m) =>
          m.cluster('east').patch('Gateway', 'istio-system', 'cross-network-gateway', (object) => {
            const text = JSON.stringify(object).replaceAll('*.local', '*.shop.svc.cluster.local');
            return JSON.parse(text) as typeof object;
          }),
        ),
      findings: [`unexposed-services/narrow @ east:${gateway} (warning possible)`],
    },
    'no pod stands behind the gateway of the remote': {
      mesh: remote.edit(gatewayScaledToZero({ cluster: 'west' })).edit(crossNetworkGatewayDeleted(east)),
      findings: ['unexposed-services/unexposed @ east:Namespace/istio-system'],
    },
  },
});
