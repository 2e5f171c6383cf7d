import type { LiveSource } from '../config/live.ts';
import { fields, filled, tally } from '../model/decode.ts';
import type { ClusterName } from '../model/ids.ts';
import { ownLabels } from '../probe/injection-trial.ts';
import { connectionsOf, type LiveIo, targetsOf } from './live.ts';
import { openMakers } from './own-pods.ts';

/** What became of one thing that was left behind, or why a cluster does not say what is. */
export type Cleaned =
  | { readonly cluster: ClusterName; readonly pod: string; readonly failed?: string }
  | { readonly cluster: ClusterName; readonly unread: string };

/** Removes every pod that meshdoctor made and did not get to remove; `isDry` only finds them. Sorted by cluster as given, then by pod. */
export async function cleanUp(live: LiveSource, io: LiveIo, isDry: boolean, interrupted: AbortSignal): Promise<readonly Cleaned[]> {
  const signal = AbortSignal.any([interrupted, io.deadline(live.timeout)]);
  const connections = await connectionsOf(live, io, signal);
  const makers = openMakers(await targetsOf(live, io, signal), { env: io.env, isInteractive: io.isInteractive, signal });
  const [[label, value] = ['', '']] = Object.entries(ownLabels);
  try {
    const found = await Promise.all(
      connections.map(async (connection): Promise<readonly Cleaned[]> => {
        const { name: cluster } = connection;
        const pods: { readonly namespace: string; readonly name: string }[] = [];
        const read = await connection.list(
          { group: '', version: 'v1', resource: 'pods', kind: 'Pod', labelSelector: `${label}=${value}` },
          {
            item: (object) => {
              const odd = tally();
              const metadata = fields(odd, object['metadata']);
              const [namespace, name] = [filled(odd, metadata['namespace']), filled(odd, metadata['name'])];
              if (namespace !== undefined && name !== undefined) pods.push({ namespace, name });
            },
            restart: () => void pods.splice(0),
          },
          signal,
        );
        if (read.status !== 'read') return [{ cluster, unread: reasonOf(read) }];
        return await Promise.all(
          pods.map(async ({ namespace, name }): Promise<Cleaned> => {
            const pod = `${namespace}/${name}`;
            if (isDry) return { cluster, pod };
            const removed = await makers.get(cluster)?.remove(namespace, name, signal);
            if (removed === undefined) return { cluster, pod, failed: 'no such cluster is open' };
            if (removed.status === 'absent' || (removed.status === 'read' && removed.value.is === 'done')) return { cluster, pod };
            return { cluster, pod, failed: removed.status === 'read' ? messageOf(removed.value) : reasonOf(removed) };
          }),
        );
      }),
    );
    return found.flat();
  } finally {
    await Promise.all([...connections, ...makers.values()].map(async (open) => await open.close()));
  }
}

function messageOf(value: { readonly is: string; readonly message?: string }): string {
  return value.message ?? value.is;
}

function reasonOf(
  read:
    | { readonly status: 'forbidden'; readonly verb: string; readonly resource: string }
    | { readonly status: 'absent' }
    | { readonly status: 'failed'; readonly reason: string },
): string {
  if (read.status === 'forbidden') return `you may not ${read.verb} ${read.resource}`;
  return read.status === 'failed' ? read.reason : 'it serves no pods';
}
