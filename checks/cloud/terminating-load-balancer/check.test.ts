import { checkTester, gatewayAnnotated, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const aws = 'service.beta.kubernetes.io/aws-load-balancer';
const certificate = 'arn:aws:acm:eu-west-1:123456789012:certificate/0f';
const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' });
const on = (cluster: string, annotations: Record<string, string>) => gatewayAnnotated({ cluster, annotations });
const at = (cluster: string): string => `terminating-load-balancer @ ${cluster}:Service/istio-system/istio-eastwestgateway (error likely)`;

checkTester(check, {
  healthy: {
    'load balancers that pass TCP on': remote,
    'an ambient mesh': mesh().ambient('east', 'west'),
    'a certificate for a port of an ingress': remote.edit(
      on('west', { [`${aws}-ssl-cert`]: certificate, [`${aws}-ssl-ports`]: '443, https' }),
    ),
    'ports, and no certificate': remote.edit(on('west', { [`${aws}-ssl-ports`]: '15443' })),
  },
  broken: {
    'a certificate for all ports': { mesh: remote.edit(on('west', { [`${aws}-ssl-cert`]: certificate })), findings: [at('west')] },
    'a certificate for the cross-network port by its name': {
      mesh: remote.edit(on('east', { [`${aws}-ssl-cert`]: certificate, [`${aws}-ssl-ports`]: 'tls' })),
      findings: [at('east')],
    },
    'a certificate for the port of istiod, of the gateway that remotes come through': {
      mesh: mesh()
        .primaryRemote('east', 'west', { networks: 1 })
        .edit(on('east', { [`${aws}-ssl-cert`]: certificate, [`${aws}-ssl-ports`]: '15012' })),
      findings: [at('east')],
    },
  },
});
