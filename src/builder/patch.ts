import type { KubeObject, MeshObjects } from '../model/kube.ts';
import { applyMergePatch, isRecord } from '../model/merge-patch.ts';

export { applyMergePatch, isRecord } from '../model/merge-patch.ts';

/** A JSON merge patch (RFC 7396) of an object: null takes a field away, a list replaces the list. */
export type MergePatch = { readonly [key: string]: unknown };

/** What a patch changes: one object of one cluster. */
export interface PatchTarget {
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
  /** Only needed where two groups have a kind of the same name, as Gateways do. */
  readonly apiVersion?: string | undefined;
}

/** A mesh after a patch of one of its objects; throws when it is not there or would be no object any more. */
export function applyPatch(
  mesh: MeshObjects,
  change: { readonly cluster: string; readonly ref: PatchTarget; readonly patch: MergePatch },
): MeshObjects {
  return replaceObject(mesh, change.cluster, change.ref, (object) => applyMergePatch(object, change.patch));
}

/** A mesh with one object replaced, or removed when `change` gives nothing. */
export function replaceObject(mesh: MeshObjects, cluster: string, ref: PatchTarget, change: (object: KubeObject) => unknown): MeshObjects {
  const objects = objectsOf(mesh, cluster);
  let found = false;
  const next = objects.flatMap((object) => {
    if (!isMeant(object, ref)) return [object];
    found = true;
    const changed = change(object);
    if (changed === undefined) return [];
    if (!isKubeObject(changed)) throw new Error(`After the change, ${describe(ref)} in ${cluster} would be no Kubernetes object.`);
    return [changed];
  });
  if (!found) throw new Error(`There is no ${describe(ref)} in ${cluster}.`);
  return new Map(mesh).set(cluster, next);
}

export function objectsOf(mesh: MeshObjects, cluster: string): readonly KubeObject[] {
  const objects = mesh.get(cluster);
  if (objects === undefined) throw new Error(`The mesh has no cluster ${cluster}, only ${[...mesh.keys()].join(', ')}.`);
  return objects;
}

/** Whether `ref` means this object. Without a namespace it means a cluster-wide object. */
export function isMeant(object: KubeObject, ref: PatchTarget): boolean {
  return (
    object.kind === ref.kind &&
    object.metadata.name === ref.name &&
    object.metadata.namespace === ref.namespace &&
    (ref.apiVersion === undefined || object.apiVersion === ref.apiVersion)
  );
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

function describe(ref: PatchTarget): string {
  return `${ref.kind} ${ref.namespace === undefined ? '' : `${ref.namespace}/`}${ref.name}`;
}
