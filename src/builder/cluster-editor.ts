import { labels as names } from '../istio/labels.ts';
import type { KubeObject, MeshObjects } from '../model/kube.ts';
import { applyMergePatch, isRecord, type MergePatch, objectsOf, replaceObject } from './patch.ts';

/** A change of a mesh: what it was → what it is. The folder `edits` is full of them. */
export type Edit = (mesh: MeshObjects) => MeshObjects;

type Fields = Readonly<Record<string, string | null>>;

/** Changes a mesh cluster by cluster; every method gives the next state and leaves this one alone. */
export interface MeshEditor {
  readonly objects: MeshObjects;
  readonly cluster: (name: string) => ClusterEditor;
  readonly edit: (edit: Edit) => MeshEditor;
}

/** Changes one cluster. `cluster` turns to another one. */
export interface ClusterEditor extends MeshEditor {
  /** Any edit that takes the cluster it is meant for. */
  readonly apply: (edit: (cluster: string) => Edit) => ClusterEditor;
  readonly add: (object: KubeObject) => ClusterEditor;
  readonly remove: (kind: string, namespace: string | undefined, name: string) => ClusterEditor;
  /** By a function, or by a JSON merge patch. */
  readonly patch: (
    kind: string,
    namespace: string | undefined,
    name: string,
    change: MergePatch | ((object: KubeObject) => KubeObject),
  ) => ClusterEditor;
  /** Labels of a Namespace; null takes one away. */
  readonly relabel: (namespace: string, labels: Fields) => ClusterEditor;
  readonly annotate: (kind: string, namespace: string | undefined, name: string, annotations: Fields) => ClusterEditor;
  /** Takes the network's label from the system namespace. */
  readonly withoutNetworkLabel: (namespace?: string) => ClusterEditor;
  /** Makes a tag of a revision that has an injector here, as `istioctl tag set` does. */
  readonly tag: (name: string, revision: string) => ClusterEditor;
  /** Removes the default tag with its Service, as `istioctl tag remove` does. */
  readonly withoutDefaultTag: () => ClusterEditor;
}

export function editMesh(objects: MeshObjects): MeshEditor {
  return {
    objects,
    cluster: (name) => editCluster(objects, name),
    edit: (edit) => editMesh(edit(objects)),
  };
}

function editCluster(mesh: MeshObjects, cluster: string): ClusterEditor {
  const next = (edit: Edit): ClusterEditor => editCluster(edit(mesh), cluster);
  const patch: ClusterEditor['patch'] = (kind, namespace, name, change) =>
    next((before) =>
      replaceObject(before, cluster, { kind, namespace, name }, (object) =>
        typeof change === 'function' ? change(object) : applyMergePatch(object, change),
      ),
    );
  const withObjects = (change: (objects: readonly KubeObject[]) => readonly KubeObject[]): ClusterEditor =>
    next((before) => new Map(before).set(cluster, change(objectsOf(before, cluster))));
  objectsOf(mesh, cluster);
  return {
    ...editMesh(mesh),
    apply: (edit) => next(edit(cluster)),
    add: (object) => withObjects((objects) => [...objects, object]),
    remove: (kind, namespace, name) => next((before) => replaceObject(before, cluster, { kind, namespace, name }, () => undefined)),
    patch,
    relabel: (namespace, labels) => patch('Namespace', undefined, namespace, { metadata: { labels } }),
    annotate: (kind, namespace, name, annotations) => patch(kind, namespace, name, { metadata: { annotations } }),
    withoutNetworkLabel: (namespace = 'istio-system') =>
      patch('Namespace', undefined, namespace, { metadata: { labels: { [names.network]: null } } }),
    tag: (name, revision) =>
      withObjects((objects) => [...objects.filter((object) => !isTagOf(object, name)), tagOf(objects, cluster, name, revision)]),
    withoutDefaultTag: () =>
      withObjects((objects) => objects.filter((object) => !isTagOf(object, 'default') && !isBehindTagService(object, 'default'))),
  };
}

function isTagOf(object: KubeObject, tag: string): boolean {
  return object.kind === 'MutatingWebhookConfiguration' && object.metadata.labels?.[names.tag] === tag;
}

/** The Service of a tag, its Endpoints and its EndpointSlices. */
function isBehindTagService(object: KubeObject, tag: string): boolean {
  const service = `istiod-revision-tag-${tag}`;
  if (object.kind === 'EndpointSlice') return object.metadata.labels?.[names.serviceName] === service;
  return (object.kind === 'Service' || object.kind === 'Endpoints') && object.metadata.name === service;
}

/** The revision's own injector under the name of the tag. */
function tagOf(objects: readonly KubeObject[], cluster: string, tag: string, revision: string): KubeObject {
  const injector = objects.find(
    (object) =>
      object.kind === 'MutatingWebhookConfiguration' &&
      object.metadata.labels?.[names.revision] === revision &&
      object.metadata.labels[names.tag] === undefined,
  );
  if (injector === undefined) throw new Error(`Revision ${revision} has no injector in ${cluster}.`);
  const name = `istio-revision-tag-${tag}`;
  const webhooks: unknown = injector['webhooks'];
  const { uid: _uid, resourceVersion: _version, ...metadata } = injector.metadata;
  return {
    ...injector,
    metadata: { ...metadata, name, labels: { ...metadata.labels, [names.tag]: tag } },
    webhooks: (Array.isArray(webhooks) ? webhooks : []).flatMap((webhook: unknown) =>
      isRecord(webhook) ? tagWebhook(webhook, revision, tag) : [],
    ),
  };
}

/** Entries that select the revision select the tag instead; others belong to the default tag only. */
function tagWebhook(webhook: Readonly<Record<string, unknown>>, revision: string, tag: string): Readonly<Record<string, unknown>>[] {
  const name = webhook['name'];
  if (name !== 'rev.namespace.sidecar-injector.istio.io' && name !== 'rev.object.sidecar-injector.istio.io') return [];
  const isNamespaces = name === 'rev.namespace.sidecar-injector.istio.io';
  const chosen = { key: names.revision, operator: 'In', values: [tag] };
  const absent = (key: string) => ({ key, operator: 'DoesNotExist' });
  const allowed = { key: names.inject, operator: 'NotIn', values: ['false'] };
  if (revision === tag) return [webhook];
  return [
    {
      ...webhook,
      namespaceSelector: {
        matchExpressions: isNamespaces ? [chosen, absent(names.injection)] : [absent(names.revision), absent(names.injection)],
      },
      objectSelector: { matchExpressions: isNamespaces ? [allowed] : [allowed, chosen] },
    },
  ];
}
