import { sortedBy } from '../base/sort.ts';
import { list } from '../base/text.ts';
import { defined } from '../model/decode.ts';
import type { ClusterEntry, ContextEntry, KubeconfigFile, UserEntry } from './kubeconfig-file.ts';
import type { Place } from './yaml-spots.ts';

/** Everything that merged kubeconfig files say. Holds secrets: never to be printed or recorded. */
export interface Kubeconfig {
  /** Every file that was looked for, in order; `missing`: there is none of that name. */
  readonly files: readonly LookedAt[];
  /** The files as a sentence names them. */
  readonly where: string;
  /** Sorted by name. */
  readonly contexts: readonly ContextEntry[];
  readonly currentContext?: string;
  readonly clusters: ReadonlyMap<string, ClusterEntry>;
  readonly users: ReadonlyMap<string, UserEntry>;
  /** It came from inside a mesh: nothing in it is run and no file that it names is read. */
  readonly isForeign: boolean;
}

export interface LookedAt {
  readonly path: string;
  readonly state: 'read' | 'empty' | 'missing';
}

/** Merges files as kubectl does: of entries with the same name the first file's count, of current-context the first that is set. */
export function mergedKubeconfig(found: readonly KubeconfigFile[], files: readonly LookedAt[], isForeign: boolean): Kubeconfig {
  return defined({
    files,
    where: files.length === 0 ? 'any kubeconfig: there is no home directory to look in' : list(files.map(shownFile)),
    contexts: sortedBy(firstOf(found.map((file) => file.contexts)).values(), ({ name }) => name),
    currentContext: found.find(({ currentContext }) => currentContext !== undefined)?.currentContext,
    clusters: firstOf(found.map((file) => file.clusters)),
    users: firstOf(found.map((file) => file.users)),
    isForeign,
  });
}

function firstOf<T extends { readonly name: string }>(lists: readonly (readonly T[])[]): Map<string, T> {
  const map = new Map<string, T>();
  for (const entry of lists.flat()) if (!map.has(entry.name)) map.set(entry.name, entry);
  return map;
}

function shownFile({ path, state }: LookedAt): string {
  return state === 'missing' ? `${path} (does not exist)` : state === 'empty' ? `${path} (empty)` : path;
}

/** `FILE, line 5` as part of a sentence. */
export function shownPlace({ file, line }: Place): string {
  return `${file}, line ${line}`;
}
