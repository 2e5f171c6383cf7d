import {
  type ClusterName,
  defineCheck,
  distinct,
  injection,
  installGateway,
  labels,
  listOf,
  type Namespace,
  type NetworkId,
  networkId,
  type ObjectRef,
  remedy,
  type Remedy,
  selectors,
  shellWord,
  valueOf,
} from 'meshdoctor/api';
import { gatewaysByNetwork, isLive } from '../_area.ts';

const field = `.metadata.labels["${labels.network}"]`;
/** A Gateway of this class stands for a gateway of another cluster. */
const standIn = 'istio-remote';

export default defineCheck({
  id: 'mismatched-gateway-network',
  title: 'East-west gateways stand for the network of their own cluster',
  severity: 'error',
  certainty: 'likely',
  scope: 'cluster',
  needs: ['namespaces', 'services'],
  uses: ['kubeGateways', 'injectors', 'pods'],
  explains: [
    { code: 'stale-proxy-network/other', match: 'cluster' },
    { code: 'mismatched-injection-path/network', match: 'cluster' },
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
    { code: 'unlisted-gateway/unexpected', match: 'cluster' },
  ],
  path: { hops: ['network', 'gateway'] },
  catalogue: ['ID-05'],
  docs: {
    why: 'Other clusters find the gateway of a network by its label. A gateway that carries another name than its cluster is a gateway to a network that nobody is on, and the cluster has none.',
    confirm:
      'kubectl --context CLUSTER get services -A -l topology.istio.io/network -L topology.istio.io/network; kubectl --context CLUSTER get namespace istio-system -L topology.istio.io/network',
    fix: 'Give the Service the network of its namespace. If the whole gateway was generated for another network, generate it again with gen-eastwest-gateway.sh --network.',
    notWhen: 'A cluster may have a second gateway for pods that are on a second network.',
  },
  messages: {
    mismatched: (a: {
      gateway: ObjectRef;
      cluster: ClusterName;
      said: NetworkId;
      network: NetworkId;
      namespace: Namespace | undefined;
      odd: 'gateway' | 'generated' | 'namespace';
      isSpare: boolean;
      revisions: readonly string[];
    }) => ({
      text:
        a.odd === 'namespace'
          ? `Namespace ${a.namespace?.name ?? ''} in ${a.cluster} says network ${a.network}, but ${a.gateway.kind} ${a.gateway.namespace ?? ''}/${a.gateway.name} and injection there say ${a.said}.`
          : `${a.gateway.kind} ${a.gateway.namespace ?? ''}/${a.gateway.name} in ${a.cluster} stands for ${a.said}, but the cluster is on ${a.network}${a.isSpare ? '' : `, so the others have no gateway to ${a.network}`}.`,
      expected: `${labels.network}=${a.network}`,
      found: `${labels.network}=${a.said}${a.odd === 'namespace' ? `, as injectors and workloads of ${a.cluster} say too` : ''}`,
      effect: a.isSpare
        ? `one gateway less to ${a.network}`
        : `calls from other networks to ${a.cluster} go to addresses of pods, which they cannot reach`,
      remedy: remediesFor(a),
      ...(a.isSpare ? { severity: 'info' as const, certainty: 'possible' as const } : {}),
    }),
  },
  *run({ cluster, finding }) {
    const network = valueOf(cluster.member.network);
    if (network === undefined) return;
    const namespace = cluster.namespaces.find((candidate) => candidate.name === cluster.member.systemNamespace);
    const kubeGateways = listOf(cluster.kubeGateways).filter(
      (gateway) => gateway.className !== standIn && (gateway.labels[labels.network] ?? '') !== '',
    );
    const owners = new Set(kubeGateways.map(({ ref }) => `${ref.namespace}/${ref.name}`));
    const services = [...gatewaysByNetwork(cluster.services).values()]
      .flat()
      .filter((service) => !owners.has(`${service.namespace}/${service.labels['gateway.networking.k8s.io/gateway-name'] ?? ''}`));
    const all = [...services, ...kubeGateways].map((gateway) => ({ gateway, said: networkId(gateway.labels[labels.network] ?? '') }));
    // Where another gateway stands for the network, or may, this one may stand for a second network of the cluster.
    const isSpare = !cluster.isComplete('services') || all.some(({ said }) => said === network);
    const injected = listOf(cluster.injectors)
      .filter(injection.isActive)
      .flatMap(({ injectedNetwork }) => injectedNetwork ?? []);
    const sidecars = listOf(cluster.pods).flatMap((pod) => (pod.proxy?.kind === 'sidecar' && isLive(pod) ? (pod.proxy.network ?? []) : []));
    const claims = distinct([...injected, ...sidecars]);
    const revisions = distinct((valueOf(cluster.member.servedBy) ?? []).map(({ revision }) => revision));
    for (const { gateway, said } of all) {
      if (said === network) continue;
      // The selector of a gateway that was generated for another network names it as well.
      const isGenerated =
        'selector' in gateway &&
        listOf(cluster.pods).some(
          (pod) =>
            pod.namespace === gateway.namespace && selectors.selectsPods(gateway.selector, pod.labels) && pod.proxy?.network === said,
        );
      const odd = claims.length === 1 && claims[0] === said ? 'namespace' : isGenerated ? 'generated' : 'gateway';
      yield finding(
        'mismatched',
        { gateway: gateway.ref, cluster: cluster.name, said, network, namespace, odd, isSpare, revisions },
        {
          at: gateway.ref,
          field,
          related: namespace === undefined ? [] : [namespace.ref],
          evidence: [
            { ref: gateway.ref, field, observed: said, expected: network },
            ...(namespace === undefined ? [] : [{ ref: namespace.ref, field, observed: network }]),
          ],
        },
      );
    }
  },
});

function remediesFor(a: {
  gateway: ObjectRef;
  cluster: ClusterName;
  said: NetworkId;
  network: NetworkId;
  namespace: Namespace | undefined;
  odd: 'gateway' | 'generated' | 'namespace';
  revisions: readonly string[];
}): Remedy[] {
  const label = a.gateway.kind === 'Gateway' ? remedy.labelKubeGateway : remedy.label;
  const relabel = label(a.gateway, { [labels.network]: a.network });
  if (a.odd === 'namespace' && a.namespace !== undefined) return [remedy.label(a.namespace.ref, { [labels.network]: a.said }), relabel];
  if (a.odd === 'gateway') return [relabel];
  // The Deployment's selector names the network, and no selector can be changed.
  const removal = `kubectl --context ${shellWord(a.cluster)} -n ${shellWord(a.gateway.namespace ?? '')} delete deployment -l ${labels.network}=${shellWord(a.said)}`;
  return [installGateway(a.cluster, a.network, a.revisions, `the gateway itself works for ${a.said} only`, [removal])];
}
