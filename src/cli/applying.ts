import { rename, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { count } from '../base/text.ts';
import type { ClusterName } from '../model/ids.ts';
import { objectPath } from '../model/refs.ts';
import { carriedOut, type Outcome, type Writers } from '../remedy/carry-out.ts';
import { type Action, isToFix } from '../remedy/plan.ts';
import type { UndoEntry, UndoFile } from '../remedy/undo.ts';
import type { Report } from '../report/schema.ts';
import type { Host } from './host.ts';

/** Asks for each cluster, changes it, and keeps what takes it back. Gives how many changes were made. */
export async function applied(
  actions: readonly Action[],
  writers: Writers,
  wishes: { readonly isAgreed: boolean; readonly file: string },
  host: Host,
): Promise<number> {
  const agreed = new Set<ClusterName>();
  for (const cluster of new Set(actions.map((action) => action.cluster))) {
    const own = actions.filter((action) => action.cluster === cluster);
    const restarts = own.filter(({ isRestart }) => isRestart).length;
    const what = `${count(own.length, 'change')}${restarts === 0 ? '' : `, ${count(restarts, 'restart')} among them,`} to ${cluster}`;
    if (wishes.isAgreed || (await host.ask(`Apply ${what}? [y/N] `))) agreed.add(cluster);
  }
  const kept: UndoEntry[] = [];
  let done = 0;
  for (const action of actions.filter(({ cluster }) => agreed.has(cluster))) {
    const slot = kept.length;
    const outcome = await carriedOut(action, writers, async (entry) => {
      kept[slot] = entry;
      await writeUndo(wishes.file, { schema: 1, tool: 'meshdoctor', at: host.now(), changes: kept }, host);
    });
    if (outcome.state === 'done') done += 1;
    else if (outcome.state === 'refused' && kept.length > slot) {
      // It was not made after all.
      kept.pop();
      await writeUndo(wishes.file, { schema: 1, tool: 'meshdoctor', at: host.now(), changes: kept }, host);
    }
    host.stderr.write(`${saidOf(action, outcome)}\n`);
    if (host.interrupted() !== undefined) break;
  }
  return done;
}

function saidOf({ cluster, ref, isRestart, remedy }: Action, outcome: Outcome): string {
  const what = `${cluster}: ${isRestart ? 'restart' : remedy.action} ${objectPath(ref)}`;
  switch (outcome.state) {
    case 'done':
      return `${what}: done`;
    case 'refused':
      return `${what}: NOT done: ${outcome.because}`;
    case 'unsure':
      return `${what}: sent, and not answered: ${outcome.because}; the undo file has it`;
    default:
      return outcome satisfies never;
  }
}

/** Never seen in part: whoever needs it needs all of it. */
async function writeUndo(file: string, content: UndoFile, { cwd }: Host): Promise<void> {
  const path = resolve(cwd, file);
  await writeFile(`${path}.part`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.part`, path);
}

const pace = 3000;

/** Looks again until the causes are gone, or time is up. */
export async function settled(
  look: () => Promise<{ readonly report: Report }>,
  causes: readonly string[],
  limit: number,
  host: Host,
): Promise<Report> {
  const end = host.seconds() + limit / 1000;
  for (;;) {
    const { report } = await look();
    const isLeft = report.findings.some(({ fingerprint }) => causes.includes(fingerprint));
    if ((!isLeft && report.exit.code === 0) || host.seconds() > end || host.interrupted() !== undefined) return report;
    await host.sleep(pace);
  }
}

/** What came of it, in a line. */
export function verdict(before: Report, after: Report, causes: readonly string[]): string {
  const left = after.findings.filter(({ fingerprint }) => causes.includes(fingerprint)).length;
  const fresh = after.causes.filter(
    (cause) => isToFix(cause) && !before.findings.some(({ fingerprint }) => fingerprint === cause.fingerprint),
  );
  return `Cleared ${causes.length - left} of ${count(causes.length, 'cause')}, ${fresh.length === 0 ? 'introduced none' : `new: ${fresh.map(({ code }) => code).join(', ')}`}; check now ends with exit code ${after.exit.code}.`;
}
