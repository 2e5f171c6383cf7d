import {
  type ClusterName,
  compareText,
  defineCheck,
  distinct,
  exposure,
  groupBy,
  labels,
  list,
  ports,
  remedy,
  type Revision,
  type Service,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'premature-canary-gateway',
  title: 'Gateways into one network are of one revision',
  severity: 'warning',
  certainty: 'possible',
  scope: 'cluster',
  needs: ['services', 'pods'],
  catalogue: ['INJ-05'],
  docs: {
    why: 'Every Service with the label of a network is a gateway into it: istiod sends callers to all of them at once, in equal parts. A canary gateway that carries the label from its first day takes half of the traffic from other networks before anybody tried it.',
    confirm: 'kubectl get services -A -L topology.istio.io/network,istio.io/rev | grep eastwest',
    fix: 'Leave topology.istio.io/network off the Service of the canary until it is to take traffic, and take it off the old one afterwards.',
    notWhen:
      'Two gateways side by side are a good thing when both are meant to serve. Deployments of two revisions behind one Service are the way Istio describes for gateways.',
    see: ['https://github.com/istio/istio/issues/53690'],
  },
  messages: {
    divided: (a: { gateways: readonly Gateway[]; network: string; cluster: ClusterName }) => ({
      text: `Services ${list(a.gateways.map(({ service }) => `${service.namespace}/${service.name}`))} of ${a.cluster} both lead into network ${a.network}, with gateways of revisions ${list(distinct(a.gateways.flatMap(({ revisions }) => revisions)))}.`,
      expected: 'one revision takes the traffic until the other is ready for it',
      found: list(a.gateways.map(({ service, revisions }) => `${service.name}: ${list(revisions)}`)),
      effect: 'callers of other networks are spread over all of them in equal parts',
      remedy: a.gateways
        .slice(-1)
        .map(({ service }) =>
          remedy.label(service.ref, { [labels.network]: null }, 'when this one is the canary that shall not serve yet'),
        ),
    }),
  },
  *run({ cluster, finding }) {
    const labelled = cluster.services.filter(
      (service) =>
        (service.labels[labels.network] ?? '') !== '' &&
        service.loadBalancer.length + service.externalIPs.length > 0 &&
        service.ports.some(({ port }) => port === ports.crossNetwork || port === ports.hbone),
    );
    for (const [network, services] of groupBy(labelled, (service) => service.labels[labels.network] ?? '')) {
      if (services.length < 2) continue;
      const gateways = services
        .map((service) => ({ service, revisions: exposure.gatewayRevisions(service, cluster.pods) }))
        .filter(({ revisions }) => revisions.length > 0)
        // The older first: the younger is the canary.
        .sort((a, b) => compareText(a.service.createdAt ?? '', b.service.createdAt ?? ''));
      const [first] = gateways;
      const isDivided = gateways.some(({ revisions }) => first !== undefined && revisions.every((one) => !first.revisions.includes(one)));
      const canary = gateways.at(-1);
      if (!isDivided || canary === undefined) continue;
      yield finding(
        'divided',
        { gateways, network, cluster: cluster.name },
        {
          at: canary.service.ref,
          field: '.metadata.labels["topology.istio.io/network"]',
          related: gateways.slice(0, -1).map(({ service }) => service.ref),
          evidence: gateways.map(({ service, revisions }) => ({
            ref: service.ref,
            field: '.metadata.labels["topology.istio.io/network"]',
            observed: `${network}, pods of revision ${list(revisions)}`,
          })),
          subject: network,
        },
      );
    }
  },
});

interface Gateway {
  readonly service: Service;
  readonly revisions: readonly Revision[];
}
