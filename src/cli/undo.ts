import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UsageError } from '../base/errors.ts';
import { count } from '../base/text.ts';
import type { RunOptions } from '../config/options.ts';
import type { ConnectionOptions } from '../kube/connect.ts';
import { clusterName } from '../model/ids.ts';
import { objectPath } from '../model/refs.ts';
import { type Outcome, takenBack } from '../remedy/carry-out.ts';
import { parseUndo } from '../remedy/undo.ts';
import { openWriters } from '../remedy/writers.ts';
import { targetsOf } from '../run/live.ts';
import { liveIo } from './commands/common.ts';
import type { Host } from './host.ts';

/** Takes back what a file of `fix --apply` says, but for what somebody changed since. */
export async function undo(file: string, isAgreed: boolean, options: RunOptions, host: Host): Promise<number> {
  const path = resolve(host.cwd, file);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UsageError('ERR_SOURCE_UNREADABLE', `${file} cannot be read.`, { cause: error });
  });
  const { changes } = parseUndo(text, file);
  const contexts = [...new Set(changes.map(({ context }) => context))];
  if (contexts.length === 0) {
    host.stdout.write('Nothing to undo.\n');
    return 0;
  }
  if (options.live === undefined)
    throw new UsageError('ERR_BAD_VALUE', '--undo changes live clusters; it takes no directories and no recordings.');
  const { inCluster } = options.live;
  const live = inCluster ? options.live : { ...options.live, contexts };
  const io = liveIo(host);
  const writers = openWriters(await targetsOf(live, io, host.signal), connectionOptions({ ...options, live }, host));
  let left = 0;
  try {
    const agreed = new Set<string>();
    for (const context of contexts) {
      const own = changes.filter((entry) => entry.context === context).length;
      if (isAgreed || (await host.ask(`Take back ${count(own, 'change')} in ${context}? [y/N] `))) agreed.add(context);
    }
    // Restarts come last again: pods then start with the objects of before.
    const backwards = [...changes.filter(({ did }) => did !== 'restarted').reverse(), ...changes.filter(({ did }) => did === 'restarted')];
    for (const entry of backwards) {
      if (entry.did === 'ran') {
        left += 1;
        host.stdout.write(`${entry.context}: begun, and nobody knows what came of it: ${entry.command.join(' && ')}\n`);
        continue;
      }
      const writer = agreed.has(entry.context) ? writers.get(clusterName(entry.context)) : undefined;
      const outcome: Outcome =
        writer === undefined ? { state: 'refused', because: 'nobody agreed' } : await takenBack(entry, writer, host.now());
      const what = `${entry.context}: ${entry.did} ${objectPath({ ...entry, cluster: clusterName(entry.context) })}`;
      if (outcome.state === 'refused') left += 1;
      host.stdout.write(`${what}: ${outcome.state === 'done' ? 'taken back' : `left as it is: ${outcome.because}`}\n`);
    }
  } finally {
    await writers.close();
  }
  return left === 0 ? 0 : 1;
}

/** How clusters are opened to be changed. */
export function connectionOptions({ live }: RunOptions, host: Host): ConnectionOptions {
  return {
    env: host.env,
    isInteractive: host.isInteractive,
    signal: host.signal,
    ...(live === undefined ? {} : { requestTimeout: live.requestTimeout }),
  };
}
