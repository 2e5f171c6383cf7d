import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError } from '../../base/errors.ts';
import { nearest, shellWord } from '../../base/text.ts';
import { runOptions, type RunOptions } from '../../config/options.ts';
import { parseDuration } from '../../config/values.ts';
import type { KubeObject } from '../../model/kube.ts';
import { found, type Outcome, tried, type Writers } from '../../remedy/carry-out.ts';
import { foreseen } from '../../remedy/outlook.ts';
import { type Action, type Allowance, type FixPlan, fixPlanOf } from '../../remedy/plan.ts';
import { openWriters } from '../../remedy/writers.ts';
import type { Report, ReportFinding } from '../../report/schema.ts';
import {
  factsOf,
  judgeSnapshot,
  type Prepared,
  prepare,
  type ReadMesh,
  readClusters,
  readRecordings,
  type RunIo,
} from '../../run/check.ts';
import { targetsOf } from '../../run/live.ts';
import { applied, settled, verdict } from '../applying.ts';
import { asking } from '../asking.ts';
import { flag } from '../flags.ts';
import { type Planned, plannedJson, plannedText } from '../fixing.ts';
import type { Host } from '../host.ts';
import { refuseUnwritable } from '../outputs.ts';
import type { Given } from '../parser.ts';
import { styleOf } from '../style.ts';
import { connectionOptions, undo } from '../undo.ts';
import { configOf, liveIo, runFlags, runIo, styleFlags } from './common.ts';

/** What a run of fix is asked for. */
interface Wishes {
  readonly cause: string | undefined;
  readonly isApplied: boolean;
  readonly undo: string | undefined;
  readonly isAgreed: boolean;
  readonly file: string;
  readonly format: 'text' | 'json';
  /** Milliseconds that what was fixed may take to show. */
  readonly settle: number;
  readonly asksServers: boolean;
  /** Command lines may be run. */
  readonly runsCommands: boolean;
}

/** Plans what mends a mesh; changes clusters only with --apply or --undo, and only those that somebody agreed to. */
export async function fixCommand(given: Given, host: Host): Promise<number> {
  const wishes = wishesOf(given, host);
  const config = await configOf(given, host);
  const options = runOptions(runFlags(given), config, { cwd: host.cwd, now: host.now() });
  if (wishes.undo !== undefined) return await undo(wishes.undo, wishes.isAgreed, options, host);
  const style = styleOf(styleFlags(given), host);
  if (wishes.isApplied && options.live === undefined)
    throw new UsageError('ERR_BAD_VALUE', '--apply changes live clusters; directories and recordings can only be planned for.');
  if (wishes.isApplied) await refuseUnwritable(wishes.file, host.cwd);
  const io = runIo(host);
  const prepared = await prepare(options, io);
  const isWanted = wanted(wishes.cause, prepared);
  const look = async (): Promise<Looked> =>
    (
      await asking(
        host,
        { isLive: options.live !== undefined, verbosity: flag.count(given, 'verbose') },
        async (live) => await looked({ ...options, now: host.now() }, prepared, { ...io, live }),
      )
    ).result;
  const before = await look();
  const { facts, report } = before;
  const now = host.now();
  const first = fixPlanOf(report, facts, isWanted, now, wishes.runsCommands ? allowanceOf(before.snapshot, host) : undefined);
  const writers = await writersOf(first, options, host);
  try {
    const planned = await plannedOf(
      before,
      first,
      writers,
      wishes.asksServers,
      now,
      async (one) => await judgeSnapshot(one, before.options, prepared, io),
    );
    const { plan } = planned;
    const document = wishes.format === 'json' ? plannedJson(planned) : plannedText(planned, style);
    host.stdout.write(document);
    if (!wishes.isApplied || writers === undefined) return planExit(report, plan.causes.length);
    const done = await applied(planned, writers, wishes, host);
    if (done === 0) return planExit(report, plan.causes.length);
    const after = await settled(
      look,
      plan.causes.map(({ fingerprint }) => fingerprint),
      wishes.settle,
      host,
    );
    host.stderr.write(
      `${verdict(
        report,
        after,
        plan.causes.map(({ fingerprint }) => fingerprint),
      )}\n${host.program} fix --undo ${shellWord(wishes.file)} takes it back.\n`,
    );
    return after.exit.code;
  } finally {
    await writers?.close();
  }
}

interface Looked extends Required<Pick<ReadMesh, 'snapshot' | 'facts'>> {
  readonly report: Report;
  readonly options: RunOptions;
}

async function looked(options: RunOptions, prepared: Prepared, io: RunIo): Promise<Looked> {
  if (options.from !== undefined) {
    const again = await readRecordings(options.from, options, prepared.checks, io);
    const report = await judgeSnapshot(again.snapshot, again.options, prepared, io);
    return { ...again, report, facts: factsOf(again.snapshot, again.options.now) };
  }
  const { snapshot, ...known } = await readClusters(options, prepared.checks, io);
  const report = await judgeSnapshot(snapshot, options, prepared, io, known);
  return { snapshot, report, facts: known.facts ?? factsOf(snapshot, options.now), options };
}

async function plannedOf(
  before: Looked,
  first: FixPlan,
  writers: Writers | undefined,
  asksServers: boolean,
  now: string,
  judge: Parameters<typeof foreseen>[3],
): Promise<Planned> {
  const find = async (action: Action): Promise<KubeObject | undefined> =>
    writers === undefined ? undefined : await found(action, writers);
  const whole = await foreseen({ ...before, now }, first, find, judge);
  const trials = new Map<Action, Outcome>();
  if (writers !== undefined && asksServers)
    await Promise.all(whole.plan.actions.map(async (action) => trials.set(action, await tried(action, writers))));
  return { ...whole, trials };
}

/** Command lines are about contexts: inside a cluster, and of recordings and directories, there are none. */
function allowanceOf({ clusters }: Looked['snapshot'], { cwd }: Host): Allowance {
  return { contexts: new Set(clusters.map(({ name }) => name)), hasFile: (file) => existsSync(resolve(cwd, file)) };
}

/** Opens clusters to be changed; nothing where it is no plan for live ones, or one that changes nothing. What comes to light under it may be in any of them. */
async function writersOf(
  { actions, commands }: FixPlan,
  options: RunOptions,
  host: Host,
): Promise<ReturnType<typeof openWriters> | undefined> {
  if (options.live === undefined || actions.length + commands.length === 0) return undefined;
  return openWriters(await targetsOf(options.live, liveIo(host), host.signal), connectionOptions(options, host));
}

/** 0: nothing to fix; 1: something is; 3: nothing is, but not all was seen. */
function planExit({ exit }: Report, causes: number): number {
  return causes > 0 ? 1 : exit.code === 3 ? 3 : exit.code === 130 || exit.code === 143 ? exit.code : 0;
}

/** A cause by its code, its check or its fingerprint; without a word all of them. */
function wanted(cause: string | undefined, { checks }: Prepared): (finding: ReportFinding) => boolean {
  if (cause === undefined) return () => true;
  const [id = ''] = cause.split('/');
  const isKnown = checks.some(({ check }) => check.id === id || check.id === cause);
  // A fingerprint begins with the code.
  if (!isKnown && !checks.some(({ check }) => cause.startsWith(check.id))) {
    const meant = nearest(
      cause,
      checks.map(({ check }) => check.id),
    );
    throw new UsageError('ERR_UNKNOWN_CHECK', `There is no cause ${JSON.stringify(cause)}.`, {
      hint: meant === undefined ? 'meshdoctor list shows all checks.' : `Did you mean ${meant}?`,
    });
  }
  return ({ code, check, fingerprint }) => code === cause || check === cause || fingerprint === cause;
}

function wishesOf(given: Given, host: Host): Wishes {
  const file = flag.text(given, 'undo');
  const isApplied = flag.on(given, 'apply') === true;
  const [cause] = given.words;
  const isAgreed = flag.on(given, 'yes') === true;
  if (file !== undefined && (isApplied || flag.on(given, 'plan') === true || cause !== undefined))
    throw new UsageError('ERR_BAD_VALUE', '--undo takes back what a file says, and nothing else; leave out the rest.');
  if (isAgreed && !isApplied && file === undefined)
    throw new UsageError('ERR_BAD_VALUE', '--yes agrees to --apply or --undo, and neither was given.');
  if ((isApplied || file !== undefined) && !isAgreed && !host.isInteractive) throw unasked(file === undefined ? '--apply' : '--undo');
  const format = flag.text(given, 'output') ?? 'text';
  if (format !== 'text' && format !== 'json')
    throw new UsageError('ERR_UNKNOWN_FORMAT', `fix prints text or json, not ${JSON.stringify(format)}.`);
  const settle = flag.text(given, 'settle');
  const allowed = flag.list(given, 'allow') ?? [];
  const unknown = allowed.find((what) => what !== 'command');
  if (unknown !== undefined) throw new UsageError('ERR_BAD_VALUE', `--allow takes command, not ${JSON.stringify(unknown)}.`);
  return {
    cause,
    isApplied,
    undo: file,
    isAgreed,
    format,
    file: flag.text(given, 'undo-file') ?? `meshdoctor-undo-${host.now().replace(/\D/g, '')}.json`,
    settle: settle === undefined ? 120_000 : parseDuration('--settle', settle),
    asksServers: flag.on(given, 'dry-run') !== false,
    runsCommands: allowed.length > 0,
  };
}

function unasked(flagName: string): UsageError {
  return new UsageError('ERR_USAGE', `${flagName} asks before it changes a cluster, and nobody sits at a terminal.`, {
    hint: 'With --yes it does not ask.',
  });
}
