import type { KubeObject, MeshObjects, StringMap } from '../../model/kube.ts';
import { edited, isRecord, mapAt, type Path } from './json.ts';

/** One fault, or one step of it, as a pure function: the mesh after it. The input is never changed. */
export type Edit = (mesh: MeshObjects) => MeshObjects;

export type Objects = readonly KubeObject[];

/** The mesh lacks what an edit is about to break: a wrong option, or another edit took it away before. */
export class EditError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EditError';
  }
}

/** The objects of one cluster of the mesh. */
export function clusterOf(mesh: MeshObjects, cluster: string): Objects {
  const objects = mesh.get(cluster);
  if (objects === undefined) throw new EditError(`The mesh has no cluster ${cluster}.`);
  return objects;
}

/** An edit of one cluster, which may look at the whole mesh. */
export function inCluster(cluster: string, change: (objects: Objects, mesh: MeshObjects) => Objects): Edit {
  return (mesh) => new Map(mesh).set(cluster, change(clusterOf(mesh, cluster), mesh));
}

/** Edits one after the other. */
export function inOrder(...edits: readonly Edit[]): Edit {
  return (mesh) => edits.reduce((before, edit) => edit(before), mesh);
}

/** Objects that fit are replaced by `how` of them, or removed when that is undefined. Nothing that fits is an error that says `what` was sought. */
export function change(
  objects: Objects,
  fits: (object: KubeObject) => boolean,
  how: (object: KubeObject) => KubeObject | undefined,
  what: string,
): KubeObject[] {
  if (!objects.some(fits)) throw new EditError(`The cluster has no ${what} to change.`);
  return changeAny(objects, fits, how);
}

/** `change` that is content with nothing to do. */
export function changeAny(
  objects: Objects,
  fits: (object: KubeObject) => boolean,
  how: (object: KubeObject) => KubeObject | undefined,
): KubeObject[] {
  return objects.flatMap((object) => (fits(object) ? (how(object) ?? []) : object));
}

export function remove(objects: Objects, fits: (object: KubeObject) => boolean, what: string): KubeObject[] {
  return change(objects, fits, () => undefined, what);
}

/** The one object that fits, or the first of several. */
export function find(objects: Objects, fits: (object: KubeObject) => boolean, what: string): KubeObject {
  const found = objects.find(fits);
  if (found === undefined) throw new EditError(`The cluster has no ${what}.`);
  return found;
}

/** A copy of `object` with the field at `path` changed; a change to `undefined` takes it away. */
export function changed(object: KubeObject, path: Path, how: (old: unknown) => unknown): KubeObject {
  const next = edited(object, path, how);
  if (!isKubeObject(next)) throw new EditError(`${object.kind} ${object.metadata.name} would be no object any more.`);
  return next;
}

export function put(object: KubeObject, path: Path, value: unknown): KubeObject {
  return changed(object, path, () => value);
}

export const labelsOf = (object: KubeObject): StringMap => mapAt(object, 'metadata', 'labels');
export const annotationsOf = (object: KubeObject): StringMap => mapAt(object, 'metadata', 'annotations');

/** Sets a label, or takes it away. */
export const label = (object: KubeObject, key: string, value: string | undefined): KubeObject => written(object, 'labels', key, value);
/** Sets an annotation, or takes it away. */
export const annotate = (object: KubeObject, key: string, value: string | undefined): KubeObject =>
  written(object, 'annotations', key, value);
/** The object as if it had been written without `kubectl apply`. */
export const withoutLastApplied = (object: KubeObject): KubeObject =>
  annotate(object, 'kubectl.kubernetes.io/last-applied-configuration', undefined);

export function isNamed(kind: string, name: string, namespace?: string): (object: KubeObject) => boolean {
  return (object) => object.kind === kind && object.metadata.name === name && object.metadata.namespace === namespace;
}

/** Whether labels carry everything a selector asks for; an empty selector selects nothing, as a Service's does. */
export function selects(selector: StringMap, labels: StringMap): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

/** An empty map is not stored. */
function written(object: KubeObject, map: 'labels' | 'annotations', key: string, value: string | undefined): KubeObject {
  const next = put(object, ['metadata', map, key], value);
  return Object.keys(mapAt(next, 'metadata', map)).length === 0 ? put(next, ['metadata', map], undefined) : next;
}

function isKubeObject(value: unknown): value is KubeObject {
  return (
    isRecord(value) &&
    typeof value['apiVersion'] === 'string' &&
    typeof value['kind'] === 'string' &&
    isRecord(value['metadata']) &&
    typeof value['metadata']['name'] === 'string'
  );
}
