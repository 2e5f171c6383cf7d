import { sortedBy } from '../base/sort.ts';
import type { FactsByCluster, Mesh } from '../mesh/topology-types.ts';
import { listOf } from '../mesh/topology.ts';
import type { Pod } from '../model/facts.ts';
import type { ClusterName, Revision } from '../model/ids.ts';
import { refKey } from '../model/refs.ts';

/** Namespaces whose pods are the platform's own, and no callers of the mesh. */
const platformNamespaces: ReadonlySet<string> = new Set(['kube-system', 'kube-public', 'kube-node-lease']);

/**
 * The pod of a cluster whose sidecar stands for all that answer names themselves: running and ready, with DNS capture, served by the
 * mesh; the first by namespace and name. Nothing where no sidecar captures DNS.
 */
export function sampleSidecar(mesh: Mesh, cluster: ClusterName, facts: FactsByCluster, revision?: Revision): Pod | undefined {
  const of = facts.get(cluster);
  if (of === undefined) return undefined;
  const revisions = new Set(revision === undefined ? mesh.controlPlanes.map((one) => one.revision) : [revision]);
  const candidates = listOf(of.pods).filter((pod) => {
    if (pod.proxy?.kind !== 'sidecar' || !pod.proxy.dnsCapture || platformNamespaces.has(pod.namespace)) return false;
    return isUp(pod) && (pod.proxy.revision === undefined || revisions.has(pod.proxy.revision));
  });
  return sortedBy(candidates, (pod) => refKey(pod.ref))[0];
}

/** Whether a pod runs and is ready. */
export function isUp(pod: Pod): boolean {
  return pod.phase === 'Running' && pod.ready;
}
