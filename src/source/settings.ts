import { LineCounter, parseDocument, isMap, isScalar } from 'yaml';
import { ConfigError } from '../base/errors.ts';
import { nearest } from '../base/text.ts';
import { yamlOptions, yamlProblem } from '../collect/yaml.ts';
import { tally, time } from '../model/decode.ts';

/** What a directory of manifests says about itself in its `meshdoctor.yaml`. */
export interface DirectorySettings {
  readonly complete?: boolean;
  readonly takenAt?: string;
}

export const settingsFile = 'meshdoctor.yaml';

const keys = ['complete', 'takenAt'] as const;

/** Reads `meshdoctor.yaml`; `file` is how the user should see it. */
export function readSettings(file: string, text: string): DirectorySettings {
  const counter = new LineCounter();
  const document = parseDocument(text, { ...yamlOptions, lineCounter: counter });
  const fail = (offset: number, problem: string, hint?: string): never => {
    throw new ConfigError('ERR_CONFIG_INVALID', `${file}:${counter.linePos(offset).line}: ${problem}.`, { hint });
  };
  const [error] = document.errors;
  if (error !== undefined) fail(error.pos[0], `not YAML: ${yamlProblem(error.code)}`);
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) return {};
  if (!isMap(document.contents)) return fail(document.contents.range?.[0] ?? 0, `expected the keys ${keys.join(' and ')}`);

  let settings: DirectorySettings = {};
  for (const { key, value } of document.contents.items) {
    const name = isScalar(key) ? String(key.value) : '';
    const at = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
    const given: unknown = isScalar(value) ? value.value : undefined;
    if (name === 'complete') {
      if (typeof given !== 'boolean') return fail(at, 'complete must be true or false');
      settings = { ...settings, complete: given };
    } else if (name === 'takenAt') {
      const takenAt = time(tally(), given);
      if (takenAt === undefined) return fail(at, 'takenAt must be a time such as 2026-11-22T21:27:43Z');
      settings = { ...settings, takenAt };
    } else {
      const meant = nearest(name, keys);
      return fail(
        at,
        `unknown key ${name}; only ${keys.join(' and ')} are read here`,
        meant === undefined ? undefined : `Did you mean ${meant}?`,
      );
    }
  }
  return settings;
}
