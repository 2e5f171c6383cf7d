import type { Topology } from '../mesh/topology.ts';
import type { FactsByCluster, Mesh } from '../mesh/topology-types.ts';
import { dataPlaneClusters, type NameToProbe } from '../mesh/names.ts';
import type { ClusterFacts, ControlPlane, Fact } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { Observed } from '../model/observations.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import { listOf } from '../mesh/topology.ts';

/** Why there is nothing to ask, or that nobody may look. */
export type Idle = Exclude<Observed<never>, { readonly status: 'observed' }>;

/** What to ask in one cluster, in the order of the answers; never empty. */
export type Planned<T> = { readonly targets: readonly T[] } | Idle;

/** What planners are given. */
export interface PlanInput {
  readonly facts: FactsByCluster;
  readonly topology: Topology;
  readonly names: readonly NameToProbe[];
  /** The pod whose call the run is about: nobody else is asked for names, and only gateways on its way are called. */
  readonly caller?: ObjectRef;
}

/** The targets; without any, why: lists that would name them were not read, or there is nothing. */
export function planned<T>(targets: readonly T[], facts: ClusterFacts | undefined, readFrom: 'pods' | 'services'): Planned<T> {
  if (targets.length > 0) return { targets };
  const fact: Fact<unknown> | undefined = facts?.[readFrom];
  if (fact?.status === 'forbidden' || fact?.status === 'failed') return fact;
  return { status: 'not-asked', because: 'nothing to probe' };
}

/**
 * Whether proxies or istiods of a cluster agree on keys in a post-quantum way alone, as their istiod has them do (COMPLIANCE_POLICY): whoever cannot
 * is turned away before any certificate is shown.
 */
export function isPostQuantum(cluster: ClusterName, { facts, topology }: Pick<PlanInput, 'facts' | 'topology'>): boolean {
  return topology.meshes.some(
    (mesh) => mesh.members.has(cluster) && controlPlanesOf(mesh, facts).some(({ env }) => env['COMPLIANCE_POLICY'] === 'pqc'),
  );
}

/** The names that are asked for in this mesh. */
export function namesOf(mesh: Mesh, names: readonly NameToProbe[]): NameToProbe[] {
  const members = dataPlaneClusters(mesh).join('\n');
  return names.filter((name) => name.members.join('\n') === members);
}

/** The control planes of a mesh as their clusters describe them. */
export function controlPlanesOf(mesh: Mesh, facts: FactsByCluster): ControlPlane[] {
  return mesh.controlPlanes.flatMap(({ cluster, ref }) => {
    const of = facts.get(cluster);
    return of === undefined ? [] : listOf(of.controlPlanes).filter((one) => refKey(one.ref) === refKey(ref));
  });
}
