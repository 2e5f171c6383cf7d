import { redact } from '../base/text.ts';
import { labels as label, names } from '../istio/labels.ts';
import {
  defined,
  type Fields,
  fields,
  filled,
  flag,
  isTrue,
  objects,
  optionalFields,
  scalarText,
  sharedTextMap,
  text,
  textMap,
  texts,
  type Tally,
  time,
  whole,
} from '../model/decode.ts';
import type { ControlPlane, Workload } from '../model/facts.ts';
import { clusterId, revision } from '../model/ids.ts';
import type { StringMap } from '../model/kube.ts';
import type { ReducedObject } from '../model/snapshot.ts';
import { envOf, istiodContainer, plainVersion, proxyContainer, reduceContainers, remoteMount, versionOfImage } from './containers.ts';
import { defineFact, namespacedEntity, type Projection, statusMark, uncounted } from './fact.ts';
import { defineKind, reduceStatusOf } from './kind.ts';
import { reduceTemplateMetadata } from './metadata.ts';
import { secrets } from './secrets.ts';

export const deployments = defineKind({ resource: 'deployments', group: 'apps', kind: 'Deployment', reduce: reduceWorkload });
export const daemonSets = defineKind({ resource: 'daemonsets', group: 'apps', kind: 'DaemonSet', reduce: reduceWorkload });

function reduceWorkload(object: Fields, odd: Tally): Fields {
  const spec = fields(odd, object['spec']);
  const template = fields(odd, spec['template']);
  const pod = fields(odd, template['spec']);
  return {
    spec: defined({
      replicas: whole(odd, spec['replicas']),
      selector: reduceSelector(odd, spec['selector']),
      template: {
        metadata: reduceTemplateMetadata(odd, template['metadata']),
        spec: defined({
          hostNetwork: flag(odd, pod['hostNetwork']),
          serviceAccountName: filled(odd, pod['serviceAccountName']),
          containers: reduceContainers(odd, pod['containers']),
          initContainers: reduceContainers(odd, pod['initContainers']),
          volumes: secretVolumes(odd, pod['volumes']),
          limits: reduceLimits(odd, pod['containers']),
        }),
      },
    }),
    ...reduceStatusOf(object, odd, (status) =>
      defined({
        replicas: whole(odd, status['replicas']),
        readyReplicas: whole(odd, status['readyReplicas']),
        desiredNumberScheduled: whole(odd, status['desiredNumberScheduled']),
        numberReady: whole(odd, status['numberReady']),
        conditions: reduceConditions(odd, status['conditions']),
      }),
    ),
  };
}

/** Only istiod's, and only in its Deployment: pods are many, and have the same. */
function reduceLimits(odd: Tally, containers: unknown): Fields | undefined {
  const istiod = objects(odd, containers).find((container) => container['name'] === istiodContainer);
  if (istiod === undefined) return undefined;
  const limits = optionalFields(odd, optionalFields(odd, istiod['resources'])?.['limits']);
  return defined({ cpu: scalarText(odd, limits?.['cpu']), memory: scalarText(odd, limits?.['memory']) });
}

function reduceSelector(odd: Tally, value: unknown): Fields {
  return { matchLabels: textMap(odd, optionalFields(odd, value)?.['matchLabels']) };
}

function secretVolumes(odd: Tally, value: unknown): readonly Fields[] | undefined {
  const kept = objects(odd, value).flatMap((volume) => {
    const secret = optionalFields(odd, volume['secret']);
    const secretName = filled(odd, secret?.['secretName']);
    return secretName === undefined
      ? []
      : [defined({ name: text(odd, volume['name']), secret: defined({ secretName, optional: flag(odd, secret?.['optional']) }) })];
  });
  return kept.length === 0 ? undefined : kept;
}

function reduceConditions(odd: Tally, value: unknown): readonly Fields[] {
  return objects(odd, value).map((condition) =>
    defined({
      type: text(odd, condition['type']) ?? '',
      status: text(odd, condition['status']) ?? '',
      reason: text(odd, condition['reason']) ?? '',
      message: redact(text(odd, condition['message']) ?? '').slice(0, 600),
      since: time(odd, condition['lastTransitionTime']),
    }),
  );
}

export const controlPlanesFact = defineFact({
  fact: 'controlPlanes',
  reads: [deployments],
  uses: [secrets],
  place: 'system',
  project: (objects, projection) => objects.filter(isIstiod).map((object) => projectControlPlane(object, projection)),
});

export const workloadsFact = defineFact({
  fact: 'workloads',
  reads: [daemonSets, deployments],
  place: 'all',
  project: (objects, projection) => objects.filter((object) => !isIstiod(object)).map((object) => projectWorkload(object, projection)),
});

function templateOf(object: ReducedObject): { readonly metadata: Fields; readonly spec: Fields } {
  const template = fields(uncounted, fields(uncounted, object['spec'])['template']);
  return { metadata: fields(uncounted, template['metadata']), spec: fields(uncounted, template['spec']) };
}

function containerOf(object: ReducedObject, name: string): Fields | undefined {
  const { spec } = templateOf(object);
  return [...objects(uncounted, spec['containers']), ...objects(uncounted, spec['initContainers'])].find(
    (container) => container['name'] === name,
  );
}

/** A Deployment labelled, or whose pods are labelled, `app=istiod`, and which runs the container that is istiod. */
export function isIstiod(object: ReducedObject): boolean {
  if (object.kind !== 'Deployment') return false;
  const podLabels = optionalFields(uncounted, templateOf(object).metadata['labels']);
  const isNamed = object.metadata.labels?.['app'] === 'istiod' || podLabels?.['app'] === 'istiod';
  return isNamed && containerOf(object, istiodContainer) !== undefined;
}

function projectControlPlane(object: ReducedObject, projection: Projection): ControlPlane {
  const entity = namespacedEntity(projection, object);
  const container = containerOf(object, istiodContainer);
  const env = envOf(uncounted, container);
  const args = texts(uncounted, container?.['args']);
  const version = plainVersion(entity.labels[label.operatorVersion]) ?? versionOfImage(text(uncounted, container?.['image']));
  const kubeconfig = remoteKubeconfigSecret(object, container, entity.namespace, projection);
  return Object.assign(entity, statusMark(object), {
    revision: revision(env['REVISION'] || entity.labels[label.revision] || names.defaultRevision),
    clusterId: clusterId(env['CLUSTER_ID'] || names.defaultClusterId),
    ...(version === undefined ? undefined : { version }),
    externalIstiod: isTrue(env['EXTERNAL_ISTIOD']),
    localClusterSecretWatcher: isTrue(env['LOCAL_CLUSTER_SECRET_WATCHER']),
    ...(kubeconfig === undefined ? undefined : { remoteKubeconfigSecret: kubeconfig }),
    env,
    clusterDomain: args[0] === '--domain' && args[1] ? args[1] : 'cluster.local',
    ...replicasOf(object),
    selector: selectorOf(object),
    ...limitsOf(object),
  });
}

function limitsOf(object: ReducedObject): Pick<ControlPlane, 'limits'> {
  const limits = optionalFields(uncounted, templateOf(object).spec['limits']);
  if (limits === undefined) return {};
  return { limits: defined({ cpu: filled(uncounted, limits['cpu']), memory: filled(uncounted, limits['memory']) }) };
}

/** The Secret mounted where istiod looks for a config cluster. Optional mounts count only when the Secret is there. */
function remoteKubeconfigSecret(
  object: ReducedObject,
  container: Fields | undefined,
  namespace: string,
  projection: Projection,
): string | undefined {
  const mount = objects(uncounted, container?.['volumeMounts']).find((candidate) => candidate['mountPath'] === remoteMount);
  if (mount === undefined) return undefined;
  const volume = objects(uncounted, templateOf(object).spec['volumes']).find((candidate) => candidate['name'] === mount['name']);
  const secret = fields(uncounted, volume?.['secret']);
  const name = filled(uncounted, secret['secretName']);
  if (name === undefined || secret['optional'] !== true) return name;
  const exists = projection
    .objects(secrets)
    ?.some((candidate) => candidate.metadata.name === name && candidate.metadata.namespace === namespace);
  return exists === true ? name : undefined;
}

function replicasOf(object: ReducedObject): { readonly desiredReplicas: number; readonly readyReplicas: number } {
  const status = fields(uncounted, object['status']);
  const desired = object.kind === 'DaemonSet' ? status['desiredNumberScheduled'] : (fields(uncounted, object['spec'])['replicas'] ?? 1);
  const ready = object.kind === 'DaemonSet' ? status['numberReady'] : status['readyReplicas'];
  return { desiredReplicas: whole(uncounted, desired) ?? 0, readyReplicas: whole(uncounted, ready) ?? 0 };
}

function selectorOf(object: ReducedObject): StringMap {
  return sharedTextMap(uncounted, fields(uncounted, fields(uncounted, object['spec'])['selector'])['matchLabels']);
}

function projectWorkload(object: ReducedObject, projection: Projection): Workload {
  const { metadata, spec } = templateOf(object);
  return Object.assign(namespacedEntity(projection, object), statusMark(object), {
    kind: object.kind,
    ...replicasOf(object),
    selector: selectorOf(object),
    podLabels: sharedTextMap(uncounted, metadata['labels']),
    podAnnotations: sharedTextMap(uncounted, metadata['annotations']),
    proxyEnv: envOf(uncounted, containerOf(object, proxyContainer)),
    hostNetwork: spec['hostNetwork'] === true,
    conditions: objects(uncounted, fields(uncounted, object['status'])['conditions'])
      .map((condition) => ({
        type: text(uncounted, condition['type']) ?? '',
        status: text(uncounted, condition['status']) ?? '',
        reason: text(uncounted, condition['reason']) ?? '',
        message: text(uncounted, condition['message']) ?? '',
        ...(condition['since'] === undefined ? undefined : { since: text(uncounted, condition['since']) ?? '' }),
      }))
      .filter((condition) => condition.status !== (condition.type === 'ReplicaFailure' ? 'False' : 'True')),
  });
}
