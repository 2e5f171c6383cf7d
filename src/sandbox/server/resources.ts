import { compareText, distinct, groupBy } from '../../base/sort.ts';
import { type Fields, filled, flag, objects, optionalFields, tally, texts } from '../../model/decode.ts';
import type { KubeObject } from '../../model/kube.ts';

/** What tells kinds apart in a store; the version does not: all versions of a kind are one set of objects. */
export interface ObjectType {
  /** Empty for the core group. */
  readonly group: string;
  readonly kind: string;
}

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';
export type Subresource = 'status' | 'scale' | 'portforward' | 'token' | 'log';

/** A kind as an API server serves it. */
export interface Resource extends ObjectType {
  /** Served versions, preferred first. */
  readonly versions: readonly string[];
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly Verb[];
  readonly subresources: readonly Subresource[];
  /** Comes from a CustomResourceDefinition. */
  readonly isCustom: boolean;
  /** `metadata.generation` counts the changes of its specification. */
  readonly hasGeneration: boolean;
  /** Columns of `kubectl get` that the definition asks for: name and JSON path. */
  readonly columns: readonly { readonly name: string; readonly type: string; readonly jsonPath: string }[];
}

const allVerbs: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

type Rest = Partial<Omit<Resource, 'group' | 'kind' | 'plural'>>;

function builtIn(group: string, kind: string, plural: string, rest: Rest = {}): Resource {
  return {
    group,
    kind,
    plural,
    versions: ['v1'],
    singular: kind.toLowerCase(),
    namespaced: true,
    shortNames: [],
    categories: [],
    verbs: allVerbs,
    subresources: [],
    isCustom: false,
    hasGeneration: false,
    columns: [],
    ...rest,
  };
}

const short = (...shortNames: readonly string[]): Rest => ({ shortNames });
const workload = (subresources: readonly Subresource[], ...shortNames: readonly string[]): Rest => ({
  subresources,
  shortNames,
  categories: ['all'],
  hasGeneration: true,
});

/** Kinds that are served whatever the store holds. */
const builtIns: readonly Resource[] = [
  builtIn('', 'ConfigMap', 'configmaps', short('cm')),
  builtIn('', 'Endpoints', 'endpoints', { ...short('ep'), singular: 'endpoints' }),
  builtIn('', 'Event', 'events', short('ev')),
  builtIn('', 'LimitRange', 'limitranges', short('limits')),
  builtIn('', 'Namespace', 'namespaces', {
    ...short('ns'),
    namespaced: false,
    subresources: ['status'],
    verbs: allVerbs.filter((verb) => verb !== 'deletecollection'),
  }),
  builtIn('', 'Node', 'nodes', { ...short('no'), namespaced: false, subresources: ['status'] }),
  builtIn('', 'PersistentVolumeClaim', 'persistentvolumeclaims', { ...short('pvc'), subresources: ['status'] }),
  builtIn('', 'Pod', 'pods', workload(['status', 'log', 'portforward'], 'po')),
  builtIn('', 'ResourceQuota', 'resourcequotas', { ...short('quota'), subresources: ['status'] }),
  builtIn('', 'Secret', 'secrets'),
  builtIn('', 'Service', 'services', { ...short('svc'), categories: ['all'], subresources: ['status'] }),
  builtIn('', 'ServiceAccount', 'serviceaccounts', { ...short('sa'), subresources: ['token'] }),
  ...(['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'] as const).map((kind) =>
    builtIn('admissionregistration.k8s.io', kind, `${kind.toLowerCase()}s`, {
      namespaced: false,
      categories: ['api-extensions'],
      hasGeneration: true,
    }),
  ),
  builtIn('apiextensions.k8s.io', 'CustomResourceDefinition', 'customresourcedefinitions', {
    ...short('crd', 'crds'),
    namespaced: false,
    categories: ['api-extensions'],
    subresources: ['status'],
    hasGeneration: true,
  }),
  builtIn('apps', 'ControllerRevision', 'controllerrevisions'),
  builtIn('apps', 'DaemonSet', 'daemonsets', workload(['status'], 'ds')),
  builtIn('apps', 'Deployment', 'deployments', workload(['status', 'scale'], 'deploy')),
  builtIn('apps', 'ReplicaSet', 'replicasets', workload(['status', 'scale'], 'rs')),
  builtIn('apps', 'StatefulSet', 'statefulsets', workload(['status', 'scale'], 'sts')),
  builtIn('autoscaling', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers', {
    ...short('hpa'),
    versions: ['v2'],
    categories: ['all'],
    subresources: ['status'],
  }),
  builtIn('batch', 'CronJob', 'cronjobs', workload(['status'], 'cj')),
  builtIn('batch', 'Job', 'jobs', workload(['status'])),
  builtIn('coordination.k8s.io', 'Lease', 'leases'),
  builtIn('discovery.k8s.io', 'EndpointSlice', 'endpointslices', { hasGeneration: true }),
  builtIn('networking.k8s.io', 'Ingress', 'ingresses', { ...short('ing'), subresources: ['status'], hasGeneration: true }),
  builtIn('networking.k8s.io', 'NetworkPolicy', 'networkpolicies', { ...short('netpol'), hasGeneration: true }),
  builtIn('policy', 'PodDisruptionBudget', 'poddisruptionbudgets', { ...short('pdb'), subresources: ['status'], hasGeneration: true }),
  builtIn('rbac.authorization.k8s.io', 'ClusterRole', 'clusterroles', { namespaced: false }),
  builtIn('rbac.authorization.k8s.io', 'ClusterRoleBinding', 'clusterrolebindings', { namespaced: false }),
  builtIn('rbac.authorization.k8s.io', 'Role', 'roles'),
  builtIn('rbac.authorization.k8s.io', 'RoleBinding', 'rolebindings'),
];

const builtInTypes: ReadonlyMap<string, Resource> = new Map(builtIns.map((resource) => [typeKey(resource), resource]));

/** The kind that is served whatever the store holds; nothing for custom ones. */
export function builtInOf(type: ObjectType): Resource | undefined {
  return builtInTypes.get(typeKey(type));
}

/** One text for a kind: `apps/Deployment`, `/Pod`. */
export function typeKey({ group, kind }: ObjectType): string {
  return `${group}/${kind}`;
}

export function typeOf({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): ObjectType {
  return { group: groupOf(apiVersion), kind };
}

export function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

export function apiVersionOf(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** `gateways.networking.istio.io`, `pods`: how messages name a resource. */
export function qualifiedName({ group, plural }: Pick<Resource, 'group' | 'plural'>): string {
  return group === '' ? plural : `${plural}.${group}`;
}

export const definitionType: ObjectType = { group: 'apiextensions.k8s.io', kind: 'CustomResourceDefinition' };

/** All that is served at one time: what is built in, and a kind for each CustomResourceDefinition. */
export interface Catalogue {
  readonly resources: readonly Resource[];
  find(group: string, version: string, plural: string): Resource | undefined;
  ofType(type: ObjectType): Resource | undefined;
  /** Served versions by group, preferred first; groups sorted by name, the core group is ''. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

export function catalogueOf(definitions: readonly KubeObject[]): Catalogue {
  const custom = definitions.flatMap(customResource);
  const resources = [...builtIns, ...custom].sort((a, b) => compareText(qualifiedName(a), qualifiedName(b)));
  const byPath = new Map(
    resources.flatMap((resource) =>
      resource.versions.map((version): [string, Resource] => [`${resource.group}/${version}/${resource.plural}`, resource]),
    ),
  );
  const byType = new Map(resources.map((resource) => [typeKey(resource), resource]));
  const grouped = groupBy(resources, ({ group }) => group);
  const groups = [...grouped.keys(), ...Object.keys(reviewGroups)].sort(compareText).map((group): [string, string[]] => {
    const served = (grouped.get(group) ?? []).flatMap(({ versions }) => versions);
    return [group, distinct([...served, ...(reviewGroups[group] ?? [])]).sort(compareVersions)];
  });
  return {
    resources,
    find: (group, version, plural) => byPath.get(`${group}/${version}/${plural}`),
    ofType: (type) => byType.get(typeKey(type)),
    groups: new Map(groups),
  };
}

/** Groups that only answer questions. */
const reviewGroups: Readonly<Record<string, readonly string[]>> = {
  'authentication.k8s.io': ['v1'],
  'authorization.k8s.io': ['v1'],
};

/** Questions that are POSTed and kept nowhere: group, kind, plural. */
export const reviews = [
  { group: 'authentication.k8s.io', kind: 'SelfSubjectReview', plural: 'selfsubjectreviews' },
  { group: 'authorization.k8s.io', kind: 'SelfSubjectAccessReview', plural: 'selfsubjectaccessreviews' },
  { group: 'authorization.k8s.io', kind: 'SelfSubjectRulesReview', plural: 'selfsubjectrulesreviews' },
] as const;

function customResource(definition: KubeObject): readonly Resource[] {
  const odd = tally();
  const spec = optionalFields(odd, definition['spec']);
  const names = optionalFields(odd, spec?.['names']);
  const group = filled(odd, spec?.['group']);
  const kind = filled(odd, names?.['kind']);
  const plural = filled(odd, names?.['plural']);
  const served = objects(odd, spec?.['versions']).filter((version) => flag(odd, version['served']) !== false);
  if (group === undefined || kind === undefined || plural === undefined || served.length === 0) return [];
  const versions = served.flatMap((version) => filled(odd, version['name']) ?? []).sort(compareVersions);
  const preferred = served.find((version) => version['name'] === versions[0]);
  const subresources = optionalFields(odd, preferred?.['subresources']);
  return [
    builtIn(group, kind, plural, {
      versions,
      singular: filled(odd, names?.['singular']) ?? kind.toLowerCase(),
      namespaced: spec?.['scope'] !== 'Cluster',
      shortNames: texts(odd, names?.['shortNames']),
      categories: texts(odd, names?.['categories']),
      subresources: subresources?.['status'] === undefined ? [] : ['status'],
      isCustom: true,
      hasGeneration: true,
      columns: objects(odd, preferred?.['additionalPrinterColumns']).flatMap(columnOf),
    }),
  ];
}

function columnOf(column: Fields): Resource['columns'] {
  const odd = tally();
  const name = filled(odd, column['name']);
  const jsonPath = filled(odd, column['jsonPath']);
  const isWide = typeof column['priority'] === 'number' && column['priority'] > 0;
  return name === undefined || jsonPath === undefined || isWide ? [] : [{ name, jsonPath, type: filled(odd, column['type']) ?? 'string' }];
}

/** Kubernetes' order of versions: stable before beta before alpha, the newest of each first. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [rankOf(a), rankOf(b)];
  if (left === undefined || right === undefined) return left === right ? compareText(a, b) : left === undefined ? 1 : -1;
  for (const [index, value] of left.entries()) {
    const difference = (right[index] ?? 0) - value;
    if (difference !== 0) return difference;
  }
  return 0;
}

function rankOf(version: string): readonly [number, number, number] | undefined {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return undefined;
  const [, major, stage, minor] = match;
  return [stage === undefined ? 3 : stage === 'beta' ? 2 : 1, Number(major), Number(minor ?? 0)];
}
