import { sortedBy } from '../base/sort.ts';
import type { FactsByCluster, Mesh } from '../mesh/topology-types.ts';
import { listOf } from '../mesh/topology.ts';
import type { Pod } from '../model/facts.ts';
import type { ClusterName, Revision } from '../model/ids.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';

/** Namespaces whose pods are the platform's own, and no callers of the mesh. */
const platformNamespaces: ReadonlySet<string> = new Set(['kube-system', 'kube-public', 'kube-node-lease']);

/** Tells the proxies of a kind that run and are ready, served by the mesh (by this revision, where one is given). */
function isServing(mesh: Mesh, revision: Revision | undefined, kind: 'sidecar' | 'gateway' = 'sidecar'): (pod: Pod) => boolean {
  const revisions = new Set(revision === undefined ? mesh.controlPlanes.map((one) => one.revision) : [revision]);
  return (pod) => {
    if (pod.proxy?.kind !== kind || platformNamespaces.has(pod.namespace)) return false;
    return isUp(pod) && (pod.proxy.revision === undefined || revisions.has(pod.proxy.revision));
  };
}

/** Sidecars of a cluster that run and are ready, served by the mesh (by this revision, where one is given); sorted by namespace and name. */
export function sidecarsOf(mesh: Mesh, cluster: ClusterName, facts: FactsByCluster, revision?: Revision): Pod[] {
  const of = facts.get(cluster);
  return sortedBy((of === undefined ? [] : listOf(of.pods)).filter(isServing(mesh, revision)), (pod) => refKey(pod.ref));
}

/**
 * The pod of a cluster whose sidecar stands for all that answer names themselves: running and ready, with DNS capture, served by the
 * mesh; `preferred` if it is one of these, else the first by namespace and name. Nothing where no sidecar captures DNS.
 */
export function sampleSidecar(
  mesh: Mesh,
  cluster: ClusterName,
  facts: FactsByCluster,
  { revision, preferred }: { readonly revision?: Revision; readonly preferred?: ObjectRef | undefined } = {},
): Pod | undefined {
  const of = facts.get(cluster);
  const isFit = isServing(mesh, revision);
  const wanted = preferred === undefined ? undefined : refKey(preferred);
  // Of thousands one is wanted: they are not sorted for that.
  let first: Pod | undefined;
  for (const pod of of === undefined ? [] : listOf(of.pods)) {
    if (pod.proxy?.dnsCapture !== true || !isFit(pod)) continue;
    if (wanted !== undefined && refKey(pod.ref) === wanted) return pod;
    if (first === undefined || isBefore(pod, first)) first = pod;
  }
  return first;
}

/** Gateways asked about in one cluster. */
const mostGateways = 4;

/** Gateways of a cluster that run and are ready, served by the mesh and of this revision; sorted by namespace and name, and no more than a few. */
export function sampleGateways(mesh: Mesh, cluster: ClusterName, facts: FactsByCluster, revision: Revision): readonly Pod[] {
  const of = facts.get(cluster);
  const isFit = isServing(mesh, revision, 'gateway');
  return sortedBy((of === undefined ? [] : listOf(of.pods)).filter(isFit), (pod) => refKey(pod.ref)).slice(0, mostGateways);
}

function isBefore(a: Pod, b: Pod): boolean {
  return a.namespace === b.namespace ? a.name < b.name : a.namespace < b.namespace;
}

/** Whether a pod runs and is ready. */
export function isUp(pod: Pod): boolean {
  return pod.phase === 'Running' && pod.ready;
}
