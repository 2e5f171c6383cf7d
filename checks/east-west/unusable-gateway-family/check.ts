import {
  type ClusterName,
  type ControlPlane,
  count,
  defineCheck,
  distinct,
  ipAddresses,
  list,
  listOf,
  type NetworkId,
  networkGateways,
  type Pod,
  refKey,
  releases,
  type Service,
  valueOf,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'unusable-gateway-family',
  title: 'Proxies are sent to no gateway address of an IP family that they lack',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  needs: ['services', 'pods', 'controlPlanes'],
  uses: ['nodes'],
  applies: { networks: 'multi' },
  path: { hops: ['gateway'] },
  catalogue: ['EW-19'],
  docs: {
    why: 'Before 1.30 istiod sends every address of a gateway to every proxy. A load balancer with an IPv4 and an IPv6 address is then two gateways, one of which a pod with addresses of one family cannot open a connection to: a part of its calls fails.',
    confirm:
      'kubectl --context CLUSTER -n istio-system get service istio-eastwestgateway -o wide; kubectl --context OTHER get pods -A -o custom-columns=NAME:.metadata.name,IPS:.status.podIPs',
    fix: 'Upgrade istiod to 1.30 or later, which sends a proxy no gateway of a family that it lacks. Until then give the load balancer addresses of one family (spec.ipFamilyPolicy SingleStack, or the setting of the provider).',
    notWhen: 'Where pods have both families, or nodes translate.',
    since: 'up to 1.29',
  },
  messages: {
    mixed: (a: {
      service: Service;
      network: NetworkId;
      unusable: readonly string[];
      clients: readonly Pod[];
      of: ClusterName;
      istiods: readonly ControlPlane[];
      family: 4 | 6;
      isAll: boolean;
    }) => ({
      text: `Gateway ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} has ${list(a.unusable)}, which ${count(a.clients.length, 'proxy', 'proxies')} of ${a.of} with IPv${a.family} only cannot reach but ${a.istiods.length === 1 ? 'is' : 'are'} sent to.`,
      expected: 'istiod 1.30 or later, or gateway addresses of one family',
      found: `${list(distinct(a.istiods.map(({ version }) => version ?? 'unknown')))}, ${list(a.unusable)}`,
      effect: a.isAll
        ? `calls from ${a.of} to ${a.service.ref.cluster} fail`
        : `a part of the calls from ${a.of} to ${a.service.ref.cluster} fails`,
      ...(a.isAll ? {} : { severity: 'warning' as const }),
    }),
  },
  *run({ clusters, finding }) {
    const old = clusters
      .flatMap(({ controlPlanes }) => controlPlanes)
      .filter(({ version }) => releases.behaves(version, 'dropsGatewaysOfOtherIpFamily') === false);
    if (old.length === 0) return;
    const single = new Map<string, readonly Pod[]>();
    const onlyWith = (cluster: (typeof clusters)[number], family: 4 | 6): readonly Pod[] => {
      const key = `${cluster.name} ${family}`;
      const found = single.get(key) ?? cluster.pods.filter((pod) => pod.proxy?.kind === 'sidecar' && isOnly(pod, family));
      single.set(key, found);
      return found;
    };
    const byKey = new Map(old.map((istiod) => [refKey(istiod.ref), istiod]));
    for (const to of clusters) {
      for (const service of to.services) {
        const gateway = networkGateways.gatewayService(service, listOf(to.nodes));
        if (gateway === undefined || gateway.problems.length > 0) continue;
        const families = new Set(gateway.addresses.flatMap((address) => ipAddresses.ipFamily(address) ?? []));
        if (families.size === 0) continue;
        for (const from of clusters) {
          const network = valueOf(from.member.network);
          if (network === undefined || network === gateway.network) continue;
          const istiods = (valueOf(from.member.servedBy) ?? []).flatMap(({ ref }) => byKey.get(refKey(ref)) ?? []);
          // Another istiod, of a later release, may be the one that serves them.
          if (istiods.length === 0 || istiods.length < (valueOf(from.member.servedBy) ?? []).length) continue;
          for (const family of [4, 6] as const) {
            const unusable = gateway.addresses.filter((address) => (ipAddresses.ipFamily(address) ?? family) !== family);
            const clients = unusable.length === 0 ? [] : onlyWith(from, family);
            if (clients.length === 0) continue;
            yield finding(
              'mixed',
              {
                service,
                network: gateway.network,
                unusable,
                clients,
                of: from.name,
                istiods,
                family,
                isAll: unusable.length === gateway.addresses.length,
              },
              {
                at: service.ref,
                field: '.status.loadBalancer.ingress[*].ip',
                related: [...istiods.map(({ ref }) => ref), ...clients.slice(0, 3).map(({ ref }) => ref)],
                evidence: [
                  { ref: service.ref, field: '.status.loadBalancer.ingress[*].ip', observed: list(gateway.addresses) },
                  ...clients.slice(0, 1).map(({ ref, ips }) => ({ ref, field: '.status.podIPs', observed: list(ips) })),
                ],
                subject: `${from.name} IPv${family}`,
                concerns: [from.name, to.name],
              },
            );
          }
        }
      }
    }
  },
});

function isOnly({ ips, phase, ready }: Pod, family: 4 | 6): boolean {
  return phase === 'Running' && ready && ips.length > 0 && ips.every((address) => ipAddresses.ipFamily(address) === family);
}
