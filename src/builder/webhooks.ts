import { type InjectorEntry, revisionEntries, unnamedEntries, type WebhookSelector } from '../istio/injector-webhooks.ts';
import { labels } from '../istio/labels.ts';
import type { KubeObject } from '../model/kube.ts';
import { installed } from './installer.ts';
import { makerOf, present } from './objects.ts';
import { type Cluster, type ControlPlane, istiodName, suffixOfRevision } from './plan.ts';
import { base64Of } from './seeded.ts';

/** How the API server reaches istiod's webhooks. */
export interface WebhookTarget {
  readonly createdAt: string;
  /** Path of the injector: `/inject`, in a remote with cluster and network. */
  readonly path: string;
  /** Instead of a Service. */
  readonly url?: { readonly inject: string; readonly validate: string };
  /** Root that istiod patched in; none where nobody does. */
  readonly caBundle: string | undefined;
}

const inside = (key: string, value: string) => ({ key, operator: 'In', values: [value] });
const absent = (key: string) => ({ key, operator: 'DoesNotExist' });

/** The injector of a revision. The one without a name leaves everything to its default tag, if there is one. */
export function injector(cluster: Cluster, plane: ControlPlane, target: WebhookTarget): KubeObject {
  const isUnnamed = plane.revision === 'default';
  const entries = isUnnamed ? [...revisionEntries('default'), ...unnamedEntries] : revisionEntries(plane.revision);
  const never: WebhookSelector = { matchLabels: { [labels.deactivated]: 'never-match' } };
  const isDeactivated = isUnnamed && plane.tags.includes('default');
  const name = `istio-sidecar-injector${suffixOfRevision(plane.revision)}${plane.systemNamespace === 'istio-system' ? '' : `-${plane.systemNamespace}`}`;
  return makerOf(cluster.name, target.createdAt)(
    'admissionregistration.k8s.io/v1',
    'MutatingWebhookConfiguration',
    {
      name,
      generation: isDeactivated ? 3 : 2,
      labels: installed(plane, { part: 'Pilot', owner: 'unknown' }, { app: 'sidecar-injector' }),
    },
    {
      webhooks: entries.map((entry) =>
        webhook(plane, target, isDeactivated ? { ...entry, namespaceSelector: never, objectSelector: never } : entry),
      ),
    },
  );
}

/** The injector of a tag: that of its revision under another name. */
export function tagInjector(cluster: Cluster, plane: ControlPlane, tag: string, target: WebhookTarget): KubeObject {
  const entries = tag === 'default' ? [...revisionEntries(tag), ...unnamedEntries] : revisionEntries(tag);
  return makerOf(cluster.name, target.createdAt)(
    'admissionregistration.k8s.io/v1',
    'MutatingWebhookConfiguration',
    {
      name: `istio-revision-tag-${tag}`,
      generation: 2,
      labels: { ...installed(plane, { part: 'Pilot', owner: 'unknown' }, { app: 'sidecar-injector' }), ...tagLabels(tag) },
    },
    {
      webhooks: entries.map((entry) => webhook(plane, target, entry)),
    },
  );
}

/** What the installer adds to the labels of the objects of a tag. */
export function tagLabels(tag: string): Readonly<Record<string, string>> {
  return { 'install.operator.istio.io/owning-resource-not-pruned': 'true', [labels.tag]: tag };
}

/** The validator of a revision, for objects that name it. */
export function revisionValidator(cluster: Cluster, plane: ControlPlane, target: WebhookTarget): KubeObject {
  return makerOf(cluster.name, target.createdAt)(
    'admissionregistration.k8s.io/v1',
    'ValidatingWebhookConfiguration',
    {
      name: `istio-validator${suffixOfRevision(plane.revision)}-${plane.systemNamespace}`,
      generation: target.caBundle === undefined ? 1 : 3,
      labels: installed(plane, { part: 'Pilot' }, { app: 'istiod', istio: 'istiod' }),
    },
    { webhooks: [validation(plane, target, 'rev.validation.istio.io', inside(labels.revision, plane.revision))] },
  );
}

/** The validator of the default revision, for objects that name none. Nobody completes it in a remote. */
export function defaultValidator(cluster: Cluster, plane: ControlPlane, target: WebhookTarget): KubeObject {
  return makerOf(cluster.name, target.createdAt)(
    'admissionregistration.k8s.io/v1',
    'ValidatingWebhookConfiguration',
    {
      name: 'istiod-default-validator',
      generation: target.caBundle === undefined ? 1 : 3,
      labels: { ...installed(plane, { part: 'Pilot', owner: 'unknown' }, { app: 'istiod', istio: 'istiod' }), ...tagLabels('default') },
    },
    { webhooks: [validation(plane, target, 'validation.istio.io', absent(labels.revision))] },
  );
}

function webhook(
  plane: ControlPlane,
  target: WebhookTarget,
  { name, namespaceSelector, objectSelector }: InjectorEntry,
): Readonly<Record<string, unknown>> {
  return {
    admissionReviewVersions: ['v1'],
    clientConfig: clientConfig(plane, target, target.path, target.url?.inject),
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    name,
    namespaceSelector,
    objectSelector,
    reinvocationPolicy: 'Never',
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: '*' }],
    sideEffects: 'None',
    timeoutSeconds: 10,
  };
}

function validation(plane: ControlPlane, target: WebhookTarget, name: string, requirement: object): Readonly<Record<string, unknown>> {
  return {
    admissionReviewVersions: ['v1'],
    clientConfig: clientConfig(plane, target, '/validate', target.url?.validate),
    failurePolicy: target.caBundle === undefined ? 'Ignore' : 'Fail',
    matchPolicy: 'Equivalent',
    name,
    namespaceSelector: {},
    objectSelector: { matchExpressions: [requirement] },
    rules: [
      {
        apiGroups: ['security.istio.io', 'networking.istio.io', 'telemetry.istio.io', 'extensions.istio.io'],
        apiVersions: ['*'],
        operations: ['CREATE', 'UPDATE'],
        resources: ['*'],
        scope: '*',
      },
    ],
    sideEffects: 'None',
    timeoutSeconds: 10,
  };
}

function clientConfig(
  plane: ControlPlane,
  target: WebhookTarget,
  path: string,
  url: string | undefined,
): Readonly<Record<string, unknown>> {
  const caBundle = target.caBundle === undefined ? undefined : base64Of(target.caBundle);
  if (url !== undefined) return present({ caBundle, url });
  return present({ caBundle, service: { name: istiodName(plane), namespace: plane.systemNamespace, path, port: 443 } });
}
