import type { Json } from './kube.ts';

// The specs of Istio's objects are kept as they were given: what reads a field of one asks here, and odd values are as good as none.

export type JsonFields = { readonly [key: string]: Json };

export function isFields(value: Json | undefined): value is JsonFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isItems(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** The value at a path of field names; nothing where there is none. */
export function fieldAt(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((at, key) => (isFields(at) ? at[key] : undefined), value);
}

/** The same as a map of fields; an empty one where it is anything else. */
export function fieldsAt(value: Json | undefined, ...path: readonly string[]): JsonFields {
  const found = fieldAt(value, ...path);
  return isFields(found) ? found : {};
}

/** The same as a list; an empty one where it is anything else. */
export function itemsAt(value: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const found = fieldAt(value, ...path);
  return isItems(found) ? found : [];
}

/** The same as text. */
export function textAt(value: Json | undefined, ...path: readonly string[]): string | undefined {
  const found = fieldAt(value, ...path);
  return typeof found === 'string' ? found : undefined;
}
