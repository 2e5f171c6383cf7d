import { isDeepEqual } from '../../base/equal.ts';
import { groupBy } from '../../base/sort.ts';
import { count } from '../../base/text.ts';
import { isRecord } from '../../builder/patch.ts';
import type { Fields } from '../../model/decode.ts';
import type { KubeObject } from '../../model/kube.ts';
import { fieldName, type FieldSet, fieldValues, withoutFields } from './field-sets.ts';
import { scalar } from './json-path.ts';
import { listRule } from './list-keys.ts';
import { isSameWriter, type Ownership, ownershipOf, valuesOf, withOwnership, type Writer } from './managed-fields.ts';
import { type Resource, qualifiedName } from './resources.ts';
import { ApiError, detailsOf, failure } from './status.ts';

/**
 * Server-side apply: what is applied wins, what the same manager applied before and no longer does goes unless somebody else owns it, the
 * rest stays. A field that another manager set to something else is a conflict (409) unless it is forced.
 */
export function serverSideApplied(
  resource: Resource,
  live: KubeObject | undefined,
  applied: KubeObject,
  writer: Writer,
  isForced: boolean,
): KubeObject {
  const owners = ownershipOf(live);
  const wanted = fieldValues(resource, resource.isCustom, applied);
  const current = live === undefined ? new Map<string, unknown>() : valuesOf(resource, live);
  const mine = owners.find((owner) => isMine(owner, writer));
  const others = owners.filter((owner) => owner !== mine);
  const differs = (path: string): boolean => current.has(path) && !isDeepEqual(current.get(path), wanted.get(path));
  const conflicts = others.flatMap((owner) =>
    [...owner.fields].filter((path) => wanted.has(path) && differs(path)).map((path) => ({ owner, path })),
  );
  if (conflicts.length > 0 && !isForced) throw conflicting(resource, applied.metadata.name, conflicts);
  const merged = live === undefined ? applied : overlaid(resource, live, applied);
  const abandoned = [...(mine?.fields ?? [])].filter((path) => !wanted.has(path) && !others.some(({ fields }) => isOwned(fields, path)));
  const rest = withoutFields(merged, abandoned);
  const lost = new Set(conflicts.map(({ path }) => path));
  const kept = others.map(
    (owner): Ownership => ({
      writer: owner.writer,
      fields: new Set([...owner.fields].filter((path) => !lost.has(path))),
    }),
  );
  const fields = new Set(wanted.keys());
  const isUnchanged =
    mine !== undefined &&
    isDeepEqual([...mine.fields].sort(), [...fields].sort()) &&
    [...fields].every((path) => current.has(path) && !differs(path));
  const next: KubeObject = { ...rest, apiVersion: applied.apiVersion, kind: applied.kind, metadata: metadataOf(rest, merged) };
  const time = isUnchanged ? mine.writer.time : writer.time;
  return withOwnership(next, [...kept, { writer: { ...writer, time }, fields }]);
}

/** Whether a field, or one inside of it, is in a set. */
function isOwned(fields: FieldSet, path: string): boolean {
  if (fields.has(path)) return true;
  for (const other of fields) if (other.startsWith(`${path}\n`)) return true;
  return false;
}

/** Applying again with another version of the kind is the same manager. */
function isMine(owner: Ownership, writer: Writer): boolean {
  return isSameWriter({ ...owner.writer, apiVersion: writer.apiVersion }, writer);
}

function metadataOf(rest: Fields, merged: KubeObject): KubeObject['metadata'] {
  const { metadata } = rest;
  return isRecord(metadata) ? { ...metadata, name: merged.metadata.name } : merged.metadata;
}

function overlaid(resource: Resource, live: KubeObject, applied: KubeObject): KubeObject {
  const { managedFields: _managed, ...metadata } = applied.metadata;
  const result = overlay(resource, live, { ...applied, metadata }, []);
  return { ...live, ...(isRecord(result) ? result : {}) };
}

function overlay(resource: Resource, live: unknown, applied: unknown, path: readonly string[]): unknown {
  if (isRecord(applied)) {
    const result: Record<string, unknown> = isRecord(live) ? { ...live } : {};
    for (const [key, value] of Object.entries(applied)) result[key] = overlay(resource, result[key], value, [...path, key]);
    return result;
  }
  if (!Array.isArray(applied) || !Array.isArray(live)) return applied;
  const [before, items]: readonly (readonly unknown[])[] = [live, applied];
  const rule = listRule(resource, resource.isCustom, path);
  if (rule === 'atomic' || before === undefined || items === undefined) return applied;
  if (rule === 'set') return [...new Set([...before, ...items])];
  const identity = (item: unknown): string =>
    rule.keys.map((key) => (isRecord(item) ? scalar(item[key] ?? rule.fallback[key]) : '')).join('/');
  const result: unknown[] = [...before];
  for (const item of items) {
    const at = result.findIndex((one) => identity(one) === identity(item));
    if (at < 0) result.push(item);
    else result[at] = overlay(resource, result[at], item, path);
  }
  return result;
}

function conflicting(
  resource: Resource,
  name: string,
  conflicts: readonly { readonly owner: Ownership; readonly path: string }[],
): ApiError {
  const causes = conflicts.map(({ owner: { writer }, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with "${writer.manager}"${writer.subresource === '' ? '' : ` with subresource "${writer.subresource}"`} using ${writer.apiVersion}`,
    field: fieldName(path),
  }));
  const texts = [...groupBy(causes, ({ message }) => message)].map(([message, fields]) => {
    const names = fields.map(({ field }) => field);
    return names.length === 1 ? `${message}: ${names.join('')}` : `${message.replace('conflict', 'conflicts')}:\n- ${names.join('\n- ')}`;
  });
  const message = `Apply failed with ${count(causes.length, 'conflict')}: ${texts.join('\n')}`;
  const details = { ...detailsOf(resource, name), kind: qualifiedName(resource), causes };
  return new ApiError(409, { status: failure(409, 'Conflict', message, details) }, message);
}
