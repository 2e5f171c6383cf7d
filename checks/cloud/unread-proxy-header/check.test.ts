import { checkTester, gatewayAnnotated, gatewayClusterIp, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const prefix = 'service.beta.kubernetes.io';
const aws = `${prefix}/aws-load-balancer`;
const west = { cluster: 'west' };
const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' });
const on = (annotations: Record<string, string>) => gatewayAnnotated({ ...west, annotations });
const classic = remote.edit(on({ [`${aws}-proxy-protocol`]: '*' }));
const at = (cluster: string): string => `unread-proxy-header @ ${cluster}:Service/istio-system/istio-eastwestgateway (error likely)`;
const filter = (spec: object) => ({
  apiVersion: 'networking.istio.io/v1alpha3',
  kind: 'EnvoyFilter',
  metadata: { name: 'proxy-protocol', namespace: 'istio-system' },
  spec,
});
const reads = [
  {
    applyTo: 'LISTENER_FILTER',
    match: { context: 'GATEWAY' },
    patch: { operation: 'INSERT_FIRST', value: { name: 'envoy.filters.listener.proxy_protocol' } },
  },
];

checkTester(check, {
  healthy: {
    'load balancers without headers': remote,
    'an ambient mesh': mesh().ambient('east', 'west'),
    'annotations that switch it off': remote.edit(
      on({
        [`${prefix}/do-loadbalancer-enable-proxy-protocol`]: 'false',
        [`${aws}-target-group-attributes`]: 'proxy_protocol_v2.enabled=false',
      }),
    ),
    'an annotation that the controller of this load balancer does not read': remote.edit(
      on({ [`${aws}-type`]: 'nlb', [`${aws}-proxy-protocol`]: '*' }),
    ),
    'a Service for use inside, which kept it': classic.edit(gatewayClusterIp(west)),
    'an EnvoyFilter of the primary that has gateways read it': classic.break((m) =>
      m.cluster('east').add(filter({ workloadSelector: { labels: { istio: 'eastwestgateway' } }, configPatches: reads })),
    ),
    'an EnvoyFilter for everybody': classic.break((m) => m.cluster('east').add(filter({ configPatches: reads }))),
    'a mesh config that has gateways read it': classic.break((m) =>
      m.cluster('east').patch('ConfigMap', 'istio-system', 'istio-1-31-0', {
        data: { mesh: 'defaultConfig:\n  gatewayTopology:\n    proxyProtocol: {}\n' },
      }),
    ),
    'a gateway that reads it': classic.break((m) => m.cluster('west').edit(annotatedPods)),
  },
  broken: {
    'a classic load balancer of AWS': { mesh: classic, findings: [at('west')] },
    'a network load balancer of its controller': {
      mesh: remote.edit(
        on({
          [`${aws}-type`]: 'external',
          [`${aws}-target-group-attributes`]: 'preserve_client_ip.enabled=false,proxy_protocol_v2.enabled=true',
        }),
      ),
      findings: [at('west')],
    },
    'DigitalOcean, in a primary': {
      mesh: mesh()
        .multiPrimary('east', 'west')
        .edit(gatewayAnnotated({ cluster: 'east', annotations: { [`${prefix}/do-loadbalancer-enable-proxy-protocol`]: 'true' } })),
      findings: [at('east')],
    },
    'Hetzner, and an EnvoyFilter for another gateway': {
      mesh: remote
        .edit(on({ 'load-balancer.hetzner.cloud/uses-proxyprotocol': 'true' }))
        .break((m) => m.cluster('east').add(filter({ workloadSelector: { labels: { istio: 'ingressgateway' } }, configPatches: reads }))),
      findings: [at('west')],
    },
  },
});

/** Pods of the gateway whose own configuration has them read PROXY protocol. */
function annotatedPods(objects: ReturnType<typeof remote.objects>): ReturnType<typeof remote.objects> {
  return new Map(objects).set(
    'west',
    (objects.get('west') ?? []).map((object) =>
      object.kind === 'Pod' && object.metadata.labels?.['istio'] === 'eastwestgateway'
        ? {
            ...object,
            metadata: {
              ...object.metadata,
              annotations: { ...object.metadata.annotations, 'proxy.istio.io/config': '{"gatewayTopology":{"proxyProtocol":{}}}' },
            },
          }
        : object,
    ),
  );
}
