import type { Predictions } from '../../mesh/endpoints.ts';
import { listOf } from '../../mesh/topology.ts';
import type { Pod } from '../../model/facts.ts';
import type { Mishap } from '../mishaps.ts';
import type { IstiodProcess } from './istiods.ts';
import { type Knowledge, predictions, seenBy } from './knowledge.ts';
import { type Connected, connections } from './proxies.ts';
import type { ClusterState } from './state.ts';

/** What answers are made of, always of the present moment. */
export interface World {
  /** Objects and memories as they are now. */
  now(): Knowledge;
  predict(process: IstiodProcess): Predictions;
  /** Whether a proxy gets through to an istiod now. */
  connection(pod: Pod, cluster: ClusterState): Connected;
  /** The istiod whose configuration a proxy has: the one it is connected to, else the one of its revision that it was connected to when it became ready. */
  servedBy(pod: Pod, cluster: ClusterState): IstiodProcess | undefined;
}

/** `befalls` says what happened to the connections of the proxies of a cluster. */
export function worldOf(
  now: () => Knowledge,
  befalls: (cluster: string) => Extract<Mishap, { readonly on: 'proxy' }> | undefined = () => undefined,
): World {
  const predict = predictions();
  const connect = connections();
  const connection = (pod: Pod, cluster: ClusterState): Connected => {
    const own = connect(pod, cluster, now());
    const mishap = befalls(cluster.name);
    if (mishap === undefined || !('process' in own)) return own;
    if (!('to' in mishap)) return mishap.does === 'keep' ? own : { kept: 'unreachable' };
    const { revision } = own.process.controlPlane;
    const process = [...now().istiods.values()].find((one) => one.cluster === mishap.to && one.controlPlane.revision === revision);
    return process === undefined ? own : { process };
  };
  return {
    now,
    predict: (process) => predict(process, now()),
    connection,
    servedBy: (pod, cluster) => {
      const connected = connection(pod, cluster);
      if ('process' in connected) return connected.process;
      if (!pod.ready || pod.proxy === undefined) return undefined;
      return [...now().istiods.values()].find(
        (process) => process.controlPlane.revision === pod.proxy?.revision && seenBy(process).some((seen) => seen.cluster === cluster.name),
      );
    },
  };
}

const podsByName = new WeakMap<ClusterState, ReadonlyMap<string, Pod>>();

/** A pod's facts, by its name; nothing when it is gone. */
export function factOfPod(cluster: ClusterState, namespace: string | undefined, name: string): Pod | undefined {
  let pods = podsByName.get(cluster);
  if (pods === undefined) {
    pods = new Map(listOf(cluster.facts.pods).map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
    podsByName.set(cluster, pods);
  }
  return pods.get(`${namespace ?? ''}/${name}`);
}
