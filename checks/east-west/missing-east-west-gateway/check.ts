import {
  clusterRef,
  type ClusterName,
  type ControlPlane,
  count,
  defineCheck,
  distinct,
  installAmbientGateway,
  installGateway,
  type KubeGateway,
  labels,
  list,
  listOf,
  type Member,
  type NetworkId,
  type ObjectRef,
  type Pod,
  remedy,
  type Remedy,
  type Service,
  sortedBy,
  valueOf,
  containers,
} from 'meshdoctor/api';
import { isGatewayLike } from '../_area.ts';
import { knowsOfNoGateway, sharesAddresses } from './no-gateway.ts';

export default defineCheck({
  id: 'missing-east-west-gateway',
  title: 'Every network has a gateway that other networks can be sent to',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  needs: ['services', 'namespaces', 'kubeGateways', 'meshConfigs', 'gateways'],
  uses: ['pods', 'controlPlanes', 'nodes'],
  applies: { networks: 'multi' },
  path: { hops: ['gateway'] },
  catalogue: ['ID-03'],
  explains: [
    { code: 'stale-pilot-address', match: 'other-cluster' },
    { code: 'unreachable-injector', match: 'other-cluster' },
    { code: 'failing-injection', match: 'other-cluster' },
    { code: 'missing-istiod-port', match: 'same-cluster' },
    { code: 'unexposed-istiod', match: 'same-cluster' },
    { code: 'unready-east-west-gateway/notReady', match: 'other-cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'other-cluster' },
    { code: 'unlisted-gateway/unexpected', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
    { code: 'unconnected-proxy', match: 'same-cluster' },
    { code: 'rejected-istiod-call/unreachable', match: 'cluster' },
  ],
  docs: {
    why: "Pods of different networks cannot reach each other directly. istiod replaces endpoints of another network by the addresses of that network's gateways: Services labelled topology.istio.io/network. Without one it sends raw pod addresses, and calls time out after ten seconds.",
    confirm: 'kubectl get services -A -l topology.istio.io/network -L topology.istio.io/network',
    fix: 'Install an east-west gateway with the network of its cluster (samples/multicluster/gen-eastwest-gateway.sh --network NETWORK, or Helm chart gateway with networkGateway), or label the Service of the one that is there.',
    notWhen:
      'On a single network workloads need no gateway; two clusters of one network may share one. Where pods of all clusters reach each other, their networks should have one name.',
  },
  messages: {
    unlabelled: (a: { network: NetworkId; service: Service; clusters: readonly ClusterName[]; isUsed: boolean }) => ({
      text: `No Service carries network ${a.network} of ${list(a.clusters)}; ${a.service.namespace}/${a.service.name} in ${a.service.ref.cluster} looks like its gateway but has no network label.`,
      expected: `label topology.istio.io/network=${a.network}`,
      found: 'no label',
      ...effectOf(a),
      remedy: [remedy.label(a.service.ref, { [labels.network]: a.network })],
    }),
    waiting: (a: {
      network: NetworkId;
      gateway: KubeGateway;
      clusters: readonly ClusterName[];
      istiods: readonly ControlPlane[];
      isUsed: boolean;
    }) => ({
      text: `Gateway ${a.gateway.namespace}/${a.gateway.name} in ${a.gateway.ref.cluster} waits for a controller, so nothing leads from other networks to ${list(a.clusters)}.`,
      expected: 'condition Programmed=True, and a Service that istiod made for it',
      found: 'Programmed=Unknown, and no Service',
      ...effectOf(a),
      certainty: 'likely',
      remedy: a.istiods.map((istiod) =>
        remedy.setEnv(
          istiod.ref,
          containers.istiod,
          { AMBIENT_ENABLE_MULTI_NETWORK: 'true' },
          { note: 'restarts istiod; change the installation values too' },
        ),
      ),
    }),
    unmarked: (a: { network: NetworkId; gateway: KubeGateway; clusters: readonly ClusterName[]; isUsed: boolean }) => ({
      text: `Gateway ${a.gateway.namespace}/${a.gateway.name} in ${a.gateway.ref.cluster} has no network label, and that of its Service does not count, so nothing leads from other networks to ${list(a.clusters)}.`,
      expected: `label topology.istio.io/network=${a.network} on the Gateway`,
      found: 'no label',
      ...effectOf(a),
      remedy: [remedy.labelKubeGateway(a.gateway.ref, { [labels.network]: a.network })],
    }),
    nowhere: (a: {
      networks: readonly NetworkId[];
      clusters: readonly ClusterName[];
      isAmbient: boolean;
      remedies: readonly Remedy[];
    }) => ({
      text: `Clusters ${list(a.clusters)} are on networks ${list(a.networks)} by name, and none of these has a gateway, so calls between them go to pod addresses.`,
      expected: 'one network name for clusters whose pods reach each other, else a gateway for each network',
      found: `${count(a.networks.length, 'network')}, no gateway`,
      effect: a.isAmbient
        ? 'ambient proxies leave out what is on another network: remote endpoints are gone'
        : 'sidecars get through only where pods of one cluster reach those of the other; waypoints have no remote endpoints at all',
      certainty: 'likely',
      remedy: a.remedies,
    }),
    missing: (a: {
      network: NetworkId;
      clusters: readonly ClusterName[];
      at: ObjectRef;
      isUsed: boolean;
      isAmbient: boolean;
      revisions: readonly string[];
    }) => ({
      text: `No Service carries network ${a.network}, so nothing leads from other networks to ${list(a.clusters)}.`,
      expected: `a Service labelled topology.istio.io/network=${a.network}`,
      found: 'none',
      ...effectOf(a),
      remedy: [a.isAmbient ? installAmbientGateway(a.at.cluster, a.network) : installGateway(a.at.cluster, a.network, a.revisions)],
    }),
  },
  *run({ clusters, mesh, finding }) {
    const isAmbient = mesh.dataPlanes.includes('ambient') && !mesh.dataPlanes.includes('sidecar');
    const networks = distinct(clusters.flatMap((cluster) => valueOf(cluster.member.network) ?? []));
    const [first, ...others] = networks;
    const [cluster] = sortedBy(
      clusters.filter(({ member }) => valueOf(member.network) === first),
      ({ namespaces, member }) => namespaces.find(({ name }) => name === member.systemNamespace)?.uid ?? '',
    );
    if (first !== undefined && cluster !== undefined && others.length > 0 && clusters.every(knowsOfNoGateway)) {
      const namespace = cluster.namespaces.find(({ name }) => name === cluster.member.systemNamespace);
      const apart = clusters.filter(({ member }) => valueOf(member.network) !== undefined && valueOf(member.network) !== first);
      const names = clusters.filter(({ member }) => valueOf(member.network) !== undefined).map(({ name }) => name);
      yield finding(
        'nowhere',
        {
          networks,
          clusters: names,
          isAmbient,
          remedies: [
            ...(sharesAddresses(clusters)
              ? []
              : apart.flatMap(({ namespaces, member }) =>
                  namespaces
                    .filter(({ name }) => name === member.systemNamespace)
                    .map(({ ref }) =>
                      remedy.label(
                        ref,
                        { [labels.network]: first },
                        'where pods of all clusters reach each other; then the same in the values of the installation, and restart the workloads',
                      ),
                    ),
                )),
            ...clusters.flatMap(({ member, name }) => {
              const network = valueOf(member.network);
              if (network === undefined) return [];
              return isAmbient
                ? installAmbientGateway(name, network)
                : installGateway(name, network, revisionsOf(member), 'where they do not');
            }),
          ].slice(0, 3),
        },
        {
          at: namespace?.ref ?? clusterRef(cluster.name),
          field: '.metadata.labels["topology.istio.io/network"]',
          subject: networks.join(' '),
          concerns: clusters.map(({ name }) => name),
          lacks: clusters.flatMap(({ name }) =>
            (['services', 'kubeGateways', 'meshConfigs', 'gateways'] as const).map((fact) => ({ cluster: name, fact })),
          ),
        },
      );
      return;
    }
    for (const network of networks) {
      const inside = clusters.filter((cluster) => valueOf(cluster.member.network) === network);
      const carries = (entity: { readonly labels: Readonly<Record<string, string>> }): boolean => entity.labels[labels.network] === network;
      const isStatic = clusters.some((cluster) =>
        cluster.meshConfigs.some((config) => config.meshNetworks.some((one) => one.network === network && one.gateways.length > 0)),
      );
      // ztunnel is told of Gateways: the label that their Service keeps after the Gateway lost its own counts for nothing there.
      const parentOf = (service: Service): KubeGateway | undefined =>
        clusters
          .filter(({ name }) => name === service.ref.cluster)
          .flatMap(({ kubeGateways }) => kubeGateways)
          .find(
            ({ namespace, name }) => namespace === service.namespace && name === service.labels['gateway.networking.k8s.io/gateway-name'],
          );
      const carrying = clusters.flatMap(({ services }) => services.filter(carries));
      const unmarked = mesh.dataPlanes.includes('sidecar')
        ? undefined
        : carrying.map(parentOf).find((parent) => parent !== undefined && parent.labels[labels.network] === undefined);
      const counts = (service: Service): boolean => {
        const parent = unmarked === undefined ? undefined : parentOf(service);
        return parent === undefined || parent.labels[labels.network] !== undefined;
      };
      if (isStatic || carrying.some(counts)) continue;
      const ofApi = clusters.flatMap((cluster) => cluster.kubeGateways.filter(carries));
      // Any other Gateway is one by its own addresses; one of this class is nothing until istiod makes a Service for it.
      if (!ofApi.every(isWaiting)) continue;
      // A gateway of these clusters that carries another network has a wrong label, not a missing one.
      if (inside.some((cluster) => cluster.services.some((service) => (service.labels[labels.network] ?? network) !== network))) continue;
      const names = inside.map((cluster) => cluster.name);
      const candidate = inside
        .flatMap((cluster) => cluster.services)
        .find((service) => isGatewayLike(service) && service.labels[labels.network] === undefined);
      const [home] = inside;
      if (home === undefined) continue;
      const namespace = home.namespaces.find((one) => one.name === home.member.systemNamespace);
      const lacks = clusters.flatMap(({ name }) =>
        (['services', 'kubeGateways', 'meshConfigs'] as const).map((fact) => ({ cluster: name, fact })),
      );
      const concerns = touchedBy(names, mesh.couples);
      const shared = { subject: network, concerns, lacks };
      const isUsed = concerns.length > names.length || inside.some(({ pods }) => listOf(pods).some(isInMesh));
      const [gateway] = ofApi;
      if (gateway !== undefined) {
        const istiods = inside.flatMap(({ controlPlanes }) => listOf(controlPlanes)).filter((istiod) => !isMultiNetwork(istiod));
        const evidence = [{ ref: gateway.ref, field: '.status.conditions', observed: 'Programmed=Unknown', expected: 'Programmed=True' }];
        yield finding(
          'waiting',
          { network, gateway, clusters: names, istiods, isUsed },
          { ...shared, at: gateway.ref, field: '.status.conditions', evidence },
        );
      } else if (unmarked !== undefined)
        yield finding(
          'unmarked',
          { network, gateway: unmarked, clusters: names, isUsed },
          { ...shared, at: unmarked.ref, field: '.metadata.labels["topology.istio.io/network"]' },
        );
      else if (candidate !== undefined)
        yield finding(
          'unlabelled',
          { network, service: candidate, clusters: names, isUsed },
          { ...shared, at: candidate.ref, field: '.metadata.labels["topology.istio.io/network"]' },
        );
      else
        yield finding(
          'missing',
          {
            network,
            clusters: names,
            at: namespace?.ref ?? clusterRef(home.name),
            isUsed,
            isAmbient,
            revisions: revisionsOf(home.member),
          },
          { ...shared, at: namespace?.ref ?? clusterRef(home.name), field: '.metadata.labels["topology.istio.io/network"]' },
        );
    }
  },
});

/** Of the istiods that serve it; none when that is not known. */
function revisionsOf({ servedBy }: Member): string[] {
  return distinct((valueOf(servedBy) ?? []).map(({ revision }) => revision));
}

/** A network without workloads is one that nobody is sent to yet. */
function effectOf(a: { readonly clusters: readonly ClusterName[]; readonly isUsed: boolean }) {
  if (!a.isUsed) return { effect: `nothing runs in the mesh of ${list(a.clusters)} yet`, severity: 'warning' as const };
  return { effect: `other networks are sent to pod addresses of ${list(a.clusters)}, which they cannot reach` };
}

function isInMesh(pod: Pod): boolean {
  return pod.proxy?.kind === 'sidecar' || pod.proxy?.kind === 'ztunnel';
}

function isWaiting(gateway: KubeGateway): boolean {
  const programmed = gateway.conditions.find(({ type }) => type === 'Programmed');
  return gateway.className === 'istio-east-west' && programmed?.status === 'Unknown';
}

function isMultiNetwork({ env }: ControlPlane): boolean {
  return env['AMBIENT_ENABLE_MULTI_NETWORK'] === 'true';
}

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
