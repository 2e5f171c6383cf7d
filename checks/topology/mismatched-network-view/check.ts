import {
  defineCheck,
  distinct,
  labels,
  list,
  type NetworkId,
  type ObjectRef,
  remedy,
  selectors,
  type Service,
  valueOf,
  containers,
} from 'meshdoctor/api';
import { gatewaysByNetwork, isLive, type ProxyPod, some } from '../_area.ts';

const variable = 'ISTIO_META_REQUESTED_NETWORK_VIEW';

export default defineCheck({
  id: 'mismatched-network-view',
  title: 'East-west gateways see the endpoints of their own network',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['namespaces', 'services', 'pods'],
  uses: ['workloads'],
  applies: { networks: 'multi' },
  path: { hops: ['sni'] },
  catalogue: ['ID-06'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
  ],
  docs: {
    why: `${variable} tells istiod which networks a gateway wants to see, and of endpoints on any other network it is sent none. A gateway that asks for another network than its own has the names of all services and nobody to pass calls on to.`,
    confirm: `kubectl --context CLUSTER -n istio-system get deployment istio-eastwestgateway -o yaml | grep -A1 ${variable}; istioctl proxy-config endpoints --context CLUSTER deploy/istio-eastwestgateway -n istio-system | grep outbound_`,
    fix: `Set ${variable} to the network of the cluster, or generate the gateway again with gen-eastwest-gateway.sh --network.`,
    notWhen:
      'A gateway that asks for several networks, its own among them, is right, and so is one that asks for none: it sees everything.',
    see: ['https://github.com/istio/istio/issues/45010'],
  },
  messages: {
    mismatched: (a: { service: Service; asked: readonly NetworkId[]; network: NetworkId; owner: ObjectRef | undefined }) => ({
      text: `Gateway ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} asks for endpoints of ${list(a.asked)} only, but those of ${a.service.ref.cluster} are on ${a.network}, so it has none.`,
      expected: `${variable}=${a.network}`,
      found: `${variable}=${a.asked.join(',')}`,
      effect: `calls from other networks to ${a.service.ref.cluster} are reset: the gateway knows no healthy host`,
      remedy: remediesFor(a),
    }),
  },
  *run({ cluster, finding }) {
    const network = valueOf(cluster.member.network);
    if (network === undefined) return;
    const gateways = cluster.pods.filter(
      (pod): pod is ProxyPod => pod.proxy?.kind === 'gateway' && pod.proxy.requestedNetworkView.length > 0 && isLive(pod),
    );
    if (gateways.length === 0) return;
    const namespace = cluster.namespaces.find((candidate) => candidate.name === cluster.member.systemNamespace);
    for (const [stands, services] of gatewaysByNetwork(cluster.services)) {
      for (const service of services) {
        const backing = gateways.filter(
          (pod) => pod.namespace === service.namespace && selectors.selectsPods(service.selector, pod.labels),
        );
        // A gateway for a second network, of pods that are on it, looks at that one.
        const odd = backing.filter(({ proxy }) => !proxy.requestedNetworkView.includes(network) && !isOfItsOwn(proxy, stands, network));
        const [pod] = odd;
        if (pod === undefined) continue;
        const asked = distinct(odd.flatMap(({ proxy }) => proxy.requestedNetworkView));
        const workloads = cluster.workloads.status === 'collected' ? cluster.workloads.value : [];
        const owner = workloads.find(
          ({ kind, namespace: of, name }) => of === pod.namespace && kind === pod.owner?.kind && name === pod.owner.name,
        );
        yield finding(
          'mismatched',
          { service, asked, network, owner: owner?.ref },
          {
            at: service.ref,
            related: [...some(odd), ...(owner === undefined ? [] : [owner.ref]), ...(namespace === undefined ? [] : [namespace.ref])],
            evidence: [
              {
                ref: pod.ref,
                field: `.spec.containers[*].env["${variable}"]`,
                observed: pod.proxy.requestedNetworkView.join(','),
                expected: network,
              },
              ...(namespace === undefined
                ? []
                : [{ ref: namespace.ref, field: `.metadata.labels["${labels.network}"]`, observed: network }]),
            ],
          },
        );
      }
    }
  },
});

/** Of a second network through and through: Service, pod and view name it. */
function isOfItsOwn(proxy: ProxyPod['proxy'], stands: NetworkId, network: NetworkId): boolean {
  return stands !== network && proxy.requestedNetworkView.includes(stands);
}

function remediesFor(a: { service: Service; network: NetworkId; owner: ObjectRef | undefined }) {
  if (a.owner === undefined) return [];
  return [remedy.setEnv(a.owner, containers.proxy, { [variable]: a.network }, { note: 'restarts the gateway', isNamed: true })];
}
