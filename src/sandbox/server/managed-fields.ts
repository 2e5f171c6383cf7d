import { isDeepEqual } from '../../base/equal.ts';
import { compareText } from '../../base/sort.ts';
import type { Fields } from '../../model/decode.ts';
import type { KubeObject } from '../../model/kube.ts';
import { type FieldSet, fieldsV1, fieldValues, parsedFieldsV1 } from './field-sets.ts';
import { itemsAt, textAt } from './json-path.ts';
import type { Resource } from './resources.ts';

/** Who writes, as `managedFields` keeps it. */
export interface Writer {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  /** `group/version` of the request. */
  readonly apiVersion: string;
  readonly subresource: string;
  /** RFC 3339, whole seconds. */
  readonly time: string;
}

export interface Ownership {
  readonly writer: Omit<Writer, 'time'> & { readonly time: string };
  readonly fields: FieldSet;
}

/** Who owns which fields of an object. Entries that cannot be read are dropped. */
export function ownershipOf(object: KubeObject | undefined): readonly Ownership[] {
  return itemsAt(object, 'metadata', 'managedFields').flatMap((entry): Ownership[] => {
    const operation = entry['operation'];
    if (operation !== 'Apply' && operation !== 'Update') return [];
    const writer = {
      manager: textAt(entry, 'manager'),
      operation,
      apiVersion: textAt(entry, 'apiVersion'),
      subresource: textAt(entry, 'subresource'),
      time: textAt(entry, 'time'),
    } as const;
    return [{ writer, fields: parsedFieldsV1(entry['fieldsV1']) }];
  });
}

export function isSameWriter(a: Omit<Writer, 'time'>, b: Omit<Writer, 'time'>): boolean {
  return a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource && a.apiVersion === b.apiVersion;
}

/** An object with these owners; those that own nothing are left out. Without any, the object has no `managedFields`. */
export function withOwnership(object: KubeObject, owners: readonly Ownership[]): KubeObject {
  const { managedFields: _before, ...metadata } = object.metadata;
  const entries = owners
    .filter(({ fields }) => fields.size > 0)
    .sort((a, b) => compareText(orderOf(a), orderOf(b)))
    .map(({ writer: { subresource, ...writer }, fields }): Fields => {
      const time = writer.time === '' ? {} : { time: writer.time };
      const { manager, operation, apiVersion } = writer;
      const entry = { manager, operation, apiVersion, ...time, fieldsType: 'FieldsV1', fieldsV1: fieldsV1([...fields].sort()) };
      return subresource === '' ? entry : { ...entry, subresource };
    });
  return { ...object, metadata: entries.length === 0 ? metadata : { ...metadata, managedFields: entries } };
}

/** The order of the entries: what was applied first, then by time. */
function orderOf({ writer: { operation, time, manager, apiVersion, subresource } }: Ownership): string {
  return [operation, time, manager, apiVersion, subresource].join(' ');
}

/**
 * The object after a create or an update: whoever wrote a field last owns it. `before` is undefined for a create. What the client says
 * about `managedFields` is where this starts from.
 */
export function ownedAfterUpdate(resource: Resource, before: KubeObject | undefined, after: KubeObject, writer: Writer): KubeObject {
  const given = after.metadata['managedFields'] ?? before?.metadata['managedFields'];
  const owners = ownershipOf(after.metadata['managedFields'] === undefined ? before : after);
  const [old, now] = [before === undefined ? new Map<string, unknown>() : valuesOf(resource, before), valuesOf(resource, after)];
  const changed = [...now].filter(([path, value]) => !old.has(path) || !isDeepEqual(old.get(path), value)).map(([path]) => path);
  const isGone = (path: string): boolean => old.has(path) && !now.has(path) && !isPrefix(path, now);
  if (changed.length === 0 && ![...old.keys()].some(isGone)) return withManagedFields(after, given);
  const taken = new Set(changed);
  const mine = owners.find((owner) => isSameWriter(owner.writer, writer));
  const others = owners
    .filter((owner) => owner !== mine)
    .map(
      ({ writer: other, fields }): Ownership => ({
        writer: other,
        fields: new Set([...fields].filter((path) => !taken.has(path) && !isGone(path))),
      }),
    );
  const fields = new Set([...(mine?.fields ?? []), ...changed].filter((path) => !isGone(path)));
  return withOwnership(after, [...others, { writer: changed.length === 0 ? (mine?.writer ?? writer) : writer, fields }]);
}

function withManagedFields(object: KubeObject, managedFields: unknown): KubeObject {
  return managedFields === undefined ? object : { ...object, metadata: { ...object.metadata, managedFields } };
}

export function valuesOf(resource: Resource, object: KubeObject): ReadonlyMap<string, unknown> {
  return fieldValues(resource, resource.isCustom, object);
}

/** An empty object that has become a filled one is still there. */
function isPrefix(path: string, values: ReadonlyMap<string, unknown>): boolean {
  for (const other of values.keys()) if (other.startsWith(`${path}\n`)) return true;
  return false;
}
