import { isRecord } from '../../builder/patch.ts';
import type { Fields } from '../../model/decode.ts';
import type { KubeObject } from '../../model/kube.ts';
import { fieldsAt, itemsAt, textAt } from './json-path.ts';
import { type Resource, typeKey } from './resources.ts';

/** An object with the values that Kubernetes gives to fields nobody set. */
export function withDefaults(resource: Resource, object: KubeObject): KubeObject {
  return defaulters[typeKey(resource)]?.(object) ?? object;
}

/** `given`, with the entries of `defaults` that it lacks. */
function filled(given: unknown, defaults: Fields): Fields {
  return isRecord(given) ? { ...defaults, ...given } : defaults;
}

function items(value: unknown, change: (item: Fields) => Fields): unknown {
  return Array.isArray(value) ? value.map((item: unknown) => (isRecord(item) ? change(item) : item)) : value;
}

/** The object with a list changed item by item, where it has one. */
function within(object: Fields, key: string, change: (item: Fields) => Fields): Fields {
  return object[key] === undefined ? object : { ...object, [key]: items(object[key], change) };
}

const tcp = (port: Fields): Fields => filled(port, { protocol: 'TCP' });

const workloads = ['DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'] as const;

const specDefaults: Readonly<Record<(typeof workloads)[number], Fields>> = {
  DaemonSet: { revisionHistoryLimit: 10, updateStrategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 }, type: 'RollingUpdate' } },
  Deployment: {
    progressDeadlineSeconds: 600,
    replicas: 1,
    revisionHistoryLimit: 10,
    strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' }, type: 'RollingUpdate' },
  },
  ReplicaSet: { replicas: 1 },
  StatefulSet: {
    podManagementPolicy: 'OrderedReady',
    replicas: 1,
    revisionHistoryLimit: 10,
    updateStrategy: { rollingUpdate: { partition: 0 }, type: 'RollingUpdate' },
  },
};

const defaulters: Readonly<Record<string, (object: KubeObject) => KubeObject>> = {
  '/Endpoints': (object) => withItems(object, 'subsets', (subset) => within(subset, 'ports', tcp)),
  '/Namespace': (object) => ({
    ...object,
    metadata: { ...object.metadata, labels: { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name } },
    spec: filled(object['spec'], { finalizers: ['kubernetes'] }),
    status: filled(object['status'], { phase: 'Active' }),
  }),
  '/Pod': (object) => ({ ...object, spec: podSpec(fieldsAt(object, 'spec')) }),
  '/Secret': (object) => ({ ...object, type: textAt(object, 'type') || 'Opaque' }),
  '/Service': (object) => ({ ...object, spec: serviceSpec(fieldsAt(object, 'spec')) }),
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': (object) =>
    withItems(object, 'webhooks', (webhook) => filled(webhookDefaults(webhook), { reinvocationPolicy: 'Never' })),
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': (object) => withItems(object, 'webhooks', webhookDefaults),
  'apiextensions.k8s.io/CustomResourceDefinition': definition,
  'discovery.k8s.io/EndpointSlice': (object) => withItems(object, 'ports', tcp),
  'rbac.authorization.k8s.io/ClusterRoleBinding': (object) => withItems(object, 'subjects', subject),
  'rbac.authorization.k8s.io/RoleBinding': (object) => withItems(object, 'subjects', subject),
  ...Object.fromEntries(
    workloads.map((kind) => [
      `apps/${kind}`,
      (object: KubeObject): KubeObject => {
        const spec = filled(object['spec'], specDefaults[kind]);
        const template = fieldsAt(spec, 'template');
        return { ...object, spec: { ...spec, template: { ...template, spec: podSpec(fieldsAt(template, 'spec')) } } };
      },
    ]),
  ),
};

function withItems(object: KubeObject, key: string, change: (item: Fields) => Fields): KubeObject {
  return object[key] === undefined ? object : { ...object, [key]: items(object[key], change) };
}

function podSpec(given: Fields): Fields {
  const account = textAt(given, 'serviceAccountName') || textAt(given, 'serviceAccount');
  const spec = filled(given, {
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
  });
  const named = account === '' ? spec : { ...spec, serviceAccount: account, serviceAccountName: account };
  return ['containers', 'initContainers'].reduce((all, key) => within(all, key, container), within(named, 'volumes', volume));
}

function container(given: Fields): Fields {
  const image = textAt(given, 'image');
  const isFloating = !/[:@][^/]*$/.test(image) || image.endsWith(':latest');
  const defaulted = filled(given, {
    imagePullPolicy: isFloating ? 'Always' : 'IfNotPresent',
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  });
  const probed = ['livenessProbe', 'readinessProbe', 'startupProbe'].reduce<Fields>(
    (all, key) => (all[key] === undefined ? all : { ...all, [key]: probe(fieldsAt(all, key)) }),
    within(within(defaulted, 'ports', tcp), 'env', variable),
  );
  return probed;
}

function probe(given: Fields): Fields {
  const defaulted = filled(given, { failureThreshold: 3, periodSeconds: 10, successThreshold: 1, timeoutSeconds: 1 });
  return given['httpGet'] === undefined ? defaulted : { ...defaulted, httpGet: filled(given['httpGet'], { path: '/', scheme: 'HTTP' }) };
}

function variable(given: Fields): Fields {
  const reference = fieldsAt(given, 'valueFrom', 'fieldRef');
  if (Object.keys(reference).length === 0) return given;
  return { ...given, valueFrom: { ...fieldsAt(given, 'valueFrom'), fieldRef: filled(reference, { apiVersion: 'v1' }) } };
}

function volume(given: Fields): Fields {
  return ['configMap', 'secret', 'projected', 'downwardAPI'].reduce<Fields>(
    (all, key) => (all[key] === undefined ? all : { ...all, [key]: filled(all[key], { defaultMode: 420 }) }),
    given,
  );
}

/** Without its address, which depends on those of all others. */
function serviceSpec(given: Fields): Fields {
  const type = textAt(given, 'type') || 'ClusterIP';
  const isExternal = type === 'ExternalName';
  const isReachable = type === 'NodePort' || type === 'LoadBalancer';
  const defaulted = filled(given, {
    sessionAffinity: 'None',
    type,
    ...(isExternal ? {} : { internalTrafficPolicy: 'Cluster', ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }),
    ...(isReachable ? { externalTrafficPolicy: 'Cluster' } : {}),
    ...(type === 'LoadBalancer' ? { allocateLoadBalancerNodePorts: true } : {}),
  });
  return within(defaulted, 'ports', (port) => filled(tcp(port), { targetPort: port['port'] }));
}

function webhookDefaults(given: Fields): Fields {
  const defaulted = filled(given, {
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
  });
  const service = fieldsAt(given, 'clientConfig', 'service');
  const client =
    Object.keys(service).length === 0
      ? given['clientConfig']
      : { ...fieldsAt(given, 'clientConfig'), service: filled(service, { port: 443 }) };
  return within(client === undefined ? defaulted : { ...defaulted, clientConfig: client }, 'rules', (rule) => filled(rule, { scope: '*' }));
}

function subject(given: Fields): Fields {
  return given['kind'] === 'ServiceAccount' ? given : filled(given, { apiGroup: 'rbac.authorization.k8s.io' });
}

function definition(object: KubeObject): KubeObject {
  const names = fieldsAt(object, 'spec', 'names');
  const kind = textAt(names, 'kind');
  const accepted = filled(names, { listKind: `${kind}List`, singular: kind.toLowerCase() });
  return { ...object, spec: filled({ ...fieldsAt(object, 'spec'), names: accepted }, { conversion: { strategy: 'None' } }) };
}

/** Status of a definition whose names are taken and which is served, as the API server writes it itself. */
export function definitionStatus(object: KubeObject, now: string): Fields {
  const condition = (type: string, reason: string, message: string): Fields => ({
    type,
    status: 'True',
    lastTransitionTime: now,
    reason,
    message,
  });
  const stored = itemsAt(object, 'spec', 'versions').filter((version) => version['storage'] === true);
  return {
    acceptedNames: fieldsAt(object, 'spec', 'names'),
    conditions: [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    storedVersions: stored.map((version) => textAt(version, 'name')),
  };
}
