import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourceError } from '../base/errors.ts';
import { checkpoint, refuseLater, schema } from './forms.ts';
import type { HistoryState } from './state.ts';

/** The file in which months leave what they added up to when they go. */
const name = 'before.json';

/** What forgotten months added up to; nothing where none was forgotten. @throws SourceError when it is damaged or of a later form */
export async function readCheckpoint(dir: string, shown: string): Promise<HistoryState | undefined> {
  const text = await readFile(join(dir, name), 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const file = join(shown, name);
  const value = parsed(text);
  refuseLater(value, file);
  const { success, data } = checkpoint.safeParse(value);
  if (!success)
    throw new SourceError(
      'ERR_SOURCE_UNREADABLE',
      `${file}, in which the history keeps what its forgotten months added up to, is damaged.`,
      {
        hint: `Without it (remove ${file}) the history begins with the months that are there.`,
      },
    );
  const { schema: _schema, version: _version, findings, clusters, ...rest } = data;
  return {
    ...rest,
    findings: new Map(findings.map((track) => [track.finding.key, track])),
    clusters: new Map(clusters.map((track) => [track.name, track])),
  };
}

/** Puts it in the place of the one before, as a whole. @throws the error of node:fs */
export async function writeCheckpoint(dir: string, { findings, clusters, ...rest }: HistoryState, version: string): Promise<void> {
  const value = { schema, version, ...rest, findings: [...findings.values()], clusters: [...clusters.values()] };
  const beside = await mkdtemp(join(dir, '.before-'));
  try {
    await writeFile(join(beside, name), `${JSON.stringify(value)}\n`);
    await rename(join(beside, name), join(dir, name));
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
