import { annotations } from '../../istio/labels.ts';
import type { KubeObject, StringMap } from '../../model/kube.ts';
import { generatedName, generatedUid, timeText } from './clock.ts';
import { annotationsOf, change, changeAny, changed, isNamed, labelsOf, type Objects, put, selects } from './edit.ts';
import { isPod } from './find.ts';
import { at, edited, isRecord, itemsAt, itemsOf, mapAt, type Path, textAt } from './json.ts';

// What Kubernetes' own controllers do when a Deployment changes: everything below plays them, and nothing else.

/** How a rollout differs from a plain restart: what becomes of the template, and of pods beyond what the template says. */
export interface Rollout {
  /** Milliseconds; when the new pods were created. */
  readonly at: number;
  /** The pod template, as `spec.template` of the Deployment holds it. */
  readonly template?: (template: unknown) => unknown;
  /** The pod itself, for what injection and not the template decides. Given after the template's part was applied. */
  readonly pod?: (pod: KubeObject) => KubeObject;
}

/**
 * A finished rollout of one Deployment: its generation and revision count up, the old ReplicaSet is empty, a new one of another
 * hash holds as many pods as before, each with a new name, UID, address and start time; slices and Endpoints follow, and
 * elections of this cluster that an old pod held are held by its successor. What lies in other clusters is left to the caller.
 */
export function rollOut(objects: Objects, deployment: KubeObject, rollout: Rollout): Objects {
  const template = rollout.template ?? restartedTemplate(rollout.at);
  const hash = generatedName(
    `${deployment.metadata.uid ?? ''}/${deployment.metadata.name}/${rollout.at}/${String(at(deployment, 'metadata', 'generation'))}`,
    10,
  );
  const replicaSetName = `${deployment.metadata.name}-${hash}`;
  const owned = ownedBy(objects, deployment);
  const current = owned.replicaSets.find((set) => at(set, 'spec', 'replicas') !== 0) ?? owned.replicaSets[0];
  const previousHash = current === undefined ? undefined : labelsOf(current)['pod-template-hash'];
  const rehash = (labels: unknown): unknown => (isRecord(labels) ? { ...labels, 'pod-template-hash': hash } : labels);
  const successor =
    current === undefined
      ? undefined
      : (
          [
            ['metadata', 'labels'],
            ['spec', 'selector', 'matchLabels'],
            ['spec', 'template', 'metadata', 'labels'],
          ] satisfies Path[]
        ).reduce(
          (set, path) => changed(set, path, rehash),
          changed(
            reborn(changed(current, ['spec', 'template'], template), replicaSetName, rollout.at),
            ['metadata', 'annotations', 'deployment.kubernetes.io/revision'],
            counted,
          ),
        );
  let result: Objects = changeAny(objects, isNamed('Deployment', deployment.metadata.name, deployment.metadata.namespace), (object) =>
    stepped(changed(object, ['spec', 'template'], template)),
  );
  if (current !== undefined) result = changeAny(result, isNamed('ReplicaSet', current.metadata.name, current.metadata.namespace), emptied);
  if (successor !== undefined) result = [...result, successor];
  for (const pod of owned.pods) {
    const hashed = previousHash === undefined ? pod : changed(pod, ['metadata', 'labels'], rehash);
    const renamed = renewedPod(hashed, {
      replicaSet: successor ?? deployment,
      at: rollout.at,
      address: nextAddress(result, textAt(pod, 'status', 'podIP')),
    });
    const next = (rollout.pod ?? ((same: KubeObject) => same))(rollout.template === undefined ? renamed : templated(renamed, template));
    result = replacePod(result, pod, next, rollout.at);
  }
  return result;
}

/** What `kubectl rollout restart` writes into the template. */
export function restartedTemplate(at: number): (template: unknown) => unknown {
  return (template) => edited(template, ['metadata', 'annotations', 'kubectl.kubernetes.io/restartedAt'], () => timeText(at));
}

/** Deployment scaled to nothing: no pods, an empty ReplicaSet, empty slices and Endpoints, an autoscaler that says it is disabled. */
export function scaleToZero(objects: Objects, deployment: KubeObject): Objects {
  const owned = ownedBy(objects, deployment);
  let result: Objects = changeAny(objects, isNamed('Deployment', deployment.metadata.name, deployment.metadata.namespace), (object) =>
    put(withoutReadiness(stepped(put(object, ['spec', 'replicas'], 0), false)), ['status', 'replicas'], undefined),
  );
  for (const set of owned.replicaSets)
    result = changeAny(result, isNamed('ReplicaSet', set.metadata.name, set.metadata.namespace), emptied);
  for (const pod of owned.pods) result = removePod(result, pod);
  return changeAny(result, isScalerOf(deployment), (scaler) =>
    put(
      put(put(scaler, ['status', 'currentReplicas'], 0), ['status', 'desiredReplicas'], 0),
      ['status', 'conditions'],
      [
        {
          type: 'AbleToScale',
          status: 'True',
          reason: 'SucceededGetScale',
          message: "the HPA controller was able to get the target's current scale",
        },
        {
          type: 'ScalingActive',
          status: 'False',
          reason: 'ScalingDisabled',
          message: 'scaling is disabled since the replica count of the target is zero',
        },
      ],
    ),
  );
}

/** Pods that run and never become ready: conditions, container statuses, the Deployment's counts; their addresses move to the not ready ones. */
export function unready(objects: Objects, deployment: KubeObject): Objects {
  const owned = ownedBy(objects, deployment);
  let result: Objects = changeAny(
    objects,
    isNamed('Deployment', deployment.metadata.name, deployment.metadata.namespace),
    withoutReadiness,
  );
  for (const set of owned.replicaSets)
    result = changeAny(result, isNamed('ReplicaSet', set.metadata.name, set.metadata.namespace), withoutReadyCounts);
  for (const pod of owned.pods)
    result = changeAny(result, isNamed('Pod', pod.metadata.name, pod.metadata.namespace), unreadyPod).map((object) =>
      unreadyEndpoint(object, pod.metadata.name),
    );
  return result;
}

/**
 * Pods that were never created because the injector's webhook refused every one of them: the ReplicaSet says so in ReplicaFailure
 * and nothing runs behind the Service.
 */
export function neverStarted(objects: Objects, deployment: KubeObject, refusal: string): Objects {
  const owned = ownedBy(objects, deployment);
  const message = refusal.startsWith('failed calling webhook') ? `Internal error occurred: ${refusal}` : refusal;
  const since = deployment.metadata.creationTimestamp ?? '1970-01-01T00:00:00Z';
  let result: Objects = changeAny(objects, isNamed('Deployment', deployment.metadata.name, deployment.metadata.namespace), (object) =>
    put(
      put(withoutReadiness(object), ['status', 'replicas'], undefined),
      ['status', 'conditions'],
      [
        {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
          lastTransitionTime: since,
          lastUpdateTime: since,
        },
        { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message, lastTransitionTime: since, lastUpdateTime: since },
      ],
    ),
  );
  for (const set of owned.replicaSets) {
    result = changeAny(result, isNamed('ReplicaSet', set.metadata.name, set.metadata.namespace), (object) =>
      put(
        put(withoutReadyCounts(object), ['status', 'replicas'], 0),
        ['status', 'conditions'],
        [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message, lastTransitionTime: since }],
      ),
    );
  }
  for (const pod of owned.pods) result = removePod(result, pod);
  return result;
}

/** A pod deleted, and taken from every slice and Endpoints. */
export function removePod(objects: Objects, pod: KubeObject): Objects {
  return objects
    .filter((object) => object !== pod && !isNamed('Pod', pod.metadata.name, pod.metadata.namespace)(object))
    .map((object) => (sharesNamespace(object, pod) ? withoutEndpoint(object, pod.metadata.name) : object));
}

/** The ReplicaSets and pods that a Deployment's selector matches. */
export function ownedBy(
  objects: Objects,
  deployment: KubeObject,
): { readonly replicaSets: readonly KubeObject[]; readonly pods: readonly KubeObject[] } {
  const selector = mapAt(deployment, 'spec', 'selector', 'matchLabels');
  const matches = (object: KubeObject): boolean => sharesNamespace(object, deployment) && selects(selector, labelsOf(object));
  return {
    replicaSets: objects.filter((object) => object.kind === 'ReplicaSet' && matches(object)),
    pods: objects.filter((object) => isPod(object) && matches(object)),
  };
}

/** Sets a variable of the containers called `container` in a pod spec, or takes it away; where it is missing it is added. */
export function setEnv(spec: unknown, container: string, name: string, value: string | undefined): unknown {
  const set = (list: unknown): unknown =>
    itemsOf(list).map((item) =>
      at(item, 'name') === container
        ? edited(item, ['env'], (old) => {
            const others = itemsOf(old).filter((entry) => at(entry, 'name') !== name);
            const index = itemsOf(old).findIndex((entry) => at(entry, 'name') === name);
            if (value === undefined) return others.length > 0 ? others : undefined;
            return others.toSpliced(index === -1 ? others.length : index, 0, { name, value });
          })
        : item,
    );
  return edited(
    edited(spec, ['containers'], (old) => (old === undefined ? old : set(old))),
    ['initContainers'],
    (old) => (old === undefined ? old : set(old)),
  );
}

export function sharesNamespace(object: KubeObject, other: KubeObject): boolean {
  return object.metadata.namespace === other.metadata.namespace;
}

function isScalerOf(deployment: KubeObject): (object: KubeObject) => boolean {
  return (object) =>
    object.kind === 'HorizontalPodAutoscaler' &&
    sharesNamespace(object, deployment) &&
    at(object, 'spec', 'scaleTargetRef', 'name') === deployment.metadata.name;
}

function counted(old: unknown): unknown {
  return String(Number(typeof old === 'string' ? old : '1') + 1);
}

/** A Deployment after one more change of its spec. */
function stepped(deployment: KubeObject, ofTemplate = true): KubeObject {
  const generation = (old: unknown): number => (typeof old === 'number' ? old : 1) + 1;
  const next = changed(changed(deployment, ['metadata', 'generation'], generation), ['status', 'observedGeneration'], generation);
  return ofTemplate ? changed(next, ['metadata', 'annotations', 'deployment.kubernetes.io/revision'], counted) : next;
}

function emptied(set: KubeObject): KubeObject {
  return put(
    put(withoutReadyCounts(put(set, ['spec', 'replicas'], 0)), ['status', 'replicas'], 0),
    ['status', 'fullyLabeledReplicas'],
    undefined,
  );
}

function withoutReadyCounts(object: KubeObject): KubeObject {
  return put(put(object, ['status', 'readyReplicas'], undefined), ['status', 'availableReplicas'], undefined);
}

function withoutReadiness(deployment: KubeObject): KubeObject {
  const replicas = at(deployment, 'spec', 'replicas');
  const bare = withoutReadyCounts(deployment);
  if (replicas === 0) return put(bare, ['status', 'updatedReplicas'], undefined);
  return changed(put(bare, ['status', 'unavailableReplicas'], replicas ?? 1), ['status', 'conditions', '*'], (condition) =>
    at(condition, 'type') === 'Available' && isRecord(condition)
      ? { ...condition, status: 'False', reason: 'MinimumReplicasUnavailable', message: 'Deployment does not have minimum availability.' }
      : condition,
  );
}

function reborn(object: KubeObject, name: string, at: number): KubeObject {
  return put(
    put(put(object, ['metadata', 'name'], name), ['metadata', 'uid'], generatedUid(`${object.metadata.uid ?? ''}/${name}`)),
    ['metadata', 'creationTimestamp'],
    timeText(at),
  );
}

/** The pod that takes another's place: same shape, new identity. */
function renewedPod(pod: KubeObject, by: { readonly replicaSet: KubeObject; readonly at: number; readonly address: string }): KubeObject {
  const time = timeText(by.at);
  const previous = textAt(pod, 'status', 'podIP');
  const name = `${by.replicaSet.metadata.name}-${generatedName(`${pod.metadata.name}/${time}`, 5)}`;
  const moved = [
    [['metadata', 'generateName'], `${by.replicaSet.metadata.name}-`],
    [['metadata', 'ownerReferences', 0, 'name'], by.replicaSet.metadata.name],
    [['metadata', 'ownerReferences', 0, 'uid'], by.replicaSet.metadata.uid],
    [['status', 'startTime'], time],
    [['status', 'podIP'], by.address],
    [['status', 'podIPs', 0, 'ip'], by.address],
    [['status', 'conditions', '*', 'lastTransitionTime'], time],
    [['status', 'containerStatuses', '*', 'state', 'running', 'startedAt'], time],
  ] satisfies [Path, unknown][];
  const renewed = moved.reduce(
    (object, [path, value]) =>
      at(object, ...path.filter((key) => key !== '*')) === undefined && !path.includes('*') ? object : put(object, path, value),
    reborn(pod, name, by.at),
  );
  return changed(renewed, ['metadata', 'annotations'], (old) =>
    isRecord(old) ? Object.fromEntries(Object.entries(old).map(([key, value]) => [key, value === previous ? by.address : value])) : old,
  );
}

/** What a change of the template means for a pod: the same change on its metadata and spec. */
function templated(pod: KubeObject, template: (template: unknown) => unknown): KubeObject {
  const next = template({ metadata: { labels: labelsOf(pod), annotations: annotationsOf(pod) }, spec: pod['spec'] });
  const withLabels = put(pod, ['metadata', 'labels'], at(next, 'metadata', 'labels'));
  const withAnnotations = put(withLabels, ['metadata', 'annotations'], at(next, 'metadata', 'annotations'));
  return put(withAnnotations, ['spec'], at(next, 'spec'));
}

function replacePod(objects: Objects, before: KubeObject, after: KubeObject, time: number): Objects {
  const address = textAt(after, 'status', 'podIP');
  const reference = { kind: 'Pod', namespace: after.metadata.namespace, name: after.metadata.name, uid: after.metadata.uid };
  const isOld = (endpoint: unknown): boolean => at(endpoint, 'targetRef', 'name') === before.metadata.name;
  return change(objects, isNamed('Pod', before.metadata.name, before.metadata.namespace), () => after, `pod ${before.metadata.name}`).map(
    (object) => {
      if (object.kind === 'EndpointSlice' && sharesNamespace(object, before)) {
        return changed(object, ['endpoints'], (old) =>
          Array.isArray(old)
            ? itemsOf(old).map((endpoint) =>
                isOld(endpoint) && isRecord(endpoint) ? { ...endpoint, addresses: [address], targetRef: reference } : endpoint,
              )
            : old,
        );
      }
      if (object.kind === 'Endpoints' && sharesNamespace(object, before)) {
        return changed(object, ['subsets', '*', 'addresses', '*'], (endpoint) =>
          isOld(endpoint) && isRecord(endpoint) ? { ...endpoint, ip: address, targetRef: reference } : endpoint,
        );
      }
      return heldBy(object, before.metadata.name, after.metadata.name, time);
    },
  );
}

/** An election or lease of this cluster whose holder was replaced: the successor took it over some seconds after it started. */
function heldBy(object: KubeObject, before: string, after: string, time: number): KubeObject {
  const acquired = timeText(time + 5_000);
  if (object.kind === 'Lease' && textAt(object, 'spec', 'holderIdentity') === before) {
    const held = put(put(object, ['spec', 'holderIdentity'], after), ['spec', 'acquireTime'], acquired.replace('Z', '.000000Z'));
    return changed(held, ['spec', 'leaseTransitions'], (old) => (typeof old === 'number' ? old : 0) + 1);
  }
  const record = annotationsOf(object)[annotations.leader];
  if (object.kind !== 'ConfigMap' || record === undefined || !record.includes(`"${before}"`)) return object;
  return put(object, ['metadata', 'annotations', annotations.leader], takenOver(record, after, time + 5_000));
}

/** A record of an election after another holder acquired it; who renews it last is not changed by that. */
export function takenOver(record: string, holder: string, acquired: number): string {
  return record
    .replace(/"holderIdentity":"[^"]*"/, `"holderIdentity":"${holder}"`)
    .replace(/"acquireTime":"[^"]*"/, `"acquireTime":"${timeText(acquired)}"`)
    .replace(/"leaderTransitions":(\d+)/, (_, count: string) => `"leaderTransitions":${Number(count) + 1}`);
}

/** The next free address of the network the old one is in. */
function nextAddress(objects: Objects, previous: string | undefined): string {
  const prefix = (previous ?? '10.0.0.1').replace(/\d+$/, '');
  const used = objects.flatMap((object) => {
    const address = isPod(object) ? textAt(object, 'status', 'podIP') : undefined;
    return address?.startsWith(prefix) === true ? [Number(address.slice(prefix.length))] : [];
  });
  return `${prefix}${Math.max(0, ...used) + 1}`;
}

function unreadyPod(pod: KubeObject): KubeObject {
  const conditions = changed(pod, ['status', 'conditions', '*'], (condition) => {
    const type = textAt(condition, 'type');
    return isRecord(condition) && (type === 'Ready' || type === 'ContainersReady')
      ? { ...condition, status: 'False', reason: 'ContainersNotReady', message: 'containers with unready status: [istio-proxy]' }
      : condition;
  });
  return changed(conditions, ['status', 'containerStatuses', '*'], (status) =>
    at(status, 'name') === 'istio-proxy' && isRecord(status) ? { ...status, ready: false } : status,
  );
}

function unreadyEndpoint(object: KubeObject, pod: string): KubeObject {
  const isIts = (endpoint: unknown): boolean => at(endpoint, 'targetRef', 'name') === pod;
  if (object.kind === 'EndpointSlice') {
    return changed(object, ['endpoints', '*'], (endpoint) =>
      isIts(endpoint) && isRecord(endpoint) ? { ...endpoint, conditions: { ready: false, serving: false, terminating: false } } : endpoint,
    );
  }
  if (object.kind !== 'Endpoints') return object;
  return changed(object, ['subsets', '*'], (subset) => {
    const gone = itemsAt(subset, 'addresses').filter(isIts);
    if (gone.length === 0 || !isRecord(subset)) return subset;
    const left = itemsAt(subset, 'addresses').filter((endpoint) => !isIts(endpoint));
    return {
      ...Object.fromEntries(Object.entries(subset).filter(([key]) => key !== 'addresses')),
      ...(left.length > 0 ? { addresses: left } : {}),
      notReadyAddresses: [...itemsAt(subset, 'notReadyAddresses'), ...gone],
    };
  });
}

function withoutEndpoint(object: KubeObject, pod: string): KubeObject {
  const isIts = (endpoint: unknown): boolean => at(endpoint, 'targetRef', 'name') === pod;
  if (object.kind === 'EndpointSlice' && itemsAt(object, 'endpoints').some(isIts)) {
    const left = itemsAt(object, 'endpoints').filter((endpoint) => !isIts(endpoint));
    // A slice without endpoints has neither: the API server stores both as null.
    return left.length > 0 ? put(object, ['endpoints'], left) : put(put(object, ['endpoints'], null), ['ports'], null);
  }
  if (object.kind !== 'Endpoints') return object;
  const left = itemsAt(object, 'subsets').flatMap((subset) => {
    const addresses = itemsAt(subset, 'addresses').filter((endpoint) => !isIts(endpoint));
    const notReady = itemsAt(subset, 'notReadyAddresses').filter((endpoint) => !isIts(endpoint));
    return isRecord(subset) && addresses.length + notReady.length > 0 ? [{ ...subset, addresses }] : [];
  });
  if (
    left.length === itemsAt(object, 'subsets').length &&
    !itemsAt(object, 'subsets').some((subset) => itemsAt(subset, 'addresses').some(isIts))
  )
    return object;
  return put(object, ['subsets'], left.length > 0 ? left : undefined);
}

/** Labels of a map with one replaced; for selectors that repeat a label. */
export function relabelled(map: StringMap, key: string, value: string): StringMap {
  return key in map ? { ...map, [key]: value } : map;
}
