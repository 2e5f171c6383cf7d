import { distinct, sortedBy } from '../base/sort.ts';
import { fqdnOf } from '../istio/hosts.ts';
import { labels, names as istioNames } from '../istio/labels.ts';
import { dataPlaneClusters, type NameToProbe } from '../mesh/names.ts';
import { configClusterOf } from '../mesh/read-clusters.ts';
import { hasLabels } from '../mesh/selectors.ts';
import type { Mesh } from '../mesh/topology-types.ts';
import { listOf } from '../mesh/topology.ts';
import type { ControlPlane, Pod } from '../model/facts.ts';
import { type ClusterName, revision } from '../model/ids.ts';
import { refKey } from '../model/refs.ts';
import type { IstiodTarget } from './istiod-questions.ts';
import { namesOf, type PlanInput, type Planned, planned } from './plan.ts';
import { sampleGateways, sampleSidecar } from './plan-proxies.ts';

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
  const hostsOf = (names: readonly NameToProbe[]): string[] =>
    distinct(names.map(({ namespace, name }) => fqdnOf(namespace, name, controlPlane?.clusterDomain)));
  return {
    pod: pod.ref,
    namespace: pod.namespace,
    revision: own,
    hosts: hostsOf(asked),
    proxies: mesh === undefined || asked.length === 0 ? [] : proxiesOf(mesh, own, input),
    gateways: mesh === undefined || input.caller !== undefined ? [] : gatewaysOf(mesh, own, input),
    isLarge: mesh !== undefined && isLarge(mesh, input),
    hasConfig: mesh !== undefined && controlPlane !== undefined && hasConfig(configClusterOf(controlPlane, mesh.couples), input),
  };
}

/** Services of a mesh from which on the endpoints of all of them are an answer of megabytes. */
const manyServices = 500;

function isLarge({ members }: Mesh, { facts }: PlanInput): boolean {
  let services = 0;
  for (const cluster of members.keys()) {
    const of = facts.get(cluster);
    services += of === undefined ? 0 : listOf(of.services).length;
  }
  return services >= manyServices;
}

/** Istio's objects of a cluster, all of which istiod would write out: above this it is the longest answer of all. */
const mostObjects = 1000;

function hasConfig(cluster: ClusterName, { facts }: PlanInput): boolean {
  const of = facts.get(cluster);
  if (of === undefined) return false;
  const objects = [of.gateways, of.virtualServices, of.istioResources].reduce((sum, fact) => sum + listOf<unknown>(fact).length, 0);
  return objects > 0 && objects <= mostObjects;
}

/** One proxy of this revision in each cluster that may call. Which replica it is connected to is not in any object. */
function proxiesOf(mesh: Mesh, own: ControlPlane['revision'], input: PlanInput): IstiodTarget['proxies'] {
  const { facts, caller } = input;
  return dataPlaneClusters(mesh)
    .filter((cluster) => caller === undefined || caller.cluster === cluster)
    .flatMap((cluster) => sampleSidecar(mesh, cluster, facts, { revision: own, preferred: caller })?.ref ?? []);
}

/** Gateways of this revision: each is of its own node, and may be cut off where sidecars are not. */
function gatewaysOf(mesh: Mesh, own: ControlPlane['revision'], { facts }: PlanInput): IstiodTarget['gateways'] {
  return dataPlaneClusters(mesh).flatMap((cluster) => sampleGateways(mesh, cluster, facts, own).map(({ ref }) => ref));
}
