import type { Connection, Read, RequestRecord } from '../kube/connection.ts';
import { openPodMaker, type PodMaker } from '../kube/pod-maker.ts';
import type { ClusterTarget } from '../kube/target.ts';
import { type ClusterName, clusterName } from '../model/ids.ts';
import type { OwnPods, ProbeIo } from '../probe/probe.ts';

const unknown = { status: 'failed', code: 'not-found', reason: 'no such cluster is open' } as const;

/** What opens a cluster to make pods there. */
export interface MakerOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isInteractive: boolean;
  readonly signal: AbortSignal;
  readonly onRequest?: ((request: RequestRecord) => void) | undefined;
}

export function openMakers(targets: ReadonlyMap<ClusterName, ClusterTarget>, options: MakerOptions): ReadonlyMap<ClusterName, PodMaker> {
  return new Map([...targets.values()].map((target) => [clusterName(target.name), openPodMaker(target, options)]));
}

/**
 * Pods of this run. They are looked at over `connections`, which end with the run; what makes and removes them goes over others, which
 * outlive its interruption and are opened when the first pod is asked for.
 */
export function ownPods(
  connections: readonly Connection[],
  open: () => Promise<ReadonlyMap<ClusterName, PodMaker>>,
): { readonly pods: OwnPods; readonly tryCreatePod: NonNullable<ProbeIo['tryCreatePod']>; readonly end: () => Promise<void> } {
  const byName = new Map(connections.map((connection) => [connection.name, connection]));
  let makers: Promise<ReadonlyMap<ClusterName, PodMaker>> | undefined;
  const makerOf = async (cluster: ClusterName): Promise<PodMaker | undefined> => {
    makers ??= open();
    return (await makers).get(cluster);
  };
  const one = (namespace: string, name: string): string =>
    `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
  return {
    tryCreatePod: async (cluster, namespace, pod, signal) =>
      (await (await makerOf(cluster))?.create(namespace, pod, true, signal)) ?? unknown,
    pods: {
      create: async (cluster, namespace, pod) => (await (await makerOf(cluster))?.create(namespace, pod, false)) ?? unknown,
      get: async (cluster, namespace, name, signal) =>
        (await byName.get(cluster)?.get(one(namespace, name), { resource: 'pods', signal })) ?? unknown,
      log: async (cluster, namespace, name, container, signal): Promise<Read<string>> =>
        (await byName
          .get(cluster)
          ?.text(`${one(namespace, name)}/log?container=${encodeURIComponent(container)}`, { resource: 'pods/log', signal })) ?? unknown,
      remove: async (cluster, namespace, name) => (await (await makerOf(cluster))?.remove(namespace, name)) ?? unknown,
    },
    end: async () => {
      const opened = await makers?.catch(() => undefined);
      await Promise.all([...(opened?.values() ?? [])].map(async (maker) => await maker.close()));
    },
  };
}
