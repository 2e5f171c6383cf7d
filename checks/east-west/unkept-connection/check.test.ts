import { checkTester, gatewayAddressed, gatewayAnnotated, mesh, nodesOf } from 'meshdoctor/testkit';
import check from './check.ts';

const peers = mesh().multiPrimary('east', 'west');
const named = (hostname: string) => peers.edit(gatewayAddressed({ cluster: 'west', ingress: [{ hostname }] }));
const nlb = named('k8s-mesh-0f.elb.eu-west-1.amazonaws.com');
const on = (annotations: Record<string, string>) => gatewayAnnotated({ cluster: 'west', annotations });
const at = 'unkept-connection @ west:Service/istio-system/istio-eastwestgateway (info possible)';

checkTester(check, {
  healthy: {
    'load balancers of which nothing is known': peers,
    'one network': mesh().primaryRemote('east', 'west', { networks: 1 }),
    'keepalive in the mesh config': nlb.break((m) =>
      m.cluster('east').patch('ConfigMap', 'istio-system', 'istio', { data: { mesh: 'tcpKeepalive:\n  time: 60s\n' } }),
    ),
    'a DestinationRule that thinks of it': nlb.break((m) =>
      m.cluster('east').add({
        apiVersion: 'networking.istio.io/v1',
        kind: 'DestinationRule',
        metadata: { name: 'all', namespace: 'istio-system' },
        spec: { host: '*.local', trafficPolicy: { connectionPool: { tcp: { tcpKeepalive: { time: '60s' } } } } },
      }),
    ),
    'a load balancer that remembers for long': nlb.edit(
      on({ 'service.beta.kubernetes.io/aws-load-balancer-listener-attributes.TCP-15443': 'tcp.idle_timeout.seconds=6000' }),
    ),
  },
  broken: {
    'a network load balancer of AWS': { mesh: nlb, findings: [at] },
    'a classic one': { mesh: named('internal-mesh-0f.eu-west-1.elb.amazonaws.com'), findings: [at] },
    'Azure, by its nodes': {
      mesh: peers.edit(nodesOf({ cluster: 'west', providerId: 'azure:///subscriptions/0f/x' })),
      findings: [at],
    },
  },
});
