import type { RunOptions } from '../config/options.ts';
import { ConfigError } from '../base/errors.ts';
import { nearest } from '../base/text.ts';
import type { RegisteredCheck } from '../engine/types.ts';
import { type Acquaintance, type Before, codeOfToday } from '../report/known.ts';
import type { BaselineEntry } from '../source/baseline.ts';

/** What is known of findings before anything is read. */
export interface Foreknowledge {
  readonly baseline: readonly BaselineEntry[] | undefined;
  /** Codes by those that they had in earlier versions. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** Reads the baseline, and refuses suppressions of what no check says. */
export async function foreknowledge(
  { baseline, suppressions }: Pick<RunOptions, 'baseline' | 'suppressions'>,
  checks: readonly RegisteredCheck[],
): Promise<Foreknowledge> {
  const renamed = new Map(checks.flatMap(({ check }) => Object.entries(check.formerly ?? {})));
  for (const { code } of suppressions ?? []) refuseUnknown(code, checks, renamed);
  if (baseline === undefined) return { baseline: undefined, renamed };
  const { readBaseline } = await import('../source/baseline.ts');
  const entries = await readBaseline(baseline.path, baseline.shown);
  if (entries === undefined && baseline.write !== 'all') {
    throw new ConfigError('ERR_CONFIG_UNREADABLE', `There is no baseline ${baseline.shown}.`, { hint: '--write-baseline writes it.' });
  }
  return { baseline: entries ?? [], renamed };
}

function refuseUnknown(code: string, checks: readonly RegisteredCheck[], renamed: ReadonlyMap<string, string>): void {
  const codes = checks.flatMap(({ check }) => [check.id, ...Object.keys(check.messages).map((key) => `${check.id}/${key}`)]);
  if (code.includes('*') || codes.includes(codeOfToday(code, renamed))) return;
  const meant = nearest(code, codes);
  throw new ConfigError('ERR_CONFIG_INVALID', `suppressions: there is no check, and no finding of one, called ${code}.`, {
    hint: meant === undefined ? 'meshdoctor list shows all checks.' : `Did you mean ${meant}?`,
  });
}

/** What a run is told of its findings; nothing where nobody said anything of them. */
export function acquaintanceOf(
  { baseline, suppressions, now }: Pick<RunOptions, 'baseline' | 'suppressions' | 'now'>,
  known: Foreknowledge | undefined,
  found: readonly Before[],
  before: Acquaintance['before'],
): Acquaintance | undefined {
  // What is written into the baseline is known from now on.
  const entries = [...(known?.baseline ?? []), ...(baseline?.write === 'all' ? found : [])];
  const compared =
    before ?? (baseline === undefined ? undefined : { with: 'baseline' as const, files: [baseline.shown], findings: entries });
  if (compared === undefined && suppressions === undefined) return undefined;
  return {
    ...(compared === undefined ? {} : { before: compared }),
    ...(suppressions === undefined ? {} : { suppressions }),
    today: now.slice(0, 'YYYY-MM-DD'.length),
    renamed: known?.renamed ?? new Map(),
  };
}
