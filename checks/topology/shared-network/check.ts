import {
  type ClusterName,
  compareText,
  type Couple,
  defineCheck,
  distinct,
  type Fact,
  installAgain,
  labels,
  list,
  type MeshConfig,
  type Mesh,
  type Namespace,
  remedy,
  type Remedy,
  type RemoteSecret,
  shellWord,
  valueOf,
} from 'meshdoctor/api';
import { keeperNote } from '../_area.ts';
import {
  type Collision,
  collisionOn,
  contradiction,
  hasCrossNetworkGateway,
  hasLabelledGateway,
  networksOfWorkloads,
  type Seen,
} from './networks.ts';

const field = `.metadata.labels["${labels.network}"]`;

/** collision: an address is live twice; copied: everything else in the cluster says another name; gateways: every cluster has one; half: not all of them are labelled; hybrid: nothing speaks against it. */
type Grade = 'collision' | 'copied' | 'gateways' | 'half' | 'hybrid';

type SeenHere = Seen & { readonly remoteSecrets: Fact<readonly RemoteSecret[]>; readonly meshConfigs: Fact<readonly MeshConfig[]> };

export default defineCheck({
  id: 'shared-network',
  title: 'Clusters share a network name only if their pods reach each other directly',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  partial: true,
  needs: ['namespaces'],
  uses: ['services', 'kubeGateways', 'injectors', 'pods', 'remoteSecrets', 'istioResources', 'meshConfigs'],
  explains: [
    { code: 'mismatched-gateway-network', match: 'cluster' },
    { code: 'mismatched-injection-path', match: 'cluster' },
    { code: 'stale-proxy-network', match: 'cluster' },
    { code: 'missing-east-west-gateway', match: 'cluster' },
  ],
  catalogue: ['ID-02'],
  docs: {
    why: 'Endpoints on the network of the caller are sent by their own address, and east-west gateways are never used for them. Where pods of the two clusters do not reach each other, every call that is balanced to the other side hangs until it times out.',
    confirm:
      'kubectl --context ONE -n NAMESPACE exec POD -c istio-proxy -- curl -sv --max-time 3 http://POD-ADDRESS-IN-THE-OTHER:15021/healthz/ready',
    fix: 'Give each cluster a network of its own: label of the system namespace, east-west gateway, injection path or global.network; then restart the workloads. Or connect the pod networks and remove the gateways.',
    notWhen: 'The clusters are on one flat network with distinct pod ranges.',
    see: ['https://istio.io/latest/docs/ops/deployment/deployment-models/#network-models'],
  },
  messages: {
    shared: (a: {
      network: string;
      clusters: readonly ClusterName[];
      suspect: Namespace;
      grade: Grade;
      other: string | undefined;
      collision: Collision | undefined;
      isPrimary: boolean;
    }) => ({
      text: `Clusters ${list(a.clusters)} are ${a.network === '' ? 'on no named network' : `both on ${a.network}`}, so calls between them go to pod addresses: ${reason(a)}.`,
      expected: 'one network name for clusters whose pods reach each other, else one for each',
      found: a.network === '' ? 'no network label' : `${labels.network}=${a.network} in ${list(a.clusters)}`,
      effect:
        a.grade === 'hybrid'
          ? 'none, if pods of these clusters reach each other'
          : 'calls that are balanced to the other cluster hang, or end at the wrong pod',
      remedy: a.grade === 'hybrid' ? [] : remediesFor(a),
      ...(a.grade === 'hybrid' ? { severity: 'info' as const } : {}),
      ...(a.grade === 'collision'
        ? {}
        : { certainty: a.grade === 'copied' || a.grade === 'gateways' ? ('likely' as const) : ('possible' as const) }),
    }),
  },
  *run({ clusters, mesh, finding }) {
    const distinctClusters = withoutCopies(clusters);
    const networks = distinct(distinctClusters.flatMap(({ member }) => ('known' in member.network ? [member.network.known ?? ''] : [])));
    for (const network of networks) {
      const sharing = distinctClusters.filter(({ member }) => 'known' in member.network && (member.network.known ?? '') === network);
      if (sharing.length < 2) continue;
      const collision = network !== '' || areUnnamed(distinctClusters, mesh) ? collisionOn(network, sharing) : undefined;
      const copies = sharing.filter((cluster) => network !== '' && contradiction(cluster, network) !== undefined);
      const grade =
        collision !== undefined ? 'collision' : network === '' ? undefined : gradeOf(sharing, copies.length, distinctClusters, mesh);
      if (grade === undefined) continue;
      const involved = collision === undefined ? sharing : sharing.filter(({ name }) => collision.clusters.includes(name));
      const [suspect] = [...involved].sort((a, b) => Number(copies.includes(b)) - Number(copies.includes(a)) || bySuspicion(a, b));
      const namespace = suspect?.namespaces.find(({ name }) => name === suspect.member.systemNamespace);
      if (suspect === undefined || namespace === undefined) continue;
      const args = {
        network,
        clusters: involved.map(({ name }) => name),
        suspect: namespace,
        grade,
        other: contradiction(suspect, network),
        collision,
        isPrimary: valueOf(suspect.member.role) === 'primary',
      };
      yield finding('shared', args, {
        at: namespace.ref,
        field,
        subject: network,
        concerns: args.clusters,
        related: involved.flatMap(({ name, member }) =>
          name !== suspect.name && 'known' in member.network ? member.network.evidence : [],
        ),
        evidence: [
          ...involved.flatMap(({ member }) =>
            'known' in member.network
              ? member.network.evidence.map((ref) => ({ ref, field, observed: network === '' ? 'absent' : network }))
              : [],
          ),
          ...(collision?.pods.map((pod) => ({ ref: pod.ref, field: '.status.podIP', observed: collision.address })) ?? []),
        ],
      });
    }
  },
});

function gradeOf(sharing: readonly SeenHere[], copies: number, clusters: readonly SeenHere[], mesh: Mesh): Grade | undefined {
  if (copies > 0 && copies < sharing.length) return 'copied';
  const isHybrid = mesh.networks.length > 1 && sharing.length < clusters.length;
  if (isHybrid) return 'hybrid';
  // One name for all, with one gateway to reach istiod or none at all, is a flat mesh (FP-1, FP-2).
  if (!sharing.every(hasCrossNetworkGateway) || !sharing.some(hasLabelledGateway)) return undefined;
  if (!isWhole(clusters, mesh)) return 'hybrid';
  return sharing.every(hasLabelledGateway) ? 'gateways' : 'half';
}

/** Nothing points to a cluster or workload on a network that is not in view, for which gateways would be needed. */
function isWhole(clusters: readonly SeenHere[], mesh: Mesh): boolean {
  const members = [...mesh.members.values()].filter((member) => valueOf(member.role) !== 'external');
  if (members.length !== clusters.length || mesh.networkGaps.some(({ why }) => why.status !== 'absent')) return false;
  const opened = new Set(mesh.couples.flatMap((couple) => couple.credentials.map(({ entry }) => entry)));
  const readers = clusters.filter(({ name }) => mesh.controlPlanes.some(({ cluster }) => cluster === name));
  return (
    clusters.every(
      ({ istioResources }) => istioResources.status === 'collected' && networksOfWorkloads(istioResources.value).length === 0,
    ) && readers.every(({ remoteSecrets }) => remoteSecrets.status === 'collected' && !hasStray(remoteSecrets.value, opened, mesh.couples))
  );
}

function hasStray(secrets: readonly RemoteSecret[], opened: ReadonlySet<unknown>, couples: readonly Couple[]): boolean {
  const own = new Set(couples.map(({ controlPlane }) => controlPlane.namespace));
  return secrets.some(
    ({ multiClusterLabel, namespace, entries }) =>
      multiClusterLabel === 'true' && own.has(namespace) && entries.some((entry) => !opened.has(entry)),
  );
}

/** No mesh config names networks by cluster or address range, and one istiod reads all: then pods without label are on one network. */
function areUnnamed(clusters: readonly SeenHere[], mesh: Mesh): boolean {
  const homes = clusters.filter(({ name }) => mesh.controlPlanes.some(({ cluster }) => cluster === name));
  const isRead = mesh.couples.some(({ kind, credentials }) => kind !== 'self' && credentials.length > 0);
  return (
    isRead &&
    homes.length > 0 &&
    homes.every(
      ({ meshConfigs }) =>
        meshConfigs.status === 'collected' &&
        meshConfigs.partial !== true &&
        meshConfigs.value.every(({ meshNetworks }) => meshNetworks.length === 0),
    )
  );
}

/** Two names of the user for one cluster are one: its kube-system namespace is the same object. */
function withoutCopies<S extends Seen>(clusters: readonly S[]): S[] {
  const seen = new Set<string>();
  return clusters.filter(({ namespaces }) => {
    const uid = namespaces.find(({ name }) => name === 'kube-system')?.uid;
    if (uid === undefined) return true;
    const isNew = !seen.has(uid);
    seen.add(uid);
    return isNew;
  });
}

/** Remotes before primaries, younger before older. */
function bySuspicion(a: Seen, b: Seen): number {
  const isPrimary = ({ member }: Seen): number => Number(valueOf(member.role) === 'primary');
  const born = ({ namespaces, member }: Seen): string => namespaces.find(({ name }) => name === member.systemNamespace)?.createdAt ?? '';
  return (
    isPrimary(a) - isPrimary(b) ||
    compareText(born(b), born(a)) ||
    compareText(valueOf(a.member.clusterId) ?? '', valueOf(b.member.clusterId) ?? '')
  );
}

function reason(a: { suspect: Namespace; grade: Grade; other: string | undefined; collision: Collision | undefined }): string {
  if (a.collision !== undefined) return `${a.collision.address} is a pod in each of them`;
  if (a.grade === 'copied') return `everything else in ${a.suspect.ref.cluster} says ${a.other ?? 'another'}`;
  return a.grade === 'hybrid' ? 'right only if pods reach each other' : 'yet each has a gateway that only other networks would use';
}

function remediesFor(a: { network: string; suspect: Namespace; other: string | undefined; isPrimary: boolean }): Remedy[] {
  const { cluster } = a.suspect.ref;
  if (a.other !== undefined) return [remedy.label(a.suspect.ref, { [labels.network]: a.other }, keeperNote(a.suspect))];
  const name = `network-${cluster}`;
  const context = `--context ${shellWord(cluster)}`;
  const set = a.isPrimary
    ? `-f PRIMARY.yaml --set values.global.network=${shellWord(name)}`
    : `-f REMOTE.yaml --set values.istiodRemote.injectionPath=/inject/cluster/ID/net/${shellWord(name)}`;
  const lines = [
    `kubectl ${context} label namespace ${a.suspect.name} ${labels.network}=${shellWord(name)} --overwrite`,
    `istioctl install ${context} ${set}`,
    `samples/multicluster/gen-eastwest-gateway.sh --network ${shellWord(name)} | istioctl install ${context} -y -f -`,
  ];
  return [remedy.installer(cluster, lines, `then restart the workloads of ${cluster}; ${installAgain}`)];
}
