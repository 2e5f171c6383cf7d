import type { ClusterName } from './ids.ts';
import type { FailureCode, NotAsked } from './facts.ts';
import type { KubeObject } from './kube.ts';
import type { ClusterObservations } from './observations.ts';
import type { Origin } from './refs.ts';

/** A Kubernetes object reduced to the fields its collector allows, with where it came from. */
export interface ReducedObject extends KubeObject {
  readonly origin?: Origin;
}

/** What one list of one kind in one cluster gave. `read` with `complete: false`: objects of this kind were seen, but perhaps not all. */
export type KindRead =
  | { readonly status: 'read'; readonly objects: readonly ReducedObject[]; readonly complete: boolean }
  | { readonly status: 'forbidden'; readonly verb: string; readonly resource: string }
  | { readonly status: 'absent' }
  | { readonly status: 'failed'; readonly code: FailureCode; readonly reason: string }
  | { readonly status: 'not-asked'; readonly because: NotAsked };

/** Everything read of one cluster. Serialisable; no secret has a place in it. */
export interface ClusterSnapshot {
  readonly name: ClusterName;
  /** RFC 3339: this cluster's present, where the source has one. */
  readonly takenAt?: string;
  /** Answer of /version, reduced. */
  readonly version?: { readonly major: string; readonly minor: string; readonly gitVersion: string };
  /** Its API server could not be asked: nothing below was read. `server` is its URL. */
  readonly unreached?: { readonly server: string; readonly code: FailureCode; readonly reason: string };
  /** By kind id of the collectors, for example `pods` or `gateways.networking.istio.io`. */
  readonly kinds: Readonly<Record<string, KindRead>>;
  /** Fields of unexpected type met while reducing, per kind id. */
  readonly oddities: Readonly<Record<string, number>>;
  /** Documents that are no objects of an API server: values files, kustomizations, charts. */
  readonly skipped?: number;
  /** Sources of this cluster that could not be read at all, as the user should see them. */
  readonly unread: readonly { readonly what: string; readonly reason: string }[];
}

/** What the user declares of the mesh where objects cannot tell, or tell otherwise. Keys are user-given cluster names. */
export interface DeclaredTopology {
  /** Members of one mesh, by cluster; clusters in no list keep what was inferred. */
  readonly meshes?: readonly { readonly name?: string; readonly clusters: readonly string[] }[];
  readonly clusters?: Readonly<
    Record<
      string,
      { readonly role?: 'primary' | 'remote' | 'config' | 'external'; readonly network?: string; readonly servedBy?: readonly string[] }
    >
  >;
  /** Deliberately absent remote secrets (hub and spoke): `reader` does not read `read`. */
  readonly withoutSecret?: readonly { readonly reader: string; readonly read: string }[];
}

/** Where a snapshot comes from; of a recording also when it was made, by which version, and from what. */
export type SnapshotSource =
  | { readonly kind: 'manifests' | 'live' }
  | {
      readonly kind: 'recorded';
      readonly of: 'manifests' | 'live';
      /** Of several recordings those of the latest; `parts` tells each. */
      readonly at: string;
      readonly version: string;
      readonly parts?: readonly { readonly at: string; readonly version: string; readonly clusters: readonly ClusterName[] }[];
    };

/** Everything one run judges: a value that can be written to disk, compared and replayed. */
export interface Snapshot {
  readonly schema: 1;
  readonly source: SnapshotSource;
  readonly intent?: DeclaredTopology;
  readonly clusters: readonly ClusterSnapshot[];
  /** One entry per cluster that was probed. */
  readonly observations: readonly ClusterObservations[];
}

/** A cluster's snapshot without its objects: what was read of it, and what was not. */
export interface ClusterFrame extends Omit<ClusterSnapshot, 'kinds'> {
  readonly kinds: Readonly<Record<string, Exclude<KindRead, { status: 'read' }> | Omit<Extract<KindRead, { status: 'read' }>, 'objects'>>>;
}

/** What is reported of a snapshot beside the facts that its objects came to. */
export interface SnapshotFrame extends Omit<Snapshot, 'clusters'> {
  readonly clusters: readonly ClusterFrame[];
}
