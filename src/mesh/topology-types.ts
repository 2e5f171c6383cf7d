import type { ClusterFacts, Fact, MissingFact, RemoteKubeconfig, RemoteSecret } from '../model/facts.ts';
import type { ClusterId, ClusterName, NetworkId, Revision } from '../model/ids.ts';
import type { ObjectRef } from '../model/refs.ts';
import type { Derived } from './derived.ts';

/** One revision's istiod in one namespace of one cluster. */
export interface ControlPlaneRef {
  readonly cluster: ClusterName;
  readonly namespace: string;
  readonly revision: Revision;
  readonly ref: ObjectRef;
}

/** config: config cluster of an external control plane; external: the cluster that control plane runs in. */
export type MemberRole = 'primary' | 'remote' | 'config' | 'external';

/** One cluster as part of one mesh. */
export interface Member {
  readonly cluster: ClusterName;
  readonly role: Derived<MemberRole>;
  /** What Istio calls it: CLUSTER_ID of its istiod, else what its injectors and proxies claim, else the key of the secret that reads it. */
  readonly clusterId: Derived<ClusterId>;
  /** Label on the system namespace; `undefined` = known to have none. */
  readonly network: Derived<NetworkId | undefined>;
  /** Name of the system namespace of this mesh's control plane, looked up in every cluster under that very name. */
  readonly systemNamespace: string;
  readonly servedBy: Derived<readonly ControlPlaneRef[]>;
  /** Revisions and tags its injectors name, sorted. */
  readonly revisions: readonly string[];
}

/** A control plane and a cluster that it reads or must read. */
export interface Couple {
  readonly controlPlane: ControlPlaneRef;
  readonly member: ClusterName;
  /**
   * self: the cluster whose configuration it reads; remote: a cluster without istiod of its own; peer: another primary;
   * undetermined: it is not known whether it runs an istiod. Checks never see an undetermined couple.
   */
  readonly kind: 'self' | 'remote' | 'peer' | 'undetermined';
  /** An injector or proxy of the member names this revision. */
  readonly serves: Derived<boolean>;
  /** Entries of the control plane's remote secrets that reach this member, whatever their label, namespace or key. */
  readonly credentials: readonly CredentialMatch[];
  /** Facts that could show a secret that opens this member: one of those that open no known cluster, or in a cluster that was not read. */
  readonly credentialGaps: readonly MissingFact[];
}

export interface CredentialMatch {
  readonly secret: RemoteSecret;
  readonly entry: RemoteKubeconfig;
  /** identity: token, service account or API server CA are the member's; name: only the key says so. */
  readonly by: 'identity' | 'name';
}

export interface Mesh {
  /** Sorted. */
  readonly controlPlanes: readonly ControlPlaneRef[];
  /** Sorted by cluster name. */
  readonly members: ReadonlyMap<ClusterName, Member>;
  readonly couples: readonly Couple[];
  readonly kind: Derived<'primary-remote' | 'multi-primary' | 'external' | 'single-cluster'>;
  /** Distinct networks of system namespaces and gateways, and those that meshNetworks name, sorted. Two or more = multi-network. */
  readonly networks: readonly NetworkId[];
  /** Lists that were not read and could name further networks. */
  readonly networkGaps: readonly MissingFact[];
  readonly dataPlanes: readonly ('sidecar' | 'ambient')[];
  /** The user says that its members belong together. */
  readonly isDeclared: boolean;
  /** Directions that are left without remote secret on purpose, as the user declares. */
  readonly withoutSecret: readonly { readonly reader: string; readonly read: string }[];
  /** Why its members belong together. */
  readonly evidence: readonly { readonly because: string; readonly ref: ObjectRef }[];
}

export interface Topology {
  readonly meshes: readonly Mesh[];
  /** Known to have none; a cluster that could not be read is in no list. */
  readonly withoutIstio: readonly ClusterName[];
  /** Facts without which it is unknown whether two meshes, or a cluster and a mesh, belong together. */
  readonly unknownRelations: readonly MissingFact[];
}

export type FactsByCluster = ReadonlyMap<ClusterName, ClusterFacts>;

/** The list where it was collected, else nothing: for evidence in favour, never for absence. */
export function listOf<E>(fact: Fact<readonly E[]>): readonly E[] {
  return fact.status === 'collected' ? fact.value : [];
}
