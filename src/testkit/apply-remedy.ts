import type { Remedy } from '../api/remedy.ts';
import { replaceObject } from '../builder/patch.ts';
import type { MeshObjects } from '../model/kube.ts';
import { applied } from '../remedy/applied.ts';

/** The mesh after somebody did what the remedy says: a merge patch, a new object, or one less. Throws when it cannot be done. */
export function applyRemedy(mesh: MeshObjects, remedy: Remedy): MeshObjects {
  const { cluster, ref } = remedy;
  if (ref === undefined) throw new Error(`It does not say what it changes: ${remedy.command.join('; ')}`);
  if (remedy.action !== 'apply') return replaceObject(mesh, cluster, ref, (object) => applied(object, remedy));
  const others = (mesh.get(cluster) ?? []).filter(
    (object) => object.kind !== ref.kind || object.metadata.name !== ref.name || object.metadata.namespace !== ref.namespace,
  );
  const made = applied(undefined, remedy);
  return new Map(mesh).set(cluster, made === undefined ? others : [...others, made]);
}
