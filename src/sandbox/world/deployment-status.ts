import { at, isRecord, itemsAt, textAt } from '../../builder/edits/json.ts';
import type { KubeObject } from '../../model/kube.ts';
import type { Bounds } from './deployments.ts';

/** Pods of a workload, and why there are not more. */
export interface Standing {
  readonly replicas: number;
  readonly ready: number;
  readonly refused?: string;
}

interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** The Deployment with the status that its controller writes; the very same object when that changes nothing. */
export function deploymentStatus(
  deployment: KubeObject,
  standing: Standing & { readonly updated: number; readonly bounds: Bounds; readonly replicaSet: string | undefined },
  now: string,
): KubeObject {
  const { replicas, ready, updated, bounds, refused } = standing;
  const counts = {
    observedGeneration: at(deployment, 'metadata', 'generation') ?? at(deployment, 'status', 'observedGeneration'),
    replicas,
    updatedReplicas: updated,
    readyReplicas: ready,
    availableReplicas: ready,
    unavailableReplicas: Math.max(0, bounds.desired - ready),
  };
  const isAvailable = ready >= bounds.leastReady;
  const isComplete = updated === bounds.desired && replicas === updated && ready >= bounds.desired;
  const wanted: Condition[] = [
    isAvailable
      ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
      : {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        },
    ...(standing.replicaSet === undefined ? [] : progress(deployment, isComplete, standing.replicaSet)),
    ...(refused === undefined ? [] : [failure(refused)]),
  ];
  return withStatus(deployment, counts, wanted, now, refused === undefined);
}

/** The same for a ReplicaSet, whose spec its Deployment writes. */
export function replicaSetStatus(
  set: KubeObject,
  { replicas, ready, refused, wanted, bounds }: Standing & { readonly wanted: number; readonly bounds: Bounds },
  now: string,
): KubeObject {
  const spec = isRecord(set['spec']) ? set['spec'] : {};
  const isScaled = spec['replicas'] !== wanted;
  const annotations = { ...set.metadata.annotations, 'deployment.kubernetes.io/desired-replicas': String(bounds.desired) };
  const scaled = isScaled ? { ...set, metadata: { ...set.metadata, annotations }, spec: { ...spec, replicas: wanted } } : set;
  const generation = at(set, 'metadata', 'generation');
  const counts = {
    observedGeneration:
      isScaled && typeof generation === 'number' ? generation + 1 : (at(set, 'status', 'observedGeneration') ?? generation),
    replicas,
    fullyLabeledReplicas: replicas,
    readyReplicas: ready,
    availableReplicas: ready,
  };
  return withStatus(scaled, counts, refused === undefined ? [] : [failure(refused)], now, refused === undefined);
}

function failure(message: string): Condition {
  return { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message };
}

/** How far the rollout of a ReplicaSet is. */
function progress(deployment: KubeObject, isComplete: boolean, replicaSet: string): Condition[] {
  const before = itemsAt(deployment, 'status', 'conditions').find((one) => textAt(one, 'type') === 'Progressing');
  const isDone = textAt(before, 'reason') === 'NewReplicaSetAvailable' && (textAt(before, 'message') ?? '').includes(`"${replicaSet}"`);
  // One that was complete once stays so when a pod of it dies.
  if (isDone) return [];
  return isComplete
    ? [
        {
          type: 'Progressing',
          status: 'True',
          reason: 'NewReplicaSetAvailable',
          message: `ReplicaSet "${replicaSet}" has successfully progressed.`,
        },
      ]
    : [{ type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message: `ReplicaSet "${replicaSet}" is progressing.` }];
}

/**
 * Counts that are zero are not stored. A condition is written only when its status or reason changes (deployment/util:
 * SetDeploymentCondition), or when it is about another ReplicaSet.
 */
function withStatus(
  object: KubeObject,
  counts: Readonly<Record<string, unknown>>,
  wanted: readonly Condition[],
  now: string,
  endsFailure: boolean,
): KubeObject {
  const status = isRecord(object['status']) ? object['status'] : {};
  const isZero = (value: unknown): boolean => value === undefined || value === 0;
  const keepsZero = (key: string): boolean => object.kind === 'ReplicaSet' && key === 'replicas';
  let isChanged = object['status'] === undefined;
  const next: Record<string, unknown> = { ...status };
  for (const [key, value] of Object.entries(counts)) {
    if (isZero(value) ? isZero(status[key]) : status[key] === value) continue;
    isChanged = true;
    if (isZero(value) && !keepsZero(key)) delete next[key];
    else next[key] = value ?? 0;
  }
  const conditions = itemsAt(status, 'conditions').filter((one) => !(endsFailure && textAt(one, 'type') === 'ReplicaFailure'));
  if (conditions.length !== itemsAt(status, 'conditions').length) isChanged = true;
  for (const condition of wanted) {
    const index = conditions.findIndex((one) => textAt(one, 'type') === condition.type);
    const before = conditions[index];
    const isSame = textAt(before, 'status') === condition.status && textAt(before, 'reason') === condition.reason;
    if (isSame && (condition.type !== 'Progressing' || textAt(before, 'message') === condition.message)) continue;
    isChanged = true;
    const since = textAt(before, 'status') === condition.status ? (textAt(before, 'lastTransitionTime') ?? now) : now;
    const written = { lastTransitionTime: since, ...(object.kind === 'Deployment' ? { lastUpdateTime: now } : {}), ...condition };
    if (index === -1) conditions.push(written);
    else conditions[index] = written;
  }
  if (!isChanged && object['spec'] !== undefined) return object;
  if (conditions.length > 0) next['conditions'] = conditions;
  else delete next['conditions'];
  return { ...object, status: next };
}
