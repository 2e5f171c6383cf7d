import { isDeepEqual } from '../base/equal.ts';
import { compareText } from '../base/sort.ts';
import { kinds } from '../collect/kinds.ts';
import type { Read } from '../kube/connection.ts';
import { type Json, type KubeObject, toJson } from '../model/kube.ts';
import { fieldsOfPatch, isRecord, patchBetween } from '../model/merge-patch.ts';
import { isKubeObject } from './applied.ts';
import { placeOf, type Served } from './places.ts';
import { remade, type UndoEntry } from './undo.ts';

/*
 * What command lines leave behind: objects of a cluster before and after them, and what takes the difference back. Of a Secret nothing but its metadata is
 * looked at, so that nothing it holds can get into an undo file.
 */

/** Made by installers too, though no check reads them. */
const more: readonly Served[] = [
  served('rbac.authorization.k8s.io', 'v1', 'roles', 'Role'),
  served('rbac.authorization.k8s.io', 'v1', 'rolebindings', 'RoleBinding'),
  served('autoscaling', 'v2', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler'),
  served('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget'),
];

/** What controllers and kubelets make, and what an installer only ever makes newer. */
const left: ReadonlySet<string> = new Set([
  'pods',
  'nodes',
  'endpoints',
  'endpointslices.discovery.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
]);

function served(group: string, version: string, resource: string, kind: string): Served {
  return { id: `${resource}.${group}`, group, versions: [version], resource, kind, namespaced: true };
}

interface Found {
  readonly kind: Served;
  readonly path: string;
  readonly listPath: string;
  readonly object: KubeObject;
}

/** The objects of one cluster that command lines may change, by their paths. `unread`: kinds that could not be listed. */
export interface Look {
  readonly objects: ReadonlyMap<string, Found>;
  readonly unread: readonly string[];
}

/** Where objects are read whole, or their metadata alone. */
export interface Reader {
  get(path: string, resource: string, isMetadataOnly?: boolean): Promise<Read<unknown>>;
}

/** Lists what command lines may change. A kind that is not served is none. */
export async function lookOver(api: Reader): Promise<Look> {
  const objects = new Map<string, Found>();
  const unread: string[] = [];
  const looked = [...kinds.filter(({ id }) => !left.has(id)), ...more];
  await Promise.all(
    looked.map(async (kind) => {
      for (const version of kind.versions) {
        const group = kind.group === '' ? `/api/${version}` : `/apis/${kind.group}/${version}`;
        const read = await api.get(`${group}/${kind.resource}`, kind.id, isSecret(kind));
        if (read.status === 'absent') continue;
        if (read.status === 'read') for (const found of foundIn(read.value, kind, version)) objects.set(found.path, found);
        else unread.push(kind.id);
        return;
      }
    }),
  );
  return { objects, unread: unread.toSorted(compareText) };
}

/** Members of lists do not say what they are. */
function foundIn(list: unknown, kind: Served, version: string): readonly Found[] {
  const apiVersion = kind.group === '' ? version : `${kind.group}/${version}`;
  return membersOf(list, 'items').flatMap((item): readonly Found[] => {
    const object: unknown = { ...(isSecret(kind) ? { metadata: item['metadata'] } : item), apiVersion, kind: kind.kind };
    if (!isKubeObject(object)) return [];
    const { namespace, name } = object.metadata;
    const { path, listPath } = placeOf(kind, { name, ...(namespace === undefined ? {} : { namespace }) }, version);
    return [{ kind, path, listPath, object }];
  });
}

/** What takes back what somebody's kubectl, istioctl or helm did between two looks. `deletes`: they were to delete something. */
export function tracesOf(
  before: Look,
  after: Look,
  { context, code, deletes }: { context: string; code: string; deletes: boolean },
): UndoEntry[] {
  const common = ({ kind, path, listPath, object: { metadata } }: Found): Common => ({
    context,
    kind: kind.kind,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    name: metadata.name,
    path,
    listPath,
    resource: kind.id,
    code,
  });
  const entries: UndoEntry[] = [];
  for (const [path, now] of after.objects) {
    const was = before.objects.get(path);
    if (was === undefined || was.object.metadata.uid !== now.object.metadata.uid) {
      if (was !== undefined) entries.push(lostOrDeleted(common(was), was));
      if (isByTools(undefined, now.object) && !isOwned(now.object)) entries.push(madeEntry(common(now), now));
    } else if (isByTools(was.object, now.object)) entries.push(...changedEntries(common(now), was, now));
  }
  if (deletes)
    for (const [path, was] of before.objects)
      if (!after.objects.has(path) && !isOwned(was.object)) entries.push(lostOrDeleted(common(was), was));
  return entries;
}

type Common = Pick<UndoEntry, 'context' | 'kind' | 'namespace' | 'name' | 'path' | 'listPath' | 'resource' | 'code'>;

function madeEntry(common: Common, { kind, object }: Found): UndoEntry {
  // All that is in it would go with it.
  if (kind.kind === 'Namespace') return { ...common, did: 'lost', because: 'a namespace is not deleted by itself' };
  return { ...common, did: 'created', uid: object.metadata.uid ?? '', left: {} };
}

function changedEntries(common: Common, was: Found, now: Found): readonly UndoEntry[] {
  const [old, fresh] = [comparable(was), comparable(now)];
  const undo = patchBetween(fresh, old);
  const patched: UndoEntry[] = isDeepEqual(undo, {})
    ? []
    : [{ ...common, did: 'patched', undo: asJson(undo), left: asJson(fieldsOfPatch(fresh, undo)) }];
  return [...patched, ...(isSecret(now.kind) && isHeldChanged(was.object, now.object) ? [lost(common)] : [])];
}

function lostOrDeleted(common: Common, { kind, object }: Found): UndoEntry {
  return isSecret(kind) ? lost(common) : { ...common, did: 'deleted', undo: toJson(remade(object)) };
}

function lost(common: Common): UndoEntry {
  return { ...common, did: 'lost', because: 'what a Secret held is never written down' };
}

function isSecret({ id }: Served): boolean {
  return id === 'secrets';
}

/** Goes with its owner. */
function isOwned({ metadata }: KubeObject): boolean {
  return membersOf(metadata, 'ownerReferences').length > 0;
}

/** As its author wrote it. kubectl keeps a copy of all that was applied in an annotation: of a Secret that is what it holds. */
function comparable({ kind, object }: Found): Readonly<Record<string, unknown>> {
  const { apiVersion: _version, kind: _kind, status: _status, metadata, ...rest } = object;
  const { [`deployment.kubernetes.io/revision`]: _revision, [lastApplied]: applied, ...annotations } = metadata.annotations ?? {};
  const kept = isSecret(kind) || applied === undefined ? annotations : { ...annotations, [lastApplied]: applied };
  return { ...rest, metadata: { labels: metadata.labels ?? {}, annotations: kept } };
}

/** A value that came from JSON. */
function asJson(value: unknown): Json {
  return isRecord(value) ? toJson(value) : null;
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Whether tools that people use wrote it since: controllers write at all times. */
function isByTools(before: KubeObject | undefined, after: KubeObject): boolean {
  return !isDeepEqual(toolEntries(after), before === undefined ? [] : toolEntries(before));
}

function toolEntries({ metadata }: KubeObject): readonly unknown[] {
  return membersOf(metadata, 'managedFields').filter(
    ({ manager, subresource }) =>
      typeof manager === 'string' && /^(?:kubectl|istioctl|istio-operator|helm)/.test(manager) && subresource !== 'status',
  );
}

/** Whether somebody wrote what a Secret holds. Who loses a field to another, or a label, keeps the time of the last own write. */
function isHeldChanged(before: KubeObject, after: KubeObject): boolean {
  const writes = (object: KubeObject): readonly unknown[] =>
    membersOf(object.metadata, 'managedFields').flatMap(({ manager, operation, time, fieldsV1 }) => {
      const held = isRecord(fieldsV1) ? [fieldsV1['f:data'], fieldsV1['f:stringData']] : [];
      return held.some((fields) => fields !== undefined) ? [{ manager, operation, time, held }] : [];
    });
  const known = writes(before);
  // Nobody who writes it says so: nothing is known of it.
  return known.length === 0 || !isDeepEqual(writes(after), known);
}

function membersOf(value: unknown, field: string): readonly Readonly<Record<string, unknown>>[] {
  const list: unknown = isRecord(value) ? value[field] : undefined;
  return Array.isArray(list) ? list.filter(isRecord) : [];
}
