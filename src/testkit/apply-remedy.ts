import type { Remedy } from '../api/remedy.ts';
import type { Json, KubeObject, MeshObjects } from '../model/kube.ts';

/** The mesh after somebody did what the remedy says: a merge patch, a new object, or one less. */
export function applyRemedy(mesh: MeshObjects, remedy: Remedy): MeshObjects {
  const { ref, patch } = remedy;
  const objects = mesh.get(remedy.cluster);
  if (ref === undefined || objects === undefined) return mesh;
  const isTarget = (object: KubeObject): boolean => object.kind === ref.kind && object.metadata.name === ref.name && object.metadata.namespace === ref.namespace;
  const rest = objects.filter((object) => !isTarget(object));
  const target = objects.filter(isTarget);
  if (remedy.action === 'delete') return new Map(mesh).set(remedy.cluster, rest);
  if (patch === undefined) return mesh;
  if (remedy.action === 'apply') return new Map(mesh).set(remedy.cluster, [...rest, ...asObjects(patch)]);
  return new Map(mesh).set(remedy.cluster, [...rest, ...target.flatMap((object) => asObjects(merged(object, patch)))]);
}

/** RFC 7386. */
function merged(target: unknown, patch: Json): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value as Json);
  }
  return result;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asObjects(value: unknown): KubeObject[] {
  return isRecord(value) && typeof value['kind'] === 'string' && isRecord(value['metadata']) ? [value as KubeObject] : [];
}
