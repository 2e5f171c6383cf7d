import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { type Checked, checkUntil, isGreen, spoken } from './check.ts';
import type { Fault } from './fault.ts';

/*
 * A fault mended by `meshdoctor fix --apply`, and brought back by its undo files.
 */

/**
 * Faults that are mended this way in every run, one for each way in which fix changes a cluster: a label, an annotation with a restart, an object made, a
 * Secret of which nothing may be written down, a workload scaled, a policy changed. `MESHDOCTOR_REAL_FIX=all` tries every fault with printed remedies.
 */
const sample: readonly string[] = [
  'network-label-removed',
  'annotation-names-another',
  'services-not-exposed',
  'secret-unlabelled',
  'gateway-of-remote-scaled-to-zero',
  'mutual-tls-disabled',
];

export function isMendedByFix({ id, remedy }: Fault): boolean {
  return remedy.kind === 'printed' && (process.env['MESHDOCTOR_REAL_FIX'] === 'all' || sample.includes(id));
}

/** A mended fault can have hidden another. */
const mostRounds = 4;

/** `fixed`: what became of it; `wrong`: what should not have, empty when the mesh was green by fix and broken again by its undo files. */
export async function tryFix(
  lab: Lab,
  fault: Fault,
  broken: Checked,
): Promise<{ readonly fixed: string; readonly wrong: readonly string[] }> {
  const flags = fault.flags ?? [];
  const files: string[] = [];
  const failed = (why: string): { readonly fixed: string; readonly wrong: readonly string[] } => ({
    fixed: 'NOT as expected',
    wrong: [why],
  });
  let now = broken;
  for (let round = 0; round < mostRounds && !isGreen(now); round++) {
    const file = join(lab.folder, `${fault.id}-${round}.undo.json`);
    const ran = await lab.meshdoctor(['fix', '--apply', '--yes', '--all-contexts', '--undo-file', file, '--settle', '45s', ...flags], {
      limit: 240_000,
    });
    if (ran.code === 2 || ran.code > 3) return failed(`fix ended with ${ran.code}: ${ran.stderr}${ran.stdout}`);
    if (!ran.stderr.includes(': done')) {
      // Installers, commands that are no change of one object, Secrets.
      if (files.length === 0 && ran.stdout.includes('by hand') && !sample.includes(fault.id)) return { fixed: 'by hand only', wrong: [] };
      return failed(`fix has nothing further to change, after ${round} rounds:\n${ran.stdout}${ran.stderr}\n${spoken(now)}`);
    }
    files.push(file);
    now = await checkUntil(lab, isGreen, { flags, limit: 30_000 });
  }
  if (!isGreen(now)) return failed(`not green after ${files.length} rounds of fix:\n${spoken(now)}`);
  for (const file of files.toReversed()) {
    const ran = await lab.meshdoctor(['fix', '--undo', file, '--yes', '--all-contexts']);
    if (ran.code !== 0) return failed(`fix --undo ended with ${ran.code}: ${ran.stderr}${ran.stdout}`);
  }
  const wanted = broken.report.causes[0]?.code;
  const isBack = ({ report }: Checked): boolean => report.causes.some(({ code }) => code === wanted);
  const again = await checkUntil(lab, isBack, { flags, limit: 120_000 });
  if (!isBack(again)) return failed(`its undo files did not bring ${wanted ?? 'it'} back:\n${spoken(again)}`);
  return { fixed: `mended in ${files.length === 1 ? 'one round' : `${files.length} rounds`}, and brought back`, wrong: [] };
}
