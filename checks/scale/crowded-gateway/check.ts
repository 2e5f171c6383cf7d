import { type ClusterName, defineCheck, type Gateway } from 'meshdoctor/api';

/** Clusters of Envoy from which on the memory of a gateway is worth a thought: about a hundred kilobytes each. */
const many = 3000;

export default defineCheck({
  id: 'crowded-gateway',
  title: 'East-west gateways hold a moderate number of services',
  severity: 'info',
  certainty: 'possible',
  scope: 'cluster',
  advice: true,
  needs: ['gateways', 'services'],
  catalogue: ['PERF-04'],
  docs: {
    why: 'A gateway that passes TLS on by its name (AUTO_PASSTHROUGH) is given a cluster for every port of every service of the mesh, whether anybody calls it from another network or not. With thousands of services it needs gigabytes, starts slowly and makes every push longer.',
    confirm: 'istioctl --context CLUSTER proxy-config clusters deployment/istio-eastwestgateway -n istio-system | wc -l',
    fix: 'Keep services that nobody calls from elsewhere to their namespace or cluster (exportTo, serviceSettings), or out of istiod’s sight (discoverySelectors), and give the gateway memory.',
    notWhen: 'A gateway with memory to spare is well. The number is of the services in this cluster; those of others come on top.',
    see: ['istio/istio releasenotes/notes/27749.yaml'],
  },
  messages: {
    crowded: (a: { gateway: Gateway; cluster: ClusterName; ports: number }) => ({
      text: `Gateway ${a.gateway.namespace}/${a.gateway.name} in ${a.cluster} passes TLS on for ${a.ports} ports of services of this cluster alone, each of which takes memory of its pods.`,
      expected: `some thousand at most`,
      found: String(a.ports),
    }),
  },
  *run({ cluster, finding }) {
    const gateway = cluster.gateways.find(({ servers }) => servers.some(({ tlsMode }) => tlsMode === 'AUTO_PASSTHROUGH'));
    if (gateway === undefined) return;
    let ports = 0;
    for (const service of cluster.services) {
      const isKept = /^(~|\.)$/.test(service.annotations['networking.istio.io/exportTo'] ?? '') || service.type === 'ExternalName';
      if (!isKept) ports += service.ports.length;
    }
    if (ports <= many) return;
    yield finding(
      'crowded',
      { gateway, cluster: cluster.name, ports },
      {
        at: gateway.ref,
        field: '.spec.servers[*].tls.mode',
        evidence: [{ ref: cluster.ref, observed: `${ports} ports of ${cluster.services.length} services` }],
      },
    );
  },
});
