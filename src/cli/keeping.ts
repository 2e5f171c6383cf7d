import { relative, resolve } from 'node:path';
import { UsageError } from '../base/errors.ts';
import { count } from '../base/text.ts';
import type { LoadedConfig } from '../config/file.ts';
import type { RunOptions } from '../config/options.ts';
import type { HistoryState } from '../history/state.ts';
import type { Report } from '../report/schema.ts';
import { lookingAhead } from '../report/show.ts';
import { type Prepared, registry, type RunIo } from '../run/check.ts';
import { kindsRead } from '../run/plan.ts';
import { flag } from './flags.ts';
import type { Host } from './host.ts';
import type { Given } from './parser.ts';
import { version } from './version.ts';

/** How far a history looks ahead for what ends by itself, in days. */
const ahead = 365;

/** What `--history` makes of a run. */
export interface Keeping {
  /** What the run is asked, so that the history has what it keeps. */
  readonly asked: RunOptions;
  /** What all runs before add up to. */
  readonly before: HistoryState | undefined;
  /** Writes the run down, and gives its report with what the history says. `at`: RFC 3339, the present of the run. */
  readonly kept: (report: Report, at: string) => Promise<Kept>;
}

interface Kept {
  readonly report: Report;
  /** What all runs add up to, this one included; absent without a history, and of a run that was interrupted. */
  readonly history?: { readonly dir: string; readonly state: HistoryState };
}

/** The folder of the history, by the flag or the configuration, and how the user calls it; nothing without one. */
export function historyOf(
  given: Given,
  host: Host,
  config: LoadedConfig | undefined,
): { readonly dir: string; readonly shown: string } | undefined {
  const own = flag.text(given, 'history');
  if (own === '') throw new UsageError('ERR_BAD_VALUE', '--history needs a folder.');
  if (own !== undefined) return { dir: resolve(host.cwd, own), shown: own };
  const configured = config?.values.history?.dir;
  if (config === undefined || configured === undefined) return undefined;
  const dir = resolve(config.dir, configured);
  return { dir, shown: relative(host.cwd, dir) || '.' };
}

/** The history that was asked for, refused before any work when it cannot be read or written; without one, reports stay as they are. */
export async function keepingOf(
  given: Given,
  host: Host,
  config: LoadedConfig | undefined,
  options: RunOptions,
  { prepared, io }: { readonly prepared: Prepared; readonly io: RunIo },
): Promise<Keeping> {
  const folder = historyOf(given, host, config);
  if (folder === undefined) return { asked: options, before: undefined, kept: async (report) => await Promise.resolve({ report }) };
  const { dir, shown } = folder;
  const [{ appendSighting, readHistory, refuseUnwritableHistory, stateOf }, { sightingOf }, { advance }, { withHistory }] =
    await Promise.all([
      import('../history/file.ts'),
      import('../history/sighting.ts'),
      import('../history/state.ts'),
      import('../history/report.ts'),
    ]);
  await refuseUnwritableHistory(dir, shown);
  const earlier = stateOf(await readHistory(dir, shown));
  const known = kindsRead(registry(io.builtIn, prepared.plugins));
  const asked = { ...options, forecast: options.forecast ?? ahead };
  return {
    asked,
    before: earlier,
    async kept(report, now) {
      const at = report.recorded?.at ?? options.takenAt ?? now;
      // What an interrupted run did not come to see is no news.
      if (host.interrupted() !== undefined) return { report };
      const sighting = sightingOf(lookingAhead(report, asked.forecast), at, known);
      const history = await readHistory(dir, shown);
      if (history.damaged > 0)
        host.stderr.write(
          `${count(history.damaged, 'line')} of the history in ${shown} could not be read, and ${history.damaged === 1 ? 'was' : 'were'} passed over.\n`,
        );
      await appendSighting(dir, sighting, shown);
      await forgetting(dir, shown, config, host);
      const before = stateOf(history);
      const step = advance(before, sighting);
      return { report: withHistory(report, before, step), history: { dir, state: step.state } };
    },
  };
}

/** What is not to be kept goes; a history that could not be made shorter is still one. */
async function forgetting(dir: string, shown: string, config: LoadedConfig | undefined, host: Host): Promise<void> {
  const { keepDays, keepRuns } = config?.values.history ?? {};
  if (keepDays === undefined && keepRuns === undefined) return;
  const { forget } = await import('../history/retention.ts');
  const keep = { ...(keepDays === undefined ? {} : { days: keepDays }), ...(keepRuns === undefined ? {} : { runs: keepRuns }) };
  await forget(dir, keep, version, shown).catch(() => {
    host.stderr.write(`Old months of the history in ${shown} could not be forgotten; the next run tries again.\n`);
  });
}
