import { UsageError } from '../base/errors.ts';
import { distinct } from '../base/sort.ts';
import { list } from '../base/text.ts';
import { labels, names } from '../istio/labels.ts';
import type { ClusterName } from '../model/ids.ts';
import { itemsOf } from './looking.ts';
import type { GuidedTopology, Plan, Site, World } from './types.ts';

/** What the user says of the mesh that is to be; what is not said is inferred. */
export interface Wishes {
  readonly topology?: GuidedTopology | undefined;
  readonly primaries: readonly ClusterName[];
  readonly remotes: readonly ClusterName[];
  readonly namespace: string;
  readonly meshId?: string | undefined;
  readonly revision?: string | undefined;
  readonly release?: string | undefined;
  /** By cluster. */
  readonly networks: ReadonlyMap<string, string>;
  /** By cluster. */
  readonly clusterIds: ReadonlyMap<string, string>;
  readonly services: readonly string[];
}

/**
 * The plan with every name: what the user says, else what the clusters say already, else what Istio's guides use.
 * @throws UsageError when the clusters say two things and the user none
 */
export function planOf(wishes: Wishes, world: World): Plan {
  const { namespace } = wishes;
  const topology = wishes.topology ?? topologyOf(wishes, world);
  const clusters = [...wishes.primaries, ...wishes.remotes];
  const isPrimary = (cluster: ClusterName): boolean => topology === 'multi-primary' || wishes.primaries.includes(cluster);
  const networks = networksOf(clusters, wishes, world);
  const sites = clusters.map((cluster): Site => {
    const role = isPrimary(cluster) ? 'primary' : 'remote';
    return {
      cluster,
      role,
      clusterId: wishes.clusterIds.get(cluster) ?? clusterIdIn(world, cluster, namespace) ?? idFrom(cluster),
      network: networks.get(cluster) ?? '',
    };
  });
  refuseSameIds(sites);
  const primaries = sites.filter(({ role }) => role === 'primary');
  const istiods = primaries.flatMap(({ cluster }) => itemsOf(world, cluster, 'controlPlanes').filter((one) => one.namespace === namespace));
  const meshIds = primaries.flatMap(({ cluster }) =>
    itemsOf(world, cluster, 'meshConfigs').flatMap((config) => (config.namespace === namespace ? (config.meshId ?? []) : [])),
  );
  const revision =
    wishes.revision ??
    oneOf(
      istiods.map((istiod) => istiod.revision),
      `Istiods of ${list(primaries.map(({ cluster }) => cluster))} have the revisions`,
      '--revision',
    ) ??
    names.defaultRevision;
  const releases = istiods.flatMap((istiod) => (istiod.revision === revision ? (istiod.version ?? []) : []));
  return {
    topology,
    primaries,
    remotes: sites.filter(({ role }) => role === 'remote'),
    meshId: wishes.meshId ?? oneOf(meshIds, 'The primaries have the mesh IDs', '--mesh-id') ?? 'mesh1',
    revision,
    namespace,
    release: wishes.release ?? releases[0],
    services: wishes.services,
  };
}

/** A second cluster with an istiod of its own is a second primary. */
function topologyOf({ primaries, remotes, namespace }: Wishes, world: World): GuidedTopology {
  const hasIstiod = (cluster: ClusterName): boolean =>
    itemsOf(world, cluster, 'controlPlanes').some((istiod) => istiod.namespace === namespace);
  return primaries.length > 1 || remotes.some(hasIstiod) ? 'multi-primary' : 'primary-remote';
}

/** The only value there is. */
function oneOf(values: readonly string[], what: string, flag: string): string | undefined {
  const [only, ...more] = distinct(values);
  if (more.length > 0)
    throw new UsageError('ERR_BAD_VALUE', `${what} ${list(distinct(values))}; the guide is about one.`, {
      hint: `Say which with ${flag}.`,
    });
  return only;
}

function networksOf(clusters: readonly ClusterName[], { networks, namespace }: Wishes, world: World): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const cluster of clusters) {
    const labelled = itemsOf(world, cluster, 'namespaces').find(({ name }) => name === namespace)?.labels[labels.network];
    const injected = itemsOf(world, cluster, 'injectorValues').find((values) => values.namespace === namespace)?.network;
    const path = itemsOf(world, cluster, 'injectors').find(({ injectedNetwork }) => injectedNetwork !== undefined)?.injectedNetwork;
    const said = networks.get(cluster) ?? (labelled || undefined) ?? path ?? (injected || undefined);
    if (said !== undefined) found.set(cluster, said);
  }
  // Istio everywhere, and a network nowhere: they are on one, which has no name.
  const hasIstio = (cluster: ClusterName): boolean =>
    itemsOf(world, cluster, 'controlPlanes').length + itemsOf(world, cluster, 'injectors').length > 0;
  if (found.size === 0 && clusters.every(hasIstio)) return found;
  for (const cluster of clusters) {
    if (found.has(cluster)) continue;
    const taken = new Set(found.values());
    const free = clusters.map((_, index) => `network${index + 1}`);
    const own = free[clusters.indexOf(cluster)] ?? '';
    found.set(cluster, taken.has(own) ? (free.find((name) => !taken.has(name)) ?? own) : own);
  }
  return found;
}

/** What Istio calls a cluster already. */
function clusterIdIn(world: World, cluster: ClusterName, namespace: string): string | undefined {
  const istiod = itemsOf(world, cluster, 'controlPlanes').find((one) => one.namespace === namespace);
  const injector = itemsOf(world, cluster, 'injectors').find(({ injectedClusterId }) => injectedClusterId !== undefined);
  return istiod?.clusterId ?? injector?.injectedClusterId;
}

/** A name that Secrets and addresses can carry, from that of a context: `gke_acme_west` → `gke-acme-west`. */
export function idFrom(context: string): string {
  return (
    (context.split('/').at(-1) ?? context)
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, '-')
      .slice(-40)
      .replace(/^-+|-+$/g, '') || 'cluster'
  );
}

function refuseSameIds(sites: readonly Site[]): void {
  const twice = sites.find(({ clusterId }, index) => sites.findIndex((other) => other.clusterId === clusterId) !== index);
  if (twice === undefined) return;
  const same = sites.filter(({ clusterId }) => clusterId === twice.clusterId).map(({ cluster }) => cluster);
  throw new UsageError('ERR_BAD_VALUE', `${list(same)} would both be called ${twice.clusterId}; cluster IDs of a mesh differ.`, {
    hint: `Say what it is to be called: --cluster-id ${twice.cluster}=NAME`,
  });
}
