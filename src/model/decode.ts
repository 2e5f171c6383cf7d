import type { Json, StringMap } from './kube.ts';

/**
 * Permissive reading of unknown data. Nothing here throws: what has an unexpected type is dropped and counted.
 * Absent values (`undefined`, `null`) are never odd.
 */
export interface Tally {
  odd: number;
}

export const tally = (): Tally => ({ odd: 0 });

/** An object of which nothing is known but that its values can be asked for. */
export type Fields = { readonly [key: string]: unknown };

const nothing: Fields = Object.freeze({});
const noList: readonly unknown[] = Object.freeze([]);
const noTexts: readonly string[] = Object.freeze([]);
const noMap: StringMap = Object.freeze({});

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as an object; an empty one when there is none. */
export function fields(odd: Tally, value: unknown): Fields {
  return optionalFields(odd, value) ?? nothing;
}

export function optionalFields(odd: Tally, value: unknown): Fields | undefined {
  if (isFields(value)) return value;
  if (!isAbsent(value)) odd.odd++;
  return undefined;
}

/** The value as a list; an empty one when there is none. */
export function list(odd: Tally, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (!isAbsent(value)) odd.odd++;
  return noList;
}

/** The elements of a list that are objects. */
export function objects(odd: Tally, value: unknown): readonly Fields[] {
  const items = list(odd, value);
  if (items.every(isFields)) return items;
  odd.odd += items.filter((item) => !isFields(item)).length;
  return items.filter(isFields);
}

/** A reduction that is made once of the same object where nothing in it is odd: for parts that thousands of objects share. */
export function once<T>(reduce: (odd: Tally, value: Fields) => T): (odd: Tally, value: Fields) => T {
  const known = new WeakMap<Fields, T>();
  return (odd, value) => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const { odd: counted } = odd;
    const made = reduce(odd, value);
    if (odd.odd === counted) known.set(value, made);
    return made;
  };
}

/** What is made of the very same parts as the last time is not made again: objects that are alike follow one another. */
export function unlessSame<P extends readonly unknown[], T>(make: (...parts: P) => T): (...parts: P) => T {
  let last: { readonly parts: P; readonly made: T } | undefined;
  return (...parts) => {
    if (last === undefined || !last.parts.every((part, place) => part === parts[place])) last = { parts, made: make(...parts) };
    return last.made;
  };
}

export function text(odd: Tally, value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!isAbsent(value)) odd.odd++;
  return undefined;
}

/** A text that says something: the empty text counts as absent. */
export function filled(odd: Tally, value: unknown): string | undefined {
  return text(odd, value) || undefined;
}

/** A text, or a number or truth value written where YAML invites one: `"8080"` and `8080` are the same label to whoever wrote it. */
export function scalarText(odd: Tally, value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : text(odd, value);
}

/** The elements of a list that are texts. */
export function texts(odd: Tally, value: unknown): readonly string[] {
  const items = list(odd, value);
  if (items.length === 0) return noTexts;
  // A copy has no room for more; what a filter gives has.
  if (items.every(isText)) return items.slice();
  const kept = items.filter(isText);
  odd.odd += items.length - kept.length;
  return kept;
}

/** The same without copying where every element is a text: for data that nobody else can change. */
export function sharedTexts(odd: Tally, value: unknown): readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every(isText) ? value : texts(odd, value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** A copy of an object whose values are texts: labels, annotations, selectors. */
export function textMap(odd: Tally, value: unknown): StringMap {
  const found = optionalFields(odd, value);
  if (found === undefined) return noMap;
  const kept: Record<string, string> = {};
  for (const key of Object.keys(found)) {
    const item = text(odd, found[key]);
    if (item !== undefined) kept[key] = item;
  }
  return kept;
}

/** The same without copying where every value is a text: for data that nobody else can change. */
export function sharedTextMap(odd: Tally, value: unknown): StringMap {
  return isFields(value) && isTextMap(value) ? value : textMap(odd, value);
}

function isTextMap(value: Fields): value is StringMap {
  for (const key in value) if (typeof value[key] !== 'string') return false;
  return true;
}

export function flag(odd: Tally, value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (!isAbsent(value)) odd.odd++;
  return undefined;
}

/** A whole number between two bounds; anything else is odd. */
export function whole(odd: Tally, value: unknown, least = 0, most = Number.MAX_SAFE_INTEGER): number | undefined {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  if (!isAbsent(value)) odd.odd++;
  return undefined;
}

/** A port number, 1 to 65535. */
export function port(odd: Tally, value: unknown): number | undefined {
  return whole(odd, value, 1, 65_535);
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** Times known to be ones: thousands of objects are made within the same few seconds. Forgotten before it gets large. */
const knownTimes = new Set<string>();
const mostKnownTimes = 1_000;

/** A time as RFC 3339 writes it, kept as it was written. */
export function time(odd: Tally, value: unknown): string | undefined {
  if (typeof value === 'string' && (knownTimes.has(value) || isTime(value))) return value;
  if (!isAbsent(value)) odd.odd++;
  return undefined;
}

function isTime(value: string): boolean {
  if (!rfc3339.test(value) || Number.isNaN(Date.parse(value))) return false;
  if (knownTimes.size >= mostKnownTimes) knownTimes.clear();
  knownTimes.add(value);
  return true;
}

const deepest = 64;

/** A copy of a value that holds nothing but JSON; what is not, or is nested absurdly deep, is dropped and counted. */
export function json(odd: Tally, value: unknown, depth = 0): Json | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || depth >= deepest) {
    odd.odd++;
    return undefined;
  }
  if (Array.isArray(value)) {
    const items: Json[] = [];
    for (const item of value) {
      const kept = json(odd, item, depth + 1);
      if (kept !== undefined) items.push(kept);
    }
    return items;
  }
  if (!isPlain(value)) {
    odd.odd++;
    return undefined;
  }
  const kept: Record<string, Json> = {};
  for (const key of Object.keys(value)) {
    const item = key === '__proto__' ? undefined : json(odd, value[key], depth + 1);
    if (item !== undefined) kept[key] = item;
  }
  return kept;
}

function isPlain(value: object): value is Fields {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The value of a text that should hold a JSON object. */
export function parsedFields(odd: Tally, value: string | undefined): Fields | undefined {
  if (value === undefined) return undefined;
  try {
    return optionalFields(odd, JSON.parse(value));
  } catch {
    odd.odd++;
    return undefined;
  }
}

/** Truth values as istiod's and the proxy's environment reads them. */
export function isTrue(value: string | undefined): boolean {
  return value !== undefined && ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value);
}

type Optional<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};
type Flat<T> = { [K in keyof T]: T[K] };

/** The object without the properties that are undefined: how optional properties are written in one expression. */
export function defined<T extends object>(value: T): Flat<Optional<T>> {
  const kept: Record<string, unknown> = {};
  for (const key in value) if (value[key] !== undefined) kept[key] = value[key];
  // The copy has exactly the properties the type says: those that were not undefined.
  return kept as Flat<Optional<T>>;
}
