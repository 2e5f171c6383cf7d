import {
  type Certainty,
  type ClusterName,
  compareText,
  defineCheck,
  distinct,
  type Fact,
  installAgain,
  installWritten,
  labels,
  list,
  listOf,
  type MeshConfig,
  type Mesh,
  type Namespace,
  type Node,
  remedy,
  type Remedy,
  type RemoteSecret,
  shellWord,
  valueOf,
} from 'meshdoctor/api';
import { some } from '../_area.ts';
import {
  type Collision,
  collisionOn,
  contradiction,
  hasCrossNetworkGateway,
  hasLabelledGateway,
  overlaysOn,
  networksOfWorkloads,
  type Seen,
  type SharedRange,
  sharedRangeOn,
} from './networks.ts';

const field = `.metadata.labels["${labels.network}"]`;

/**
 * collision: a pod address is live in both; range: nodes of both give addresses from one range; overlay: pods of both have addresses that AKS routes in their own cluster only; copied: everything else in a cluster says another name; gateways: every cluster has one;
 * half: not all of them are labelled; hybrid: nothing speaks against it.
 */
type Grade = 'collision' | 'range' | 'overlay' | 'copied' | 'gateways' | 'half' | 'hybrid';

type SeenHere = Seen & { readonly remoteSecrets: Fact<readonly RemoteSecret[]>; readonly meshConfigs: Fact<readonly MeshConfig[]> };

interface Verdict {
  readonly grade: Grade;
  readonly clusters: readonly Seen[];
  readonly collision?: Collision;
  readonly range?: SharedRange;
  readonly overlays?: readonly [Node, Node];
  /** What the odd cluster calls its network elsewhere. */
  readonly other?: string;
}

export default defineCheck({
  id: 'shared-network',
  title: 'Clusters share a network name only if their pods reach each other directly',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  partial: true,
  needs: ['namespaces', 'controlPlanes'],
  uses: ['services', 'kubeGateways', 'injectors', 'pods', 'remoteSecrets', 'istioResources', 'meshConfigs', 'clock', 'nodes'],
  explains: [
    { code: 'shared-network', match: 'cluster' },
    { code: 'mismatched-gateway-network', match: 'cluster' },
    { code: 'mismatched-injection-path/network', match: 'cluster' },
    { code: 'stale-proxy-network/other', match: 'cluster' },
  ],
  path: { hops: ['network'] },
  catalogue: ['ID-02', 'CLD-08'],
  docs: {
    why: 'Endpoints on the network of the caller are sent by their own address, and east-west gateways are never used for them. Where pods of the two clusters do not reach each other, every call that is balanced to the other side hangs until it times out.',
    confirm:
      'kubectl --context CLUSTER get namespace istio-system -L topology.istio.io/network; kubectl --context CLUSTER get services -A -L topology.istio.io/network -l topology.istio.io/network',
    fix: 'Give each cluster a network of its own: label of the system namespace, east-west gateway, injection path or global.network; then restart the workloads. Or connect the pod networks and remove the gateways.',
    notWhen:
      'The clusters are on one flat network with distinct pod ranges. Clusters of AKS with kubenet or an overlay are not, however their networks are peered, unless something else routes between their pods.',
    see: ['https://istio.io/latest/docs/ops/deployment/deployment-models/#network-models'],
  },
  messages: {
    shared: (a: {
      network: string;
      clusters: readonly ClusterName[];
      suspect: Namespace;
      grade: Grade;
      other: string | undefined;
      address: string | undefined;
      isProven: boolean;
      range: string | undefined;
      isPrimary: boolean;
    }) => ({
      text: `Clusters ${list(a.clusters)} are ${a.network === '' ? 'on no named network' : `both on ${a.network}`}, so calls between them go to pod addresses: ${reason(a)}.`,
      expected: 'one network name for clusters whose pods reach each other, else one for each',
      found: a.network === '' ? 'no network label' : `${labels.network}=${a.network} in ${list(a.clusters)}`,
      effect:
        a.grade === 'hybrid'
          ? 'none, if pods of these clusters reach each other'
          : 'calls that are balanced to the other cluster hang, or end at the wrong pod',
      confirm: a.clusters.map((cluster) =>
        a.address === undefined
          ? `kubectl --context ${shellWord(cluster)} get namespace ${shellWord(a.suspect.name)} -L ${labels.network}`
          : `kubectl --context ${shellWord(cluster)} get pods -A -o wide --field-selector status.podIP=${a.address}`,
      ),
      remedy: a.grade === 'hybrid' ? [] : remediesFor(a),
      ...(a.grade === 'hybrid' ? { severity: 'info' as const } : {}),
      certainty: certaintyOf(a.grade, a.isProven),
    }),
  },
  *run({ clusters, mesh, finding }) {
    const seen = withoutCopies(clusters);
    const networks = distinct(seen.flatMap(({ member }) => ('known' in member.network ? [member.network.known ?? ''] : [])));
    for (const network of networks) {
      const sharing = seen.filter(({ member }) => 'known' in member.network && (member.network.known ?? '') === network).sort(movableFirst);
      for (const { grade, clusters: involved, collision, range, overlays, other } of verdictsOf(network, sharing, seen, mesh)) {
        const [suspect] = involved;
        const namespace = suspect === undefined ? undefined : systemNamespaceOf(suspect);
        if (suspect === undefined || namespace === undefined) continue;
        const names = involved.map(({ name }) => name);
        const isPrimary = suspect.controlPlanes.length > 0;
        yield finding(
          'shared',
          {
            network,
            clusters: names,
            suspect: namespace,
            grade,
            other,
            address: collision?.address,
            isProven: collision?.isProven === true,
            range: range?.range,
            isPrimary,
          },
          {
            at: namespace.ref,
            field,
            // What is said of the only two clusters of a network is one finding, whatever says it.
            subject: sharing.length === 2 ? network : `${network} ${names.join(' ')}`,
            concerns: names,
            related: some(involved.slice(1).flatMap((cluster) => systemNamespaceOf(cluster) ?? [])),
            evidence: [
              ...involved
                .flatMap((cluster) => systemNamespaceOf(cluster) ?? [])
                .map(({ ref }) => ({ ref, field, observed: network === '' ? 'absent' : network })),
              ...(overlays ?? []).map(({ ref, podCidrs }) => ({ ref, field: '.spec.podCIDR', observed: list(podCidrs) })),
              ...(range?.nodes ?? []).map(({ ref }) => ({ ref, field: '.spec.podCIDR', observed: range?.range ?? '' })),
              ...(collision?.pods ?? []).map(({ ref }) => ({ ref, field: '.status.podIP', observed: collision?.address ?? '' })),
            ],
          },
        );
      }
    }
  },
});

/** What is to be said of the clusters that share a network; `sharing` is sorted by how easily it is moved, and the first of a verdict is the suspect. */
function verdictsOf(network: string, sharing: readonly SeenHere[], clusters: readonly SeenHere[], mesh: Mesh): Verdict[] {
  if (sharing.length < 2 || (network === '' && !isOneNetwork(clusters, mesh))) return [];
  const ofPairs = pairsOf(sharing).flatMap((pair): Verdict[] => {
    const collision = collisionOn(network, pair);
    const range = sharedRangeOn(network, pair);
    const overlays = collision === undefined && range === undefined ? overlaysOn(network, pair) : undefined;
    return [
      ...(collision === undefined ? [] : [{ grade: 'collision' as const, clusters: pair, collision }]),
      ...(range === undefined ? [] : [{ grade: 'range' as const, clusters: pair, range }]),
      ...(overlays === undefined ? [] : [{ grade: 'overlay' as const, clusters: pair, overlays }]),
    ];
  });
  return network === '' ? ofPairs : [...ofPairs, ...ofAll(network, sharing, clusters, mesh)];
}

function ofAll(network: string, sharing: readonly SeenHere[], clusters: readonly SeenHere[], mesh: Mesh): Verdict[] {
  // All else compares what a cluster says in several places: where one of them was not read there is nothing to compare.
  if (!sharing.every(isRead)) return [];
  const copies = sharing.filter((cluster) => contradiction(cluster, network) !== undefined);
  if (copies.length > 0 && copies.length < sharing.length) {
    return copies.map((odd) => ({
      grade: 'copied',
      clusters: [odd, ...sharing.filter((cluster) => cluster !== odd && !copies.includes(cluster))],
      other: contradiction(odd, network) ?? '',
    }));
  }
  const members = [...mesh.members.values()].filter((member) => valueOf(member.role) !== 'external');
  if (members.length !== clusters.length || !clusters.every(isRead)) return [];
  if (sharing.length < clusters.length) return [{ grade: 'hybrid', clusters: sharing }];
  // One name for all, with one gateway to reach istiod or none at all, is a flat mesh (FP-1, FP-2).
  if (!sharing.every(hasCrossNetworkGateway) || !sharing.some(hasLabelledGateway)) return [];
  if (hasOutsiders(clusters, mesh)) return [{ grade: 'hybrid', clusters: sharing }];
  return [{ grade: sharing.every(hasLabelledGateway) ? 'gateways' : 'half', clusters: sharing }];
}

function isRead({ services, kubeGateways, injectors, pods, istioResources, remoteSecrets }: SeenHere): boolean {
  return [services, kubeGateways, injectors, pods, istioResources, remoteSecrets].every(
    (fact) => fact.status === 'collected' && fact.partial !== true,
  );
}

/** Workloads on another network, or clusters that are read and not in view: gateways may be there for them. */
function hasOutsiders(clusters: readonly SeenHere[], mesh: Mesh): boolean {
  const opened = new Set(mesh.couples.flatMap((couple) => couple.credentials.map(({ entry }) => entry)));
  const homes = new Set(mesh.controlPlanes.map(({ cluster, namespace }) => `${cluster}/${namespace}`));
  const strays = clusters.flatMap(({ name, remoteSecrets }) =>
    listOf(remoteSecrets).filter(
      ({ multiClusterLabel, namespace, entries }) =>
        multiClusterLabel === 'true' && homes.has(`${name}/${namespace}`) && entries.some((entry) => !opened.has(entry)),
    ),
  );
  return strays.length > 0 || clusters.some(({ istioResources }) => networksOfWorkloads(listOf(istioResources)).length > 0);
}

/** Some istiod reads several clusters, and no mesh config names networks by cluster or address range: then pods without label are on one network. */
function isOneNetwork(clusters: readonly SeenHere[], mesh: Mesh): boolean {
  const isRead = mesh.couples.some(({ kind, credentials }) => kind !== 'self' && credentials.length > 0);
  return (
    isRead &&
    clusters.every(
      ({ meshConfigs }) =>
        meshConfigs.status === 'collected' &&
        meshConfigs.partial !== true &&
        meshConfigs.value.every(({ meshNetworks }) => meshNetworks.length === 0),
    )
  );
}

function pairsOf<T>(items: readonly T[]): (readonly [T, T])[] {
  return items.flatMap((one, index) => items.slice(index + 1).map((other) => [one, other] as const));
}

/** Two names of the user for one cluster are one: they have a namespace object in common. */
function withoutCopies<S extends Seen>(clusters: readonly S[]): S[] {
  const taken = new Set<string>();
  return clusters.filter(({ namespaces }) => {
    const uids = namespaces.flatMap(({ uid }) => uid ?? []);
    const isCopy = uids.some((uid) => taken.has(uid));
    for (const uid of uids) taken.add(uid);
    return !isCopy;
  });
}

function systemNamespaceOf({ namespaces, member }: Seen): Namespace | undefined {
  return namespaces.find(({ name }) => name === member.systemNamespace);
}

/** Clusters without istiod before primaries, younger before older: those are easier to move to another network. */
function movableFirst(a: Seen, b: Seen): number {
  const [one, other] = [systemNamespaceOf(a), systemNamespaceOf(b)];
  const isPrimary = ({ controlPlanes }: Seen): number => Number(controlPlanes.length > 0);
  return (
    isPrimary(a) - isPrimary(b) ||
    compareText(other?.createdAt ?? '', one?.createdAt ?? '') ||
    compareText(one?.uid ?? '', other?.uid ?? '')
  );
}

function certaintyOf(grade: Grade, isProven: boolean): Certainty {
  if (grade === 'collision') return isProven ? 'certain' : 'likely';
  return grade === 'range' || grade === 'overlay' || grade === 'copied' || grade === 'gateways' ? 'likely' : 'possible';
}

function reason(a: {
  suspect: Namespace;
  grade: Grade;
  other: string | undefined;
  address: string | undefined;
  range: string | undefined;
}): string {
  if (a.address !== undefined) return `${a.address} is a pod in each of them`;
  if (a.range !== undefined) return `nodes in both give pods addresses of ${a.range}`;
  if (a.grade === 'overlay') return 'AKS routes these in their own cluster only (kubenet, overlay)';
  if (a.grade === 'copied') return `everything else in ${a.suspect.ref.cluster} says ${a.other ?? 'another'}`;
  return a.grade === 'hybrid' ? 'right only if pods reach each other' : 'yet each has a gateway that only other networks would use';
}

function remediesFor(a: { network: string; suspect: Namespace; other: string | undefined; isPrimary: boolean }): Remedy[] {
  const { cluster } = a.suspect.ref;
  if (a.other !== undefined) return [remedy.label(a.suspect.ref, { [labels.network]: a.other })];
  const name = `network-${cluster}`;
  const context = `--context ${shellWord(cluster)}`;
  const set = a.isPrimary
    ? `-f PRIMARY.yaml --set values.global.network=${shellWord(name)}`
    : `-f REMOTE.yaml --set values.istiodRemote.injectionPath=/inject/cluster/ID/net/${shellWord(name)}`;
  const lines = [
    `kubectl ${context} label namespace ${a.suspect.name} ${labels.network}=${shellWord(name)} --overwrite`,
    `istioctl install ${context} ${set}`,
    // The selector of a Deployment that was generated for the old network names it, and no selector can be changed.
    ...(a.network === ''
      ? []
      : [`kubectl ${context} -n ${shellWord(a.suspect.name)} delete deployment -l ${labels.network}=${shellWord(a.network)}`]),
    installWritten(cluster, `samples/multicluster/gen-eastwest-gateway.sh --network ${shellWord(name)}`),
  ];
  return [remedy.installer(cluster, lines, `then restart the workloads of ${cluster}; ${installAgain}`)];
}
