import { createHash } from 'node:crypto';
import { access, appendFile, constants, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SourceError, UsageError } from '../base/errors.ts';
import { readCheckpoint } from './checkpoint.ts';
import { refuseLater, sameLine, schema, wholeLine } from './forms.ts';
import type { Sighting } from './sighting.ts';
import { folded, type HistoryState } from './state.ts';

/*
 * A folder with a file per month, `2026-11.jsonl`, a line per run. Lines are only ever appended, each in one write, so that runs may write at the same
 * time; a line that was cut off by a crash or a full disk is passed over. A run that saw the same as an earlier one of its month is a line that names it.
 * Months that were forgotten have left what they added up to (retention.ts).
 */

/** What a folder holds. */
export interface History {
  /** What months that are no longer there added up to. */
  readonly before?: HistoryState;
  /** Files, oldest first, and how many runs each holds. */
  readonly months: readonly { readonly month: string; readonly runs: number }[];
  /** In the order of the files. */
  readonly sightings: readonly Sighting[];
  /** Lines that could not be read: cut off, or damaged. */
  readonly damaged: number;
}

/** Reads a history; an empty one where there is no such folder yet. `shown` is how the user calls it. */
export async function readHistory(dir: string, shown = dir): Promise<History> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw unreadable(shown, error);
  });
  const sightings: Sighting[] = [];
  const months: { month: string; runs: number }[] = [];
  let damaged = 0;
  for (const name of names.filter((one) => monthly.test(one)).sort()) {
    const text = await readFile(join(dir, name), 'utf8').catch((error: unknown) => {
      // Another run has just forgotten it: what it added up to is read below.
      if (codeOf(error) === 'ENOENT') return '';
      throw unreadable(join(shown, name), error);
    });
    const read = linesOf(text, join(shown, name));
    sightings.push(...read.sightings);
    months.push({ month: name.slice(0, 'YYYY-MM'.length), runs: read.sightings.length });
    damaged += read.damaged;
  }
  // After the months: it is written before any of them goes.
  const before = await readCheckpoint(dir, shown).catch((error: unknown) => {
    throw error instanceof SourceError ? error : unreadable(shown, error);
  });
  return { ...(before === undefined ? {} : { before }), months, sightings, damaged };
}

/** What the runs of a history add up to; nothing where there was none. */
export function stateOf(history: History): HistoryState | undefined {
  return folded(history.sightings, history.before);
}

/** Appends a run. Safe beside other writers. @throws UsageError when the folder cannot be written */
export async function appendSighting(dir: string, sighting: Sighting, shown = dir): Promise<void> {
  const name = `${sighting.at.slice(0, 'YYYY-MM'.length)}.jsonl`;
  try {
    await mkdir(dir, { recursive: true });
    const text = await readFile(join(dir, name), 'utf8').catch(() => '');
    const { at, ...content } = sighting;
    const id = idOf(content);
    const line = linesOf(text, name).ids.has(id) ? { schema, at, as: id } : { schema, at, id, ...content };
    // What a crash left without an end must not swallow this line too.
    const isTorn = text !== '' && !text.endsWith('\n');
    await appendFile(join(dir, name), `${isTorn ? '\n' : ''}${JSON.stringify(line)}\n`);
  } catch (error) {
    if (error instanceof SourceError) throw error;
    throw new UsageError('ERR_OUTPUT_UNWRITABLE', `The history in ${shown} cannot be written: ${reasonOf(error)}.`, { cause: error });
  }
}

/** Refuses a folder that could not be written in the end. */
export async function refuseUnwritableHistory(dir: string, shown: string): Promise<void> {
  const refusal = (why: string, cause?: unknown): UsageError =>
    new UsageError('ERR_OUTPUT_UNWRITABLE', `The history in ${shown} cannot be written: ${why}.`, {
      hint: '--history needs a folder; it is made when it is not there yet.',
      cause,
    });
  let target = dir;
  let found = await stat(target).catch(() => undefined);
  while (found === undefined && dirname(target) !== target) {
    target = dirname(target);
    found = await stat(target).catch(() => undefined);
  }
  if (found?.isDirectory() !== true) throw refusal(target === dir ? 'it is a file' : 'what would hold it is a file');
  await access(target, constants.W_OK).catch((error: unknown) => {
    throw refusal('permission denied', error);
  });
}

const monthly = /^\d{4}-\d{2}\.jsonl$/;

function linesOf(text: string, shown: string) {
  const sightings: Sighting[] = [];
  const byId = new Map<string, Omit<Sighting, 'at'>>();
  let damaged = 0;
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const value = parsed(line);
    refuseLater(value, shown);
    const whole = wholeLine.safeParse(value);
    if (whole.success) {
      const { schema: _, id, at, ...content } = whole.data;
      byId.set(id, content);
      sightings.push({ at, ...content });
      continue;
    }
    const same = sameLine.safeParse(value);
    const content = same.success ? byId.get(same.data.as) : undefined;
    if (same.success && content !== undefined) sightings.push({ at: same.data.at, ...content });
    else damaged++;
  }
  return { sightings, damaged, ids: new Set(byId.keys()) };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function idOf(content: Omit<Sighting, 'at'>): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16);
}

function unreadable(shown: string, error: unknown): SourceError {
  return new SourceError('ERR_SOURCE_UNREADABLE', `The history in ${shown} cannot be read: ${reasonOf(error)}.`, { cause: error });
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'it is a file',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
};

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return code === undefined ? 'no reason given' : (reasons[code] ?? code);
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
