import { annotations, count, defineCheck, ipAddresses, list, type Node, remedy, type Service } from 'meshdoctor/api';
import { gatewayServices } from '../_area.ts';

export default defineCheck({
  id: 'unbacked-gateway-node',
  title: 'Every node that istiod announces for a gateway passes its traffic on',
  severity: 'error',
  certainty: 'likely',
  scope: 'cluster',
  needs: ['services', 'endpointSlices', 'nodes'],
  applies: { networks: 'multi' },
  path: { hops: ['gateway'] },
  catalogue: ['EW-05'],
  explains: [
    { code: 'unreachable-gateway', match: 'object' },
    { code: 'failing-pod-call/unreachable', match: 'object' },
    { code: 'rejected-istiod-call/unreachable', match: 'object' },
    { code: 'rejected-istiod-call/blocked', match: 'object' },
  ],
  docs: {
    why: 'With externalTrafficPolicy Local a node drops what arrives for a Service of which it runs no ready pod. istiod does not know: it announces every node that the annotation selects, and every externalIP. A load balancer takes such nodes out by its health check, nobody does so here.',
    confirm:
      'kubectl --context CLUSTER -n istio-system get endpointslices -l kubernetes.io/service-name=istio-eastwestgateway -o wide; kubectl --context CLUSTER get nodes -o wide',
    fix: 'Set externalTrafficPolicy to Cluster, or let annotation traffic.istio.io/nodeSelector and externalIPs name only nodes that run the gateway, or run it on all of them.',
    notWhen: 'Something in front of the nodes, with a health check of its own, that has an address of one of them.',
    see: ['https://github.com/istio/istio/issues/34246'],
  },
  messages: {
    unbacked: (a: { service: Service; nodes: readonly Node[]; addresses: readonly string[]; announced: number }) => ({
      text: `Gateway ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} has externalTrafficPolicy Local, and ${a.addresses.length} of its ${count(a.announced, 'address', 'addresses')} ${a.addresses.length === 1 ? 'belongs to a node' : 'belong to nodes'} without a ready gateway pod.`,
      expected: 'a ready gateway pod on every node whose address is announced',
      found: `none on ${list(a.nodes.map(({ name }) => name))} (${list(a.addresses)})`,
      effect: `connections from other networks that are sent there time out${a.addresses.length === a.announced ? '' : ', the others work'}`,
      ...(a.addresses.length === a.announced ? {} : { severity: 'warning' as const }),
      remedy: [
        remedy.patch(
          a.service.ref,
          { spec: { externalTrafficPolicy: 'Cluster' } },
          { note: 'the gateway then sees addresses of nodes instead of those of clients' },
        ),
      ],
    }),
  },
  *run({ cluster, finding, undecided }) {
    for (const { service, addresses } of gatewayServices(cluster.services, cluster.nodes)) {
      if (service.externalTrafficPolicy !== 'Local' || addresses.length === 0) continue;
      const ready = new Set(
        cluster.endpointSlices
          .filter((slice) => slice.namespace === service.namespace && slice.service === service.name)
          .flatMap(({ endpoints }) =>
            endpoints.flatMap((endpoint) => (endpoint.ready && endpoint.nodeName !== undefined ? [endpoint.nodeName] : [])),
          ),
      );
      const announced = announcedNodes(service, addresses, cluster.nodes);
      if (ready.size === 0) {
        // A gateway without any ready pod is another fault.
        if (announced.length > 0) yield undecided('its gateway has no ready pod anywhere', { blockedBy: 'unready-east-west-gateway' });
        continue;
      }
      const dead = announced.filter(({ node }) => node.ready && !ready.has(node.name));
      if (dead.length === 0) continue;
      yield finding(
        'unbacked',
        { service, nodes: dead.map(({ node }) => node), addresses: dead.map(({ address }) => address), announced: addresses.length },
        {
          at: service.ref,
          field: '.spec.externalTrafficPolicy',
          related: dead.slice(0, 5).map(({ node }) => node.ref),
          evidence: [
            { ref: service.ref, field: '.spec.externalTrafficPolicy', observed: 'Local' },
            ...dead.slice(0, 5).map(({ node, address }) => ({
              ref: node.ref,
              field: '.status.addresses',
              observed: `${address}, no ready pod of the gateway`,
            })),
          ],
          lacks: [{ cluster: cluster.name, fact: 'endpointSlices' }],
        },
      );
    }
  },
});

/** Which announced addresses are those of nodes themselves. What a load balancer has is not: it checks its targets. */
function announcedNodes(service: Service, addresses: readonly string[], nodes: readonly Node[]) {
  const own = service.type === 'NodePort' && service.annotations[annotations.nodeSelector] !== undefined;
  const named = own ? addresses : addresses.filter((address) => service.externalIPs.includes(address));
  return named.flatMap((address) => {
    const node = nodes.find(({ addresses: held }) => held.some((one) => ipAddresses.isSameAddress(one.address, address)));
    return node === undefined ? [] : [{ node, address }];
  });
}
