import { itemsAt, mapAt, textAt } from '../../builder/edits/json.ts';
import { labels } from '../../istio/labels.ts';
import { selectsPods } from '../../mesh/selectors.ts';
import type { KubeObject, StringMap } from '../../model/kube.ts';
import type { ClusterState } from './state.ts';

/*
 * What controllers look up of a cluster, made once for each state of it: thousands of Services and Deployments each ask for a few of
 * thousands of pods.
 */

/** Pods of a namespace that carry everything a selector asks for, in the order of their names; an empty selector selects none. */
export function selectedPods(cluster: ClusterState, namespace: string | undefined, selector: StringMap): readonly KubeObject[] {
  const byLabel = podsByLabel(cluster);
  const candidates = Object.entries(selector).map(([key, value]) => byLabel.get(labelKey(namespace, key, value)) ?? none);
  const fewest = candidates.reduce((few, pods) => (pods.length < few.length ? pods : few), candidates[0] ?? none);
  return fewest.filter((pod) => selectsPods(selector, mapAt(pod, 'metadata', 'labels')));
}

/** Pods whose controller has this kind and name. */
export function podsOf(cluster: ClusterState, namespace: string | undefined, kind: string, name: string): readonly KubeObject[] {
  return podsByOwner(cluster).get(ownerKey(namespace, kind, name)) ?? none;
}

/** Pods of ReplicaSets that are named after a Deployment: its name, a hyphen and a hash without one. A recording may lack the ReplicaSets. */
export function podsOfDeployment(cluster: ClusterState, namespace: string | undefined, name: string): readonly KubeObject[] {
  return podsByOwner(cluster).get(ownerKey(namespace, 'Deployment', name)) ?? none;
}

/** ReplicaSets that an object owns. */
export function replicaSetsOf(cluster: ClusterState, uid: string | undefined): readonly KubeObject[] {
  return setsByOwner(cluster).get(uid ?? '') ?? none;
}

/** EndpointSlices of a Service. */
export function slicesOf(cluster: ClusterState, namespace: string | undefined, service: string): readonly KubeObject[] {
  return slicesByService(cluster).get(`${namespace ?? ''}/${service}`) ?? none;
}

const none: readonly KubeObject[] = [];

const podsByLabel = index('Pod', (pod) =>
  Object.entries(mapAt(pod, 'metadata', 'labels')).map(([key, value]) => labelKey(pod.metadata.namespace, key, value)),
);
const podsByOwner = index('Pod', (pod) =>
  itemsAt(pod, 'metadata', 'ownerReferences').flatMap((owner) => {
    const kind = textAt(owner, 'kind') ?? '';
    const name = textAt(owner, 'name') ?? '';
    const { namespace } = pod.metadata;
    const deployment = kind === 'ReplicaSet' ? /^(.+)-[^-]+$/.exec(name)?.[1] : undefined;
    return [ownerKey(namespace, kind, name), ...(deployment === undefined ? [] : [ownerKey(namespace, 'Deployment', deployment)])];
  }),
);
const setsByOwner = index('ReplicaSet', (set) => itemsAt(set, 'metadata', 'ownerReferences').map((owner) => textAt(owner, 'uid') ?? ''));
const slicesByService = index('EndpointSlice', (slice) => [
  `${slice.metadata.namespace ?? ''}/${mapAt(slice, 'metadata', 'labels')[labels.serviceName] ?? ''}`,
]);

function labelKey(namespace: string | undefined, key: string, value: string): string {
  return `${namespace ?? ''}/${key}=${value}`;
}

function ownerKey(namespace: string | undefined, kind: string, name: string): string {
  return `${namespace ?? ''}/${kind}/${name}`;
}

function index(
  kind: string,
  keys: (object: KubeObject) => readonly string[],
): (cluster: ClusterState) => ReadonlyMap<string, readonly KubeObject[]> {
  const made = new WeakMap<ClusterState, ReadonlyMap<string, readonly KubeObject[]>>();
  return (cluster) => {
    const known = made.get(cluster);
    if (known !== undefined) return known;
    const groups = new Map<string, KubeObject[]>();
    for (const object of cluster.objects.list(kind)) {
      for (const key of keys(object)) {
        const group = groups.get(key);
        if (group === undefined) groups.set(key, [object]);
        else group.push(object);
      }
    }
    made.set(cluster, groups);
    return groups;
  };
}
