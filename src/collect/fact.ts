import { tally } from '../model/decode.ts';
import type { Entity, FactName, FactTypes } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { ReducedObject } from '../model/snapshot.ts';
import type { KindCollector, Place } from './kind.ts';
import { entityOf } from './metadata.ts';

/** What a projector may know besides the objects of its own kinds. */
export interface Projection {
  readonly cluster: ClusterName;
  /** Namespaces that hold, or are served by, an istiod; never empty. */
  readonly systemNamespaces: ReadonlySet<string>;
  /** Objects of a kind that merely sharpens the fact; nothing where it could not be read. */
  readonly objects: (kind: KindCollector) => readonly ReducedObject[] | undefined;
}

/** One fact: which kinds it is made of, and how. */
export interface FactCollector<K extends FactName> {
  readonly fact: K;
  /** Kinds without which it cannot be made. */
  readonly reads: readonly KindCollector[];
  /** Kinds that sharpen it. */
  readonly uses?: readonly KindCollector[];
  /** system: in a directory that does not claim to be complete, only objects in a system namespace say anything about it. */
  readonly place: Place;
  /** An API that is not served means that there are none, not that nothing is known. */
  readonly absentIsEmpty?: true;
  readonly project: (objects: readonly ReducedObject[], projection: Projection) => FactTypes[K];
  /** For a fact with one item for each object, whatever else there is: makes them for one cluster while its list is still coming. */
  readonly gather?: (projection: Pick<Projection, 'cluster'>) => Gathering<K>;
}

export function defineFact<const K extends FactName>(collector: FactCollector<K>): FactCollector<K> {
  return collector;
}

/** Items of one fact of one cluster. */
export interface Gathering<K extends FactName> {
  readonly take: (object: ReducedObject) => void;
  /** The fact: of objects that were taken, what was made of them then. */
  readonly all: (objects: readonly ReducedObject[]) => FactTypes[K];
}

/** A fact of one kind with one item for each object of it; `each` is asked once for a cluster. */
export function defineListFact<const K extends FactName, I extends object>(collector: {
  readonly fact: K;
  readonly reads: readonly [KindCollector];
  readonly place: Place;
  readonly each: (projection: Pick<Projection, 'cluster'>) => (object: ReducedObject) => I;
}) {
  const { each, ...rest } = collector;
  return {
    ...rest,
    project: (objects: readonly ReducedObject[], projection: Projection): readonly I[] => objects.map(each(projection)),
    gather: (projection: Pick<Projection, 'cluster'>) => {
      const make = each(projection);
      const made = new Map<ReducedObject, I>();
      return {
        take: (object: ReducedObject) => void made.set(object, make(object)),
        all: (objects: readonly ReducedObject[]): readonly I[] => objects.map((object) => made.get(object) ?? make(object)),
      };
    },
  };
}

/** A tally for decoding what was already reduced: what was odd has been counted then. */
export const uncounted = tally();

type NamespacedEntity = Entity & { readonly namespace: string; readonly name: string };

/** What every namespaced object gives. */
export function namespacedEntity(projection: Pick<Projection, 'cluster'>, object: ReducedObject): NamespacedEntity {
  return Object.assign(entityOf(projection.cluster, object), { namespace: object.metadata.namespace ?? '', name: object.metadata.name });
}

/** What every object outside namespaces gives. */
export function clusterEntity(projection: Projection, object: ReducedObject): Entity & { readonly name: string } {
  return Object.assign(entityOf(projection.cluster, object), { name: object.metadata.name });
}

/** Marks an entity whose source has no status. */
export function statusMark(object: ReducedObject): { readonly withoutStatus?: true } {
  return object['status'] === undefined ? { withoutStatus: true } : {};
}
