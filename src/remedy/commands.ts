import { distinct } from '../base/sort.ts';
import { list, redact } from '../base/text.ts';
import type { Pipe } from './command-line.ts';
import type { Outcome, Writers } from './carry-out.ts';
import type { CommandAction } from './plan.ts';
import { type Look, lookOver, tracesOf } from './traces.ts';
import type { RanEntry, UndoEntry } from './undo.ts';

/** Runs programs that pass on what they write. `said`: what they complained of, and the last one's output where it goes into no file. */
export type RunPipe = (pipe: Pipe) => Promise<{ readonly isDone: boolean; readonly said: string }>;

/** What came of command lines. `unread`: kinds that could not be listed, so that nothing is known of what became of them. */
export type CommandOutcome = Outcome & { readonly unread: readonly string[] };

/**
 * Runs command lines, one after the other until one fails, and tells what became of objects of their clusters meanwhile. `keep` is given that there is
 * something to take back before the first is run, and what that is after the last.
 */
export async function ranCommands(
  action: CommandAction,
  writers: Writers,
  runPipe: RunPipe,
  keep: (entries: readonly (UndoEntry | RanEntry)[]) => Promise<void>,
): Promise<CommandOutcome> {
  const { code, cluster, clusters, command, pipes } = action;
  const before = await looks(action, writers);
  if ('because' in before) return { state: 'refused', because: before.because, unread: [] };
  await keep([{ did: 'ran', context: cluster, code, command: [...command] }]);
  let failure: string | undefined;
  for (const pipe of pipes) {
    const { isDone, said } = await runPipe(pipe);
    if (isDone) continue;
    failure = `${list(pipe.programs.map(([program]) => program))} failed: ${redact(said.trim()).slice(0, mostSaid)}`;
    break;
  }
  const after = await looks(action, writers);
  if ('because' in after) return { state: 'unsure', because: after.because, unread: [] };
  const deletes = pipes.some(({ programs }) => programs.some((words) => words.some((word) => deleting.has(word))));
  const entries = clusters.flatMap((context) => {
    const [old, fresh] = [before.looks.get(context), after.looks.get(context)];
    return old === undefined || fresh === undefined ? [] : tracesOf(old, fresh, { context, code, deletes });
  });
  await keep(entries);
  const unread = distinct([...before.looks.values(), ...after.looks.values()].flatMap((look) => look.unread));
  return failure === undefined ? { state: 'done', unread } : { state: 'refused', because: failure, unread };
}

/** An installer prunes what it no longer makes. */
const deleting: ReadonlySet<string> = new Set(['delete', 'install', 'uninstall', 'upgrade']);

/** Most that is repeated of what a program complained of. */
const mostSaid = 500;

async function looks(
  { clusters }: CommandAction,
  writers: Writers,
): Promise<{ readonly looks: ReadonlyMap<string, Look> } | { readonly because: string }> {
  const found = new Map<string, Look>();
  for (const cluster of clusters) {
    const writer = writers.get(cluster);
    if (writer === undefined) return { because: `${cluster} cannot be looked into` };
    const look = await lookOver(writer);
    if (look.objects.size === 0) return { because: `nothing of ${cluster} can be listed, so nothing could be taken back` };
    found.set(cluster, look);
  }
  return { looks: found };
}
