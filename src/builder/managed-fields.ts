import type { KubeObject } from '../model/kube.ts';
import { isRecord } from './patch.ts';
import { takenAt } from './timeline.ts';

/**
 * An object with the `managedFields` that an API server keeps unless it is asked not to: who wrote which field. Nobody reads them, but
 * they are a third of what comes over the wire. Lists are told item by item, what is in an item only by name.
 */
export function withManagedFields(object: KubeObject): KubeObject {
  const { apiVersion, metadata } = object;
  const time = metadata.creationTimestamp ?? takenAt;
  const entry = (manager: string, fields: Readonly<Record<string, unknown>>, subresource?: string) => ({
    apiVersion,
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
    manager,
    operation: 'Update',
    ...(subresource === undefined ? {} : { subresource }),
    time,
  });
  const given = fieldsOf(
    Object.fromEntries(Object.entries(object).filter(([key]) => key !== 'status' && key !== 'apiVersion' && key !== 'kind')),
  );
  const status =
    object['status'] === undefined
      ? []
      : [entry(object.kind === 'Pod' ? 'kubelet' : 'kube-controller-manager', fieldsOf({ status: object['status'] }), 'status')];
  return { ...object, metadata: { ...metadata, managedFields: [entry('kube-controller-manager', given), ...status] } };
}

/** The set of fields of a value, as server-side apply writes it. */
function fieldsOf(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [`f:${key}`, isRecord(item) ? { '.': {}, ...fieldsOf(item) } : listFields(item)]),
  );
}

/** Lists of named things are owned item by item. */
function listFields(value: unknown): Readonly<Record<string, unknown>> {
  if (!Array.isArray(value)) return {};
  const items: [string, unknown][] = value.flatMap((item: unknown): [string, unknown][] => {
    const key = isRecord(item) ? keyOf(item) : undefined;
    return key === undefined || !isRecord(item) ? [] : [[`k:${JSON.stringify(key)}`, { '.': {}, ...namesOf(item) }]];
  });
  return items.length === 0 ? {} : { '.': {}, ...Object.fromEntries(items) };
}

function namesOf(item: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.keys(item).map((key) => [`f:${key}`, {}]));
}

function keyOf(item: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | undefined {
  for (const key of ['containerPort', 'mountPath', 'name', 'type', 'uid', 'ip']) {
    if (item[key] !== undefined)
      return key === 'containerPort' ? { containerPort: item[key], protocol: item['protocol'] } : { [key]: item[key] };
  }
  return undefined;
}
