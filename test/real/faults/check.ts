import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../../../src/report/schema.ts';
import type { Lab } from '../lab/lab.ts';
import { pause } from '../lab/processes.ts';

export interface Checked {
  readonly exit: number;
  readonly report: Report;
}

/** One run of the program under test, as a user runs it. @throws Error when it printed no report */
export async function check(lab: Lab, flags: readonly string[] = []): Promise<Checked> {
  const ran = await lab.meshdoctor(['check', '--all-contexts', '--output', 'json', ...flags]);
  try {
    // Its own schema; the program under test wrote it.
    const report = JSON.parse(ran.stdout) as Report;
    return { exit: ran.code, report };
  } catch {
    throw new Error(`check printed no report (exit ${ran.code}): ${ran.stderr}${ran.stdout.slice(0, 500)}`);
  }
}

/** Checks again until the report is as wanted twice running: what is seen once may be on its way to something else. Gives the last one after `limit` milliseconds. */
export async function checkUntil(
  lab: Lab,
  isWanted: (checked: Checked) => boolean,
  { flags = [], limit = 60_000 }: { readonly flags?: readonly string[]; readonly limit?: number } = {},
): Promise<Checked> {
  const end = Date.now() + limit;
  let times = 0;
  for (;;) {
    const checked = await check(lab, flags);
    times = isWanted(checked) ? times + 1 : 0;
    if (times === 2 || Date.now() > end) return checked;
    await pause(500);
  }
}

/** Green and silent: exit 0 and nothing at warning or above. */
export function isGreen({ exit, report }: Checked): boolean {
  return exit === 0 && report.causes.every(({ severity }) => severity === 'info');
}

/** What a report says, for a message. */
export function spoken({ exit, report }: Checked): string {
  const findings = report.causes.map(({ fingerprint }) => report.findings.find((finding) => finding.fingerprint === fingerprint));
  const lines = findings.map(
    (finding) =>
      `  ${finding?.code ?? '?'} [${finding?.severity ?? ''}, ${finding?.certainty ?? ''}] ${finding?.at.cluster ?? ''}: ${finding?.message ?? ''}`,
  );
  const gaps = report.notChecked.map(
    ({ checks, reason }) =>
      `  not checked: ${checks.slice(0, 3).join(', ')}${checks.length > 3 ? ` and ${checks.length - 3} more` : ''}: ${reason}`,
  );
  return [`exit ${exit}: ${report.exit.reason}`, ...lines, ...gaps].join('\n');
}

/** Where a mesh is recorded under a name. */
export function recordingOf(lab: Lab, name: string): string {
  return join(lab.folder, `${name}.json.gz`);
}

/** Records the mesh as it is now. */
export async function record(lab: Lab, name: string, flags: readonly string[] = []): Promise<Buffer> {
  const file = recordingOf(lab, name);
  const ran = await lab.meshdoctor(['record', '--all-contexts', '-o', file, ...flags]);
  if (ran.code !== 0 && ran.code !== 3) throw new Error(`record: ${ran.stderr}`);
  return readFileSync(file);
}
