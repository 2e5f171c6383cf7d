import { defineCheck, list, loadBalancers, remedy, type Service, type ServicePort } from 'meshdoctor/api';
import { balancedGateways, meshPorts, purposeOf } from '../_area.ts';

export default defineCheck({
  id: 'terminating-load-balancer',
  title: 'Load balancers pass the TLS of the mesh on as it is',
  severity: 'error',
  certainty: 'likely',
  scope: 'cluster',
  needs: ['services'],
  path: { hops: ['sni'] },
  catalogue: ['CLD-06', 'EW-15'],
  explains: [
    { code: 'terminated-cross-network-tls', match: 'object' },
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
    { code: 'rejected-istiod-call', match: 'object' },
    { code: 'foreign-istiod-certificate', match: 'object' },
  ],
  docs: {
    why: 'A certificate in the annotations of a Service makes its load balancer end TLS there. Proxies of other networks then meet a certificate that no root of the mesh signed, and the gateway meets a connection without the client certificate and the server name that it chooses by.',
    confirm:
      'kubectl --context CLUSTER -n istio-system get service istio-eastwestgateway -o yaml | grep aws-load-balancer-ssl; openssl s_client -connect ADDRESS:15443 -showcerts',
    fix: 'Take the certificate off the ports of the mesh: name in aws-load-balancer-ssl-ports only ports of an ingress, or remove the annotations.',
    see: ['https://github.com/istio/istio/issues/53658'],
  },
  messages: {
    terminating: (a: { service: Service; ports: readonly ServicePort[]; setting: loadBalancers.Setting }) => ({
      text: `Gateway ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} has its load balancer end TLS on ${list(a.ports.map(({ port }) => String(port)))}, where TLS of the mesh has to get through.`,
      expected: 'TCP that is passed on',
      found: `${a.setting.key}, for ${a.setting.value === '*' ? 'all ports' : `ports ${a.setting.value}`}`,
      effect: list(a.ports.map(purposeOf).filter((text, index, all) => all.indexOf(text) === index)),
      remedy: [remedy.annotate(a.service.ref, { [a.setting.key]: null }, 'the load balancer then has no certificate on any port')],
    }),
  },
  *run({ cluster, finding }) {
    for (const service of balancedGateways(cluster.services)) {
      const ended = meshPorts(service).flatMap((port) => {
        const setting = loadBalancers.endsTls(service, port);
        return setting === undefined ? [] : [{ port, setting }];
      });
      const [first] = ended;
      if (first === undefined) continue;
      const field = `.metadata.annotations["${first.setting.key}"]`;
      yield finding(
        'terminating',
        { service, ports: ended.map(({ port }) => port), setting: first.setting },
        {
          at: service.ref,
          field,
          evidence: [{ ref: service.ref, field, observed: `a certificate, for ports ${first.setting.value}` }],
        },
      );
    }
  },
});
