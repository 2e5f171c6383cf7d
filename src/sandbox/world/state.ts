import { annotations, names } from '../../istio/labels.ts';
import { projectFacts } from '../../collect/facts.ts';
import { snapshotOf } from '../../collect/snapshot.ts';
import { inferTopology, type Topology } from '../../mesh/topology.ts';
import type { ClusterFacts } from '../../model/facts.ts';
import { type ClusterName, clusterName } from '../../model/ids.ts';
import type { KubeObject } from '../../model/kube.ts';
import type { Store } from '../sandbox.ts';

/** What controllers read of a store. */
export type Reader = Pick<Store, 'list' | 'get'>;

/** One cluster at one moment: its objects, and the facts that checks would see. */
export interface ClusterState {
  readonly name: ClusterName;
  readonly objects: Reader;
  readonly facts: ClusterFacts;
}

/** All clusters at one moment. */
export interface WorldState {
  readonly clusters: ReadonlyMap<string, ClusterState>;
  readonly topology: Topology;
  /** RFC 3339 in whole seconds, as API servers write times. */
  readonly now: string;
}

/** One thing a controller wants to be otherwise. */
export type Change = { readonly cluster: string } & (
  | { readonly put: KubeObject }
  | { readonly remove: { readonly kind: string; readonly namespace?: string | undefined; readonly name: string } }
);

/** Gives the present state of some stores. What did not change since it was last asked for is not worked out again. */
export function watchStores(stores: ReadonlyMap<string, Pick<Store, 'list' | 'get'>>, clock: () => string): () => WorldState {
  const known = new Map<string, { readonly objects: readonly KubeObject[]; readonly state: ClusterState }>();
  let topology: { readonly of: readonly ClusterState[]; readonly value: Topology } | undefined;
  return () => {
    const now = clock().replace(/\.\d+Z$/, 'Z');
    const states = [...stores].map(([name, store]): ClusterState => {
      const objects = store.list();
      const before = known.get(name);
      if (before !== undefined && isSame(before.objects, objects)) return before.state;
      const state = stateOf(name, store, objects, now);
      known.set(name, { objects, state });
      return state;
    });
    const clusters = new Map(states.map((state) => [String(state.name), state]));
    return {
      clusters,
      now,
      get topology() {
        if (topology === undefined || !isSame(topology.of, states))
          topology = { of: states, value: inferTopology(new Map(states.map((state) => [state.name, state.facts]))) };
        return topology.value;
      },
    };
  };
}

function stateOf(name: string, objects: Reader, all: readonly KubeObject[], now: string): ClusterState {
  let facts: ClusterFacts | undefined;
  return {
    name: clusterName(name),
    objects,
    get facts() {
      facts ??= factsOf(name, all, now);
      return facts;
    },
  };
}

function factsOf(name: string, objects: readonly KubeObject[], now: string): ClusterFacts {
  const [snapshot] = snapshotOf(new Map([[name, objects]]), { complete: true, takenAt: now }).clusters;
  if (snapshot === undefined) throw new RangeError('a mesh of one cluster has one snapshot');
  return projectFacts(snapshot, now);
}

/** Locks are renewed every few seconds: nothing that is derived from objects depends on that. */
export function isLock(object: KubeObject): boolean {
  if (object.kind === 'Lease') return true;
  return object.kind === 'ConfigMap' && object.metadata.annotations?.[annotations.leader] !== undefined;
}

/** ConfigMap of the election whose holder writes root certificates. */
export function isNamespaceElection(object: KubeObject): boolean {
  return object.kind === 'ConfigMap' && object.metadata.name === names.namespaceElection;
}

function isSame<T extends object>(before: readonly T[], after: readonly T[]): boolean {
  if (before === after) return true;
  if (before.length !== after.length) return false;
  return before.every((object, index) => {
    const other = after[index];
    if (object === other) return true;
    return other !== undefined && isKube(object) && isKube(other) && isLock(object) && isLock(other) && isSameLock(object, other);
  });
}

function isSameLock(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.uid === b.metadata.uid && a.metadata.name === b.metadata.name && a.metadata.namespace === b.metadata.namespace;
}

function isKube(object: object): object is KubeObject {
  return 'kind' in object && 'metadata' in object;
}
