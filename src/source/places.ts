import { readFile } from 'node:fs/promises';
import { type ObjectRef, refKey } from '../model/refs.ts';
import { type Spot, type Spots, spotsOf, type Step, stepsOf } from './spots.ts';

/** A stretch of a file, as the user can open it. */
export interface Place extends Spot {
  readonly file: string;
}

/** Where the fields of an object stand that an installer would make of a document: the longest prefix of a path decides. */
export interface Trace {
  /** Steps to what the object as a whole comes from. */
  readonly root: readonly Step[];
  readonly fields: readonly { readonly prefix: string; readonly steps: readonly Step[] }[];
}

/** Finds fields of objects in the files they were read from. */
export type FindPlace = (ref: ObjectRef, field?: string, found?: string) => Promise<Place | undefined>;

/** What was read that is no file, by the name it goes by, and what comes from documents that are no objects, by `refKey`. */
export interface Origins {
  readonly texts: ReadonlyMap<string, string>;
  readonly traces: ReadonlyMap<string, Trace>;
}

/** Reads a file when it is first asked about, and keeps it. Nothing is known of objects that come from no file. */
export function findPlaces({ texts, traces }: Origins): FindPlace {
  const files = new Map<string, Promise<Spots | undefined>>();
  const open = async (file: string): Promise<Spots | undefined> => {
    // It was there a moment ago; without it the line is still known.
    const text = texts.get(file) ?? (await readFile(file, 'utf8').catch(() => undefined));
    return text === undefined ? undefined : spotsOf(file, text);
  };
  return async (ref, field, found) => {
    const { origin } = ref;
    if (origin === undefined || !('file' in origin)) return undefined;
    const { file, line } = origin;
    const spots = files.get(file) ?? open(file);
    files.set(file, spots);
    const known = await spots;
    if (known === undefined) return { file, line, column: 1, endLine: line, endColumn: 2 };
    const trace = traces.get(refKey(ref));
    if (trace !== undefined) return { file, ...known.inDocument(line, traced(trace, field), found) };
    return { file, ...known.ofField({ line, kind: ref.kind, name: ref.name }, stepsOf(field ?? ''), found) };
  };
}

function traced({ root, fields }: Trace, field: string | undefined): readonly Step[] {
  const [longest] = fields
    .filter(({ prefix }) => field !== undefined && field.startsWith(prefix))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  return longest?.steps ?? root;
}
