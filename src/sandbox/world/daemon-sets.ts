import { isDeepEqual } from '../../base/equal.ts';
import { at, isRecord, textAt } from '../../builder/edits/json.ts';
import { templateHashOf } from '../../builder/seeded.ts';
import type { KubeObject } from '../../model/kube.ts';
import type { Rollout, Rollouts } from './deployments.ts';
import { podsOf } from './indexes.ts';
import { admit, templateOf } from './injection.ts';
import type { Knowledge } from './knowledge.ts';
import { isOver, isReadyPod, labelsOf, newPod, tokenVolume } from './pods.ts';
import type { Change, ClusterState } from './state.ts';

const hashLabel = 'controller-revision-hash';

/** DaemonSets that were there when the world began: their pods are as they are, on the nodes where they are. */
export function firstDaemons({ state }: Knowledge): Rollouts {
  const found = new Map<string, Rollout>();
  for (const cluster of state.clusters.values()) {
    for (const set of cluster.objects.list('DaemonSet')) {
      const hash = ownedBy(set, cluster)
        .map((pod) => labelsOf(pod)[hashLabel])
        .find((label) => label !== undefined);
      if (hash !== undefined) found.set(keyOf(cluster, set), { template: at(set, 'spec', 'template'), hash, isFound: true });
    }
  }
  return found;
}

/** The controller of DaemonSets: a pod on every node, made anew when the template changes. */
export function daemonSets(knowledge: Knowledge, before: Rollouts): { readonly changes: readonly Change[]; readonly daemons: Rollouts } {
  const changes: Change[] = [];
  const daemons = new Map<string, Rollout>();
  for (const cluster of knowledge.state.clusters.values()) {
    for (const set of cluster.objects.list('DaemonSet')) {
      const rollout = rolledOut(set, before.get(keyOf(cluster, set)));
      daemons.set(keyOf(cluster, set), rollout);
      // One that nobody touched is left alone: a recording need not hold all of its pods.
      if (!rollout.isFound) changes.push(...step(set, cluster, rollout, knowledge));
    }
  }
  return { changes, daemons };
}

function step(set: KubeObject, cluster: ClusterState, { template, hash }: Rollout, knowledge: Knowledge): Change[] {
  const { name, namespace = '', uid = '' } = set.metadata;
  const own = ownedBy(set, cluster);
  const current = own.filter((pod) => labelsOf(pod)[hashLabel] === hash);
  const changes: Change[] = own
    .filter((pod) => !current.includes(pod))
    .map((pod) => ({ cluster: cluster.name, remove: { kind: 'Pod', namespace, name: pod.metadata.name } }));
  const nodes = cluster.objects.list('Node').map((node) => node.metadata.name);
  const read = templateOf(template);
  let refused: string | undefined;
  for (const node of nodes.filter((one) => !current.some((pod) => textAt(pod, 'spec', 'nodeName') === one))) {
    if (read === undefined) break;
    const hashed = { ...read, labels: { ...read.labels, [hashLabel]: hash } };
    const admitted = admit(hashed, { namespace, workload: name }, tokenVolume(), cluster, knowledge);
    if ('refused' in admitted) refused = admitted.refused;
    else
      changes.push({
        cluster: cluster.name,
        put: newPod(cluster, namespace, { apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid }, admitted.pod, knowledge.state.now, node),
      });
  }
  const status = statusOf(set, current, nodes.length, refused);
  if (!isDeepEqual(set['status'], status)) changes.push({ cluster: cluster.name, put: { ...set, status } });
  return changes;
}

function statusOf(
  set: KubeObject,
  pods: readonly KubeObject[],
  desired: number,
  refused: string | undefined,
): Readonly<Record<string, unknown>> {
  const ready = pods.filter(isReadyPod).length;
  const missing = desired - ready;
  const { numberUnavailable: _missing, ...status } = isRecord(set['status']) ? set['status'] : {};
  return {
    ...status,
    currentNumberScheduled: pods.length,
    desiredNumberScheduled: desired,
    numberAvailable: ready,
    numberMisscheduled: 0,
    numberReady: ready,
    ...(missing > 0 || refused !== undefined ? { numberUnavailable: missing } : {}),
    observedGeneration: at(set, 'metadata', 'generation') ?? 1,
    updatedNumberScheduled: pods.length,
  };
}

function rolledOut(set: KubeObject, known: Rollout | undefined): Rollout {
  const template = at(set, 'spec', 'template');
  if (known !== undefined && isDeepEqual(known.template, template)) return known;
  const { name, namespace = '', uid = '' } = set.metadata;
  return { template, hash: templateHashOf(`${uid}/${namespace}/${name}/${JSON.stringify(template)}`), isFound: false };
}

function ownedBy(set: KubeObject, cluster: ClusterState): KubeObject[] {
  return podsOf(cluster, set.metadata.namespace, 'DaemonSet', set.metadata.name).filter((pod) => !isOver(pod));
}

function keyOf(cluster: ClusterState, set: KubeObject): string {
  return `${cluster.name}/${set.metadata.uid ?? `${set.metadata.namespace ?? ''}/${set.metadata.name}`}`;
}
