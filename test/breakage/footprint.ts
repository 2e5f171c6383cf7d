import type { KubeObject, MeshObjects } from '../../src/model/kube.ts';

/*
 * What a fault changed, leaf by leaf. Of two faults in one mesh the later can undo the earlier: it deletes the pods that claimed a wrong
 * name, or writes the field again. Then there is one fault, and nobody can be asked to find two.
 */

type Leaves = ReadonlyMap<string, string>;

export type Footprint = ReadonlyMap<string, string | undefined>;

const leavesOfObject = new WeakMap<KubeObject, Leaves>();
const gone = undefined;

/** Every leaf that differs, with its new value; objects that are gone are one leaf each. */
export function footprintOf(before: MeshObjects, after: MeshObjects): Footprint {
  const changes = new Map<string, string | undefined>();
  for (const [cluster, objects] of after) {
    const old = byKey(before.get(cluster) ?? []);
    const fresh = byKey(objects);
    for (const [key, object] of fresh) {
      const was = old.get(key);
      if (was === object) continue;
      const [past, present]: [Leaves, Leaves] = [was === undefined ? new Map() : leavesOf(was), leavesOf(object)];
      for (const [path, value] of present) if (past.get(path) !== value) changes.set(`${cluster} ${key} ${path}`, value);
      for (const path of past.keys()) if (!present.has(path)) changes.set(`${cluster} ${key} ${path}`, gone);
    }
    for (const key of old.keys()) if (!fresh.has(key)) changes.set(`${cluster} ${key}`, gone);
  }
  return changes;
}

/** Whether the greater part of what one fault does alone is so in a mesh with both. */
export function isStillThere(alone: Footprint, both: Footprint): boolean {
  const kept = [...alone].filter(([leaf, value]) => both.has(leaf) && both.get(leaf) === value).length;
  return kept * 2 > alone.size;
}

/** Services of a mesh, by namespace and name, that some cluster has an endpoint of. */
export function servedIn(mesh: MeshObjects): ReadonlySet<string> {
  return new Set(
    [...mesh.values()].flat().flatMap((object) => {
      const service = object.kind === 'EndpointSlice' ? object.metadata.labels?.['kubernetes.io/service-name'] : undefined;
      const isEmpty = !Array.isArray(object['endpoints']) || object['endpoints'].length === 0;
      return service === undefined || isEmpty ? [] : [`${object.metadata.namespace ?? ''}/${service}`];
    }),
  );
}

function byKey(objects: readonly KubeObject[]): ReadonlyMap<string, KubeObject> {
  return new Map(objects.map((object) => [`${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`, object]));
}

function leavesOf(object: KubeObject): Leaves {
  const known = leavesOfObject.get(object);
  if (known !== undefined) return known;
  const leaves = new Map<string, string>();
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) leaves.set(path, JSON.stringify(value));
    else for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
  };
  walk(object, '');
  leavesOfObject.set(object, leaves);
  return leaves;
}
