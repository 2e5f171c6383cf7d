/**
 * Reading of annotation `topology.istio.io/controlPlaneClusters` on the system namespace of a cluster that is served from elsewhere
 * (pilot/pkg/serviceregistry/kube/controller/multicluster.go: checkShouldLead; unchanged since before 1.20).
 */

/** The parts of the value as istiod sees them: split at commas, nothing trimmed. An absent annotation has none. */
export function controlPlaneClusters(value: string | undefined): readonly string[] {
  return value === undefined ? [] : value.split(',');
}

/** Whether an istiod with this CLUSTER_ID may manage the cluster: a part is `*` or exactly that id. */
export function admitsControlPlane(value: string | undefined, clusterId: string): boolean {
  return controlPlaneClusters(value).some((part) => part === '*' || part === clusterId);
}

/** The parts that would name this CLUSTER_ID if istiod ignored spaces and case, and do not as they are. */
export function nearMisses(value: string | undefined, clusterId: string): readonly string[] {
  const meant = clusterId.toLowerCase();
  return controlPlaneClusters(value).filter((part) => {
    if (part === '*' || part === clusterId) return false;
    const trimmed = part.trim();
    return trimmed === '*' || trimmed.toLowerCase() === meant;
  });
}

/** `value` with `clusterId` admitted: near misses are replaced by it, other parts are kept. */
export function withControlPlane(value: string | undefined, clusterId: string): string {
  if (admitsControlPlane(value, clusterId)) return value ?? clusterId;
  const wrong = new Set(nearMisses(value, clusterId));
  const kept = controlPlaneClusters(value).filter((part) => part !== '' && !wrong.has(part));
  return [...kept, clusterId].join(',');
}
