import type { Remedy } from '../api/remedy.ts';
import { applyMergePatch, replaceObject } from '../builder/patch.ts';
import type { KubeObject, MeshObjects } from '../model/kube.ts';

/** The mesh after somebody did what the remedy says: a merge patch, a new object, or one less. Throws when it cannot be done. */
export function applyRemedy(mesh: MeshObjects, remedy: Remedy): MeshObjects {
  const { cluster, ref, patch } = remedy;
  if (ref === undefined) throw new Error(`It does not say what it changes: ${remedy.command.join('; ')}`);
  if (remedy.action === 'delete') return replaceObject(mesh, cluster, ref, () => undefined);
  if (remedy.action !== 'apply') return replaceObject(mesh, cluster, ref, (object) => settled(applyMergePatch(object, patch), remedy));
  const others = (mesh.get(cluster) ?? []).filter(
    (object) => object.kind !== ref.kind || object.metadata.name !== ref.name || object.metadata.namespace !== ref.namespace,
  );
  if (!isKubeObject(patch)) throw new Error(`It applies what is no object: ${remedy.command.join('; ')}`);
  return new Map(mesh).set(cluster, [...others, patch]);
}

/** A workload that was scaled has its pods a moment later. */
function settled(object: unknown, remedy: Remedy): unknown {
  if (remedy.action !== 'scale' || typeof object !== 'object' || object === null || !('spec' in object)) return object;
  const { spec } = object;
  const replicas = typeof spec === 'object' && spec !== null && 'replicas' in spec ? spec.replicas : 0;
  return applyMergePatch(object, { status: { replicas, readyReplicas: replicas, availableReplicas: replicas, conditions: null } });
}

function isKubeObject(value: unknown): value is KubeObject {
  return typeof value === 'object' && value !== null && 'apiVersion' in value && 'kind' in value && 'metadata' in value;
}
