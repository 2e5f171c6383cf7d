import { at, itemsAt, mapAt, textAt } from '../../builder/edits/json.ts';
import type { KubeObject } from '../../model/kube.ts';
import { admittedByHand, isInjected } from './injection.ts';
import type { Knowledge } from './knowledge.ts';
import { type Fate, fated, freeAddresses, isOver, isReadyPod } from './pods.ts';
import { connections } from './proxies.ts';
import type { Change, ClusterState } from './state.ts';
import { factOfPod } from './world.ts';

/** What was last made out for each pod, by `cluster/uid`. A pod that is not in it is new. */
export type Fates = ReadonlyMap<string, string>;

/** Pods that were there when the world began: they are as they are, until something changes for them. */
export function firstFates(knowledge: Knowledge): Fates {
  const connection = connections();
  const found = new Map<string, string>();
  for (const cluster of knowledge.state.clusters.values())
    for (const pod of cluster.objects.list('Pod'))
      found.set(keyOf(cluster, pod), JSON.stringify(fateOf(pod, cluster, knowledge, connection)));
  return found;
}

/** The kubelet: new pods are started, and pods that were kept from starting or from being ready are looked at again. One that is ready stays so. */
export function kubelets(knowledge: Knowledge, before: Fates): { readonly changes: readonly Change[]; readonly fates: Fates } {
  const connection = connections();
  const changes: Change[] = [];
  const fates = new Map<string, string>();
  for (const cluster of knowledge.state.clusters.values()) {
    const { now } = knowledge.state;
    let addresses: (() => string) | undefined;
    const nextAddress = (): string => {
      addresses ??= freeAddresses(cluster);
      return addresses();
    };
    for (const pod of cluster.objects.list('Pod')) {
      const key = keyOf(cluster, pod);
      const known = before.get(key);
      if (known !== undefined && (isReadyPod(pod) || isOver(pod))) {
        fates.set(key, known);
        continue;
      }
      if (known === undefined && isBare(pod)) {
        const { namespace, name } = pod.metadata;
        const admitted = admittedByHand(pod, cluster, knowledge);
        if ('refused' in admitted || admitted.pod !== pod) {
          changes.push({
            cluster: cluster.name,
            ...('refused' in admitted
              ? { remove: { kind: 'Pod', ...(namespace === undefined ? {} : { namespace }), name } }
              : { put: admitted.pod }),
          });
          continue;
        }
      }
      const fate = fateOf(pod, cluster, knowledge, connection);
      const told = JSON.stringify(fate);
      fates.set(key, told);
      // A container that runs is not taken back because something it was started with is gone.
      const isRunning = textAt(pod, 'status', 'phase') === 'Running';
      if (told === known || (isRunning && fate.is === 'waiting')) continue;
      const hasAddress = textAt(pod, 'status', 'podIP') !== undefined;
      changes.push({ cluster: cluster.name, put: fated(pod, fate, cluster, hasAddress ? '' : nextAddress(), now) });
    }
  }
  return { changes, fates };
}

function keyOf(cluster: ClusterState, pod: KubeObject): string {
  return `${cluster.name}/${pod.metadata.uid ?? pod.metadata.name}`;
}

/** A pod that somebody made by hand has passed no admission yet: its API server does not know of injectors. */
function isBare(pod: KubeObject): boolean {
  return itemsAt(pod, 'metadata', 'ownerReferences').length === 0 && !isInjected(mapAt(pod, 'metadata', 'annotations'));
}

/** What keeps a pod from running or from being ready, the first thing that it meets. */
function fateOf(pod: KubeObject, cluster: ClusterState, knowledge: Knowledge, connection: ReturnType<typeof connections>): Fate {
  const namespace = pod.metadata.namespace ?? '';
  const missing = missingVolume(pod, namespace, cluster);
  if (missing !== undefined) return { is: 'waiting', reason: 'ContainerCreating', message: missing };
  const unfilled = itemsAt(pod, 'spec', 'containers').find((container) => at(container, 'image') === 'auto');
  if (unfilled !== undefined) {
    const container = textAt(unfilled, 'name') ?? '';
    return { is: 'waiting', reason: 'ImagePullBackOff', message: 'Back-off pulling image "auto"', container };
  }
  const fact = factOfPod(cluster, namespace, pod.metadata.name);
  if (fact?.proxy === undefined || fact.proxy.kind === 'ztunnel') return { is: 'ready' };
  const connected = connection(fact, cluster, knowledge);
  return 'process' in connected || connected.kept === 'no proxy' ? { is: 'ready' } : { is: 'unready', because: connected.kept };
}

/** A ConfigMap or Secret that a volume needs and that is not there. */
function missingVolume(pod: KubeObject, namespace: string, cluster: ClusterState): string | undefined {
  for (const volume of itemsAt(pod, 'spec', 'volumes')) {
    const sources = [volume, ...itemsAt(volume, 'projected', 'sources')];
    for (const source of sources) {
      for (const [key, kind, nameKey] of [
        ['configMap', 'ConfigMap', 'name'],
        ['secret', 'Secret', source === volume ? 'secretName' : 'name'],
      ] as const) {
        const name = textAt(source, key, nameKey);
        if (name === undefined || at(source, key, 'optional') === true) continue;
        if (cluster.objects.get(kind, namespace, name) === undefined)
          return `MountVolume.SetUp failed for volume "${textAt(volume, 'name') ?? ''}" : ${kind === 'Secret' ? 'secret' : 'configmap'} "${name}" not found`;
      }
    }
  }
  return undefined;
}
