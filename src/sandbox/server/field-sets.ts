import { compareText } from '../../base/sort.ts';
import { isRecord } from '../../builder/patch.ts';
import type { Fields } from '../../model/decode.ts';
import { listRule } from './list-keys.ts';
import type { ObjectType } from './resources.ts';

/*
 * Sets of fields as `managedFields` tells them: `f:NAME` is a field, `k:{…}` an item of a list by its keys, `v:…` an item of a set.
 * In memory a field is its path, the steps joined by line feeds, which no step contains.
 */

export type FieldSet = ReadonlySet<string>;

const between = '\n';

/** What every object has, and nobody owns. */
const unowned: ReadonlySet<string> = new Set([
  'f:apiVersion',
  'f:kind',
  ...['creationTimestamp', 'generation', 'managedFields', 'name', 'namespace', 'resourceVersion', 'selfLink', 'uid'].map(
    (key) => `f:metadata${between}f:${key}`,
  ),
]);

/** Every field of an object that can be owned, with its value; items of lists stand for themselves, with what their keys say. */
export function fieldValues(type: ObjectType, isCustom: boolean, object: Fields): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  const visit = (value: unknown, steps: readonly string[], path: readonly string[]): void => {
    const at = steps.join(between);
    if (unowned.has(at)) return;
    if (isRecord(value) && Object.keys(value).length > 0) {
      for (const [key, item] of Object.entries(value)) visit(item, [...steps, `f:${key}`], [...path, key]);
      return;
    }
    const rule = Array.isArray(value) ? listRule(type, isCustom, path) : 'atomic';
    if (rule === 'atomic' || !Array.isArray(value)) {
      found.set(at, value);
      return;
    }
    for (const item of value) {
      const step = rule === 'set' ? `v:${JSON.stringify(item)}` : `k:${JSON.stringify(keysOf(item, rule))}`;
      found.set([...steps, step].join(between), step);
      if (isRecord(item)) for (const [key, inner] of Object.entries(item)) visit(inner, [...steps, step, `f:${key}`], [...path, key]);
    }
  };
  visit(object, [], []);
  return found;
}

function keysOf(item: unknown, rule: { readonly keys: readonly string[]; readonly fallback: Fields }): Fields {
  const fields = isRecord(item) ? item : {};
  return Object.fromEntries(
    rule.keys.flatMap((key) => {
      const value = fields[key] ?? rule.fallback[key];
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

/** A set as `fieldsV1` writes it. */
export function fieldsV1(set: Iterable<string>): Fields {
  const root: Record<string, unknown> = {};
  const paths = [...set];
  for (const path of paths) {
    let node = root;
    for (const step of path.split(between)) {
      const known = node[step];
      const next: Record<string, unknown> = isRecord(known) ? known : {};
      node[step] = next;
      node = next;
    }
  }
  // A field that is owned and has owned fields below says so with a dot.
  for (const path of paths) {
    const node = path.split(between).reduce<Record<string, unknown>>((at, step) => {
      const next = at[step];
      return isRecord(next) ? next : {};
    }, root);
    if (Object.keys(node).length > 0) node['.'] = {};
  }
  return root;
}

/** The set that `fieldsV1` says. */
export function parsedFieldsV1(value: unknown): FieldSet {
  const found = new Set<string>();
  const visit = (node: unknown, steps: readonly string[]): void => {
    const entries = isRecord(node) ? Object.entries(node) : [];
    if (entries.length === 0 && steps.length > 0) found.add(steps.join(between));
    for (const [step, next] of entries) {
      if (step === '.') found.add(steps.join(between));
      else visit(next, [...steps, step]);
    }
  };
  visit(value, []);
  return found;
}

/** `.spec.containers[name="x"].image`: how conflicts name a field. */
export function fieldName(path: string): string {
  return path
    .split(between)
    .map((step) => {
      if (step.startsWith('f:')) return `.${step.slice(2)}`;
      if (step.startsWith('v:')) return `[=${step.slice(2)}]`;
      return `[${Object.entries(keysIn(step))
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(',')}]`;
    })
    .join('');
}

/**
 * An object without the fields of a set, and without what they leave empty. The keys of an item go with the item only: without them it
 * would be none.
 */
export function withoutFields(object: Fields, paths: Iterable<string>): Fields {
  let result: unknown = object;
  for (const path of [...paths].sort(compareText)) if (!isKey(path)) result = removed(result, path.split(between));
  return isRecord(result) ? result : {};
}

function isKey(path: string): boolean {
  const [item = '', field = ''] = path.split(between).slice(-2);
  return item.startsWith('k:') && field.startsWith('f:') && Object.hasOwn(keysIn(item), field.slice(2));
}

function keysIn(step: string): Fields {
  const keys: unknown = JSON.parse(step.slice(2));
  return isRecord(keys) ? keys : {};
}

function removed(value: unknown, [step = '', ...rest]: readonly string[]): unknown {
  if (step.startsWith('f:')) {
    const key = step.slice(2);
    if (!isRecord(value) || !Object.hasOwn(value, key)) return value;
    const { [key]: inner, ...others } = value;
    if (rest.length === 0) return others;
    const next = removed(inner, rest);
    const isEmptied = (isRecord(next) && Object.keys(next).length === 0) || (Array.isArray(next) && next.length === 0);
    return isEmptied && next !== inner ? others : { ...value, [key]: next };
  }
  if (!Array.isArray(value)) return value;
  const at = value.findIndex((item: unknown) => isItem(item, step));
  if (at < 0) return value;
  if (rest.length === 0) return value.toSpliced(at, 1);
  return value.with(at, removed(value[at], rest));
}

function isItem(item: unknown, step: string): boolean {
  if (step.startsWith('v:')) return JSON.stringify(item) === step.slice(2);
  if (!isRecord(item)) return false;
  return Object.entries(keysIn(step)).every(
    ([key, value]) => item[key] === value || (item[key] === undefined && key === 'protocol' && value === 'TCP'),
  );
}
