import { behaves } from './releases.ts';

/**
 * What stops working when the reader of a cluster lacks a right:
 * authentication — no proxy of that cluster is accepted, although the cluster counts as synced;
 * discovery — its services and endpoints are unknown to istiod;
 * management — istiod writes no root certificate and no caBundle there;
 * sync — istiod reports the cluster as timed out for ever, while services and endpoints work;
 * feature — only an optional feature misses it.
 */
export type ReaderEffect = 'authentication' | 'discovery' | 'management' | 'sync' | 'feature';

/** One right of Kubernetes RBAC that istiod uses in a cluster it reads. `group` is empty for the core group. */
export interface ReaderRight {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  readonly effect: ReaderEffect;
  readonly severity: 'error' | 'warning' | 'info';
}

/** Worst first. */
export const readerEffects = ['authentication', 'discovery', 'management', 'sync', 'feature'] as const satisfies readonly ReaderEffect[];

const severities = {
  authentication: 'error',
  discovery: 'error',
  management: 'error',
  sync: 'error',
  feature: 'info',
} as const satisfies Readonly<Record<ReaderEffect, ReaderRight['severity']>>;

interface Row {
  readonly group: string;
  readonly resource: string;
  readonly verbs: readonly string[];
  readonly effect: ReaderEffect;
}

const watch = ['list', 'watch'];

/** In every version, for every cluster that is read (chart istio-discovery: reader-clusterrole.yaml; pilot/pkg/serviceregistry/kube/controller). */
const always: readonly Row[] = [
  { group: 'authentication.k8s.io', resource: 'tokenreviews', verbs: ['create'], effect: 'authentication' },
  { group: '', resource: 'services', verbs: watch, effect: 'discovery' },
  { group: '', resource: 'pods', verbs: watch, effect: 'discovery' },
  { group: '', resource: 'nodes', verbs: watch, effect: 'discovery' },
  { group: '', resource: 'namespaces', verbs: ['get', ...watch], effect: 'discovery' },
  { group: 'discovery.k8s.io', resource: 'endpointslices', verbs: watch, effect: 'discovery' },
  { group: '', resource: 'secrets', verbs: watch, effect: 'sync' },
  { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions', verbs: watch, effect: 'sync' },
  { group: 'networking.istio.io', resource: 'workloadentries', verbs: watch, effect: 'sync' },
  { group: 'gateway.networking.k8s.io', resource: 'gateways', verbs: watch, effect: 'sync' },
  { group: 'authorization.k8s.io', resource: 'subjectaccessreviews', verbs: ['create'], effect: 'feature' },
];

/** For a cluster that an istiod elsewhere manages (annotation `topology.istio.io/controlPlaneClusters`). */
const managed: readonly Row[] = [
  { group: '', resource: 'configmaps', verbs: ['get', 'list', 'watch', 'create', 'update'], effect: 'management' },
  {
    group: 'admissionregistration.k8s.io',
    resource: 'mutatingwebhookconfigurations',
    verbs: ['list', 'watch', 'patch'],
    effect: 'management',
  },
];

/** Where the version reads ConfigMaps of every cluster (1.26, and again since 1.29). */
const configMaps: readonly Row[] = [{ group: '', resource: 'configmaps', verbs: watch, effect: 'sync' }];

/**
 * Rights an istiod of this version uses in a cluster it reads, worst first. `isManaged`: it is to manage that cluster. `served`, when
 * given, are the API groups whose custom resources exist there: rights on others are left out. An unknown version asks for no right
 * that only some versions use.
 */
export function readerRights(istiod: {
  readonly version: string | undefined;
  readonly isManaged: boolean;
  readonly served?: ReadonlySet<string>;
}): ReaderRight[] {
  const rows = [...always];
  if (istiod.isManaged) rows.push(...managed);
  else if (behaves(istiod.version, 'readsRemoteConfigMaps') === true) rows.push(...configMaps);
  const isCustom = (group: string) => group === 'networking.istio.io' || group === 'gateway.networking.k8s.io';
  return rows
    .filter((row) => istiod.served === undefined || !isCustom(row.group) || istiod.served.has(row.group))
    .flatMap((row) =>
      row.verbs.map((verb) => ({ group: row.group, resource: row.resource, verb, effect: row.effect, severity: severities[row.effect] })),
    )
    .sort((a, b) => readerEffects.indexOf(a.effect) - readerEffects.indexOf(b.effect));
}

/** A rule of a Role or ClusterRole, as RBAC spells it. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames: readonly string[];
}

/** Whether one of the rules grants the right on every object of the resource. */
export function grants(rules: readonly Rule[], right: Pick<ReaderRight, 'group' | 'resource' | 'verb'>): boolean {
  return rules.some(
    (rule) =>
      rule.resourceNames.length === 0 &&
      has(rule.verbs, right.verb) &&
      has(rule.apiGroups, right.group) &&
      has(rule.resources, right.resource),
  );
}

/** The rights of `readerRights` that no rule grants, worst first. */
export function missingRights(rules: readonly Rule[], istiod: Parameters<typeof readerRights>[0]): ReaderRight[] {
  return readerRights(istiod).filter((right) => !grants(rules, right));
}

function has(words: readonly string[], word: string): boolean {
  return words.includes(word) || words.includes('*');
}
