import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeCheckpoint } from './checkpoint.ts';
import { type History, readHistory } from './file.ts';
import { folded, type HistoryState } from './state.ts';

/*
 * How long a history keeps its runs. Whole months go, and leave what they added up to, so that what is still there has been there since when it
 * appeared, however long ago. What had cleared by then is forgotten.
 */

/** Months go that ended more than `days` ago, and months before the newest that hold `runs` in all; the newest stays. */
export interface Keep {
  readonly days?: number;
  readonly runs?: number;
}

const day = 86_400_000;

/** Months to forget, `2026-11`, oldest first: what is before one of them goes too. `at`: RFC 3339, the present of the history. */
export function outdated(months: History['months'], keep: Keep, at: string): readonly string[] {
  const newestFirst = [...months].sort((a, b) => (a.month < b.month ? 1 : -1));
  let newer = 0;
  const going: string[] = [];
  for (const [index, { month, runs }] of newestFirst.entries()) {
    const isOld = keep.days !== undefined && endOf(month) <= Date.parse(at) - keep.days * day;
    const isBeyond = keep.runs !== undefined && newer >= keep.runs;
    if (index > 0 && (isOld || isBeyond)) going.unshift(month);
    newer += runs;
  }
  return going;
}

/** The first moment after a month, UTC. */
function endOf(month: string): number {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return Date.UTC(year, number, 1);
}

/** Forgets what is not to be kept. Safe beside runs that read and write. `version`: of meshdoctor. @throws the error of node:fs */
export async function forget(dir: string, keep: Keep, version: string, shown = dir): Promise<void> {
  const history = await readHistory(dir, shown);
  const at = history.sightings.reduce((latest, one) => (Date.parse(one.at) > Date.parse(latest) ? one.at : latest), '1970-01-01T00:00:00Z');
  const going = new Set(outdated(history.months, keep, at));
  if (going.size === 0) return;
  const gone = history.sightings.filter((one) => going.has(one.at.slice(0, 'YYYY-MM'.length)));
  const state = folded(gone, history.before);
  if (state !== undefined) await writeCheckpoint(dir, withoutCleared(state), version);
  for (const month of going) await rm(join(dir, `${month}.jsonl`), { force: true });
}

function withoutCleared(state: HistoryState): HistoryState {
  return { ...state, findings: new Map([...state.findings].filter(([, { status }]) => status !== 'cleared')) };
}
