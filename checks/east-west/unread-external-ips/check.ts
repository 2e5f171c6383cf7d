import { type ControlPlane, defineCheck, hosts, labels, list, type Service, versions } from 'meshdoctor/api';

const since = '1.8.0';

export default defineCheck({
  id: 'unread-external-ips',
  title: 'istiod understands how network gateways say their address',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'meshConfigs'], member: ['services'] },
  applies: { networks: 'multi' },
  path: { hops: ['gateway'] },
  catalogue: ['EW-06', 'CLD-11'],
  explains: [
    { code: 'unlisted-gateway', match: 'object' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
  ],
  docs: {
    why: 'Before 1.8 istiod takes the address of a network gateway from the status of its load balancer only. A gateway on bare metal that is reached by spec.externalIPs does not exist for it, and proxies are sent to pod addresses of the other network.',
    confirm: 'kubectl --context CLUSTER get services -A -l topology.istio.io/network -o wide; istioctl version --context PRIMARY',
    fix: 'Upgrade istiod. Until then give the Service an address in its status: a load balancer, MetalLB on bare metal.',
    since: 'up to 1.7',
    see: ['https://github.com/istio/istio/issues/28381'],
  },
  messages: {
    unread: (a: { controlPlane: ControlPlane; service: Service }) => ({
      text: `Gateway ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} has externalIPs only, which istiod ${a.controlPlane.version ?? ''} in ${a.controlPlane.ref.cluster} does not read.`,
      expected: `istiod ${since} or later, or an address of a load balancer`,
      found: `externalIPs ${list(a.service.externalIPs)}`,
      effect: `proxies are sent to pod addresses of ${a.service.ref.cluster} instead`,
    }),
  },
  *run({ primary, member, controlPlane, finding }) {
    if (versions.isAtLeast(controlPlane.version, since) !== false) return;
    const named = new Set(
      primary.meshConfigs
        .filter(({ namespace, revision }) => namespace === controlPlane.namespace && revision === controlPlane.revision)
        .flatMap(({ meshNetworks }) =>
          meshNetworks.flatMap(({ gateways }) => gateways.flatMap(({ registryServiceName }) => registryServiceName ?? [])),
        ),
    );
    for (const service of member.services) {
      if (service.externalIPs.length === 0) continue;
      const isNamed = named.size > 0 && named.has(hosts.fqdnOf(service.namespace, service.name, controlPlane.clusterDomain));
      if ((service.labels[labels.network] ?? '') === '' && !isNamed) continue;
      // Of an address in the status it knows.
      if (service.loadBalancer.length > 0) continue;
      yield finding(
        'unread',
        { controlPlane, service },
        {
          at: service.ref,
          field: '.spec.externalIPs',
          related: [controlPlane.ref],
          evidence: [
            { ref: service.ref, field: '.spec.externalIPs', observed: list(service.externalIPs) },
            { ref: controlPlane.ref, observed: `version ${controlPlane.version ?? ''}`, expected: `${since} or later` },
          ],
          subject: `${primary.name}/${controlPlane.revision}`,
        },
      );
    }
  },
});
