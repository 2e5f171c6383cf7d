import { defineCheck, labels, list, loadBalancers, type Service } from 'meshdoctor/api';

export default defineCheck({
  id: 'public-gateway',
  title: 'No gateway between networks is open to the internet while all others are private',
  severity: 'info',
  certainty: 'possible',
  advice: true,
  scope: 'mesh',
  needs: ['services'],
  applies: { networks: 'multi' },
  catalogue: ['EW-21'],
  docs: {
    why: 'Whoever reaches an east-west gateway needs a certificate of the mesh to get further, but may see its names and load it. Where all other gateways of the mesh have private addresses, one with a public address and no source ranges is most likely not meant so: the annotation for an internal load balancer is missing.',
    confirm: 'kubectl --context CLUSTER get services -A -l topology.istio.io/network -o wide',
    fix: 'Give the Service the annotation of its provider for an internal load balancer (many need the Service made again), or name those who may come in spec.loadBalancerSourceRanges.',
    notWhen: 'Networks that are connected by the internet only need public addresses.',
  },
  messages: {
    public: (a: { service: Service; others: readonly Service[]; address: readonly string[] }) => ({
      text: `Gateway ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} is open to the internet (${list(a.address)}), unlike the gateways of ${list(a.others.map(({ ref }) => ref.cluster))}.`,
      expected: 'an internal load balancer, or source ranges',
      found: list(a.address),
      effect: 'anybody can open connections to the gateway',
    }),
  },
  *run({ clusters, finding }) {
    const gateways = clusters
      .flatMap(({ services }) => services)
      .filter(
        (service) => (service.labels[labels.network] ?? '') !== '' && (service.type === 'LoadBalancer' || service.externalIPs.length > 0),
      )
      .map((service) => ({ service, reach: loadBalancers.reachOf(service) }));
    const inside = gateways.filter(({ reach }) => reach === 'private').map(({ service }) => service);
    const outside = gateways.filter(({ reach }) => reach === 'public').map(({ service }) => service);
    // Of one that nothing is known of, nobody can say that it is private like the others.
    if (inside.length === 0 || inside.length + outside.length < gateways.length || outside.length > inside.length) return;
    for (const service of outside) {
      if (loadBalancers.sourceRanges(service) !== undefined) continue;
      const address = [...service.loadBalancer.flatMap(({ ip, hostname }) => ip ?? hostname ?? []), ...service.externalIPs];
      yield finding(
        'public',
        { service, others: inside, address },
        {
          at: service.ref,
          field: '.status.loadBalancer',
          related: inside.slice(0, 3).map(({ ref }) => ref),
          evidence: [{ ref: service.ref, field: '.status.loadBalancer', observed: list(address) }],
          concerns: [service.ref.cluster],
        },
      );
    }
  },
});
