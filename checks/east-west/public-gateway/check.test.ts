import { checkTester, gatewayAddressed, gatewayAnnotated, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const peers = mesh().multiPrimary('east', 'west');
const open = (cluster: string) => gatewayAddressed({ cluster, ingress: [{ ip: '34.77.12.40' }] });
const name = gatewayAddressed({ cluster: 'west', ingress: [{ hostname: 'k8s-mesh-0f.elb.eu-west-1.amazonaws.com' }] });
const scheme = (value: string) =>
  gatewayAnnotated({ cluster: 'west', annotations: { 'service.beta.kubernetes.io/aws-load-balancer-scheme': value } });
const at = 'public-gateway @ west:Service/istio-system/istio-eastwestgateway (info possible)';

checkTester(check, {
  healthy: {
    'all private': peers,
    'all public': peers.edit(open('east')).edit(open('west')),
    'a host name that says nothing': peers.edit(name),
    'an address of an example': peers.edit(gatewayAddressed({ cluster: 'west', ingress: [{ ip: '203.0.113.40' }] })),
    'an internal load balancer with a host name': peers.edit(name).edit(scheme('internal')),
    'source ranges': peers
      .edit(open('west'))
      .break((m) =>
        m
          .cluster('west')
          .patch('Service', 'istio-system', 'istio-eastwestgateway', { spec: { loadBalancerSourceRanges: ['198.51.100.7/32'] } }),
      ),
    'one network': mesh().primaryRemote('east', 'west', { networks: 1 }).edit(open('east')),
  },
  broken: {
    'one public address among private ones': { mesh: peers.edit(open('west')), findings: [at] },
    'a load balancer that faces the internet': { mesh: peers.edit(name).edit(scheme('internet-facing')), findings: [at] },
  },
});
