import { UsageError } from '../base/errors.ts';
import { duration, redact } from '../base/text.ts';
import type { RunOptions } from '../config/options.ts';
import { parseDuration } from '../config/values.ts';
import { sightingOf } from '../history/sighting.ts';
import { advance, type HistoryState } from '../history/state.ts';
import type { Report } from '../report/schema.ts';
import { type Prepared, registry, type RunIo } from '../run/check.ts';
import { kindsRead } from '../run/plan.ts';
import { openRounds, type Pace, repeat } from '../run/rounds.ts';
import { flag } from './flags.ts';
import type { Host } from './host.ts';
import type { Keeping } from './keeping.ts';
import type { Given } from './parser.ts';
import { type StyleFlags, styleOf } from './style.ts';
import { tellingJson, tellingText } from './transitions.ts';

/** How a run goes on: until it is interrupted, or until all is well. Milliseconds. */
export type Going = { readonly watch: number } | { readonly wait: number };

/** Milliseconds between two looks of `--wait`. */
const waitInterval = 5000;

/** What `--watch` and `--wait` ask for; nothing for a run that looks once. */
export function goingOf(given: Given, options: RunOptions): Going | undefined {
  const [watch, wait] = [flag.text(given, 'watch'), flag.text(given, 'wait')];
  if (watch === undefined && flag.list(given, 'output')?.includes('jsonl') === true)
    throw new UsageError('ERR_BAD_VALUE', '-o jsonl is how --watch prints changes.', { hint: 'A whole report is -o json.' });
  if (watch === undefined && wait === undefined) return undefined;
  const name = watch === undefined ? '--wait' : '--watch';
  if (watch !== undefined && wait !== undefined)
    throw new UsageError('ERR_BAD_VALUE', '--watch goes on until it is interrupted, --wait until all is well; give one of them.');
  if (options.from !== undefined)
    throw new UsageError('ERR_BAD_VALUE', `${name} does not go with --from: a recording never changes.`, {
      hint: 'Leave out one of them.',
    });
  if (flag.text(given, 'now') !== undefined)
    throw new UsageError('ERR_BAD_VALUE', `${name} does not go with --now: its clock runs on.`, { hint: 'Leave out one of them.' });
  return watch === undefined ? { wait: parseDuration('--wait', wait || '5m') } : { watch: parseDuration('--watch', watch || '30s') };
}

/** What `--watch` prints on stdout, and the outputs that are files. */
export function watchOutputs(specs: readonly string[]): { readonly telling: 'text' | 'jsonl'; readonly files: readonly string[] } {
  const files = specs.filter((spec) => spec.includes('='));
  const [onStdout = 'text', second] = specs.filter((spec) => !spec.includes('='));
  if (second !== undefined || (onStdout !== 'text' && onStdout !== 'jsonl'))
    throw new UsageError('ERR_BAD_VALUE', `--watch prints changes as text or jsonl; not as ${second ?? onStdout}.`, {
      hint: 'Whole reports go to files, written anew after every change: -o json=report.json',
    });
  return { telling: onStdout, files };
}

export interface Session {
  readonly host: Host;
  readonly prepared: Prepared;
  readonly io: RunIo;
  readonly keeping: Keeping;
  /** What the run is asked, for the history and for the formats too. */
  readonly asked: RunOptions;
  /** Keeps a report and writes its documents. `since`: seconds of the host's clock at which its run began; `at`: its present. False: a webhook was not told. */
  readonly write: (report: Report, since: number, at: string) => Promise<boolean>;
  readonly flags: StyleFlags;
}

/** Tells what changes, round after round, until it is interrupted; the exit code is that of the last whole round. */
export async function watch(session: Session, interval: number, telling: 'text' | 'jsonl'): Promise<number> {
  const { host, prepared, io, keeping, asked, write, flags } = session;
  const told = telling === 'jsonl' ? tellingJson : tellingText(styleOf(flags, host));
  const known = kindsRead(registry(io.builtIn, prepared.plugins));
  let state: HistoryState | undefined = keeping.before;
  let last: Report | undefined;
  let isTold = true;
  const rounds = await openRounds(asked, prepared, io);
  let begun = host.seconds();
  const judge: typeof rounds.judge = async (now) => {
    begun = host.seconds();
    return await rounds.judge(now);
  };
  try {
    const report = await repeat(judge, interval, paceOf(session), async (whole, at) => {
      const step = advance(state, sightingOf(whole, at, known));
      const isNew = last === undefined || last.exit.code !== whole.exit.code || last.verdict.text !== whole.verdict.text;
      if (last === undefined) host.stdout.write(told.start(whole, at, interval, step.state));
      else host.stdout.write(told.change(whole, at, step.transitions, isNew));
      // Whom a round could not tell, the next one tells.
      if (last === undefined || isNew || step.transitions.length > 0 || !isTold) isTold = await write(whole, begun, at);
      state = step.state;
      last = whole;
      return 'again';
    });
    host.stdout.write(told.end(report, host.now()));
    return report.exit.code;
  } finally {
    await rounds.close();
  }
}

/** Looks until all is well, or patience is over; the report and the exit code are those of the last look. */
export async function waitUntilGreen(session: Session, patience: number): Promise<number> {
  const { host, prepared, io, asked, write } = session;
  const end = Date.parse(host.now()) + patience;
  const rounds = await openRounds(asked, prepared, io);
  let begun = host.seconds();
  const judge: typeof rounds.judge = async (now) => {
    begun = host.seconds();
    return await rounds.judge(now);
  };
  try {
    let said = '';
    const report = await repeat(judge, waitInterval, paceOf(session), async (whole) => {
      const left = end - Date.parse(host.now());
      if (whole.exit.code === 0 || left <= 0) return await Promise.resolve('enough');
      if (whole.exit.reason !== said) host.stderr.write(`Not yet: ${whole.exit.reason}. Waiting ${duration(left / 1000)} more at most.\n`);
      said = whole.exit.reason;
      return 'again';
    });
    await write(report, begun, host.now());
    const interrupted = host.interrupted();
    return interrupted === undefined ? report.exit.code : interrupted === 'SIGINT' ? 130 : 143;
  } finally {
    await rounds.close();
  }
}

function paceOf({ host }: Session): Pace {
  return {
    now: host.now,
    sleep: host.sleep,
    isInterrupted: () => host.interrupted() !== undefined,
    onFailure: (error) => host.stderr.write(`${redact(error.message)}\n`),
  };
}
