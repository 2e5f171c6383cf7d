import { distinct, sortedBy } from '../base/sort.ts';
import { fqdnOf } from '../istio/hosts.ts';
import { labels, names as istioNames } from '../istio/labels.ts';
import { dataPlaneClusters } from '../mesh/names.ts';
import { hasLabels } from '../mesh/selectors.ts';
import type { Mesh } from '../mesh/topology-types.ts';
import { listOf } from '../mesh/topology.ts';
import type { ControlPlane, Pod } from '../model/facts.ts';
import { type ClusterName, revision } from '../model/ids.ts';
import { refKey } from '../model/refs.ts';
import type { IstiodTarget } from './istiod-debug.ts';
import { namesOf, type PlanInput, type Planned, planned } from './plan.ts';
import { sampleSidecar } from './plan-proxies.ts';

/** Every running istiod of a cluster: each replica, for replicas can differ. Sorted by pod. */
export function planIstiods(cluster: ClusterName, input: PlanInput): Planned<IstiodTarget> {
  const facts = input.facts.get(cluster);
  const pods = facts === undefined ? [] : listOf(facts.pods).filter((pod) => pod.labels['app'] === 'istiod' && pod.phase === 'Running');
  const controlPlanes = facts === undefined ? [] : listOf(facts.controlPlanes);
  return planned(
    sortedBy(pods, (pod) => refKey(pod.ref)).map((pod) => targetOf(pod, controlPlanes, input)),
    facts,
    'pods',
  );
}

function targetOf(pod: Pod, controlPlanes: readonly ControlPlane[], input: PlanInput): IstiodTarget {
  const controlPlane = controlPlanes.find((one) => one.namespace === pod.namespace && hasLabels(one.selector, pod.labels));
  const own = controlPlane?.revision ?? revision(pod.labels[labels.revision] ?? istioNames.defaultRevision);
  const mesh = input.topology.meshes.find((one) =>
    one.controlPlanes.some(({ ref }) => controlPlane !== undefined && refKey(ref) === refKey(controlPlane.ref)),
  );
  const asked = mesh === undefined ? [] : namesOf(mesh, input.names);
  return {
    pod: pod.ref,
    namespace: pod.namespace,
    revision: own,
    hosts: distinct(asked.map(({ namespace, name }) => fqdnOf(namespace, name, controlPlane?.clusterDomain))),
    proxies: mesh === undefined || asked.length === 0 ? [] : proxiesOf(mesh, own, input),
  };
}

/** One proxy of this revision in each cluster that may call. Which replica it is connected to is not in any object. */
function proxiesOf(mesh: Mesh, own: ControlPlane['revision'], input: PlanInput): IstiodTarget['proxies'] {
  const { facts, caller } = input;
  return dataPlaneClusters(mesh)
    .filter((cluster) => caller === undefined || caller.cluster === cluster)
    .flatMap((cluster) => sampleSidecar(mesh, cluster, facts, { revision: own, preferred: caller })?.ref ?? []);
}
