import { type Fields, objects, optionalFields, tally } from '../../model/decode.ts';

/** The value at a path of keys; undefined when something on the way is no object. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  let found: unknown = value;
  for (const key of path) found = optionalFields(tally(), found)?.[key];
  return found;
}

/** An object at a path of keys; an empty one when there is none. */
export function fieldsAt(value: unknown, ...path: readonly string[]): Fields {
  return optionalFields(tally(), valueAt(value, path)) ?? {};
}

/** A text at a path of keys; empty when there is none. Numbers and truth values are written out. */
export function textAt(value: unknown, ...path: readonly string[]): string {
  return scalar(valueAt(value, path));
}

/** A number at a path of keys; 0 when there is none. */
export function numberAt(value: unknown, ...path: readonly string[]): number {
  const found = valueAt(value, path);
  return typeof found === 'number' ? found : 0;
}

/** The objects of a list at a path of keys. */
export function itemsAt(value: unknown, ...path: readonly string[]): readonly Fields[] {
  return objects(tally(), valueAt(value, path));
}

/**
 * What the JSON path of a printer column gives: `.spec.hosts`, `.status.conditions[?(@.type=="Ready")].status`. Only keys, escaped dots,
 * indices, `[*]` and equality filters are understood, which is what such columns use. Several values are joined as Go prints a list.
 */
export function columnValue(value: unknown, path: string): unknown {
  let found: readonly unknown[] = [value];
  for (const step of path.matchAll(/\.((?:[^.[\\]|\\.)+)|\[(\d+)\]|\[\*\]|\[\?\(@\.([^=\s]+)\s*==\s*["']([^"']*)["']\)\]/g)) {
    const [, key, index, field, wanted] = step;
    found = found.flatMap((one): readonly unknown[] => {
      if (key !== undefined) return present(valueAt(one, [key.replaceAll('\\.', '.')]));
      const list: readonly unknown[] = Array.isArray(one) ? one : [];
      if (index !== undefined) return present(list[Number(index)]);
      return field === undefined ? list : list.filter((item) => scalar(valueAt(item, field.split('.'))) === wanted);
    });
  }
  return found.length === 1 ? found[0] : found.length === 0 ? undefined : found;
}

function present(value: unknown): readonly unknown[] {
  return value === undefined ? [] : [value];
}

export function scalar(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
