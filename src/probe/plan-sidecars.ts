import { distinct, sortedBy } from '../base/sort.ts';
import { fqdnOf } from '../istio/hosts.ts';
import { dataPlaneClusters } from '../mesh/names.ts';
import type { Pod } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import { refKey } from '../model/refs.ts';
import { controlPlanesOf, namesOf, type PlanInput, type Planned, planned } from './plan.ts';
import { sampleSidecar, sidecarsOf } from './plan-proxies.ts';
import type { SidecarTarget } from './sidecar-admin.ts';

/** Sidecars asked in one cluster for one mesh: during an upgrade, one of each revision. */
const mostSidecars = 2;

/** Sample sidecars of a cluster, the one whose DNS is asked among them, and the names that everybody is asked for. Sorted by pod. */
export function planSidecars(cluster: ClusterName, input: PlanInput): Planned<SidecarTarget> {
  const targets = new Map<string, SidecarTarget>();
  for (const mesh of input.topology.meshes) {
    if (!dataPlaneClusters(mesh).includes(cluster) || (input.caller !== undefined && input.caller.cluster !== cluster)) continue;
    const domain = controlPlanesOf(mesh, input.facts)[0]?.clusterDomain;
    const hosts = distinct(namesOf(mesh, input.names).map(({ namespace, name }) => fqdnOf(namespace, name, domain)));
    const caller = callerAmong(sidecarsOf(mesh, cluster, input.facts), input);
    const revisions = caller === undefined ? distinct(mesh.controlPlanes.map(({ revision }) => revision)) : [];
    for (const revision of [undefined, ...revisions]) {
      const of = revision === undefined ? {} : { revision };
      const pod = caller ?? sampleSidecar(mesh, cluster, input.facts, of) ?? sidecarsOf(mesh, cluster, input.facts, revision)[0];
      if (pod === undefined || targets.has(refKey(pod.ref)) || targets.size === mostSidecars) continue;
      targets.set(refKey(pod.ref), { pod: pod.ref, hosts });
    }
  }
  return planned(
    sortedBy(targets.values(), ({ pod }) => refKey(pod)),
    input.facts.get(cluster),
    'pods',
  );
}

/** The pod whose call the run is about, where it has a sidecar that answers. */
function callerAmong(sidecars: readonly Pod[], { caller }: PlanInput): Pod | undefined {
  return caller === undefined ? undefined : sidecars.find(({ ref }) => refKey(ref) === refKey(caller));
}
