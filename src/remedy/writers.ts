import type { ConnectionOptions } from '../kube/connect.ts';
import type { ClusterTarget } from '../kube/target.ts';
import { openWriter } from '../kube/write.ts';
import type { ClusterName } from '../model/ids.ts';
import type { Writers } from './carry-out.ts';

/** Opens these clusters to be changed. Nothing is contacted yet. */
export function openWriters(
  targets: ReadonlyMap<ClusterName, ClusterTarget>,
  options: ConnectionOptions,
): Writers & { close(): Promise<void> } {
  const writers = new Map([...targets].map(([name, target]) => [name, openWriter(target, { ...options, name })]));
  return Object.assign(writers, {
    close: async () => {
      await Promise.all([...writers.values()].map(async (writer) => await writer.close()));
    },
  });
}
