import { at, isRecord, itemsAt, mapAt, textAt } from '../builder/edits/json.ts';
import { emptyCluster, namespaceObjects } from '../builder/kubernetes.ts';
import { mesh as builder } from '../builder/mesh.ts';
import type { Cluster } from '../builder/plan.ts';
import { times } from '../builder/timeline.ts';
import { names } from '../istio/labels.ts';
import type { KubeObject, MeshObjects } from '../model/kube.ts';

/**
 * A mesh as manifests describe it, with what every API server has beside: system namespaces, a node, the authority of the API server
 * in each namespace, and Istio's custom resources. What the manifests say themselves is left as it is.
 */
export function complete(mesh: MeshObjects): MeshObjects {
  const definitions = [...builder().multiPrimary('one', 'two').objects()]
    .slice(0, 1)
    .flatMap(([, objects]) => objects.filter(({ kind }) => kind === 'CustomResourceDefinition'));
  return new Map([...mesh].map(([name, objects], index) => [name, completeCluster(name, index + 1, objects, definitions)]));
}

function completeCluster(
  name: string,
  number: number,
  objects: readonly KubeObject[],
  definitions: readonly KubeObject[],
): readonly KubeObject[] {
  const cluster: Cluster = { name, id: name, number, network: undefined, labelsNetwork: false, kubelet: 'v1.34.4' };
  const known = new Set(objects.map(keyOf));
  const used = new Set(objects.flatMap(({ kind, metadata }) => (kind === 'Namespace' ? [metadata.name] : (metadata.namespace ?? []))));
  const usual = [
    ...emptyCluster(cluster),
    ...[...used].flatMap((namespace) => namespaceObjects(cluster, namespace, times.cluster)),
    ...definitions,
  ];
  const authority = objects.find(isAuthority)?.['data'];
  const hasNode = objects.some(({ kind }) => kind === 'Node');
  const added = new Map(
    usual
      .filter((object) => !known.has(keyOf(object)) && !(hasNode && object.kind === 'Node'))
      .map((object) => [keyOf(object), authority !== undefined && isAuthority(object) ? { ...object, data: authority } : object]),
  );
  return [...objects, ...added.values(), ...replicaSets(objects)];
}

/** The ReplicaSets that pods name as their owners and manifests rarely hold: by them pods go with their Deployment. */
function replicaSets(objects: readonly KubeObject[]): KubeObject[] {
  const known = new Set(objects.map(keyOf));
  const deployments = new Map(objects.filter(({ kind }) => kind === 'Deployment').map((one) => [keyOf(one), one]));
  const sets = new Map<string, KubeObject>();
  for (const pod of objects) {
    if (pod.kind !== 'Pod') continue;
    const { namespace = '', labels = {} } = pod.metadata;
    const owner = itemsAt(pod, 'metadata', 'ownerReferences').find((one) => textAt(one, 'kind') === 'ReplicaSet');
    const [name, uid] = [textAt(owner, 'name'), textAt(owner, 'uid')];
    if (name === undefined || uid === undefined) continue;
    const key = `ReplicaSet/${namespace}/${name}`;
    const deployment = deployments.get(`Deployment/${namespace}/${name.slice(0, name.lastIndexOf('-'))}`);
    if (known.has(key) || deployment === undefined) continue;
    const replicas = Number(at(sets.get(key), 'spec', 'replicas') ?? 0) + 1;
    sets.set(key, replicaSet(deployment, { name, uid, replicas, hash: labels['pod-template-hash'] ?? '' }));
  }
  return [...sets.values()];
}

function replicaSet(
  deployment: KubeObject,
  { name, uid, replicas, hash }: { readonly name: string; readonly uid: string; readonly replicas: number; readonly hash: string },
): KubeObject {
  const { metadata } = deployment;
  const template = at(deployment, 'spec', 'template');
  const labels = { ...mapAt(template, 'metadata', 'labels'), 'pod-template-hash': hash };
  const controller = {
    apiVersion: 'apps/v1',
    blockOwnerDeletion: true,
    controller: true,
    kind: 'Deployment',
    name: metadata.name,
    uid: metadata.uid ?? '',
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name,
      namespace: metadata.namespace ?? '',
      uid,
      labels,
      annotations: { 'deployment.kubernetes.io/desired-replicas': String(replicas), 'deployment.kubernetes.io/revision': '1' },
      ownerReferences: [controller],
      ...(metadata.creationTimestamp === undefined ? {} : { creationTimestamp: metadata.creationTimestamp }),
    },
    spec: {
      replicas,
      selector: { matchLabels: { ...mapAt(deployment, 'spec', 'selector', 'matchLabels'), 'pod-template-hash': hash } },
      template: isRecord(template) ? { ...template, metadata: { ...mapOf(template['metadata']), labels } } : {},
    },
    status: { replicas, readyReplicas: replicas, availableReplicas: replicas, observedGeneration: 1 },
  };
}

function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function isAuthority({ kind, metadata }: KubeObject): boolean {
  return kind === 'ConfigMap' && metadata.name === names.apiServerCaConfigMap;
}

function keyOf({ kind, metadata }: KubeObject): string {
  return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}
