import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { type Checked, check, checkUntil, isGreen, spoken } from './check.ts';
import type { Fault } from './fault.ts';

/*
 * A fault mended by `meshdoctor fix --apply`, and brought back by its undo files.
 */

/**
 * Faults that are mended this way in every run, for each way in which fix changes a cluster: a label, an annotation and a restart, a patch, an object made,
 * an object deleted, and several rounds. `MESHDOCTOR_REAL_FIX=all` tries every fault with printed remedies.
 */
const sample: readonly string[] = [
  'network-label-removed',
  'annotation-names-another-primary',
  'exposed-services-deleted',
  'istiod-denied-at-gateway',
  'mutual-tls-disabled',
  'gateway-scaled-to-zero',
];

export function isMendedByFix({ id, remedy }: Fault): boolean {
  return remedy.kind === 'printed' && (process.env['MESHDOCTOR_REAL_FIX'] === 'all' || sample.includes(id));
}

/** A mended fault can have hidden another. */
const mostRounds = 4;

/** What fix did not do; empty when the mesh was green by it, broken again by its undo files, and nothing else happened. */
export async function tryFix(lab: Lab, fault: Fault, broken: Checked): Promise<readonly string[]> {
  const flags = fault.flags ?? [];
  const files: string[] = [];
  let now = broken;
  for (let round = 0; round < mostRounds && !isGreen(now); round++) {
    const file = join(lab.folder, `${fault.id}-${round}.undo.json`);
    const ran = await lab.meshdoctor(['fix', '--apply', '--yes', '--all-contexts', '--undo-file', file, '--settle', '60s', ...flags], { limit: 240_000 });
    if (ran.code === 2 || ran.code > 3) return [`fix ended with ${ran.code}: ${ran.stderr}${ran.stdout}`];
    if (!ran.stderr.includes(': done')) return [`fix has nothing further to change, after ${round} rounds:\n${ran.stdout}${ran.stderr}\n${spoken(now)}`];
    files.push(file);
    now = await checkUntil(lab, isGreen, { flags, limit: 30_000 });
  }
  if (!isGreen(now)) return [`not green after ${files.length} rounds of fix:\n${spoken(now)}`];
  for (const file of files.toReversed()) {
    const ran = await lab.meshdoctor(['fix', '--undo', file, '--yes', '--all-contexts']);
    if (ran.code !== 0) return [`fix --undo ended with ${ran.code}: ${ran.stderr}${ran.stdout}`];
  }
  const wanted = broken.report.causes[0]?.code;
  const isBack = ({ report }: Checked): boolean => report.causes.some(({ code }) => code === wanted);
  const again = await checkUntil(lab, isBack, { flags, limit: 120_000 });
  return isBack(again) ? [] : [`its undo files did not bring ${wanted ?? 'it'} back:\n${spoken(await check(lab, flags))}`];
}
