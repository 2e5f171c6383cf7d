import { checkTester, gatewayAddressPending, gatewayClusterIp, gatewayNodePort, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' });
const told = mesh().primaryRemote('east', 'west', { networks: 0 });
const at = '@ west:Service/istio-system/istio-eastwestgateway';
const west = { cluster: 'west' };

const ports = [15012, 15017, 15021, 15443].map((port) => ({ name: `port-${port}`, port, targetPort: port, protocol: 'TCP' }));
const copy = (name: string, type: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'istio-system', labels: { 'topology.istio.io/network': 'network2' } },
  spec: { type, selector: { istio: 'eastwestgateway' }, ports: ports.slice(2) },
  status: { loadBalancer: {} },
});
const ingress = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'public', namespace: 'istio-system' },
  spec: { type: 'LoadBalancer', selector: { istio: 'public' }, ports },
  status: { loadBalancer: {} },
};

checkTester(check, {
  healthy: {
    'load balancers with addresses': remote.namespace('shop', { injected: true }),
    'two primaries': mesh().multiPrimary('east', 'west'),
    'an ambient mesh': mesh().ambient('east', 'west'),
    'one network': mesh().primaryRemote('east', 'west', { networks: 1 }),
    'an external control plane': mesh().externalControlPlane('outside', 'west'),
    'a host name instead of an address (FP-3)': remote.break((m) =>
      m.cluster('west').patch('Service', 'istio-system', 'istio-eastwestgateway', {
        status: { loadBalancer: { ingress: [{ hostname: 'gateway.west.example' }] } },
      }),
    ),
    'a copy of the labels on a Service for use inside': remote.break((m) => m.cluster('west').add(copy('inside', 'ClusterIP'))),
    'a second load balancer to come': remote.break((m) => m.cluster('west').add(copy('second', 'LoadBalancer'))),
    'a pending ingress gateway of an old release, with ports that nobody uses': mesh()
      .multiPrimary('east', 'west', { networks: 1 })
      .break((m) => m.cluster('west').add(ingress)),
    'a second way to istiod to come': told.break((m) => m.cluster('east').add(ingress)),
    'manifests without status': {
      mesh: remote.break((m) => m.cluster('west').patch('Service', 'istio-system', 'istio-eastwestgateway', { status: null })),
      inconclusive: ['the source has no status of the gateway, hence no address @ west'],
    },
    'externalIPs instead of a load balancer': remote
      .edit(gatewayAddressPending(west))
      .break((m) => m.cluster('west').patch('Service', 'istio-system', 'istio-eastwestgateway', { spec: { externalIPs: ['192.0.2.40'] } })),
  },
  broken: {
    'two gateways, neither with an address': {
      mesh: remote.edit(gatewayAddressPending(west)).break((m) => m.cluster('west').add(copy('second', 'LoadBalancer'))),
      findings: [
        `unaddressed-gateway/pending ${at} (error certain)`,
        'unaddressed-gateway/pending @ west:Service/istio-system/second (error likely)',
      ],
    },
    'a gateway without network, through which remotes reach istiod': {
      mesh: told.edit(gatewayAddressPending({ cluster: 'east' })),
      findings: ['unaddressed-gateway/pending @ east:Service/istio-system/istio-eastwestgateway (error certain)'],
    },
    'the load balancer of the remote is pending': {
      mesh: remote.edit(gatewayAddressPending(west)),
      findings: [`unaddressed-gateway/pending ${at}`],
    },
    'the Service is of type ClusterIP': { mesh: remote.edit(gatewayClusterIp(west)), findings: [`unaddressed-gateway/notExposed ${at}`] },
    'the Service that istiod made of a Gateway is of type ClusterIP': {
      mesh: mesh()
        .ambient('east', 'west')
        .break((m) =>
          m.cluster('west').patch('Service', 'istio-system', 'istio-eastwestgateway', {
            spec: { type: 'ClusterIP' },
            status: { loadBalancer: null },
          }),
        ),
      findings: [`unaddressed-gateway/notExposed ${at}`],
    },
    'a NodePort without the annotation': {
      mesh: remote.edit(gatewayNodePort(west)),
      findings: [`unaddressed-gateway/noNodeSelector ${at}`],
    },
    'a NodePort whose nodes have no external address': {
      mesh: remote.edit(gatewayNodePort({ ...west, nodeSelector: '{}' })),
      findings: [`unaddressed-gateway/noExternalNode ${at}`],
    },
  },
});
