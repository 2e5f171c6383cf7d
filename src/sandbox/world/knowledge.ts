import type { MeshConfig } from '../../model/facts.ts';
import type { ClusterId, ClusterName } from '../../model/ids.ts';
import type { IstiodView, ReadCluster } from '../../mesh/istiod-view.ts';
import { type Predictions, predict } from '../../mesh/endpoints.ts';
import { listOf } from '../../mesh/topology.ts';
import type { IstiodProcess, Istiods, Registration } from './istiods.ts';
import { isTaken, offeredTo, type WrittenMeshConfig } from './mesh-configs.ts';
import type { WorldState } from './state.ts';

/** All that answers are made of: the objects, and what lives in the memory of istiods. */
export interface Knowledge {
  readonly state: WorldState;
  readonly istiods: Istiods;
}

/** A cluster in the view of a process. */
export interface Seen {
  readonly id: ClusterId;
  readonly cluster: ClusterName;
  /** Absent for its own. */
  readonly registration?: Registration;
}

/** Clusters that a process sees something of, its own first. */
export function seenBy(process: IstiodProcess): readonly Seen[] {
  const own: Seen = { id: process.controlPlane.clusterId, cluster: process.config };
  const others = [...process.registrations.values()].flatMap((registration): Seen[] =>
    registration.target === undefined || registration.sees === 'nothing'
      ? []
      : [{ id: registration.id, cluster: registration.target, registration }],
  );
  return [own, ...others];
}

/** What a process sees: the objects of its own cluster, and of those it registered as they are or as it last saw them. */
export function viewOf(process: IstiodProcess, { state }: Knowledge): IstiodView {
  return {
    istiod: process.controlPlane,
    meshConfig: meshConfigOf(process, state),
    clusters: seenBy(process).flatMap(({ id, cluster, registration }) => {
      const present = state.clusters.get(cluster)?.facts;
      const facts = registration === undefined || typeof registration.sees === 'string' ? present : registration.sees;
      if (facts === undefined) return [];
      const list = <T>(name: string, items: readonly T[]): readonly T[] => (registration?.hidden.includes(name) === true ? [] : items);
      const read: ReadCluster = {
        id,
        namespaces: list('namespaces', listOf(facts.namespaces)),
        services: list('services', listOf(facts.services)),
        endpointSlices: list('endpointslices', listOf(facts.endpointSlices)),
        pods: list('pods', listOf(facts.pods)),
        nodes: list('nodes', listOf(facts.nodes)),
        kubeGateways: listOf(facts.kubeGateways),
      };
      return [read];
    }),
  };
}

/** The mesh config that a process works with: what its ConfigMap holds, or what that held when it could last be read. */
export function writtenMeshConfigOf(process: IstiodProcess, state: WorldState): WrittenMeshConfig | undefined {
  const offered = offeredTo(process, state);
  return offered === undefined || isTaken(offered) ? offered : process.meshConfig;
}

export function meshConfigOf(process: IstiodProcess, state: WorldState): MeshConfig | undefined {
  return writtenMeshConfigOf(process, state)?.config;
}

/** Predictions for each process, worked out once for each state of the objects. */
export function predictions(): (process: IstiodProcess, knowledge: Knowledge) => Predictions {
  let of: WorldState['clusters'] | undefined;
  let made = new Map<IstiodProcess, Predictions>();
  let last: readonly unknown[] = [];
  return (process, knowledge) => {
    if (of !== knowledge.state.clusters) {
      const states = [...knowledge.state.clusters.values()];
      if (states.length !== last.length || states.some((state, index) => state !== last[index])) made = new Map();
      last = states;
      of = knowledge.state.clusters;
    }
    let found = made.get(process);
    if (found === undefined) {
      found = predict(viewOf(process, knowledge));
      made.set(process, found);
    }
    return found;
  };
}
