import { sortedBy } from '../base/sort.ts';
import { dataPlaneClusters } from '../mesh/names.ts';
import { wantedRevision } from '../mesh/injection.ts';
import { listOf } from '../mesh/topology.ts';
import type { ClusterName } from '../model/ids.ts';
import type { PlanInput, Planned } from './plan.ts';

/** Namespaces tried in one cluster. */
const mostTrials = 4;

/** For each revision or tag that namespaces of a cluster ask for, the first of them by name. */
export function planTrials(cluster: ClusterName, { facts, topology }: PlanInput): Planned<string> {
  const namespaces = facts.get(cluster)?.namespaces;
  if (namespaces?.status === 'forbidden' || namespaces?.status === 'failed') return namespaces;
  const isOfMesh = topology.meshes.some((mesh) => dataPlaneClusters(mesh).includes(cluster));
  const first = new Map<string, string>();
  for (const namespace of sortedBy(namespaces === undefined || !isOfMesh ? [] : listOf(namespaces), ({ name }) => name)) {
    const wanted = wantedRevision(namespace);
    if (wanted !== undefined && !first.has(wanted)) first.set(wanted, namespace.name);
  }
  const targets = [...first.values()].slice(0, mostTrials);
  return targets.length > 0 ? { targets } : { status: 'not-asked', because: 'nothing to probe' };
}
