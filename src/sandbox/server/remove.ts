import type { KubeObject } from '../../model/kube.ts';
import { secondsOf } from '../store.ts';
import type { Context } from './context.ts';
import { fieldsAt, itemsAt, textAt } from './json-path.ts';
import { type Resource, typeKey, typeOf } from './resources.ts';

/** What becomes of objects that have a deleted one as their owner. */
export type Propagation = 'Background' | 'Foreground' | 'Orphan';

/**
 * Takes an object out at once, with what is in it (a namespace, the instances of a definition) and with what it owns unless that is to be
 * orphaned. One with finalizers is only marked, and goes with the last of them. Gives its last state.
 */
export function removeObject(context: Context, resource: Resource, object: KubeObject, propagation: Propagation): KubeObject {
  const { store } = context;
  if (hasFinalizers(object)) {
    if (object.metadata.deletionTimestamp !== undefined) return object;
    const metadata = { ...object.metadata, deletionGracePeriodSeconds: 0, deletionTimestamp: secondsOf(context.clock()) };
    return store.write({ ...object, metadata });
  }
  const contents = contentsOf(context, resource, object);
  const last = store.drop(object);
  for (const content of contents) store.drop(content);
  settleDependents(context, object, propagation);
  return last;
}

export function hasFinalizers({ metadata }: KubeObject): boolean {
  const { finalizers } = metadata;
  return Array.isArray(finalizers) && finalizers.length > 0;
}

function contentsOf({ store }: Context, resource: Resource, object: KubeObject): readonly KubeObject[] {
  switch (typeKey(resource)) {
    case '/Namespace':
      return store.list().filter(({ metadata }) => metadata.namespace === object.metadata.name);
    case 'apiextensions.k8s.io/CustomResourceDefinition':
      return store.all({ group: textAt(object, 'spec', 'group'), kind: textAt(object, 'spec', 'names', 'kind') });
    default:
      return [];
  }
}

function settleDependents(context: Context, owner: KubeObject, propagation: Propagation): void {
  const { store } = context;
  const { uid } = owner.metadata;
  const owners = (object: KubeObject) => itemsAt(object, 'metadata', 'ownerReferences');
  for (const dependent of store.list().filter((object) => owners(object).some((reference) => reference['uid'] === uid))) {
    const others = owners(dependent).filter((reference) => reference['uid'] !== uid);
    const { namespace, name } = dependent.metadata;
    // What an earlier one of them owned is gone with it.
    if (store.find(typeOf(dependent), namespace, name) !== dependent) continue;
    const resource = context.catalogue().ofType(typeOf(dependent));
    if (propagation !== 'Orphan' && others.length === 0 && resource !== undefined) removeObject(context, resource, dependent, propagation);
    else store.write({ ...dependent, metadata: withOwners(dependent, others) });
  }
}

function withOwners({ metadata }: KubeObject, ownerReferences: readonly object[]): KubeObject['metadata'] {
  const { ownerReferences: _before, ...rest } = metadata;
  return ownerReferences.length === 0 ? rest : { ...rest, ownerReferences };
}

/** The propagation that a request asks for, in its query or its body. */
export function propagationOf(query: URLSearchParams, body: unknown): Propagation {
  const asked = query.get('propagationPolicy') ?? textAt(fieldsAt({ body }, 'body'), 'propagationPolicy');
  return asked === 'Orphan' || asked === 'Foreground' ? asked : 'Background';
}
