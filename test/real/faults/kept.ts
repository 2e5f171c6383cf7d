import { type Lab } from '../lab/lab.ts';
import { type Obj, at } from '../lab/kube.ts';

/** An object as it was before a fault, so that undoing the fault puts it back whatever remedies have made of it. */
export interface Kept {
  /** Remembers it as it is now. */
  keep(lab: Lab): Promise<void>;
  /** Puts it back: made anew where it is gone. Does nothing when it was never kept. */
  putBack(lab: Lab): Promise<void>;
}

/** `namespace` is left out for kinds without one. */
export function kept(context: string, kind: string, name: string, namespace?: string): Kept {
  const where = [kind, name, ...(namespace === undefined ? [] : ['-n', namespace])];
  let before: string | undefined;
  return {
    keep: async (lab) => {
      before = withoutServerFields(await lab.kubectl(context, ['get', ...where, '-o', 'json']));
    },
    putBack: async (lab) => {
      if (before === undefined) return;
      const there = await lab.kubectl(context, ['get', ...where, '--ignore-not-found', '-o', 'name']);
      await lab.kubectl(context, [there.trim() === '' ? 'create' : 'replace', '--validate=false', '-f', '-'], before);
    },
  };
}

/** Without what only the server writes: then it is an object to write, whatever version is there. */
function withoutServerFields(json: string): string {
  const { status: _status, ...object } = JSON.parse(json) as Obj; // kubectl printed one object
  const { resourceVersion: _version, uid: _uid, ...metadata } = object.metadata;
  return JSON.stringify({
    ...object,
    metadata: { ...metadata, creationTimestamp: undefined, managedFields: undefined, generation: undefined },
  });
}

/** How many pods of a workload are ready, as it says itself. */
export async function readyReplicas(lab: Lab, context: string, deployment: string, namespace: string): Promise<number> {
  const object: unknown = JSON.parse(await lab.kubectl(context, ['get', 'deployment', deployment, '-n', namespace, '-o', 'json']));
  return Number(at(object, 'status', 'readyReplicas') ?? 0);
}
