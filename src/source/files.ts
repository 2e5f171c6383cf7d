import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareText } from '../base/sort.ts';

/** What could not be read, and why, as the user should see it. */
export interface Unread {
  readonly what: string;
  readonly reason: string;
}

export interface FoundFiles {
  /** Relative to the directory, with forward slashes, sorted. */
  readonly files: readonly string[];
  readonly unread: readonly Unread[];
}

const manifest = /\.(?:ya?ml|json)$/i;

/**
 * Every manifest below a directory. Hidden entries and node_modules are passed over. A folder that cannot be listed is
 * reported, since absence is evidence here: libraries that find files by pattern pass over it in silence.
 */
export async function findManifests(base: string): Promise<FoundFiles> {
  const files: string[] = [];
  const unread: Unread[] = [];
  await walk({ base, files, unread, visited: new Set() }, '');
  return { files: files.sort(compareText), unread };
}

interface Walk {
  readonly base: string;
  readonly files: string[];
  readonly unread: Unread[];
  /** Real paths of folders: links may lead in circles. */
  readonly visited: Set<string>;
}

async function walk(state: Walk, folder: string): Promise<void> {
  const path = join(state.base, folder);
  try {
    const real = await realpath(path);
    if (state.visited.has(real)) return;
    state.visited.add(real);
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isSymbolicLink()) await follow(state, name);
      else if (entry.isDirectory()) await walk(state, name);
      else if (entry.isFile() && manifest.test(name)) state.files.push(name);
    }
  } catch (error) {
    state.unread.push({ what: folder === '' ? '.' : folder, reason: reasonOf(error) });
  }
}

async function follow(state: Walk, name: string): Promise<void> {
  try {
    const target = await stat(join(state.base, name));
    if (target.isDirectory()) await walk(state, name);
    else if (target.isFile() && manifest.test(name)) state.files.push(name);
  } catch (error) {
    state.unread.push({ what: name, reason: reasonOf(error) });
  }
}

/** Why the file system refused, in words. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ENOENT':
      return 'no such file';
    case 'ELOOP':
      return 'links lead in a circle';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'not UTF-8 text';
    default:
      return code ?? 'cannot be read';
  }
}

export function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
