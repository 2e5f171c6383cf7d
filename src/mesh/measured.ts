import { distinct } from '../base/sort.ts';
import type { Clock, ControlPlane, Fact, MeshConfig, Pod } from '../model/facts.ts';
import type { ClusterId, ClusterName } from '../model/ids.ts';
import type { IstiodReplica, ListedGateway, ListedShards } from '../model/observations.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import { valueOf } from './derived.ts';
import { type ShardEndpoint, endpointShards } from './endpoints.ts';
import { type NetworkGateway, networkGateways } from './gateways.ts';
import type { IstiodView, ReadCluster } from './istiod-view.ts';
import { readCredentials } from './remote-secrets.ts';
import type { Couple, Mesh } from './topology.ts';

/*
 * What an istiod should hold of one cluster that it reads, beside what its replicas say they hold. Everything here is one couple's: a
 * third cluster has no part in it.
 */

/** What was seen of the replicas of one istiod, among all that were asked in its cluster. */
export function replicasOf<T extends Pick<IstiodReplica, 'namespace' | 'revision'>>(
  controlPlane: Pick<ControlPlane, 'namespace' | 'revision'>,
  istiods: readonly T[],
): readonly T[] {
  return istiods.filter(({ namespace, revision }) => namespace === controlPlane.namespace && revision === controlPlane.revision);
}

/** Those of the istiods of a cluster that run this mesh: a cluster may host the istiod of another one beside its own. */
export function istiodsOf(mesh: Pick<Mesh, 'controlPlanes'>, controlPlanes: readonly ControlPlane[]): readonly ControlPlane[] {
  const own = new Set(mesh.controlPlanes.map(({ ref }) => refKey(ref)));
  return controlPlanes.filter(({ ref }) => own.has(refKey(ref)));
}

/**
 * Whether the proxies of a cluster that replicas of its istiod were asked about are connected to one of them. unknown: to none that says so, and a replica does
 * not say, or was not asked. not-asked: no replica was asked about a proxy there.
 */
export function connectionOf(
  member: ClusterName,
  replicas: readonly IstiodReplica[],
  { readyReplicas }: Pick<ControlPlane, 'readyReplicas'>,
): 'connected' | 'cut-off' | 'unknown' | 'not-asked' {
  const tablesOf = ({ nameTables }: IstiodReplica) => nameTables.filter(({ proxy }) => proxy.cluster === member);
  const tables = replicas.flatMap(tablesOf);
  if (tables.length === 0) return 'not-asked';
  if (tables.some(({ table }) => 'answer' in table && table.answer !== 'elsewhere')) return 'connected';
  // A replica that was not asked, or did not answer, may be the one.
  const isSilent = (replica: IstiodReplica): boolean => !tablesOf(replica).some(({ table }) => 'answer' in table);
  return replicas.some(isSilent) || replicas.length < readyReplicas ? 'unknown' : 'cut-off';
}

/**
 * Gateways of a cluster that replicas of its istiod were asked about and that none of them is connected to. A gateway of which a replica does not say, or that is
 * connected to one of `others` (istiods of another revision), is not among them.
 */
export function gatewaysCutOff(
  member: ClusterName,
  replicas: readonly IstiodReplica[],
  { readyReplicas }: Pick<ControlPlane, 'readyReplicas'>,
  others: readonly IstiodReplica[] = [],
): readonly ObjectRef[] {
  if (replicas.length === 0 || replicas.length < readyReplicas) return [];
  const saidOf = ({ gatewayProxies = [] }: IstiodReplica, gateway: ObjectRef): string | undefined =>
    gatewayProxies.flatMap(({ proxy, at }) => (refKey(proxy) === refKey(gateway) && 'answer' in at ? [at.answer] : []))[0];
  const asked = (replicas[0]?.gatewayProxies ?? []).map(({ proxy }) => proxy).filter(({ cluster }) => cluster === member);
  return asked.filter(
    (gateway) =>
      replicas.every((replica) => saidOf(replica, gateway) === 'elsewhere') &&
      !others.some((replica) => saidOf(replica, gateway) === 'here'),
  );
}

/** Ids under which this istiod reads the member of a couple: its own CLUSTER_ID, or the keys of the remote secrets that it takes. */
export function idsRead(controlPlane: ControlPlane, couple: Pick<Couple, 'kind' | 'credentials'>): readonly ClusterId[] {
  if (couple.kind === 'self') return [controlPlane.clusterId];
  return distinct<ClusterId>(readCredentials(controlPlane, couple.credentials).map(({ entry }) => entry.clusterId));
}

/** Members that go by one of these ids. */
export function clustersById(mesh: Pick<Mesh, 'members'>, ids: readonly string[]): readonly ClusterName[] {
  return [...mesh.members.values()].flatMap(({ cluster, clusterId }) => (ids.includes(valueOf(clusterId) ?? '') ? [cluster] : []));
}

/** The mesh config of an istiod among those of a cluster. */
export function meshConfigOf(
  controlPlane: Pick<ControlPlane, 'namespace' | 'revision'>,
  configs: readonly MeshConfig[],
): MeshConfig | undefined {
  return configs.find(({ namespace, revision }) => namespace === controlPlane.namespace && revision === controlPlane.revision);
}

type Lists<P extends Exclude<keyof ReadCluster, 'id'>> = Pick<ReadCluster, P>;

/** One cluster as an istiod sees it: gateways that its objects give. Static ones of meshNetworks belong to no cluster and are not among them. */
export function gatewaysIn(
  istiod: Pick<IstiodView, 'istiod' | 'meshConfig'>,
  id: ClusterId,
  lists: Lists<'namespaces' | 'services' | 'nodes' | 'kubeGateways'>,
): readonly NetworkGateway[] {
  return networkGateways({ ...istiod, clusters: [{ id, ...lists }] }).filter(({ cluster }) => cluster === id);
}

/** Endpoints that one cluster contributes to a host, as an istiod makes them of its objects. `lists` may be narrowed to the namespace and service. */
export function endpointsIn(
  istiod: Pick<IstiodView, 'istiod' | 'meshConfig'>,
  id: ClusterId,
  host: string,
  lists: Lists<'namespaces' | 'endpointSlices' | 'pods'>,
): readonly ShardEndpoint[] {
  return (
    endpointShards({ ...istiod, clusters: [{ id, ...lists }] })
      .get(host)
      ?.clusters.get(id) ?? []
  );
}

/** Whether a gateway that a replica lists is the one predicted: network, address, and the port of sidecars or that of ambient. */
export function isListedAs(listed: ListedGateway, { network, address, port, hbonePort }: NetworkGateway): boolean {
  if (listed.network !== network || listed.address !== address) return false;
  return listed.port === port || (hbonePort !== 0 && listed.hbonePort === hbonePort);
}

/** The endpoints a replica lists for a host and a cluster; nothing when it lists none. */
export function listedEndpoints(
  shards: readonly ListedShards[],
  host: string,
  id: ClusterId,
): ListedShards['clusters'][number]['endpoints'] {
  return shards.find((one) => one.host === host)?.clusters.find(({ cluster }) => cluster === id)?.endpoints ?? [];
}

/** Whether a replica holds any endpoint of a cluster, among the names it was asked for. */
export function servesEndpointsOf(replica: Pick<IstiodReplica, 'shards'>, id: ClusterId): boolean {
  return (
    'answer' in replica.shards &&
    replica.shards.answer.some(({ clusters }) => clusters.some(({ cluster, endpoints }) => cluster === id && endpoints.length > 0))
  );
}

/**
 * Whether a replica of istiod has been there for longer than proxies that lost another one take to connect again: half a minute at most between two attempts.
 * Without a clock nobody can tell.
 */
export function isLongThere(replicas: readonly Pick<IstiodReplica, 'pod'>[], pods: readonly Pod[], clock: Fact<Clock>): boolean {
  const found = new Map(pods.map((pod) => [refKey(pod.ref), pod]));
  return replicas.some(({ pod }) => isSettled(found.get(refKey(pod)), clock));
}

/** Milliseconds within which a pod that became an endpoint may be on its way to istiod and proxies, or another one on its way out. */
const settling = 60_000;

/** Whether what stands behind an endpoint is older than a rollout takes to arrive everywhere. Without a clock nobody can tell. */
export function isSettled(pod: Pick<Pod, 'startedAt'> | undefined, clock: Fact<Clock>): boolean {
  if (clock.status !== 'collected') return false;
  return pod?.startedAt === undefined || Date.parse(clock.value.takenAt) - Date.parse(pod.startedAt) > settling;
}
