import { type Fields, optionalFields, tally } from '../model/decode.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import type { ClusterSnapshot, KindRead, ReducedObject } from '../model/snapshot.ts';
import type { Origins } from './places.ts';

/** A cluster with the objects of another reading laid over its own, as `kubectl apply` would; what a document only describes changes no more than it says. */
export function laidOver(under: ClusterSnapshot, over: ClusterSnapshot, { traces }: Origins): ClusterSnapshot {
  const kinds = Object.fromEntries(
    Object.entries(under.kinds).map(([id, read]): [string, KindRead] => {
      const own = over.kinds[id];
      return [id, own?.status === 'read' ? withObjects(read, own.objects, (object) => traces.has(refKey(refOf(under, object)))) : read];
    }),
  );
  return { ...under, kinds, unread: [...under.unread, ...over.unread] };
}

function refOf({ name: cluster }: ClusterSnapshot, { kind, metadata: { name, namespace } }: ReducedObject): ObjectRef {
  return { cluster, kind, name, ...(namespace === undefined ? {} : { namespace }) };
}

/** A kind that could not be read stays so: what it holds beside these objects is not known. */
function withObjects(read: KindRead, objects: readonly ReducedObject[], isDescribed: (object: ReducedObject) => boolean): KindRead {
  if (read.status === 'not-asked' && read.because === 'directory does not say') return { status: 'read', objects, complete: false };
  if (read.status !== 'read') return read;
  const byName = new Map(read.objects.map((object) => [keyOf(object), object]));
  for (const object of objects) {
    const before = byName.get(keyOf(object));
    byName.set(keyOf(object), before === undefined ? object : isDescribed(object) ? mergedInto(before, object) : applied(before, object));
  }
  return { ...read, objects: [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object) };
}

function keyOf({ metadata: { name, namespace } }: ReducedObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** What only the API server and controllers write stays, and so do labels and annotations that the manifest does not name: others put them there. */
function applied(before: ReducedObject, object: ReducedObject): ReducedObject {
  const spec = optionalFields(tally(), object['spec']);
  return {
    ...before,
    ...object,
    metadata: {
      ...before.metadata,
      ...object.metadata,
      ...(before.metadata.labels === undefined ? {} : { labels: { ...before.metadata.labels, ...object.metadata.labels } }),
      ...(before.metadata.annotations === undefined
        ? {}
        : { annotations: { ...before.metadata.annotations, ...object.metadata.annotations } }),
    },
    ...(spec === undefined ? {} : { spec: { ...serverSet(optionalFields(tally(), before['spec'])), ...spec } }),
    ...(Array.isArray(object['webhooks']) ? { webhooks: mergedLists(before['webhooks'], object['webhooks']) } : {}),
    ...(object['status'] === undefined && before['status'] !== undefined ? { status: before['status'] } : {}),
  };
}

/** Fields of a spec that are filled in where a manifest leaves them open. */
function serverSet(spec: Fields | undefined): Fields {
  const kept = ['clusterIP', 'clusterIPs', 'replicas', 'nodeName'] as const;
  return Object.fromEntries(kept.flatMap((key) => (spec?.[key] === undefined ? [] : [[key, spec[key]]])));
}

function mergedInto(before: ReducedObject, object: ReducedObject): ReducedObject {
  return {
    ...before,
    ...mergedFields(before, object),
    apiVersion: before.apiVersion,
    kind: before.kind,
    metadata: { ...before.metadata, ...mergedFields(before.metadata, object.metadata), name: before.metadata.name },
  };
}

function mergedFields(before: Fields, over: Fields): Fields {
  const all: Record<string, unknown> = { ...before };
  for (const [key, value] of Object.entries(over)) all[key] = mergedValue(all[key], value);
  return all;
}

function mergedValue(before: unknown, over: unknown): unknown {
  if (Array.isArray(over)) return mergedLists(before, over);
  const [below, above] = [optionalFields(tally(), before), optionalFields(tally(), over)];
  return below !== undefined && above !== undefined ? mergedFields(below, above) : over;
}

/** Elements with names are merged by them, unless they are ports: of those a list is whole. */
function mergedLists(before: unknown, over: readonly unknown[]): unknown {
  const named = (item: unknown): string | undefined => {
    const fields = optionalFields(tally(), item);
    return typeof fields?.['name'] === 'string' && fields['port'] === undefined ? fields['name'] : undefined;
  };
  if (!Array.isArray(before) || !over.every((item) => named(item) !== undefined)) return over;
  const all = new Map<unknown, unknown>(before.map((item: unknown, index) => [named(item) ?? index, item]));
  for (const item of over) all.set(named(item), mergedValue(all.get(named(item)), item));
  return [...all.values()];
}
