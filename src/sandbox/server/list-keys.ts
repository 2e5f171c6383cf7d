import { type ObjectType, typeKey } from './resources.ts';

/**
 * How a list is merged: item by item, told by one key or several; as a set of scalars; or as one value. Strategic merge uses the first key
 * alone, ownership of fields all of them.
 */
export type ListRule = { readonly keys: readonly string[]; readonly fallback: Readonly<Record<string, string>> } | 'set' | 'atomic';

const by = (...keys: readonly string[]): ListRule => ({ keys, fallback: keys.includes('protocol') ? { protocol: 'TCP' } : {} });

const ofContainers: Readonly<Record<string, ListRule>> = {
  env: by('name'),
  ports: by('containerPort', 'protocol'),
  volumeDevices: by('devicePath'),
  volumeMounts: by('mountPath'),
};

/** By the name of the field that holds the list and of the one around it. */
const rules: Readonly<Record<string, Readonly<Record<string, ListRule>>>> = {
  metadata: { finalizers: 'set', ownerReferences: by('uid') },
  containers: ofContainers,
  initContainers: ofContainers,
  ephemeralContainers: ofContainers,
  spec: {
    containers: by('name'),
    ephemeralContainers: by('name'),
    hostAliases: by('ip'),
    imagePullSecrets: by('name'),
    initContainers: by('name'),
    resourceClaims: by('name'),
    schedulingGates: by('name'),
    topologySpreadConstraints: by('topologyKey', 'whenUnsatisfiable'),
    volumes: by('name'),
  },
  status: { addresses: by('type'), conditions: by('type'), hostIPs: 'atomic', podIPs: by('ip') },
  webhooks: { matchConditions: by('name') },
};

/** Those of one kind. */
const ofKinds: Readonly<Record<string, Readonly<Record<string, ListRule>>>> = {
  '/Service': { 'spec.ports': by('port', 'protocol') },
  '/ServiceAccount': { secrets: by('name') },
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': { webhooks: by('name') },
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': { webhooks: by('name') },
};

/** The rule for a list at a path of field names (items leave no trace in it). Without a schema, lists of custom resources are one value. */
export function listRule(type: ObjectType, isCustom: boolean, path: readonly string[]): ListRule {
  const field = path.at(-1) ?? '';
  const around = path.at(-2) ?? '';
  if (isCustom) return around === 'metadata' && path.length === 2 ? (rules['metadata']?.[field] ?? 'atomic') : 'atomic';
  return ofKinds[typeKey(type)]?.[path.join('.')] ?? rules[around]?.[field] ?? 'atomic';
}
