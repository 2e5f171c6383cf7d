import { names } from '../istio/labels.ts';
import type { KubeObject, StringMap } from '../model/kube.ts';
import { type Installed, installed } from './installer.ts';
import { makerOf } from './objects.ts';
import { type Cluster, type ControlPlane, istiodName, suffixOfRevision } from './plan.ts';
import { traitsOf } from './releases.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const group = 'rbac.authorization.k8s.io';
const read = ['get', 'list', 'watch'];
const all = ['get', 'watch', 'list', 'update', 'patch', 'create', 'delete'];
const istioGroups = [
  'config.istio.io',
  'security.istio.io',
  'networking.istio.io',
  'authentication.istio.io',
  'rbac.istio.io',
  'telemetry.istio.io',
  'extensions.istio.io',
];
const rule = (apiGroups: readonly string[] | string, resources: readonly string[] | string, verbs: readonly string[]): Rule => ({
  apiGroups: typeof apiGroups === 'string' ? [apiGroups] : apiGroups,
  resources: typeof resources === 'string' ? [resources] : resources,
  verbs,
});

/** Service account, role and binding by which other clusters' istiods read this one. `isManaged`: one of them manages it too. */
export function reader(cluster: Cluster, plane: ControlPlane, createdAt: string, isManaged: boolean): KubeObject[] {
  const labels = installed(plane, { part: 'ReaderAccount' }, { app: 'istio-reader' });
  const account = makerOf(cluster.name, createdAt)('v1', 'ServiceAccount', {
    name: names.readerServiceAccount,
    namespace: plane.systemNamespace,
    labels,
  });
  return [account, ...readerRole(cluster, plane, createdAt, isManaged)];
}

/** The role and its binding alone: the chart of istiod has them, the account is of the chart `base`. */
export function readerRole(cluster: Cluster, plane: ControlPlane, createdAt: string, isManaged: boolean): KubeObject[] {
  const namespace = plane.systemNamespace;
  const name = `istio-reader-clusterrole${suffixOfRevision(plane.revision)}-${namespace}`;
  const labels = installed(plane, { part: 'Reader' }, { app: 'istio-reader' });
  return bound(cluster, createdAt, {
    name,
    labels,
    rules: readerRules(plane.release, isManaged),
    account: names.readerServiceAccount,
    namespace,
  });
}

function readerRules(release: string, isManaged: boolean): Rule[] {
  const core = ['endpoints', 'pods', 'services', 'nodes', 'replicationcontrollers', 'namespaces', 'secrets'];
  return [
    rule(istioGroups, '*', read),
    rule('', traitsOf(release).readerReadsConfigMaps ? [...core, 'configmaps'] : core, read),
    rule('networking.istio.io', 'workloadentries', ['get', 'watch', 'list']),
    rule(['networking.x-k8s.io', 'gateway.networking.k8s.io'], 'gateways', ['get', 'watch', 'list']),
    rule('apiextensions.k8s.io', 'customresourcedefinitions', read),
    rule('discovery.k8s.io', 'endpointslices', read),
    rule('multicluster.x-k8s.io', 'serviceexports', [...read, 'create', 'delete']),
    rule('multicluster.x-k8s.io', 'serviceimports', read),
    rule('apps', 'replicasets', read),
    rule('authentication.k8s.io', 'tokenreviews', ['create']),
    rule('authorization.k8s.io', 'subjectaccessreviews', ['create']),
    ...(isManaged
      ? [
          rule('', 'configmaps', ['create', 'get', 'list', 'watch', 'update']),
          rule('admissionregistration.k8s.io', 'mutatingwebhookconfigurations', [...read, 'update', 'patch']),
          rule('admissionregistration.k8s.io', 'validatingwebhookconfigurations', [...read, 'update']),
        ]
      : []),
  ];
}

/** Service account and rights of istiod in its own cluster. */
export function istiodRights(cluster: Cluster, plane: ControlPlane, createdAt: string): KubeObject[] {
  const namespace = plane.systemNamespace;
  const suffix = `${suffixOfRevision(plane.revision)}-${namespace}`;
  const labels = installed(plane, { part: 'Pilot' }, { app: 'istiod' });
  const name = istiodName(plane);
  return [
    makerOf(cluster.name, createdAt)('v1', 'ServiceAccount', { name, namespace, labels }),
    ...bound(cluster, createdAt, {
      name: `istiod-clusterrole${suffix}`,
      labels,
      rules: istiodRules(plane.release),
      account: name,
      namespace,
    }),
    ...bound(cluster, createdAt, {
      name: `istiod-gateway-controller${suffix}`,
      labels,
      rules: gatewayControllerRules(plane.release),
      account: name,
      namespace,
    }),
    ...role(cluster, createdAt, { name, namespace, labels, account: name, rules: istiodNamespaceRules }),
  ];
}

function istiodRules(release: string): Rule[] {
  const { knowsInferencePools } = traitsOf(release);
  const gatewayApi = 'gateway.networking.k8s.io';
  const experimental = 'gateway.networking.x-k8s.io';
  const statuses = [
    'backendtlspolicies',
    'gatewayclasses',
    'gateways',
    'grpcroutes',
    'httproutes',
    'referencegrants',
    'tcproutes',
    'tlsroutes',
    'udproutes',
  ];
  const newer = (...rules: readonly Rule[]) => (knowsInferencePools ? rules : []);
  return [
    rule('admissionregistration.k8s.io', 'mutatingwebhookconfigurations', [...read, 'update', 'patch']),
    rule('admissionregistration.k8s.io', 'validatingwebhookconfigurations', [...read, 'update']),
    rule(istioGroups, '*', ['get', 'watch', 'list']),
    rule('networking.istio.io', 'workloadentries', all),
    rule('networking.istio.io', ['workloadentries/status', 'serviceentries/status'], all),
    rule('security.istio.io', 'authorizationpolicies/status', all),
    rule('', 'services/status', all),
    rule('apiextensions.k8s.io', 'customresourcedefinitions', read),
    rule('', ['pods', 'nodes', 'services', 'namespaces', 'endpoints'], read),
    rule('discovery.k8s.io', 'endpointslices', read),
    rule('networking.k8s.io', ['ingresses', 'ingressclasses'], read),
    rule('networking.k8s.io', 'ingresses/status', ['*']),
    rule('', 'configmaps', ['create', 'get', 'list', 'watch', 'update']),
    rule('authentication.k8s.io', 'tokenreviews', ['create']),
    rule('authorization.k8s.io', 'subjectaccessreviews', ['create']),
    rule(knowsInferencePools ? [gatewayApi, experimental] : gatewayApi, '*', ['get', 'watch', 'list']),
    ...newer(rule(experimental, 'xbackendtrafficpolicies/status', ['update', 'patch'])),
    rule(
      gatewayApi,
      [...statuses, ...(knowsInferencePools ? ['listenersets'] : [])].map((name) => `${name}/status`),
      ['update', 'patch'],
    ),
    rule(gatewayApi, 'gatewayclasses', ['create', 'update', 'patch', 'delete']),
    ...newer(
      rule('inference.networking.k8s.io', 'inferencepools', ['get', 'watch', 'list']),
      rule('inference.networking.k8s.io', 'inferencepools/status', ['update', 'patch']),
    ),
    rule('', 'secrets', ['get', 'watch', 'list']),
    rule('multicluster.x-k8s.io', 'serviceexports', ['get', 'watch', 'list', 'create', 'delete']),
    rule('multicluster.x-k8s.io', 'serviceimports', ['get', 'watch', 'list']),
  ];
}

function gatewayControllerRules(release: string): Rule[] {
  const scaling = [rule('autoscaling', 'horizontalpodautoscalers', all), rule('policy', 'poddisruptionbudgets', all)];
  return [
    rule('apps', 'deployments', all),
    ...(traitsOf(release).knowsInferencePools ? scaling : []),
    rule('', 'services', all),
    rule('', 'serviceaccounts', all),
  ];
}

const istiodNamespaceRules: readonly Rule[] = [
  rule('networking.istio.io', 'gateways', ['create']),
  rule('', 'secrets', ['create', 'get', 'watch', 'list', 'update', 'delete']),
  rule('', 'configmaps', ['delete']),
  rule('coordination.k8s.io', 'leases', ['get', 'update', 'patch', 'create']),
];

/** Service account of a gateway from the installer, and its right to read certificates. */
export function gatewayRights(
  cluster: Cluster,
  plane: ControlPlane,
  gateway: { readonly name: string; readonly createdAt: string; readonly installed: Installed; readonly labels: StringMap },
): KubeObject[] {
  const { name, createdAt } = gateway;
  const namespace = plane.systemNamespace;
  const account = `${name}-service-account`;
  return [
    makerOf(cluster.name, createdAt)('v1', 'ServiceAccount', {
      name: account,
      namespace,
      labels: { ...gateway.labels, ...installed(plane, gateway.installed) },
    }),
    ...role(cluster, createdAt, {
      name: `${name}-sds`,
      namespace,
      labels: installed(plane, gateway.installed),
      account,
      hasNamespace: false,
      rules: [rule('', 'secrets', ['get', 'watch', 'list'])],
    }),
  ];
}

interface Granted {
  readonly name: string;
  readonly labels: StringMap;
  readonly rules: readonly Rule[];
  readonly account: string;
  readonly namespace: string;
  readonly hasNamespace?: false;
  /** Name of the binding, where it is not the role's. */
  readonly bindingName?: string;
}

/** A ClusterRole and its binding, both under one name. */
export function bound(
  cluster: Cluster,
  createdAt: string,
  { name, labels, rules, account, namespace, bindingName }: Granted,
): KubeObject[] {
  const make = makerOf(cluster.name, createdAt);
  return [
    make(`${group}/v1`, 'ClusterRole', { name, labels }, { rules }),
    make(
      `${group}/v1`,
      'ClusterRoleBinding',
      { name: bindingName ?? name, labels },
      { roleRef: { apiGroup: group, kind: 'ClusterRole', name }, subjects: [{ kind: 'ServiceAccount', name: account, namespace }] },
    ),
  ];
}

function role(cluster: Cluster, createdAt: string, { name, namespace, labels, rules, account, hasNamespace }: Granted): KubeObject[] {
  const make = makerOf(cluster.name, createdAt);
  const subject = { kind: 'ServiceAccount', name: account };
  return [
    make(`${group}/v1`, 'Role', { name, namespace, labels }, { rules }),
    make(
      `${group}/v1`,
      'RoleBinding',
      { name, namespace, labels },
      { roleRef: { apiGroup: group, kind: 'Role', name }, subjects: [hasNamespace === false ? subject : { ...subject, namespace }] },
    ),
  ];
}
