import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UndoFile } from '../../../src/remedy/undo.ts';
import type { Fixed } from '../lane-line.ts';
import type { Lab } from '../lab/lab.ts';
import type { Output } from '../lab/processes.ts';
import { type Checked, checkUntil, isGreen, spoken } from './check.ts';
import type { Fault } from './fault.ts';
import { atHand, workplace } from './guide.ts';

/*
 * A fault mended by `meshdoctor fix --apply`, and brought back by its undo files.
 */

/**
 * Faults that are mended this way in every run, one for each way in which fix changes a cluster: a label, an annotation with a restart, an object made, a
 * Secret of which nothing may be written down, a workload scaled, a policy changed, an entry of a webhook, a command line, an object deleted. `MESHDOCTOR_REAL_FIX=all` tries every fault with printed remedies.
 */
const sample: readonly string[] = [
  'network-label-removed',
  'annotation-names-another',
  'services-not-exposed',
  'secret-unlabelled',
  'gateway-of-remote-scaled-to-zero',
  'mutual-tls-disabled',
  'external-injection-path',
  'secret-left-out',
  'root-copied-and-locked',
];

export const triesAllFixes = process.env['MESHDOCTOR_REAL_FIX'] === 'all';

export function isMendedByFix({ id, remedy }: Fault): boolean {
  return remedy.kind === 'printed' && (triesAllFixes || sample.includes(id));
}

/** A mended fault can have hidden another. */
const mostRounds = 4;

/** What of a plan nobody but a person does. */
interface Planned {
  readonly causes: readonly unknown[];
  readonly byHand: readonly { readonly code: string; readonly because: string }[];
}

export interface TriedFix {
  /** What became of it; absent where something was not as it should be. */
  readonly fixed?: Fixed;
  /** Empty when the mesh was green by fix and broken again by its undo files, or when it said what is left to a person, and why. */
  readonly wrong: readonly string[];
}

/** Mends a broken mesh by fix alone, and breaks it again by what fix wrote. */
export async function tryFix(lab: Lab, fault: Fault, broken: Checked): Promise<TriedFix> {
  const flags = fault.flags ?? [];
  const files: string[] = [];
  // What lies there is what the fault says that its reader has, and the samples.
  await (fault.remedy.kind === 'printed' && fault.remedy.values !== undefined ? fault.remedy.values(lab) : atHand(lab));
  let isByCommand = false;
  let now = broken;
  for (let round = 0; round < mostRounds && !isGreen(now); round++) {
    const file = join(lab.folder, `${fault.id}-${round}.undo.json`);
    const apply = async (...more: readonly string[]): Promise<Output> =>
      await lab.meshdoctor(
        ['fix', '--apply', '--yes', '--all-contexts', '--undo-file', file, '--settle', '45s', '-o', 'json', ...more, ...flags],
        { limit: 240_000, cwd: workplace(lab) },
      );
    let ran = await apply();
    if (!isChanged(ran)) {
      ran = await apply('--allow=command');
      isByCommand ||= isChanged(ran);
    }
    if (ran.code === 2 || ran.code > 3) return { wrong: [`fix ended with ${ran.code}: ${ran.stderr}${ran.stdout}`] };
    if (!isChanged(ran)) {
      // Its own document; the program under test wrote it.
      const { causes, byHand } = JSON.parse(ran.stdout) as Planned;
      if (causes.length === 0 && files.length > 0) {
        // What was changed took its time.
        now = await checkUntil(lab, isGreen, { flags, limit: 60_000 });
        continue;
      }
      const [hand] = byHand;
      if (files.length === 0 && hand !== undefined && !sample.includes(fault.id))
        return { fixed: { cured: `by hand: ${hand.because}`, undone: '' }, wrong: [] };
      return { wrong: [`fix has nothing further to change, after ${round} rounds:\n${ran.stdout}${ran.stderr}\n${spoken(now)}`] };
    }
    files.push(file);
    now = await checkUntil(lab, isGreen, { flags, limit: 60_000 });
  }
  if (!isGreen(now)) return { wrong: [`not green after ${files.length} rounds of fix:\n${spoken(now)}`] };
  const cured = [
    'yes',
    ...(isByCommand ? ['with `--allow=command`'] : []),
    ...(files.length === 1 ? [] : [`in ${files.length} rounds`]),
  ].join(', ');
  const undone = await tryUndo(lab, files.toReversed(), broken, flags);
  return 'because' in undone ? { wrong: [undone.because] } : { fixed: { cured, undone: undone.undone }, wrong: [] };
}

function isChanged({ stderr }: Output): boolean {
  return stderr.includes(': done');
}

/** Says `fix --undo` of a Secret that a command line changed. */
const lostSecret = 'what a Secret held is never written down';
/** Says it of an object that fix deleted and a controller made anew: undo leaves alone what somebody else did. */
const madeAgain = 'was made again since';

/** `files`: what was written last comes first. */
async function tryUndo(
  lab: Lab,
  files: readonly string[],
  broken: Checked,
  flags: readonly string[],
): Promise<{ readonly undone: string } | { readonly because: string }> {
  let isLost = false;
  let isMadeAgain = false;
  // Its own documents; the program under test wrote them.
  const changes = files.flatMap((file) => (JSON.parse(readFileSync(file, 'utf8')) as UndoFile).changes);
  for (const file of files) {
    const ran = await lab.meshdoctor(['fix', '--undo', file, '--yes', '--all-contexts']);
    if (ran.stdout.includes(lostSecret)) isLost = true;
    else if (ran.stdout.includes(madeAgain)) isMadeAgain = true;
    else if (ran.code !== 0) return { because: `fix --undo ended with ${ran.code}: ${ran.stderr}${ran.stdout}` };
  }
  if (isLost) return { undone: `not all: ${lostSecret}` };
  if (isMadeAgain) return { undone: 'no: what it deleted was made again by its controller, and is left as it is' };
  if (changes.every(({ did }) => did === 'restarted')) return { undone: 'no: it was a restart, and what pods had before it is nowhere' };
  const wanted = broken.report.causes[0]?.code;
  const isBack = ({ report }: Checked): boolean => report.causes.some(({ code }) => code === wanted);
  const again = await checkUntil(lab, isBack, { flags, limit: 120_000 });
  return isBack(again) ? { undone: 'yes' } : { because: `its undo files did not bring ${wanted ?? 'it'} back:\n${spoken(again)}` };
}
