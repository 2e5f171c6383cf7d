import { fqdnOf } from '../../istio/hosts.ts';
import { labels } from '../../istio/labels.ts';
import type { ClusterFacts, ControlPlane, IstioResource, MissingFact, Pod } from '../../model/facts.ts';
import type { ClusterId, ClusterName } from '../../model/ids.ts';
import { type ObjectRef, refKey } from '../../model/refs.ts';
import { type ClientProxy, clientOf } from '../endpoints.ts';
import { type Policies, policiesOf } from '../mtls-barriers.ts';
import { type FactsByCluster, listOf, type Mesh } from '../topology-types.ts';
import { type ClusterLists, type World, worldServing, worldsOf } from '../worlds.ts';
import type { Target } from './call.ts';
import type { Caller } from './caller-pod.ts';

/**
 * sidecar: the pod has one; ambient: its namespace is captured by ztunnel; gateway: it is a gateway; plain: none of these, so that it
 * calls as any pod of Kubernetes does; unknown: no pod is known.
 */
export type CallerKind = 'sidecar' | 'ambient' | 'gateway' | 'plain' | 'unknown';

/** Everything that the hops of a call are derived from. */
export interface Around {
  readonly mesh: Mesh;
  readonly facts: FactsByCluster;
  readonly worlds: readonly World[];
  readonly policies: ReadonlyMap<World, Policies>;
  readonly caller: Caller;
  readonly kind: CallerKind;
  readonly target: Target;
  /** Lists of clusters beside the mesh that may belong to it. */
  readonly unread: readonly MissingFact[];
  /** FQDN of the service called. */
  readonly host: string;
  /** The istiod that configures the caller; absent where none is known to. */
  readonly world: World | undefined;
  /** The caller's proxy, or one like it that stands for it where no pod is known. */
  readonly client: ClientProxy | undefined;
}

export function aroundOf(
  mesh: Mesh,
  facts: FactsByCluster,
  { caller, target, unread }: Pick<Around, 'caller' | 'target' | 'unread'>,
): Around {
  const worlds = worldsOf(
    mesh,
    [...facts].map(([name, own]) => listsOf(name, own)),
  );
  const kind = kindOf(caller, facts.get(caller.cluster));
  const world = worldServing(worlds, caller.cluster, caller.pod?.proxy?.revision);
  return {
    mesh,
    facts,
    worlds,
    policies: new Map(worlds.map((one) => [one, policiesOf(one)])),
    caller,
    kind,
    target,
    unread,
    host: fqdnOf(target.namespace, target.name, world?.predictions.istiod.clusterDomain),
    world,
    client: clientIn(kind, caller, world, facts),
  };
}

function listsOf(name: ClusterName, own: ClusterFacts): ClusterLists {
  return {
    name,
    namespaces: listOf(own.namespaces),
    services: listOf(own.services),
    endpointSlices: listOf(own.endpointSlices),
    pods: listOf(own.pods),
    controlPlanes: listOf(own.controlPlanes),
    meshConfigs: listOf(own.meshConfigs),
    istioResources: listOf(own.istioResources),
    virtualServices: listOf(own.virtualServices),
    nodes: listOf(own.nodes),
    kubeGateways: listOf(own.kubeGateways),
  };
}

function kindOf({ pod, namespace }: Caller, own: ClusterFacts | undefined): CallerKind {
  if (pod === undefined) return 'unknown';
  if (pod.proxy?.kind === 'sidecar') return 'sidecar';
  if (pod.proxy !== undefined) return 'gateway';
  return own !== undefined && isCaptured(pod, namespace, own) ? 'ambient' : 'plain';
}

/** Whether ztunnel takes the traffic of a pod: by label of the pod, else of its namespace. */
export function isCaptured(pod: Pick<Pod, 'labels' | 'hostNetwork'>, namespace: string, own: ClusterFacts): boolean {
  if (pod.hostNetwork) return false;
  const ofNamespace = listOf(own.namespaces).find(({ name }) => name === namespace)?.labels[labels.dataplaneMode];
  return (pod.labels[labels.dataplaneMode] ?? ofNamespace) === 'ambient';
}

/** What istiod knows of the caller's proxy. A ztunnel is that of the pod's node, else any of the cluster. */
function clientIn(
  kind: CallerKind,
  { cluster, namespace, pod }: Caller,
  world: World | undefined,
  facts: FactsByCluster,
): ClientProxy | undefined {
  if (kind === 'sidecar' || kind === 'gateway') return pod === undefined ? undefined : clientOf(pod);
  if (kind === 'ambient') {
    const own = facts.get(cluster);
    const ztunnels = (own === undefined ? [] : listOf(own.pods)).filter(({ proxy }) => proxy?.kind === 'ztunnel');
    const ztunnel = ztunnels.find(({ nodeName }) => nodeName !== undefined && nodeName === pod?.nodeName) ?? ztunnels[0];
    const client = ztunnel === undefined ? undefined : clientOf(ztunnel);
    return client === undefined ? undefined : { ...client, namespace, ips: pod?.ips ?? [] };
  }
  if (kind === 'plain') return undefined;
  const other = world?.callers.find((one) => one.cluster === cluster);
  return other === undefined ? undefined : { ...other.client, namespace };
}

/** The control plane object of a world, where its cluster was read. */
export function controlPlaneIn({ controlPlane }: World, facts: FactsByCluster): ControlPlane | undefined {
  const own = facts.get(controlPlane.cluster);
  return own === undefined ? undefined : listOf(own.controlPlanes).find((one) => refKey(one.ref) === refKey(controlPlane.ref));
}

/** Ids under which an istiod reads a cluster. */
export function idsOf({ members }: World, cluster: ClusterName): ClusterId[] {
  return [...members].flatMap(([id, name]) => (name === cluster ? [id] : []));
}

/** `sample/client-1`, with the kind before it where `kind` is given. */
export function named(ref: ObjectRef, isKind = true): string {
  const path = ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`;
  return isKind ? `${ref.kind} ${path}` : path;
}

/** `DestinationRule shop/abc in east`. */
export function told({ ref }: Pick<IstioResource, 'ref'>): string {
  return `${named(ref)} in ${ref.cluster}`;
}

export function istiodOf({ controlPlane }: World): string {
  return `istiod of ${controlPlane.cluster}`;
}
