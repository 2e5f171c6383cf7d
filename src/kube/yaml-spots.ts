import {
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseAllDocuments,
  type Document,
  type DocumentOptions,
  type ParseOptions,
  type SchemaOptions,
  type Tags,
} from 'yaml';

/** Where something stands: file, and line from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** Why a file cannot be used. Never quotes its text: it may hold secrets. */
export class BrokenFile extends Error {
  readonly place: Place;
  /** Sentence part without full stop. */
  readonly what: string;
  constructor(place: Place, what: string) {
    super(`${place.file}:${place.line}: ${what}`);
    this.name = 'BrokenFile';
    this.place = place;
    this.what = what;
  }
}

/** A value of a YAML file, the keys that lead to it, and where they stand. */
export interface Spot {
  readonly value: unknown;
  readonly path: readonly (string | number)[];
  readonly placeOf: (path: Spot['path']) => Place;
}

/** YAML as kubectl reads it: version 1.1 truth values, but no times and no base-60 numbers; of equal keys the last one counts. */
const yamlOptions = {
  version: '1.1',
  customTags: (tags: Tags): Tags =>
    tags.filter(
      (tag) => typeof tag === 'string' || !(tag.tag === 'tag:yaml.org,2002:timestamp' || ('format' in tag && tag.format === 'TIME')),
    ),
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: 'error',
} as const satisfies ParseOptions & DocumentOptions & SchemaOptions;

/** More aliases than any file written by hand has; fewer than a bomb needs. */
const mostAliases = 1000;

/**
 * The first document of a YAML text; the others do not count, as for kubectl. Undefined when there is nothing in it.
 * @throws BrokenFile
 */
export function yamlSpot(text: string, file: string): Spot | undefined {
  const counter = new LineCounter();
  const documents = parseAllDocuments(text, { ...yamlOptions, lineCounter: counter });
  const document = 'empty' in documents ? undefined : documents[0];
  if (document === undefined) return undefined;
  const at = (offset: number): Place => ({ file, line: Math.max(counter.linePos(offset).line, 1) });
  const [error] = document.errors;
  if (error !== undefined) throw new BrokenFile(at(error.pos[0]), `not YAML (${error.code.toLowerCase().replaceAll('_', ' ')})`);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: mostAliases });
  } catch {
    throw new BrokenFile({ file, line: 1 }, 'its aliases cannot be followed');
  }
  return isAbsent(value) ? undefined : { value, path: [], placeOf: (path) => at(offsetNear(document, path)) };
}

/** Where a value begins: at its key where it has one. Behind an alias it is where the alias is. */
function offsetNear(document: Document.Parsed, path: Spot['path']): number {
  for (let length = path.length; length > 0; length--) {
    const offset = offsetOf(document, path.slice(0, length));
    if (offset !== undefined) return offset;
  }
  return document.contents?.range?.[0] ?? 0;
}

function offsetOf(document: Document.Parsed, path: Spot['path']): number | undefined {
  const parent: unknown = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  if (isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1));
    if (pair !== undefined && isNode(pair.key)) return pair.key.range?.[0];
  }
  const node: unknown = document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}

/** The value under a key; undefined where there is none. */
export function at(parent: Spot, key: string): Spot {
  const value: unknown = isObject(parent.value) && Object.hasOwn(parent.value, key) ? parent.value[key] : undefined;
  return { ...parent, value, path: [...parent.path, key] };
}

export function keysOf(map: Spot): readonly string[] {
  return isObject(map.value) ? Object.keys(map.value) : [];
}

/** The map under a key; undefined where there is none. @throws BrokenFile where there is something else */
export function mapAt(parent: Spot, key: string): Spot | undefined {
  const spot = at(parent, key);
  return isAbsent(spot.value) ? undefined : asMap(spot, shown(spot.path));
}

export function asMap(spot: Spot, what: string): Spot {
  return isObject(spot.value) ? spot : broken(spot, `${what} must be a map, not ${kindOf(spot.value)}`);
}

/** The elements of the list under a key; none where there is no list. */
export function listAt(parent: Spot, key: string): readonly Spot[] {
  const spot = at(parent, key);
  if (isAbsent(spot.value)) return [];
  if (!Array.isArray(spot.value)) return broken(spot, `${shown(spot.path)} must be a list, not ${kindOf(spot.value)}`);
  return spot.value.map((value: unknown, index): Spot => ({ ...spot, value, path: [...spot.path, index] }));
}

/** The elements of a list, each a map. */
export function mapsAt(parent: Spot, key: string): readonly Spot[] {
  return listAt(parent, key).map((spot) => asMap(spot, shown(spot.path)));
}

/** A text that says something: the empty text counts as absent. */
export function textAt(parent: Spot, key: string): string | undefined {
  const spot = at(parent, key);
  return isAbsent(spot.value) || spot.value === '' ? undefined : asText(spot);
}

export function textsAt(parent: Spot, key: string): readonly string[] {
  return listAt(parent, key).map(asText);
}

function asText(spot: Spot): string {
  return typeof spot.value === 'string' ? spot.value : broken(spot, `${shown(spot.path)} must be a text, not ${kindOf(spot.value)}`);
}

export function flagAt(parent: Spot, key: string): boolean {
  const spot = at(parent, key);
  if (isAbsent(spot.value)) return false;
  return typeof spot.value === 'boolean'
    ? spot.value
    : broken(spot, `${shown(spot.path)} must be true or false, not ${kindOf(spot.value)}`);
}

/** The text behind base64 data. */
export function dataAt(parent: Spot, key: string): string | undefined {
  const encoded = textAt(parent, key)?.replace(/[\r\n]/g, '');
  if (encoded === undefined) return undefined;
  const spot = at(parent, key);
  return encoded.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(encoded)
    ? Buffer.from(encoded, 'base64').toString('utf8')
    : broken(spot, `${shown(spot.path)} is not base64`);
}

export function placeOf(spot: Spot): Place {
  return spot.placeOf(spot.path);
}

export function broken(spot: Spot, what: string): never {
  throw new BrokenFile(placeOf(spot), what);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

function kindOf(value: unknown): string {
  if (isAbsent(value)) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object'
    ? 'a map'
    : typeof value === 'string'
      ? 'a text'
      : typeof value === 'boolean'
        ? 'true or false'
        : 'a number';
}

/** `users[1].user.exec`. */
function shown(path: Spot['path']): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`)).join('');
}
