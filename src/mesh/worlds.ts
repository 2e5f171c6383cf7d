import type { ControlPlane, Fact, FactName, FactTypes, IstioResource, MissingFact, Pod, VirtualService } from '../model/facts.ts';
import type { ClusterId, ClusterName } from '../model/ids.ts';
import { refKey } from '../model/refs.ts';
import { type AppliedConfig, appliedConfig } from './applied-config.ts';
import { valueOf } from './derived.ts';
import { type ClientProxy, clientOf, type Predictions } from './endpoints.ts';
import { meshConfigOf } from './measured.ts';
import { predictedOnce } from './predicted.ts';
import { readCredentials } from './remote-secrets.ts';
import { listOf } from './topology.ts';
import type { ControlPlaneRef, Couple, Mesh } from './topology-types.ts';

/** One cluster by the lists that say what its istiod, or that of another cluster, makes of it. */
export type ClusterLists = Pick<FactTypes, 'namespaces' | 'services' | 'endpointSlices' | 'pods' | 'controlPlanes' | 'meshConfigs'> & {
  readonly name: ClusterName;
  readonly istioResources: readonly IstioResource[];
  readonly virtualServices?: readonly VirtualService[];
  readonly nodes?: FactTypes['nodes'];
  readonly kubeGateways?: FactTypes['kubeGateways'];
};

/** Lists of every cluster off which it is read what istiods make of services and policies. */
export const worldNeeds = [
  'namespaces',
  'services',
  'endpointSlices',
  'pods',
  'controlPlanes',
  'meshConfigs',
  'istioResources',
] as const satisfies readonly FactName[];

/** Further gateways: without them fewer networks are known to have any. */
export const worldUses = ['nodes', 'kubeGateways'] as const satisfies readonly FactName[];

type ClusterInView = Omit<ClusterLists, 'nodes' | 'kubeGateways'> & {
  readonly nodes: Fact<FactTypes['nodes']>;
  readonly kubeGateways: Fact<FactTypes['kubeGateways']>;
};

/** The istiods of a mesh as a check of the whole mesh sees them. */
export function worldsIn(mesh: Mesh, clusters: readonly ClusterInView[]): World[] {
  return worldsOf(
    mesh,
    clusters.map((cluster) => ({
      name: cluster.name,
      namespaces: cluster.namespaces,
      services: cluster.services,
      endpointSlices: cluster.endpointSlices,
      pods: cluster.pods,
      controlPlanes: cluster.controlPlanes,
      meshConfigs: cluster.meshConfigs,
      istioResources: cluster.istioResources,
      ...(cluster.virtualServices === undefined ? {} : { virtualServices: cluster.virtualServices }),
      nodes: listOf(cluster.nodes),
      kubeGateways: listOf(cluster.kubeGateways),
    })),
  );
}

/** Those of which it is known which clusters they read, and what is missing of the others. */
export function readingOf(all: readonly World[]): { readonly known: World[]; readonly missing: readonly MissingFact[] } {
  return { known: all.filter(({ gaps }) => gaps.length === 0), missing: all.flatMap(({ gaps }) => gaps) };
}

export const unknownReading = 'it is not known which clusters istiod reads';

/** Sidecars that are told the same of every service: one of them stands for all. */
export interface Caller {
  readonly cluster: ClusterName;
  readonly client: ClientProxy;
  readonly pod: Pod;
  /** Namespaces that have such sidecars. */
  readonly namespaces: ReadonlySet<string>;
  /** Some of them answer DNS, so that names of other clusters resolve. */
  readonly capturesDns: boolean;
}

/** One istiod with all it knows: whose endpoints it sends, to whom, and by which configuration. */
export interface World {
  readonly controlPlane: ControlPlaneRef;
  /** The cluster whose configuration it reads. */
  readonly config: ClusterName;
  readonly applied: AppliedConfig;
  readonly predictions: Predictions;
  /** Clusters whose endpoints it knows, by the ids it has for them. */
  readonly members: ReadonlyMap<ClusterId, ClusterName>;
  /** Clusters whose proxies it configures. */
  readonly serves: readonly ClusterName[];
  /** One for each cluster and network that has sidecars of this istiod; sorted by cluster. */
  readonly callers: readonly Caller[];
  /** What would tell whether it reads a cluster that it does not seem to read. */
  readonly gaps: readonly MissingFact[];
}

/**
 * The istiods of a mesh, from lists of its clusters. One that runs in a cluster that is not among them (an external control plane) is
 * taken to have no settings of its own.
 */
export function worldsOf(mesh: Pick<Mesh, 'controlPlanes' | 'couples' | 'members'>, clusters: readonly ClusterLists[]): World[] {
  const byName = new Map(clusters.map((cluster) => [cluster.name, cluster]));
  return mesh.controlPlanes.flatMap((ref) => {
    const couples = mesh.couples.filter((couple) => refKey(couple.controlPlane.ref) === refKey(ref.ref));
    const config = couples.find(({ kind }) => kind === 'self')?.member;
    const own = config === undefined ? undefined : byName.get(config);
    if (own === undefined || config === undefined) return [];
    const controlPlane = controlPlaneOf(ref, byName.get(ref.cluster), valueOf(mesh.members.get(config)?.clusterId ?? { unknown: [] }));
    return controlPlane === undefined ? [] : [worldOf(ref, controlPlane, own, couples, byName)];
  });
}

/** The world whose istiod configures proxies of a cluster: that of the revision, where several do. */
export function worldServing(worlds: readonly World[], cluster: ClusterName, revision?: string): World | undefined {
  const serving = worlds.filter(({ serves }) => serves.includes(cluster));
  return serving.find(({ controlPlane }) => controlPlane.revision === revision) ?? serving[0];
}

/** By a list of pods, and by cluster and revision: several checks ask the same of a large mesh. */
const knownCallers = new WeakMap<readonly Pod[], Map<string, readonly Caller[]>>();

/** Sidecars of an istiod in one cluster, one for each network. */
export function callersIn(pods: readonly Pod[], cluster: ClusterName, revision: string): readonly Caller[] {
  const known = knownCallers.get(pods) ?? new Map<string, readonly Caller[]>();
  knownCallers.set(pods, known);
  const key = `${cluster} ${revision}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const callers = callersAmong(pods, cluster, revision);
  known.set(key, callers);
  return callers;
}

function callersAmong(pods: readonly Pod[], cluster: ClusterName, revision: string): Caller[] {
  const found = new Map<string, { first: Omit<Caller, 'namespaces' | 'capturesDns'>; namespaces: Set<string>; capturesDns: boolean }>();
  for (const pod of pods) {
    if (pod.proxy?.kind !== 'sidecar' || (pod.proxy.revision ?? revision) !== revision || !isAlive(pod)) continue;
    const { clusterId, network, requestedNetworkView } = pod.proxy;
    if (clusterId === undefined || requestedNetworkView.length > 0) continue;
    const key = `${clusterId} ${network ?? ''}`;
    let same = found.get(key);
    if (same === undefined) {
      const client = clientOf(pod);
      if (client === undefined) continue;
      same = { first: { cluster, client: { ...client, ips: [] }, pod }, namespaces: new Set(), capturesDns: false };
      found.set(key, same);
    }
    same.namespaces.add(pod.namespace);
    if (pod.proxy.dnsCapture) same.capturesDns = true;
  }
  return [...found.values()].map(({ first, ...rest }) => ({ ...first, ...rest }));
}

/** Whether a pod runs, or its source says nothing of it. */
export function isAlive(pod: Pod): boolean {
  return pod.phase === 'Running' || pod.phase === '';
}

type Known = Pick<ControlPlane, 'revision' | 'namespace' | 'clusterId' | 'clusterDomain' | 'env'> & { readonly version?: string };

function controlPlaneOf(ref: ControlPlaneRef, home: ClusterLists | undefined, id: ClusterId | undefined): Known | ControlPlane | undefined {
  const found = home?.controlPlanes.find((one) => refKey(one.ref) === refKey(ref.ref));
  if (found !== undefined) return found;
  return id === undefined
    ? undefined
    : { revision: ref.revision, namespace: ref.namespace, clusterId: id, clusterDomain: 'cluster.local', env: {} };
}

function worldOf(
  ref: ControlPlaneRef,
  controlPlane: Known | ControlPlane,
  own: ClusterLists,
  couples: readonly Couple[],
  byName: ReadonlyMap<ClusterName, ClusterLists>,
): World {
  const meshConfig = meshConfigOf(controlPlane, own.meshConfigs);
  const members = new Map<ClusterId, ClusterName>([[controlPlane.clusterId, own.name]]);
  for (const couple of couples) {
    if (couple.kind === 'self') continue;
    for (const id of idsOf(controlPlane, couple)) if (!members.has(id)) members.set(id, couple.member);
  }
  const serves = couples
    .filter(({ kind, serves: does }) => (kind === 'self' || kind === 'remote') && valueOf(does) === true)
    .map(({ member }) => member);
  return {
    controlPlane: ref,
    config: own.name,
    applied: appliedConfig(controlPlane, own, meshConfig),
    predictions: predictedOnce({
      istiod: controlPlane,
      meshConfig,
      clusters: [...members].flatMap(([id, name]) => {
        const lists = byName.get(name);
        return lists === undefined ? [] : [{ ...lists, id }];
      }),
    }),
    members,
    serves,
    callers: serves.flatMap((cluster) => callersIn(byName.get(cluster)?.pods ?? [], cluster, controlPlane.revision)),
    gaps: couples.flatMap(({ credentials, credentialGaps }) => (credentials.length === 0 ? credentialGaps : [])),
  };
}

function idsOf(controlPlane: Known | ControlPlane, couple: Couple): readonly ClusterId[] {
  if ('externalIstiod' in controlPlane) return readCredentials(controlPlane, couple.credentials).map(({ entry }) => entry.clusterId);
  return couple.credentials
    .filter(({ secret, entry }) => secret.multiClusterLabel === 'true' && entry.invalid === undefined)
    .map(({ entry }) => entry.clusterId);
}
