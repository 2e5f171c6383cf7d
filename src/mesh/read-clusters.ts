import { compareText, sortedBy } from '../base/sort.ts';
import { refusedCredentials } from '../istio/kubeconfig-rules.ts';
import type { ClusterFacts, ControlPlane, FactName, MeshConfig, MissingFact } from '../model/facts.ts';
import type { ClusterId, ClusterName } from '../model/ids.ts';
import { objectPath, refKey } from '../model/refs.ts';
import type { IstiodView, ReadCluster } from './istiod-view.ts';
import { type Couple, type FactsByCluster, listOf } from './topology.ts';

/** Everything a prediction reads of one cluster. */
const readFacts = ['namespaces', 'services', 'endpointSlices', 'pods'] as const satisfies readonly FactName[];

/** One istiod's view, and what is not known of it. */
export interface KnownView {
  readonly view: IstiodView;
  /** Which cluster stands behind each id of the view, in the order of the view. */
  readonly members: readonly { readonly id: ClusterId; readonly cluster: ClusterName }[];
  /** Ids under which istiod reads clusters that are not among those given: what they contribute is unknown. Sorted. */
  readonly elsewhere: readonly ClusterId[];
  /** Lists of clusters in the view that were not read, or not whole: predictions may lack what they hold. */
  readonly missing: readonly MissingFact[];
}

/**
 * What an istiod sees, from the facts of all clusters: its own cluster (for an external control plane the configuration's) under its
 * CLUSTER_ID, and every cluster its remote secrets open, under their data keys. Secrets in other namespaces, without the label,
 * refused, or under a key already taken are not read, as istiod does not (pkg/kube/multicluster/secretcontroller.go). `couples` are
 * those of its mesh.
 */
export function istiodViewOf(controlPlane: ControlPlane, couples: readonly Couple[], facts: FactsByCluster): KnownView {
  const own = couples.filter((couple) => refKey(couple.controlPlane.ref) === refKey(controlPlane.ref));
  const home = controlPlane.ref.cluster;
  const config = configClusterOf(controlPlane, couples);
  const { opened, elsewhere } = openedBySecrets(controlPlane, own, facts);
  const members = [{ id: controlPlane.clusterId, cluster: config }, ...opened];
  const meshConfig = meshConfigOf(controlPlane, [home, config], facts);
  return {
    view: {
      istiod: controlPlane,
      meshConfig,
      clusters: members.flatMap(({ id, cluster }) => {
        const of = facts.get(cluster);
        return of === undefined ? [] : [readCluster(id, of)];
      }),
    },
    members,
    elsewhere,
    missing: [...new Set(members.map((member) => member.cluster))].flatMap((cluster) => missingOf(cluster, facts.get(cluster))),
  };
}

/** The cluster whose configuration an istiod reads: its own, or the config cluster of an external one. `couples` are those of its mesh. */
export function configClusterOf({ ref }: Pick<ControlPlane, 'ref'>, couples: readonly Couple[]): ClusterName {
  const selves = couples.filter(({ kind, controlPlane }) => kind === 'self' && refKey(controlPlane.ref) === refKey(ref));
  return selves.find(({ member }) => member !== ref.cluster)?.member ?? ref.cluster;
}

function openedBySecrets(
  controlPlane: ControlPlane,
  couples: readonly Couple[],
  facts: FactsByCluster,
): { readonly opened: KnownView['members']; readonly elsewhere: readonly ClusterId[] } {
  const members = new Map<string, ClusterName>();
  for (const couple of couples) {
    for (const { secret, entry } of couple.credentials) members.set(`${objectPath(secret.ref)}#${entry.clusterId}`, couple.member);
  }
  const options = controlPlane.env['PILOT_INSECURE_MULTICLUSTER_KUBECONFIG_OPTIONS'];
  const taken = new Set<ClusterId>([controlPlane.clusterId]);
  const opened: { id: ClusterId; cluster: ClusterName }[] = [];
  const elsewhere: ClusterId[] = [];
  const remoteSecrets = facts.get(controlPlane.ref.cluster)?.remoteSecrets;
  for (const secret of sortedBy(remoteSecrets === undefined ? [] : listOf(remoteSecrets), (one) => refKey(one.ref))) {
    if (secret.namespace !== controlPlane.namespace || secret.multiClusterLabel !== 'true') continue;
    for (const entry of secret.entries) {
      if (taken.has(entry.clusterId) || entry.invalid !== undefined || refusedCredentials(entry.auth, options).length > 0) continue;
      taken.add(entry.clusterId);
      const cluster = members.get(`${objectPath(secret.ref)}#${entry.clusterId}`);
      if (cluster === undefined) elsewhere.push(entry.clusterId);
      else opened.push({ id: entry.clusterId, cluster });
    }
  }
  return { opened, elsewhere: elsewhere.sort(compareText) };
}

/** The ConfigMap of its revision, beside the istiod first: that file wins over the shared one in the configuration's cluster. */
function meshConfigOf(controlPlane: ControlPlane, places: readonly ClusterName[], facts: FactsByCluster): MeshConfig | undefined {
  for (const place of places) {
    const configs = facts.get(place)?.meshConfigs;
    const found = (configs === undefined ? [] : listOf(configs)).find(
      (config) => config.namespace === controlPlane.namespace && config.revision === controlPlane.revision,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

function readCluster(id: ClusterId, facts: ClusterFacts): ReadCluster {
  return {
    id,
    namespaces: listOf(facts.namespaces),
    services: listOf(facts.services),
    endpointSlices: listOf(facts.endpointSlices),
    pods: listOf(facts.pods),
    nodes: listOf(facts.nodes),
    kubeGateways: listOf(facts.kubeGateways),
  };
}

function missingOf(cluster: ClusterName, facts: ClusterFacts | undefined): MissingFact[] {
  if (facts === undefined) return [];
  return readFacts.flatMap((fact): MissingFact[] => {
    const read = facts[fact];
    if (read.status !== 'collected') return [{ cluster, fact, why: read }];
    return read.partial === true ? [{ cluster, fact, why: { status: 'partial' } }] : [];
  });
}
