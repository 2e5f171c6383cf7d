import { checkTester, gatewayAddressPending, gatewayClusterIp, gatewayNodePort, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' });
const at = '@ west:Service/istio-system/istio-eastwestgateway';
const west = { cluster: 'west' };

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
    'externalIPs instead of a load balancer': remote
      .edit(gatewayAddressPending(west))
      .break((m) => m.cluster('west').patch('Service', 'istio-system', 'istio-eastwestgateway', { spec: { externalIPs: ['192.0.2.40'] } })),
  },
  broken: {
    'the load balancer of the remote is pending': {
      mesh: remote.edit(gatewayAddressPending(west)),
      findings: [`unaddressed-gateway/pending ${at}`],
    },
    'the Service is of type ClusterIP': { mesh: remote.edit(gatewayClusterIp(west)), findings: [`unaddressed-gateway/notExposed ${at}`] },
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
