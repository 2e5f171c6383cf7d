import type { ClusterName } from './ids.ts';

/** Where an object was read: a line of a file, or the version an API server gave it. */
export type Origin = { readonly file: string; readonly line: number } | { readonly resourceVersion: string };

/** One object of one cluster. `kind: 'Cluster'` with the cluster's own name stands for the cluster as a whole. */
export interface ObjectRef {
  readonly cluster: ClusterName;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly origin?: Origin;
}

/** `Namespace/istio-system`, `Secret/istio-system/cacerts`: kind, namespace where there is one, and name; without the cluster. */
export function objectPath(ref: ObjectRef): string {
  return ref.namespace === undefined ? `${ref.kind}/${ref.name}` : `${ref.kind}/${ref.namespace}/${ref.name}`;
}

/** `west:Secret/istio-system/cacerts`: unique over all clusters, and the sort key of objects. */
export function refKey(ref: ObjectRef): string {
  return `${ref.cluster}:${objectPath(ref)}`;
}

/** The reference that stands for a whole cluster: where a finding about something missing from it points. */
export function clusterRef(cluster: ClusterName): ObjectRef {
  return { cluster, kind: 'Cluster', name: cluster };
}
