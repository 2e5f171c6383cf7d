import { randomUUID } from 'node:crypto';
import { isDeepEqual } from '../base/equal.ts';
import { deepFreeze } from '../base/freeze.ts';
import { compareText } from '../base/sort.ts';
import type { KubeObject, ObjectMeta } from '../model/kube.ts';
import type { Store } from './sandbox.ts';
import { builtInOf, type ObjectType, typeKey, typeOf } from './server/resources.ts';

/** A change, as watches tell it. */
export interface StoreEvent {
  /** resourceVersion of the change. */
  readonly revision: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** After the change; of a deleted object its last state. */
  readonly object: KubeObject;
  /** Before the change, unless it was added. */
  readonly previous?: KubeObject;
}

/** A store as API servers need it. Lists are sorted by `namespace/name` and never change: a change makes a new one. */
export interface ObjectStore extends Store {
  /** Newest resourceVersion. */
  revision(): number;
  find(type: ObjectType, namespace: string | undefined, name: string): KubeObject | undefined;
  all(type: ObjectType): readonly KubeObject[];
  /** Keeps the list of a kind as it is now for `heldAt` with the revision it gives: the further pages of a list. Old ones are forgotten. */
  hold(type: ObjectType): number;
  /** The list as it was held, or nothing when it is forgotten. */
  heldAt(type: ObjectType, revision: number): readonly KubeObject[] | undefined;
  /** Writes an object as it is but for its resourceVersion. */
  write(object: KubeObject): KubeObject;
  /** Takes an object out. Gives its last state. */
  drop(object: KubeObject): KubeObject;
  /** What changed after a revision; nothing when that is too long ago to know. */
  since(revision: number): readonly StoreEvent[] | undefined;
  /** Called with every change at once; gives the function that ends it. */
  subscribe(listener: (event: StoreEvent) => void): () => void;
  readonly clock: () => string;
}

interface Bucket {
  readonly type: ObjectType;
  readonly objects: Map<string, KubeObject>;
  sorted: readonly KubeObject[] | undefined;
  readonly held: Map<number, readonly KubeObject[]>;
}

const mostEvents = 10_000;
const mostHeld = 64;

/**
 * The objects of one simulated cluster. What the objects lack and every API server gives (UID, resourceVersion, creation time) is added;
 * resourceVersions go on from the highest there is. `clock` is asked for RFC 3339.
 */
export function openStore(cluster: string, objects: readonly KubeObject[], options: { readonly clock: () => string }): ObjectStore {
  const buckets = new Map<string, Bucket>();
  const byKind = new Map<string, Bucket[]>();
  const listeners: (() => void)[] = [];
  const subscribers = new Set<(event: StoreEvent) => void>();
  let events: StoreEvent[] = [];
  let revision = objects.reduce((highest, { metadata }) => Math.max(highest, revisionOf(metadata.resourceVersion) ?? 0), 1);
  /** Nothing is known of what happened up to here. */
  let forgotten = revision;
  let isAnnounced = false;

  for (const object of objects) {
    const bucket = bucketOf(typeOf(object));
    const placed = inNamespace(object, builtInOf(bucket.type)?.namespaced === true);
    bucket.objects.set(keyOf(placed.metadata.namespace, placed.metadata.name), deepFreeze(complete(placed)));
  }
  forgotten = revision;

  function complete(object: KubeObject): KubeObject {
    const { uid = randomUUID(), creationTimestamp = secondsOf(options.clock()), resourceVersion, ...rest } = object.metadata;
    const isNumbered = revisionOf(resourceVersion) !== undefined;
    if (isNumbered && object.metadata.uid !== undefined && object.metadata.creationTimestamp !== undefined) return object;
    if (!isNumbered) revision += 1;
    return {
      ...object,
      metadata: { ...rest, uid, creationTimestamp, resourceVersion: isNumbered ? (resourceVersion ?? '') : String(revision) },
    };
  }

  function bucketOf(type: ObjectType): Bucket {
    const key = typeKey(type);
    let bucket = buckets.get(key);
    if (bucket === undefined) {
      bucket = { type, objects: new Map(), sorted: undefined, held: new Map() };
      buckets.set(key, bucket);
      const same = byKind.get(type.kind);
      if (same === undefined) byKind.set(type.kind, [bucket]);
      else same.push(bucket);
    }
    return bucket;
  }

  /** `Gateway` means the kind of every group; `Gateway.networking.istio.io` that of one. */
  function named(kind: string): readonly Bucket[] {
    const dot = kind.indexOf('.');
    if (dot < 0) return byKind.get(kind) ?? [];
    const bucket = buckets.get(typeKey({ kind: kind.slice(0, dot), group: kind.slice(dot + 1) }));
    return bucket === undefined ? [] : [bucket];
  }

  function sortedOf(bucket: Bucket): readonly KubeObject[] {
    bucket.sorted ??= Object.freeze([...bucket.objects].sort(([a], [b]) => compareText(a, b)).map(([, object]) => object));
    return bucket.sorted;
  }

  function happened(bucket: Bucket, event: StoreEvent): void {
    bucket.sorted = undefined;
    events.push(event);
    if (events.length > 2 * mostEvents) {
      events = events.slice(-mostEvents);
      forgotten = (events[0]?.revision ?? revision) - 1;
    }
    for (const subscriber of subscribers) subscriber(event);
    if (isAnnounced || listeners.length === 0) return;
    isAnnounced = true;
    setImmediate(() => {
      isAnnounced = false;
      for (const listener of listeners) listener();
    });
  }

  const store: ObjectStore = {
    cluster,
    clock: options.clock,
    revision: () => revision,
    list: (kind) => (kind === undefined ? [...buckets.values()] : named(kind)).flatMap(sortedOf),
    get: (kind, namespace, name) => {
      for (const { objects: own } of named(kind)) {
        const object = own.get(keyOf(namespace, name));
        if (object !== undefined) return object;
      }
      return undefined;
    },
    find: (type, namespace, name) => buckets.get(typeKey(type))?.objects.get(keyOf(namespace, name)),
    all: (type) => {
      const bucket = buckets.get(typeKey(type));
      return bucket === undefined ? [] : sortedOf(bucket);
    },
    hold: (type) => {
      const bucket = bucketOf(type);
      bucket.held.delete(revision);
      bucket.held.set(revision, sortedOf(bucket));
      for (const oldest of bucket.held.keys()) if (bucket.held.size > mostHeld) bucket.held.delete(oldest);
      return revision;
    },
    heldAt: (type, at) => buckets.get(typeKey(type))?.held.get(at),
    write: (object) => {
      const bucket = bucketOf(typeOf(object));
      const key = keyOf(object.metadata.namespace, object.metadata.name);
      const previous = bucket.objects.get(key);
      revision += 1;
      const written = deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } });
      bucket.objects.set(key, written);
      const type = previous === undefined ? 'ADDED' : 'MODIFIED';
      happened(bucket, { revision, type, object: written, ...(previous === undefined ? {} : { previous }) });
      return written;
    },
    drop: (object) => {
      const bucket = bucketOf(typeOf(object));
      const key = keyOf(object.metadata.namespace, object.metadata.name);
      const previous = bucket.objects.get(key);
      if (previous === undefined) return object;
      bucket.objects.delete(key);
      revision += 1;
      const last = deepFreeze({ ...previous, metadata: { ...previous.metadata, resourceVersion: String(revision) } });
      happened(bucket, { revision, type: 'DELETED', object: last, previous });
      return last;
    },
    put: (object) => {
      const existing = store.find(typeOf(object), object.metadata.namespace, object.metadata.name);
      const metadata = controlled(object, existing, secondsOf(options.clock()));
      const next = { ...object, metadata };
      return existing !== undefined && isDeepEqual(existing, next) ? existing : store.write(next);
    },
    remove: (kind, namespace, name) => {
      const object = store.get(kind, namespace, name);
      if (object === undefined) return false;
      store.drop(object);
      return true;
    },
    onChange: (listener) => {
      listeners.push(listener);
    },
    since: (from) => (from < forgotten ? undefined : events.slice(firstAfter(events, from))),
    subscribe: (listener) => {
      subscribers.add(listener);
      return () => subscribers.delete(listener);
    },
  };
  return store;
}

/** Metadata of an object about to be written: what only the API server decides is taken over from the existing one, or made. */
export function controlled(object: KubeObject, existing: KubeObject | undefined, now: string): ObjectMeta {
  const { generation, managedFields, ...given } = object.metadata;
  const isCounted = existing?.metadata['generation'] !== undefined || generation !== undefined || hasGeneration(typeOf(object));
  const managed = managedFields ?? existing?.metadata['managedFields'];
  return {
    ...given,
    ...(managed === undefined ? {} : { managedFields: managed }),
    ...(isCounted ? { generation: generationOf(object, existing) } : {}),
    uid: existing?.metadata.uid ?? randomUUID(),
    creationTimestamp: existing?.metadata.creationTimestamp ?? now,
    ...(existing?.metadata.resourceVersion === undefined ? {} : { resourceVersion: existing.metadata.resourceVersion }),
  };
}

/** RFC 3339 in whole seconds, as `metadata` has times. */
export function secondsOf(time: string): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

function hasGeneration(type: ObjectType): boolean {
  const resource = builtInOf(type);
  return resource === undefined || resource.hasGeneration;
}

function generationOf(object: KubeObject, existing: KubeObject | undefined): number {
  if (existing === undefined) return 1;
  const before = existing.metadata['generation'];
  const count = typeof before === 'number' ? before : 1;
  return isDeepEqual(specificationOf(object), specificationOf(existing)) ? count : count + 1;
}

/** Everything but the envelope and the status. */
function specificationOf({ apiVersion: _version, kind: _kind, metadata: _metadata, status: _status, ...rest }: KubeObject): object {
  return rest;
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

function inNamespace(object: KubeObject, namespaced: boolean): KubeObject {
  return namespaced && object.metadata.namespace === undefined
    ? { ...object, metadata: { ...object.metadata, namespace: 'default' } }
    : object;
}

function revisionOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
}

/** Index of the first event after a revision. */
function firstAfter(events: readonly StoreEvent[], revision: number): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle]?.revision ?? 0) > revision) high = middle;
    else low = middle + 1;
  }
  return low;
}
