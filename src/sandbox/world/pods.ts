import { randomUUID } from 'node:crypto';
import { at, isRecord, itemsAt, mapAt, textAt } from '../../builder/edits/json.ts';
import { generatedName } from '../../builder/edits/clock.ts';
import { type PodTemplate, usualTolerations } from '../../builder/workload.ts';
import { ipFamily } from '../../istio/addresses.ts';
import type { KubeObject } from '../../model/kube.ts';
import type { ClusterState } from './state.ts';

/** What becomes of a pod once it is there. */
export type Fate =
  | { readonly is: 'ready' }
  /** It runs, and its proxy is not ready: no istiod lets it in. */
  | { readonly is: 'unready'; readonly because: string }
  /** Containers wait; `reason` as the kubelet says: ContainerCreating, ImagePullBackOff. */
  | { readonly is: 'waiting'; readonly reason: string; readonly message: string; readonly container?: string };

/** Who a pod belongs to. */
export interface PodOwner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** A pod as the API server stores it after admission and scheduling: nothing runs yet. */
export function newPod(
  cluster: ClusterState,
  namespace: string,
  owner: PodOwner,
  template: PodTemplate,
  now: string,
  node: string | undefined = cluster.objects.list('Node')[0]?.metadata.name,
): KubeObject {
  const prefix = `${owner.name}-`;
  const { spec } = template;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: prefix + generatedName(randomUUID(), 5),
      generateName: prefix,
      namespace,
      ...(Object.keys(template.annotations ?? {}).length === 0 ? {} : { annotations: template.annotations ?? {} }),
      labels: template.labels,
      ownerReferences: [{ ...owner, blockOwnerDeletion: true, controller: true }],
    },
    spec: {
      ...spec,
      enableServiceLinks: true,
      ...(node === undefined ? {} : { nodeName: node }),
      preemptionPolicy: 'PreemptLowerPriority',
      priority: 0,
      tolerations: [...(spec.tolerations ?? []), ...usualTolerations],
    },
    status: {
      conditions: [{ lastProbeTime: null, lastTransitionTime: now, status: 'True', type: 'PodScheduled' }],
      phase: 'Pending',
      qosClass: spec.containers.some((container) => isRecord(at(container, 'resources', 'requests'))) ? 'Burstable' : 'BestEffort',
    },
  };
}

/** A name for the volume of a pod's token. */
export function tokenVolume(): string {
  return `kube-api-access-${generatedName(randomUUID(), 5)}`;
}

/** The pod after what its fate makes of it. `address` is its own where it has none yet. */
export function fated(pod: KubeObject, fate: Fate, cluster: ClusterState, address: string, now: string): KubeObject {
  const status = isRecord(pod['status']) ? pod['status'] : {};
  const isStarted = fate.is !== 'waiting' || fate.reason !== 'ContainerCreating';
  const node = cluster.objects.get('Node', undefined, textAt(pod, 'spec', 'nodeName') ?? '');
  const host = textAt(
    itemsAt(node, 'status', 'addresses').find((one) => textAt(one, 'type') === 'InternalIP'),
    'address',
  );
  const ip = textAt(status, 'podIP') ?? (isStarted ? (at(pod, 'spec', 'hostNetwork') === true ? host : address) : undefined);
  const containers = itemsAt(pod, 'spec', 'containers');
  const inits = itemsAt(pod, 'spec', 'initContainers');
  const isReady = fate.is === 'ready';
  const unready = fate.is === 'waiting' ? containers.map(nameOf) : isReady ? [] : ['istio-proxy'];
  const condition = (type: string, holds: boolean) => ({
    lastProbeTime: null,
    lastTransitionTime: transition(pod, type, holds, now),
    ...(holds ? {} : { message: `containers with unready status: [${unready.join(' ')}]`, reason: 'ContainersNotReady' }),
    status: holds ? 'True' : 'False',
    type,
  });
  return {
    ...pod,
    status: {
      ...status,
      conditions: [
        condition('PodReadyToStartContainers', isStarted),
        { lastProbeTime: null, lastTransitionTime: transition(pod, 'Initialized', true, now), status: 'True', type: 'Initialized' },
        condition('Ready', isReady),
        condition('ContainersReady', isReady),
        { lastProbeTime: null, lastTransitionTime: transition(pod, 'PodScheduled', true, now), status: 'True', type: 'PodScheduled' },
      ],
      containerStatuses: containers.map((container) => containerStatus(container, fate, now, false)),
      ...(inits.length === 0 ? {} : { initContainerStatuses: inits.map((container) => containerStatus(container, fate, now, true)) }),
      ...(host === undefined ? {} : { hostIP: host, hostIPs: [{ ip: host }] }),
      phase: fate.is === 'waiting' ? 'Pending' : 'Running',
      ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }),
      startTime: textAt(status, 'startTime') ?? now,
    },
  };
}

/** Whether the kubelet says that a pod is ready. */
export function isReadyPod(pod: KubeObject): boolean {
  return itemsAt(pod, 'status', 'conditions').some((one) => textAt(one, 'type') === 'Ready' && textAt(one, 'status') === 'True');
}

/** Whether a pod is over: whatever happens, it does not run again. */
export function isOver(pod: KubeObject): boolean {
  const phase = textAt(pod, 'status', 'phase');
  return pod.metadata.deletionTimestamp !== undefined || phase === 'Succeeded' || phase === 'Failed';
}

/** Gives free addresses of the pod network of a cluster, each once: the next ones after the highest in use. */
export function freeAddresses(cluster: ClusterState): () => string {
  return freeAddressesAmong(cluster.objects.list('Pod'));
}

/** The same beside some pods. */
export function freeAddressesAmong(pods: readonly KubeObject[]): () => string {
  const used = pods
    .filter((pod) => at(pod, 'spec', 'hostNetwork') !== true)
    .flatMap((pod) => {
      const ip = textAt(pod, 'status', 'podIP') ?? '';
      return ipFamily(ip) === 4 && !ip.includes(':') ? [numberOf(ip)] : [];
    });
  let last = used.reduce((highest, address) => Math.max(highest, address), used.length === 0 ? numberOf('10.244.0.1') : 0);
  return () => {
    do last += 1;
    while (last % 256 === 0 || last % 256 === 255);
    return [24, 16, 8, 0].map((shift) => (last >>> shift) & 255).join('.');
  };
}

function numberOf(address: string): number {
  return address.split('.').reduce((value, part) => value * 256 + Number(part), 0);
}

function nameOf(container: unknown): string {
  return textAt(container, 'name') ?? '';
}

function transition(pod: KubeObject, type: string, holds: boolean, now: string): string {
  const before = itemsAt(pod, 'status', 'conditions').find((one) => textAt(one, 'type') === type);
  const isSame = textAt(before, 'status') === (holds ? 'True' : 'False');
  return (isSame ? textAt(before, 'lastTransitionTime') : undefined) ?? now;
}

function containerStatus(container: unknown, fate: Fate, now: string, isInit: boolean): Readonly<Record<string, unknown>> {
  const name = nameOf(container);
  const isSidecar = isInit && textAt(container, 'restartPolicy') === 'Always';
  const image = textAt(container, 'image') ?? '';
  const base = { image, imageID: '', lastState: {}, name, restartCount: 0 };
  if (fate.is === 'waiting') {
    const isIts = fate.container === undefined || fate.container === name;
    const waiting = isIts ? { message: fate.message, reason: fate.reason } : { reason: 'ContainerCreating' };
    return {
      ...base,
      ready: false,
      started: false,
      state: { waiting: fate.reason === 'ContainerCreating' ? { reason: fate.reason } : waiting },
    };
  }
  if (isInit && !isSidecar) {
    return {
      ...base,
      ready: true,
      started: false,
      state: { terminated: { exitCode: 0, finishedAt: now, reason: 'Completed', startedAt: now } },
    };
  }
  return { ...base, ready: fate.is === 'ready' || name !== 'istio-proxy', started: true, state: { running: { startedAt: now } } };
}

/** Labels of a raw object. */
export function labelsOf(object: unknown): Readonly<Record<string, string>> {
  return mapAt(object, 'metadata', 'labels');
}
