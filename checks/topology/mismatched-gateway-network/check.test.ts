import {
  checkTester,
  gatewayInstalledOnNetwork,
  gatewayServiceOnNetwork,
  installedOnNetwork,
  mesh,
  networkLabelled,
  networkLabelRemoved,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const label = 'topology.istio.io/network';
const service = 'west:Service/istio-system/istio-eastwestgateway';
const healthy = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const ambient = mesh().ambient(east, west);

/** A second gateway, for pods on a second network. */
const secondGateway = (network: string) => (objects: ReturnType<typeof healthy.objects>) => {
  const own = objects.get(west) ?? [];
  const gateway = own.find((object) => object.kind === 'Service' && object.metadata.name === 'istio-eastwestgateway');
  if (gateway === undefined) return objects;
  const { uid: _uid, ...metadata } = gateway.metadata;
  return new Map(objects).set(west, [
    ...own,
    { ...gateway, metadata: { ...metadata, name: 'second', labels: { ...metadata.labels, [label]: network } } },
  ]);
};

checkTester(check, {
  healthy: {
    'gateways stand for the networks of their clusters': healthy,
    'two primaries': mesh().multiPrimary(east, west),
    'ambient gateways, with the Services that istiod makes for them': ambient,
    'one network, labelled on the gateway only': mesh().primaryRemote(east, west, { networks: 1 }),
    'both clusters on one network': healthy.edit(installedOnNetwork({ cluster: west, network: 'network1' })),
    'the namespace has no label, which is another fault': healthy.edit(networkLabelRemoved({ cluster: west })),
    'a second gateway for a second network': healthy.edit(secondGateway('network-of-machines')),
    'a Gateway that stands for one in a cluster that nobody can read': ambient.break((m) =>
      m.cluster(west).add({
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'Gateway',
        metadata: { name: 'elsewhere', namespace: 'istio-system', labels: { [label]: 'network9' } },
        spec: {
          gatewayClassName: 'istio-remote',
          addresses: [{ value: '203.0.113.9' }],
          listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE' }],
        },
      }),
    ),
  },
  broken: {
    'only the Service is labelled for another network': {
      mesh: healthy.edit(gatewayServiceOnNetwork({ cluster: west, network: 'network-2' })),
      findings: [`mismatched-gateway-network @ ${service} (error likely)`],
    },
    'the gateway was generated for another network': {
      mesh: healthy.edit(gatewayInstalledOnNetwork({ cluster: west, network: 'network1' })),
      findings: [`mismatched-gateway-network @ ${service} (error likely)`],
    },
    'the namespace is the odd one out': {
      mesh: healthy.edit(networkLabelled({ cluster: west, network: 'netwrok2' })),
      findings: [`mismatched-gateway-network @ ${service} (error likely)`],
    },
    'an ambient gateway': {
      mesh: ambient.break((m) =>
        m.cluster(west).patch('Gateway', 'istio-system', 'istio-eastwestgateway', { metadata: { labels: { [label]: 'network9' } } }),
      ),
      findings: ['mismatched-gateway-network @ west:Gateway/istio-system/istio-eastwestgateway (error likely)'],
    },
  },
});
