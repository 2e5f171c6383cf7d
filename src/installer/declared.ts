import type { Fields } from '../model/decode.ts';
import type { Path } from './values.ts';

/**
 * An object as an installer would make it, as far as the document decides it: what only a cluster adds to it (status, addresses, caBundle) is not
 * there, which readers take for never applied.
 */
export interface Declared {
  readonly object: Fields;
  /** What of the document it comes from. */
  readonly root: Path;
  /** Of which settings its fields come, by the beginning of their JSON path; the longest counts. */
  readonly fields: readonly { readonly prefix: string; readonly steps: Path }[];
}

/** Entries of a trace whose setting was given; a field that has its default comes from the object as a whole. */
export function traced(...entries: readonly (readonly [prefix: string, path: Path | undefined])[]): Declared['fields'] {
  return entries.flatMap(([prefix, steps]) => (steps === undefined ? [] : [{ prefix, steps }]));
}

export function labelField(key: string): string {
  return `.metadata.labels["${key}"]`;
}

/** Both ways in which findings name a variable of a container. */
export function variableFields(
  name: string,
  path: Path | undefined,
  base = '.spec.template.spec.containers',
): (readonly [string, Path | undefined])[] {
  return [
    [`${base}[*].env["${name}"]`, path],
    [`${base}[0].env["${name}"]`, path],
  ];
}

export function named(
  apiVersion: string,
  kind: string,
  meta: { readonly name: string; readonly namespace?: string; readonly labels?: Fields },
  body: Fields,
): Fields {
  return { apiVersion, kind, metadata: meta, ...body };
}

/** `-1-31-0`, or nothing for the revision without a name. */
export function suffixOf(revision: string): string {
  return revision === 'default' ? '' : `-${revision}`;
}
