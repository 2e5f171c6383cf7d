import {
  clusterRef,
  type ClusterName,
  defineCheck,
  distinct,
  labels,
  list,
  type NetworkId,
  type ObjectRef,
  remedy,
  type Service,
  valueOf,
} from 'meshdoctor/api';
import { isGatewayLike } from '../_area.ts';

export default defineCheck({
  id: 'missing-east-west-gateway',
  title: 'Every network has a gateway that other networks can be sent to',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  needs: ['services', 'namespaces', 'kubeGateways', 'meshConfigs'],
  applies: { networks: 'multi' },
  explains: [
    { code: 'stale-pilot-address', match: 'other-cluster' },
    { code: 'missing-istiod-port', match: 'same-cluster' },
    { code: 'unexposed-istiod', match: 'same-cluster' },
    { code: 'unready-east-west-gateway/notReady', match: 'other-cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'other-cluster' },
  ],
  docs: {
    why: "Pods of different networks cannot reach each other directly. istiod replaces endpoints of another network by the addresses of that network's gateways: Services labelled topology.istio.io/network. Without one it sends raw pod addresses, and calls time out after ten seconds.",
    confirm: 'kubectl get services -A -l topology.istio.io/network -L topology.istio.io/network',
    fix: 'Install an east-west gateway with the network of its cluster (samples/multicluster/gen-eastwest-gateway.sh --network NETWORK, or Helm chart gateway with networkGateway), or label the Service of the one that is there.',
    notWhen: 'On a single network workloads need no gateway; two clusters of one network may share one.',
  },
  messages: {
    unlabelled: (a: { network: NetworkId; service: Service; clusters: readonly ClusterName[] }) => ({
      text: `No Service carries network ${a.network} of ${list(a.clusters)}; ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} looks like its gateway but has no network label.`,
      expected: `label topology.istio.io/network=${a.network}`,
      found: 'no label',
      effect: `other networks are sent to pod addresses of ${list(a.clusters)}, which they cannot reach`,
      remedy: [remedy.label(a.service.ref, { [labels.network]: a.network })],
    }),
    missing: (a: { network: NetworkId; clusters: readonly ClusterName[]; at: ObjectRef }) => ({
      text: `No Service carries network ${a.network}, so nothing leads from other networks to ${list(a.clusters)}.`,
      expected: `a Service labelled topology.istio.io/network=${a.network}`,
      found: 'none',
      effect: `other networks are sent to pod addresses of ${list(a.clusters)}, which they cannot reach`,
      remedy: [
        remedy.installer(
          a.at.cluster,
          [`samples/multicluster/gen-eastwest-gateway.sh --network ${a.network} | istioctl install --context ${a.at.cluster} -y -f -`],
          'add --revision where the mesh has one, and give this IstioOperator a metadata.name: without one it removes gateways that another unnamed one installed',
        ),
      ],
    }),
  },
  *run({ clusters, mesh, finding }) {
    const networks = distinct(clusters.flatMap((cluster) => valueOf(cluster.member.network) ?? []));
    for (const network of networks) {
      const inside = clusters.filter((cluster) => valueOf(cluster.member.network) === network);
      const carries = (entity: { readonly labels: Readonly<Record<string, string>> }): boolean => entity.labels[labels.network] === network;
      const isStatic = clusters.some((cluster) =>
        cluster.meshConfigs.some((config) => config.meshNetworks.some((one) => one.network === network && one.gateways.length > 0)),
      );
      if (isStatic || clusters.some((cluster) => cluster.services.some(carries) || cluster.kubeGateways.some(carries))) continue;
      // A gateway of these clusters that carries another network has a wrong label, not a missing one.
      if (inside.some((cluster) => cluster.services.some((service) => (service.labels[labels.network] ?? network) !== network))) continue;
      const names = inside.map((cluster) => cluster.name);
      const candidate = inside
        .flatMap((cluster) => cluster.services)
        .find((service) => isGatewayLike(service) && service.labels[labels.network] === undefined);
      const [first] = inside;
      if (first === undefined) continue;
      const namespace = first.namespaces.find((one) => one.name === first.member.systemNamespace);
      const lacks = clusters.flatMap(({ name }) =>
        (['services', 'kubeGateways', 'meshConfigs'] as const).map((fact) => ({ cluster: name, fact })),
      );
      const shared = { subject: network, concerns: touchedBy(names, mesh.couples), lacks };
      if (candidate !== undefined)
        yield finding(
          'unlabelled',
          { network, service: candidate, clusters: names },
          { ...shared, at: candidate.ref, field: '.metadata.labels["topology.istio.io/network"]' },
        );
      else
        yield finding(
          'missing',
          { network, clusters: names, at: namespace?.ref ?? clusterRef(first.name) },
          { ...shared, at: namespace?.ref ?? clusterRef(first.name), field: '.metadata.labels["topology.istio.io/network"]' },
        );
    }
  },
});

/** The clusters without gateway, and the remotes that reach istiod through them. */
function touchedBy(
  names: readonly ClusterName[],
  couples: readonly { readonly kind: string; readonly member: ClusterName; readonly controlPlane: { readonly cluster: ClusterName } }[],
): ClusterName[] {
  return distinct<ClusterName>([
    ...names,
    ...couples.filter((couple) => couple.kind === 'remote' && names.includes(couple.controlPlane.cluster)).map((couple) => couple.member),
  ]);
}
