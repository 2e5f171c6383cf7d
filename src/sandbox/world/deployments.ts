import { isDeepEqual } from '../../base/equal.ts';
import { at, isRecord, mapAt, textAt } from '../../builder/edits/json.ts';
import { templateHashOf } from '../../builder/seeded.ts';
import { selectsPods } from '../../mesh/selectors.ts';
import type { KubeObject } from '../../model/kube.ts';
import { deploymentStatus, replicaSetStatus, type Standing } from './deployment-status.ts';
import { podsOfDeployment, replicaSetsOf } from './indexes.ts';
import { admit, templateOf } from './injection.ts';
import type { Knowledge } from './knowledge.ts';
import { isOver, isReadyPod, labelsOf, newPod, type PodOwner, tokenVolume } from './pods.ts';
import type { Change, ClusterState } from './state.ts';

/** What a controller knows of a Deployment: the template of its newest ReplicaSet, and the hash of that. */
export interface Rollout {
  readonly template: unknown;
  readonly hash: string;
  /** It began before the world did: how far it says to be is left to it. */
  readonly isFound: boolean;
}

/** By `cluster/uid`. */
export type Rollouts = ReadonlyMap<string, Rollout>;

/** Deployments that were there when the world began are rolled out as they are, whatever their ReplicaSets look like in detail. */
export function firstRollouts({ state }: Knowledge): Rollouts {
  const found = new Map<string, Rollout>();
  for (const cluster of state.clusters.values()) {
    for (const deployment of cluster.objects.list('Deployment')) {
      const hash = newestHash(deployment, cluster);
      if (hash !== undefined) found.set(keyOf(cluster, deployment), { template: at(deployment, 'spec', 'template'), hash, isFound: true });
    }
  }
  return found;
}

/** The controllers of Deployments and ReplicaSets, one step on: pods are created and deleted as a rollout has them, and statuses say so. */
export function deployments(knowledge: Knowledge, before: Rollouts): { readonly changes: readonly Change[]; readonly rollouts: Rollouts } {
  const changes: Change[] = [];
  const rollouts = new Map<string, Rollout>();
  for (const cluster of knowledge.state.clusters.values()) {
    for (const deployment of cluster.objects.list('Deployment')) {
      if (deployment.metadata.deletionTimestamp !== undefined) continue;
      const rollout = rolledOut(deployment, cluster, before.get(keyOf(cluster, deployment)));
      rollouts.set(keyOf(cluster, deployment), rollout);
      changes.push(...step(deployment, cluster, rollout, knowledge));
    }
  }
  return { changes, rollouts };
}

function step(deployment: KubeObject, cluster: ClusterState, rollout: Rollout, knowledge: Knowledge): Change[] {
  const { name, namespace = '' } = deployment.metadata;
  const { now } = knowledge.state;
  const own = ownedPods(deployment, cluster);
  const sets = replicaSetsOf(cluster, deployment.metadata.uid);
  const current = own.filter((pod) => hashOf(pod) === rollout.hash);
  const old = own.filter((pod) => hashOf(pod) !== rollout.hash);
  const bounds = boundsOf(deployment);
  const isPaused = at(deployment, 'spec', 'paused') === true;
  const isReplacing = textAt(deployment, 'spec', 'strategy', 'type') === 'Recreate' && old.length > 0;
  const target = isReplacing || (isPaused && old.length > 0) ? Math.min(current.length, bounds.desired) : targetOf(bounds, old.length);

  const surplus = worstFirst(current).slice(0, Math.max(0, current.length - target));
  const superseded = isPaused ? [] : isReplacing ? old : oldToDelete(old, current, bounds);
  const removed = [...surplus, ...superseded];
  const missing = Math.max(0, target - current.length);

  const changes: Change[] = removed.map((pod) => ({ cluster: cluster.name, remove: { kind: 'Pod', namespace, name: pod.metadata.name } }));
  const existing = sets.find((set) => hashOf(set) === rollout.hash);
  const isNeeded = missing > 0 && existing === undefined;
  const set = isNeeded ? newReplicaSet(deployment, rollout, target) : existing;
  if (isNeeded && set !== undefined) {
    // Its UID is needed before it can own a pod: the next round goes on.
    return [...changes, { cluster: cluster.name, put: set }, revised(deployment, cluster)];
  }
  const created =
    missing > 0 && set !== undefined ? createPods(deployment, ownerOf(set), rollout, missing, cluster, knowledge) : { pods: [] };
  changes.push(...created.pods.map((put) => ({ cluster: cluster.name, put })));

  const left = own.filter((pod) => !removed.includes(pod));
  for (const one of sets) {
    const pods = left.filter((pod) => hashOf(pod) === hashOf(one));
    const isCurrent = one === existing;
    const standing = standingOf(pods, isCurrent ? created.refused : undefined);
    const next = replicaSetStatus(one, { ...standing, wanted: isCurrent ? target : pods.length, bounds }, now);
    if (next !== one) changes.push({ cluster: cluster.name, put: next });
  }
  const standing = standingOf(left, created.refused);
  const updated = left.filter((pod) => hashOf(pod) === rollout.hash).length;
  const next = deploymentStatus(
    deployment,
    { ...standing, updated, bounds, replicaSet: rollout.isFound ? undefined : `${name}-${rollout.hash}` },
    now,
  );
  if (next !== deployment) changes.push({ cluster: cluster.name, put: next });
  return changes;
}

/** How many pods a rollout may have, and how many of them have to be ready. */
export interface Bounds {
  readonly desired: number;
  readonly most: number;
  readonly leastReady: number;
}

function boundsOf(deployment: KubeObject): Bounds {
  const replicas = at(deployment, 'spec', 'replicas');
  const desired = typeof replicas === 'number' ? replicas : 1;
  const rolling = at(deployment, 'spec', 'strategy', 'rollingUpdate');
  const surge = shareOf(at(rolling, 'maxSurge'), desired, Math.ceil);
  const missing = shareOf(at(rolling, 'maxUnavailable'), desired, Math.floor);
  return { desired, most: desired + surge, leastReady: desired - (surge === 0 && missing === 0 ? 1 : missing) };
}

function shareOf(value: unknown, of: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = typeof value === 'string' && value.endsWith('%') ? Number.parseInt(value, 10) : 25;
  return round((percent * of) / 100);
}

function targetOf({ desired, most }: Bounds, old: number): number {
  return Math.max(0, Math.min(desired, most - old));
}

/** Old pods that may go: those that are not ready, and ready ones as long as enough others are. */
function oldToDelete(old: readonly KubeObject[], current: readonly KubeObject[], { desired, leastReady }: Bounds): KubeObject[] {
  const ready = current.filter(isReadyPod).length;
  if (ready >= desired) return [...old];
  const spare = Math.max(0, old.length + current.length - leastReady - current.filter((pod) => !isReadyPod(pod)).length);
  return worstFirst(old).slice(0, Math.min(old.length, spare));
}

/** Not ready before ready, young before old: the order in which pods are given up. */
function worstFirst(pods: readonly KubeObject[]): KubeObject[] {
  const age = (pod: KubeObject): number => Date.parse(pod.metadata.creationTimestamp ?? '') || 0;
  return [...pods].sort((a, b) => Number(isReadyPod(a)) - Number(isReadyPod(b)) || age(b) - age(a));
}

function createPods(
  deployment: KubeObject,
  owner: PodOwner,
  { template, hash }: Rollout,
  count: number,
  cluster: ClusterState,
  knowledge: Knowledge,
): { readonly pods: readonly KubeObject[]; readonly refused?: string } {
  const { name, namespace = '' } = deployment.metadata;
  const read = templateOf(template);
  if (read === undefined) return { pods: [] };
  const hashed = { ...read, labels: { ...read.labels, 'pod-template-hash': hash } };
  const pods: KubeObject[] = [];
  for (let index = 0; index < count; index++) {
    const admitted = admit(hashed, { namespace, workload: name }, tokenVolume(), cluster, knowledge);
    if ('refused' in admitted) return { pods, refused: `Internal error occurred: ${admitted.refused}` };
    pods.push(newPod(cluster, namespace, owner, admitted.pod, knowledge.state.now));
  }
  return { pods };
}

function standingOf(pods: readonly KubeObject[], refused: string | undefined): Standing {
  const ready = pods.filter(isReadyPod).length;
  return { replicas: pods.length, ready, ...(refused === undefined ? {} : { refused }) };
}

function ownerOf(set: KubeObject): PodOwner {
  return { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: set.metadata.name, uid: set.metadata.uid ?? '' };
}

function rolledOut(deployment: KubeObject, cluster: ClusterState, known: Rollout | undefined): Rollout {
  const template = at(deployment, 'spec', 'template');
  if (known !== undefined && isDeepEqual(known.template, template)) return known;
  // Rolled back: the ReplicaSet of that template is used again.
  const same = replicaSetsOf(cluster, deployment.metadata.uid).find((set) =>
    isDeepEqual(withoutHash(at(set, 'spec', 'template')), template),
  );
  const { name, namespace = '', uid = '' } = deployment.metadata;
  const hash = hashOf(same) ?? templateHashOf(`${uid}/${namespace}/${name}/${JSON.stringify(template)}`);
  return { template, hash, isFound: false };
}

function newReplicaSet(deployment: KubeObject, { template, hash }: Rollout, replicas: number): KubeObject {
  const { name, namespace = '', uid = '' } = deployment.metadata;
  const labels = { ...mapAt(template, 'metadata', 'labels'), 'pod-template-hash': hash };
  const metadata = { ...(isRecord(template) && isRecord(template['metadata']) ? template['metadata'] : {}), labels };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      annotations: {
        'deployment.kubernetes.io/desired-replicas': String(replicas),
        'deployment.kubernetes.io/revision': String(revisionOf(deployment) + 1),
      },
      ownerReferences: [{ apiVersion: 'apps/v1', blockOwnerDeletion: true, controller: true, kind: 'Deployment', name, uid }],
    },
    spec: {
      replicas,
      selector: { matchLabels: { ...mapAt(deployment, 'spec', 'selector', 'matchLabels'), 'pod-template-hash': hash } },
      template: { ...(isRecord(template) ? template : {}), metadata },
    },
    status: { replicas: 0 },
  };
}

/** A Deployment counts its ReplicaSets. */
function revised(deployment: KubeObject, cluster: ClusterState): Change {
  const annotations = { ...deployment.metadata.annotations, 'deployment.kubernetes.io/revision': String(revisionOf(deployment) + 1) };
  return { cluster: cluster.name, put: { ...deployment, metadata: { ...deployment.metadata, annotations } } };
}

function revisionOf(object: KubeObject): number {
  return Number.parseInt(object.metadata.annotations?.['deployment.kubernetes.io/revision'] ?? '0', 10) || 0;
}

function newestHash(deployment: KubeObject, cluster: ClusterState): string | undefined {
  const sets = [...replicaSetsOf(cluster, deployment.metadata.uid)].sort((a, b) => revisionOf(b) - revisionOf(a));
  const newest = sets.find((set) => at(set, 'spec', 'replicas') !== 0) ?? sets[0];
  return (
    hashOf(newest) ??
    ownedPods(deployment, cluster)
      .map(hashOf)
      .find((hash) => hash !== undefined)
  );
}

function hashOf(object: unknown): string | undefined {
  return labelsOf(object)['pod-template-hash'];
}

function withoutHash(template: unknown): unknown {
  if (!isRecord(template) || !isRecord(template['metadata'])) return template;
  const { 'pod-template-hash': _hash, ...labels } = mapAt(template, 'metadata', 'labels');
  return { ...template, metadata: { ...template['metadata'], labels } };
}

/** Pods of a Deployment: owned by a ReplicaSet of its name, which a recording may lack, and selected by it. */
function ownedPods(deployment: KubeObject, cluster: ClusterState): KubeObject[] {
  const selector = mapAt(deployment, 'spec', 'selector', 'matchLabels');
  return podsOfDeployment(cluster, deployment.metadata.namespace, deployment.metadata.name).filter(
    (pod) => !isOver(pod) && selectsPods(selector, labelsOf(pod)),
  );
}

function keyOf(cluster: ClusterState, deployment: KubeObject): string {
  return `${cluster.name}/${deployment.metadata.uid ?? `${deployment.metadata.namespace ?? ''}/${deployment.metadata.name}`}`;
}
