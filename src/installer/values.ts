import { fields, type Fields, isTrue, list, optionalFields, scalarText, tally } from '../model/decode.ts';

/** Keys and indexes that lead to a value of a document. */
export type Path = readonly (string | number)[];

/** A value that somebody gave to an installer, and where it stands in the document. */
export interface Given {
  readonly value: unknown;
  readonly path: Path;
}

/** What was given for a setting, by its name in the values of Istio's charts: `global.multiCluster.clusterName`. */
export type Values = (name: string) => Given | undefined;

/** A place of the document that settings below `name` are taken from; the empty name stands for all of them. */
export interface Mount {
  readonly name: string;
  readonly path: Path;
}

/** The settings of a document. Of several places that give one, the first counts. */
export function valuesIn(document: Fields, mounts: readonly Mount[]): Values {
  return (name) => {
    for (const mount of mounts) {
      if (mount.name !== '' && name !== mount.name && !name.startsWith(`${mount.name}.`)) continue;
      const rest = name
        .slice(mount.name.length)
        .split('.')
        .filter((key) => key !== '');
      const path = [...mount.path, ...rest];
      const value = valueAt(document, path);
      if (value !== undefined && value !== null) return { value, path };
    }
    return undefined;
  };
}

/** The value behind a path; undefined where there is none. */
export function valueAt(value: unknown, [first, ...rest]: Path): unknown {
  if (first === undefined) return value;
  if (typeof first === 'number') return valueAt(list(tally(), value)[first], rest);
  return valueAt(optionalFields(tally(), value)?.[first], rest);
}

/** A setting as a text; nothing where it is empty, which charts take for not given. */
export function textOf(values: Values, name: string): string | undefined {
  return scalarText(tally(), values(name)?.value) || undefined;
}

/** A setting that is on or off; charts take the texts for it, too. */
export function flagOf(values: Values, name: string): boolean | undefined {
  const text = textOf(values, name);
  return text === undefined ? undefined : isTrue(text);
}

export function mapOf(values: Values, name: string): Fields {
  return fields(tally(), values(name)?.value);
}

/** Keys whose values are texts, or numbers and truth values that a chart would print as such. */
export function textsOf(map: Fields): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(map).flatMap(([key, value]): [string, string][] => {
      const text = scalarText(tally(), value);
      return text === undefined ? [] : [[key, text]];
    }),
  );
}

/** The second over the first, map by map, as charts merge their values. */
export function merged(under: Fields, over: Fields): Fields {
  const all: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const inner = optionalFields(tally(), value);
    const below = optionalFields(tally(), under[key]);
    all[key] = inner !== undefined && below !== undefined ? merged(below, inner) : value;
  }
  return all;
}
