import { isDeepEqual } from '../base/equal.ts';
import type { Read } from '../kube/connection.ts';
import type { Write, Writer } from '../kube/write.ts';
import type { FailureCode } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import { type Json, type KubeObject, toJson } from '../model/kube.ts';
import { fieldAt } from '../model/json.ts';
import { fieldsOfPatch } from '../model/merge-patch.ts';
import { applyStrategicPatch } from '../model/strategic-patch.ts';
import { isKubeObject } from './applied.ts';
import { type Place, placeOf, servedAs } from './places.ts';
import type { Action } from './plan.ts';
import { restartPatch } from './restart.ts';
import { changedSince, fieldsOf, inverseOf, remade, type UndoEntry } from './undo.ts';

export type Writers = ReadonlyMap<ClusterName, Writer>;

/** What became of one change, or of the trial of one. `unsure`: nobody answered, so that it may have been made. */
export type Outcome = { readonly state: 'done' } | { readonly state: 'refused' | 'unsure'; readonly because: string };

/** The object of an action as its API server has it; nothing where there is none, or it cannot be asked. */
export async function found(action: Action, writers: Writers): Promise<KubeObject | undefined> {
  const current = await currentOf(action, writers);
  return 'object' in current ? current.object : undefined;
}

/** Asks the API server what it would say to a change, without making it. */
export async function tried(action: Action, writers: Writers): Promise<Outcome> {
  const prepared = await prepare(action, writers);
  if ('because' in prepared) return { state: 'refused', because: prepared.because };
  const said = await prepared.writer.write(prepared.change, true);
  return said.status === 'read' ? { state: 'done' } : { state: 'refused', because: reasonOf(said) };
}

/**
 * Makes a change. `keep` is given what takes it back before it is made, and once more afterwards. `planned`: the object as it was when the change was
 * planned, nothing in it where there was none; a change of what somebody wrote since is refused.
 */
export async function carriedOut(
  action: Action,
  writers: Writers,
  keep: (entry: UndoEntry) => Promise<void>,
  planned?: { readonly object: KubeObject | undefined },
): Promise<Outcome> {
  const prepared = await prepare(action, writers);
  if ('because' in prepared) return { state: 'refused', because: prepared.because };
  const meanwhile = planned === undefined ? undefined : changedMeanwhile(action, planned.object, prepared);
  if (meanwhile !== undefined) return { state: 'refused', because: meanwhile };
  const { writer, change, before, place } = prepared;
  const { namespace, name } = action.ref;
  const common = {
    context: action.cluster,
    kind: action.ref.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    path: place.path,
    listPath: place.listPath,
    resource: place.resource,
    code: action.code,
  };
  const entryOf = (after: KubeObject | undefined): UndoEntry => {
    if (action.isRestart) return { ...common, did: 'restarted' };
    switch (change.verb) {
      case 'patch': {
        const { isStrategic = false } = change;
        // Unanswered, it is taken for done: what a strategic patch makes of nothing is what it leaves.
        const left = fieldsOf(after ?? (isStrategic ? applyStrategicPatch({}, change.patch) : change.patch), change);
        return {
          ...common,
          did: 'patched',
          undo: json(inverseOf(before, change)),
          left: json(left),
          ...(isStrategic ? { isStrategic } : {}),
        };
      }
      case 'create':
        return {
          ...common,
          did: 'created',
          uid: after?.metadata.uid ?? '',
          left: json(fieldsOfPatch(after ?? change.object, written(change.object))),
        };
      case 'delete':
        return { ...common, did: 'deleted', undo: before === undefined ? null : toJson(remade(before)) };
      default:
        return change satisfies never;
    }
  };
  await keep(entryOf(undefined));
  const said = await writer.write(change, false);
  if (said.status === 'failed' && isUnanswered(said.code)) return { state: 'unsure', because: reasonOf(said) };
  if (said.status !== 'read') return { state: 'refused', because: reasonOf(said) };
  await keep(entryOf(isKubeObject(said.value) ? said.value : undefined));
  return { state: 'done' };
}

/** Takes one change back, unless somebody changed the object since. */
export async function takenBack(entry: UndoEntry, writer: Writer, now: string): Promise<Outcome> {
  if (entry.did === 'lost') return { state: 'refused', because: entry.because };
  const { path, listPath, resource } = entry;
  const read = await writer.get(path, resource);
  if (read.status !== 'read' && read.status !== 'absent') return { state: 'refused', because: reasonOf(read) };
  const current = read.status === 'read' && isKubeObject(read.value) ? read.value : undefined;
  const because = changedSince(entry, current);
  if (because !== undefined) return { state: 'refused', because };
  const said = await writer.write(backwards(entry, path, listPath, resource, now), false);
  return said.status === 'read' ? { state: 'done' } : { state: 'refused', because: reasonOf(said) };
}

/** Why a change is not made that was planned of another object than there is. */
function changedMeanwhile({ isRestart }: Action, planned: KubeObject | undefined, { before, change }: Prepared): string | undefined {
  if (isRestart) return undefined;
  if (planned === undefined) return before === undefined ? undefined : 'it was made since the plan was';
  if (before === undefined) return 'it is gone since the plan was made';
  if (change.verb === 'patch') {
    return isDeepEqual(fieldsOf(before, change), fieldsOf(planned, change)) ? undefined : 'it was changed since the plan was made';
  }
  return before.metadata.uid === planned.metadata.uid ? undefined : 'it was made again since the plan was';
}

function backwards(entry: Exclude<UndoEntry, { did: 'lost' }>, path: string, listPath: string, resource: string, now: string): Write {
  switch (entry.did) {
    case 'patched':
      return { verb: 'patch', path, resource, patch: entry.undo, ...(entry.isStrategic === true ? { isStrategic: true } : {}) };
    case 'created':
      return { verb: 'delete', path, resource, uid: entry.uid };
    case 'deleted':
      return { verb: 'create', path: listPath, resource, object: entry.undo };
    case 'restarted':
      return { verb: 'patch', path, resource, patch: restartPatch(now) };
    default:
      return entry satisfies never;
  }
}

interface Prepared {
  readonly writer: Writer;
  readonly place: Place;
  readonly before: KubeObject | undefined;
  readonly change: Write;
}

type Current = { readonly writer: Writer; readonly place: Place; readonly object: KubeObject | undefined } | { readonly because: string };

async function currentOf({ remedy, ref, cluster }: Action, writers: Writers): Promise<Current> {
  const writer = writers.get(cluster);
  const kind = servedAs({ ...remedy, ref });
  if (writer === undefined || kind === undefined) return { because: `${ref.kind} of ${cluster} cannot be asked for` };
  // Versions that are known, preferred first: an older API server may serve another.
  for (const version of kind.versions) {
    const place = placeOf(kind, ref, version);
    const read = await writer.get(place.path, place.resource);
    if (read.status === 'read')
      return isKubeObject(read.value) ? { writer, place, object: read.value } : { because: 'the answer is no object' };
    if (read.status !== 'absent') return { because: reasonOf(read) };
  }
  return { writer, place: placeOf(kind, ref, versionIn(remedy.patch)), object: undefined };
}

function versionIn(patch: Json | undefined): string | undefined {
  return isKubeObject(patch) ? patch.apiVersion.split('/').at(-1) : undefined;
}

async function prepare(action: Action, writers: Writers): Promise<Prepared | { readonly because: string }> {
  const current = await currentOf(action, writers);
  if ('because' in current) return current;
  const { writer, place, object: before } = current;
  const { remedy } = action;
  const { path, listPath, resource } = place;
  const common = { writer, place, before };
  if (remedy.action === 'delete') {
    if (before === undefined) return { because: 'it is gone already' };
    return {
      ...common,
      change: { verb: 'delete', path, resource, ...(before.metadata.uid === undefined ? {} : { uid: before.metadata.uid }) },
    };
  }
  if (remedy.patch === undefined) return { because: 'it is no patch' };
  if (before !== undefined)
    return {
      ...common,
      change: {
        verb: 'patch',
        path,
        resource,
        patch: remedy.action === 'apply' ? written(remedy.patch) : remedy.patch,
        ...(remedy.isStrategic === true ? { isStrategic: true } : {}),
      },
    };
  if (remedy.action !== 'apply') return { because: 'it is gone' };
  return { ...common, change: { verb: 'create', path: listPath, resource, object: remedy.patch } };
}

/** What of an object is written into one that is there: not which one it is. */
export function written(value: Json): Json {
  const object: unknown = value;
  if (!isKubeObject(object)) return value;
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = object;
  const { labels, annotations } = metadata;
  const meta = { ...(labels === undefined ? {} : { labels }), ...(annotations === undefined ? {} : { annotations }) };
  return toJson({ ...rest, ...(Object.keys(meta).length === 0 ? {} : { metadata: meta }) });
}

/** The request may have arrived, although nothing came back. */
function isUnanswered(code: FailureCode): boolean {
  return ['timeout', 'reset', 'interrupted', 'proxy', 'server-error'].includes(code);
}

function reasonOf(read: Exclude<Read<unknown>, { status: 'read' }>): string {
  switch (read.status) {
    case 'forbidden':
      return `needs ${read.verb} on ${read.resource} (meshdoctor rbac --fix)`;
    case 'absent':
      return 'its API server has no such object';
    case 'failed':
      return read.reason;
    default:
      return read satisfies never;
  }
}

/** A value that came from JSON or is made of what did. */
function json(value: unknown): Json {
  return fieldAt(toJson({ value }), 'value') ?? null;
}
