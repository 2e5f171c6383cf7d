import { type Fields, filled, optionalFields, type Tally } from '../model/decode.ts';
import type { Message } from '../model/protobuf.ts';
import type { Origin } from '../model/refs.ts';
import type { ReducedObject } from '../model/snapshot.ts';
import { reduceMetadata } from './metadata.ts';

/** Where objects of a kind, or the objects that make a fact, are looked for: everywhere, or in the system namespaces of Istio. */
export type Place = 'all' | 'system';

/** One list that a live cluster is asked for. */
export interface Ask {
  /** Only in this namespace, or in the system namespaces of every cluster of the run; default: everywhere. */
  readonly namespace?: string | { readonly place: 'system' };
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Only names, labels, annotations and the like are asked for; `reduce` needs nothing else. */
  readonly metadataOnly?: true;
}

/** One kind of object: how an API server serves it, and which of its fields are kept. */
export interface KindCollector {
  /** `pods`, or `gateways.networking.istio.io` outside the core group. */
  readonly id: string;
  readonly group: string;
  /** Served versions, preferred first. */
  readonly versions: readonly string[];
  /** Plural name in API paths and RBAC rules. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly place: Place;
  /** What is kept of managedFields: by whom, which fields too, or nothing, for objects that controllers write. */
  readonly managedFields: 'managers' | 'fields' | 'none';
  /** What a live cluster is asked for: the lists that together hold every object of the kind that anybody reads. Default: one, of all. */
  readonly asks: readonly Ask[];
  /** What `reduce` and whoever reads metadata look at, for kinds of which there are so many that they are asked for in protobuf. */
  readonly message?: Message;
  /** Everything of the object but apiVersion, kind and metadata that is kept. No secret has a place in the result. */
  readonly reduce: (object: Fields, odd: Tally) => Fields;
}

type Definition = Pick<KindCollector, 'resource' | 'kind' | 'reduce'> & Partial<KindCollector>;

/** A kind collector; the defaults are those of a namespaced core kind. */
export function defineKind(definition: Definition): KindCollector {
  const group = definition.group ?? '';
  return {
    id: group === '' ? definition.resource : `${definition.resource}.${group}`,
    group,
    versions: ['v1'],
    namespaced: true,
    place: 'all',
    managedFields: 'managers',
    asks: [{}],
    ...definition,
  };
}

/** Namespace of namespaced objects that name none: what kubectl would take. */
const unnamedNamespace = 'default';

/** The object by what is kept of it; nothing when it has no name. */
export function reduceObject(kind: KindCollector, object: Fields, odd: Tally, origin?: Origin): ReducedObject | undefined {
  const metadata = reduceMetadata(odd, object['metadata'], kind.managedFields);
  if (metadata === undefined) {
    odd.odd++;
    return undefined;
  }
  const apiVersion = filled(odd, object['apiVersion']) ?? (kind.group === '' ? 'v1' : `${kind.group}/${kind.versions[0] ?? 'v1'}`);
  return {
    apiVersion,
    kind: kind.kind,
    metadata: kind.namespaced && metadata.namespace === undefined ? { ...metadata, namespace: unnamedNamespace } : metadata,
    ...kind.reduce(object, odd),
    ...(origin === undefined ? undefined : { origin }),
  };
}

/** `status` reduced by `reduce`, where the source has one: its absence is kept apart from an empty one. */
export function reduceStatusOf(object: Fields, odd: Tally, reduce: (status: Fields) => Fields): Fields {
  const status = optionalFields(odd, object['status']);
  return status === undefined ? {} : { status: reduce(status) };
}
