import { rename, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { count, list } from '../base/text.ts';
import type { ClusterName } from '../model/ids.ts';
import type { KubeObject } from '../model/kube.ts';
import { objectPath, refKey } from '../model/refs.ts';
import { applied as afterwards } from '../remedy/applied.ts';
import { carriedOut, type Outcome, type Writers } from '../remedy/carry-out.ts';
import { type CommandOutcome, ranCommands } from '../remedy/commands.ts';
import { type Action, type CommandAction, isToFix } from '../remedy/plan.ts';
import type { UndoFile } from '../remedy/undo.ts';
import type { Report } from '../report/schema.ts';
import type { Planned } from './fixing.ts';
import type { Host } from './host.ts';

/** Asks for each cluster, changes it, and keeps what takes it back. Gives how many changes and command lines were done. */
export async function applied(
  { plan: { actions, commands }, objects }: Pick<Planned, 'plan' | 'objects'>,
  writers: Writers,
  wishes: { readonly isAgreed: boolean; readonly file: string },
  host: Host,
): Promise<number> {
  const agreed = await agreement(actions, commands, wishes.isAgreed, host);
  const kept: UndoFile['changes'][] = [];
  const keeper = (): ((entries: UndoFile['changes']) => Promise<void>) => {
    const slot = kept.push([]) - 1;
    return async (entries) => {
      kept[slot] = entries;
      await writeUndo(wishes.file, { schema: 1, tool: 'meshdoctor', at: host.now(), changes: kept.flat() }, host);
    };
  };
  // Objects as this run itself has left them: what the next change of each finds.
  const own = new Map<string, KubeObject | undefined>();
  let done = 0;
  const changes = async (some: readonly Action[]): Promise<void> => {
    for (const action of some.filter(({ cluster }) => agreed.has(cluster))) {
      if (host.interrupted() !== undefined) return;
      const keep = keeper();
      let isKept = false;
      const key = refKey(action.ref);
      const object = own.has(key) ? own.get(key) : objects.get(action);
      const outcome = await carriedOut(
        action,
        writers,
        async (entry) => {
          isKept = true;
          await keep([entry]);
        },
        { object },
      );
      if (outcome.state === 'done') {
        done += 1;
        own.set(key, afterwards(object, action.remedy));
      }
      // It was not made after all.
      else if (outcome.state === 'refused' && isKept) await keep([]);
      host.stderr.write(`${saidOf(action, outcome)}\n`);
    }
  };
  await changes(actions.filter(({ isRestart }) => !isRestart));
  for (const action of commands.filter(({ clusters }) => clusters.every((cluster) => agreed.has(cluster)))) {
    if (host.interrupted() !== undefined) break;
    const keep = keeper();
    const outcome = await ranCommands(action, writers, host.runPipe, async (entries) => await keep([...entries]));
    if (outcome.state === 'done') done += 1;
    host.stderr.write(`${saidOfCommand(action, outcome)}\n`);
  }
  await changes(actions.filter(({ isRestart }) => isRestart));
  return done;
}

/** The clusters that may be changed. */
async function agreement(
  actions: readonly Action[],
  commands: readonly CommandAction[],
  isAgreed: boolean,
  host: Host,
): Promise<ReadonlySet<ClusterName>> {
  const agreed = new Set<ClusterName>();
  for (const cluster of new Set([...actions.map((action) => action.cluster), ...commands.flatMap(({ clusters }) => clusters)])) {
    const own = actions.filter((action) => action.cluster === cluster);
    const restarts = own.filter(({ isRestart }) => isRestart).length;
    const lines = commands.filter(({ clusters }) => clusters.includes(cluster)).flatMap(({ command }) => command).length;
    const parts = [
      ...(own.length === 0 ? [] : [`${count(own.length, 'change')}${restarts === 0 ? '' : `, ${count(restarts, 'restart')} among them,`}`]),
      ...(lines === 0 ? [] : [count(lines, 'command line')]),
    ];
    if (isAgreed || (await host.ask(`Apply ${parts.join(' and ')} to ${cluster}? [y/N] `))) agreed.add(cluster);
  }
  return agreed;
}

function saidOfCommand({ cluster, code }: CommandAction, outcome: CommandOutcome): string {
  const what = `${cluster}: command lines for ${code}`;
  const unread = outcome.unread.length === 0 ? '' : `; not looked at, and so not taken back: ${list(outcome.unread)}`;
  switch (outcome.state) {
    case 'done':
      return `${what}: done${unread}`;
    case 'refused':
      return `${what}: NOT done: ${outcome.because}${unread}`;
    case 'unsure':
      return `${what}: run, and nobody knows what they changed: ${outcome.because}`;
    default:
      return outcome satisfies never;
  }
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
