import type { Report, ReportFinding } from '../../../src/report/schema.ts';
import { unmet } from '../../recorded/expectation.ts';
import type { Lab } from '../lab/lab.ts';
import { unmeasured } from '../../../src/report/gaps.ts';
import { readRecording } from '../../../src/source/recording.ts';
import { followRecorded, outcomeOf } from '../../path/follow.ts';
import { onPath } from '../../path/on-path.ts';
import { type Checked, checkUntil, isGreen, record, recordingOf, spoken } from './check.ts';
import type { Expected, Fault } from './fault.ts';
import type { Fixed } from '../lane-line.ts';
import { isMendedByFix, triesAllFixes, tryFix } from './fixed.ts';

/** What became of one fault. */
export interface Tried {
  readonly fault: string;
  /** Everything that was not as expected; empty when it passed. */
  readonly wrong: readonly string[];
  /** Codes of all causes, first one first. */
  readonly causes: readonly string[];
  /** Commands that mended it, as they were printed. */
  readonly ran: readonly string[];
  readonly seconds: number;
  /** Name of the object in which the first cause lies. */
  readonly object: string | undefined;
  /** Whether the mesh was green again at the end. */
  readonly isHealthyAgain: boolean;
  /** What `meshdoctor fix` made of it, where that was tried. */
  readonly fixed?: Fixed;
  /** The broken mesh, recorded while it was broken. */
  readonly recording: Buffer | undefined;
}

export interface TryOptions {
  /** Called while the mesh is broken: what others say of it. */
  readonly whileBroken?: (lab: Lab, fault: Fault) => Promise<void>;
  readonly isRecorded?: boolean;
}

/** Milliseconds: an election is only known to be nobody's when its lease has run out twice. */
const noticing = 120_000;

/** Stages a fault on a healthy mesh, asks the check, mends it as printed, and leaves the mesh healthy. Never throws. */
export async function tryFault(lab: Lab, fault: Fault, { whileBroken, isRecorded = false }: TryOptions = {}): Promise<Tried> {
  const start = Date.now();
  const wrong: string[] = [];
  const ran: string[] = [];
  let causes: readonly string[] = [];
  let recording: Buffer | undefined;
  let object: string | undefined;
  let isHealthyAgain = false;
  let fixed: Fixed | undefined;
  try {
    await fault.stage(lab);
    const isExpected = ({ report }: Checked): boolean => missed(fault.expected, report).length === 0;
    const broken = await checkUntil(lab, isExpected, { flags: fault.flags ?? [], limit: noticing });
    causes = broken.report.causes.map(({ code }) => code);
    object = broken.report.findings.find(({ fingerprint }) => fingerprint === broken.report.causes[0]?.fingerprint)?.at.name;
    wrong.push(...missed(fault.expected, broken.report));
    if (wrong.length > 0) wrong.push(spoken(broken));
    if (isRecorded) {
      recording = await record(lab, fault.id, fault.flags);
      wrong.push(...(await strayed(lab, fault.id)));
    }
    await whileBroken?.(lab, fault);
    // A run that is about fix leaves printed commands to all others.
    const isOnlyFixed = triesAllFixes && !isRecorded;
    if (wrong.length === 0 && isMendedByFix(fault)) {
      const tried = await tryFix(lab, fault, broken);
      fixed = tried.fixed ?? { cured: 'NOT as expected', undone: 'NOT as expected' };
      wrong.push(...tried.wrong);
      if (!isOnlyFixed && tried.fixed?.undone.startsWith('no') === true) {
        // What did not come back is staged once more, for the printed commands.
        await fault.undo(lab);
        await checkUntil(lab, isGreen, { flags: fault.flags ?? [], limit: 90_000 });
        await fault.stage(lab);
        await checkUntil(lab, isExpected, { flags: fault.flags ?? [], limit: noticing });
      }
    }
    if (wrong.length === 0 && fault.remedy.kind === 'printed' && !isOnlyFixed) wrong.push(...(await mend(lab, fault, broken, ran)));
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error));
  }
  try {
    await fault.undo(lab);
    const after = await checkUntil(lab, isGreen, { flags: fault.flags ?? [], limit: 90_000 });
    isHealthyAgain = isGreen(after);
    if (!isHealthyAgain) wrong.push(`not healthy after it was undone:\n${spoken(after)}`);
  } catch (error) {
    wrong.push(`undoing it failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  return {
    fault: fault.id,
    wrong,
    causes,
    ran,
    seconds: Math.round((Date.now() - start) / 1000),
    object,
    isHealthyAgain,
    recording,
    ...(fixed === undefined ? {} : { fixed }),
  };
}

/** Where `path` does not name the hop at which a call meets the fault: on what was recorded, so that the mesh is not read once more. */
async function strayed(lab: Lab, id: string): Promise<readonly string[]> {
  const expected = onPath[id];
  if (expected === undefined) return [];
  const report = await followRecorded(await readRecording(recordingOf(lab, id)), expected.from, expected.to);
  const wanted = `${expected.isOpen === true ? 'unknown' : 'broken'} at ${expected.hop}`;
  const found = outcomeOf(report);
  return found === wanted ? [] : [`path ${expected.from} ${expected.to} says ${found}, not ${wanted}: ${report.verdict.text}`];
}

/** In what a report is not as expected of a fault. */
export function missed(expected: Expected, report: Report): readonly string[] {
  const also = Object.keys(expected.also ?? {});
  const common = { about: 'A fault.', ...(also.length === 0 ? {} : { also }) };
  return 'cause' in expected
    ? unmet({ ...common, cause: expected.cause, clusters: [...expected.clusters] }, report)
    : unmet({ ...common, unreached: [...expected.unreached] }, report);
}

/** How many causes may come to light one after the other: a mended fault can have hidden another. */
const mostSteps = 8;

async function mend(lab: Lab, fault: Fault, broken: Checked, ran: string[]): Promise<readonly string[]> {
  const values = fault.remedy.kind === 'printed' ? await fault.remedy.values?.(lab) : undefined;
  let now = broken;
  const tried = new Set<string>();
  for (let step = 0; step < mostSteps && !isGreen(now); step++) {
    const next = nextRemedy(now.report, tried);
    if (next === undefined) {
      // What istiod could not read it tries again ever more rarely, up to half a minute apart.
      now = await checkUntil(lab, isGreen, { flags: fault.flags ?? [], limit: 90_000 });
      if (!isGreen(now)) return [`nothing further is printed to mend it, after:\n${ran.join('\n')}\n${spoken(now)}`];
      break;
    }
    tried.add(next.key);
    for (const line of next.command) {
      const done = await lab.shell(filled(line, values), { limit: 240_000 });
      if (done.code !== 0) return [`a printed command failed:\n${line}\n${done.stderr}${done.stdout}`];
      ran.push(line);
    }
    const before = now.report;
    now = await checkUntil(lab, (checked) => isGreen(checked) || !sameFirst(checked.report, before), {
      flags: fault.flags ?? [],
      limit: 45_000,
    });
  }
  return isGreen(now) ? [] : [`not green after ${ran.length} printed commands:\n${ran.join('\n')}\n${spoken(now)}`];
}

/** The first remedy with commands, of the first cause, that has not been tried. */
function nextRemedy(report: Report, tried: ReadonlySet<string>): { readonly key: string; readonly command: readonly string[] } | undefined {
  for (const cause of report.causes) {
    if (cause.severity === 'info') continue;
    const finding: ReportFinding | undefined = report.findings.find(({ fingerprint }) => fingerprint === cause.fingerprint);
    for (const { command } of finding?.remedy ?? []) {
      // What is printed first the next time may be for what is left.
      const key = command.join('\n');
      if (command.length > 0 && !tried.has(key)) return { key, command };
    }
  }
  return undefined;
}

function filled(line: string, values: Readonly<Record<string, string>> = {}): string {
  let text = line;
  for (const [placeholder, value] of Object.entries(values)) text = text.replaceAll(placeholder, value);
  return text;
}

function sameFirst(a: Report, b: Report): boolean {
  return a.causes[0]?.fingerprint === b.causes[0]?.fingerprint;
}

/** A healthy mesh is silent, and every check can tell. */
export async function tryHealthy(lab: Lab, flags: readonly string[] = []): Promise<readonly string[]> {
  const isMeasured = !flags.includes('--probe=off');
  const isProven = (checked: Checked): boolean =>
    isGreen(checked) && checked.report.notChecked.length === 0 && (unmeasured(checked.report).length === 0) === isMeasured;
  const checked = await checkUntil(lab, isProven, { flags });
  return isProven(checked) ? [] : [spoken(checked)];
}
