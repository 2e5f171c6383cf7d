import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { lilconfig } from 'lilconfig';
import { ConfigError } from '../base/errors.ts';
import type { ConfigFile } from './schema.ts';

export const configFileName = 'meshdoctor.config.yaml';

/** A configuration file that was found and understood. */
export interface LoadedConfig {
  /** How the user should see it: relative to the working directory. */
  readonly file: string;
  /** Folder that relative paths in it start from. */
  readonly dir: string;
  readonly values: ConfigFile;
}

/** The file named, else the nearest meshdoctor.config.yaml in `cwd` or above; nothing when there is none. */
export async function loadConfig(cwd: string, file?: string): Promise<LoadedConfig | undefined> {
  if (file !== undefined) {
    const path = resolve(cwd, file);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      throw new ConfigError('ERR_CONFIG_UNREADABLE', `Configuration file ${file} cannot be read.`, { cause: error });
    });
    return await parsed(path, cwd, text);
  }
  const search = lilconfig('meshdoctor', {
    searchPlaces: [configFileName],
    ignoreEmptySearchPlaces: false,
    loaders: { '.yaml': (_, content) => content },
  });
  const found = await search.search(cwd);
  if (found === null) return undefined;
  return await parsed(found.filepath, cwd, typeof found.config === 'string' ? found.config : '');
}

async function parsed(path: string, cwd: string, text: string): Promise<LoadedConfig> {
  const file = relative(cwd, path);
  // Most runs have no such file: what reads one is loaded with it.
  const { parseConfig } = await import('./parse.ts');
  return { file, dir: dirname(path), values: parseConfig(file, text) };
}
