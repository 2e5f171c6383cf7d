import type { KubeObject, StringMap } from '../model/kube.ts';
import { installed } from './installer.ts';
import { makerOf, present } from './objects.ts';
import { type ControlPlane, istiodAddress, suffixOfRevision, type Cluster } from './plan.ts';
import { dnsCaptureVariable, proxyMetadata } from './proxy.ts';
import { traitsOf } from './releases.ts';

type Values = Readonly<Record<string, unknown>>;

/** What somebody gave to the installer for one cluster, beside the control plane's own settings. */
export interface InstallPlan {
  readonly clusterName: string;
  readonly network: string | undefined;
  readonly meshId: string | undefined;
  /** For a remote: address of istiod, and the path of the injector. */
  readonly remote?: { readonly pilotAddress?: string; readonly injectionPath?: string; readonly injectionUrl?: string } | undefined;
  readonly profile?: 'remote' | 'ambient' | undefined;
  readonly createdAt: string;
  readonly global?: Values;
  readonly meshConfig?: Values;
  /** Values at the top, over the chart's own. */
  readonly top?: Values;
}

const owned = { part: 'Pilot', owner: 'unknown' } as const;

/** ConfigMap `istio[-rev]`: the mesh configuration. */
export function meshConfigMap(
  cluster: Cluster,
  plane: ControlPlane,
  createdAt: string,
  more: { readonly labels?: StringMap; readonly mesh?: readonly string[] } = {},
): KubeObject {
  const name = `istio${suffixOfRevision(plane.revision)}`;
  const labels = more.labels ?? installed(plane, owned);
  return makerOf(cluster.name, createdAt)(
    'v1',
    'ConfigMap',
    { name, namespace: plane.systemNamespace, labels },
    { data: { mesh: (more.mesh ?? meshLines(plane)).join('\n'), meshNetworks: 'networks: {}' } },
  );
}

function meshLines(plane: ControlPlane): string[] {
  const metadata = Object.entries(proxyMetadata(plane, plane.dnsCapture));
  return [
    'defaultConfig:',
    `  discoveryAddress: ${istiodAddress(plane)}`,
    ...(plane.ambient ? ['  image:', '    imageType: distroless'] : []),
    ...(plane.meshId === undefined ? [] : [`  meshId: ${plane.meshId}`]),
    ...(metadata.length === 0 ? [] : ['  proxyMetadata:', ...metadata.map(([key, value]) => `    ${key}: ${yamlText(value)}`)]),
    'defaultProviders:',
    '  metrics:',
    '  - prometheus',
    'enablePrometheusMerge: true',
    `rootNamespace: ${plane.systemNamespace}`,
    ...(plane.ambient ? globalServices : []),
    `trustDomain: ${plane.trustDomain}`,
  ];
}

/** Services labelled so are visible in all clusters of an ambient mesh: what profile `ambient` configures. */
const globalServices = [
  'serviceScopeConfigs:',
  '- scope: GLOBAL',
  '  servicesSelector:',
  '    matchExpressions:',
  '    - key: istio.io/global',
  '      operator: In',
  '      values:',
  '      - "true"',
];

/** ConfigMap `istio-sidecar-injector[-rev]`: values and templates of the injector. The templates are left out. */
export function injectorConfigMap(cluster: Cluster, plane: ControlPlane, plan: InstallPlan): KubeObject {
  const { global, revision, sidecarInjectorWebhook } = mergedValues(plane, plan);
  const values = present({
    gateways: { seccompProfile: {}, securityContext: {} },
    global,
    pilot: {
      cni: { ...(plane.ambient ? { ambient: { enabled: true } } : {}), enabled: plane.ambient, provider: 'default' },
      env: plane.ambient ? { PILOT_ENABLE_AMBIENT: 'true' } : {},
    },
    revision: revision === '' ? undefined : revision,
    sidecarInjectorWebhook,
  });
  const config = [
    'defaultTemplates: [sidecar]',
    'policy: enabled',
    'alwaysInjectSelector: []',
    'neverInjectSelector: []',
    'injectedAnnotations: {}',
    'templates: {}',
  ];
  return makerOf(cluster.name, plan.createdAt)(
    'v1',
    'ConfigMap',
    {
      name: `istio-sidecar-injector${suffixOfRevision(plane.revision)}`,
      namespace: plane.systemNamespace,
      labels: installed(plane, owned),
    },
    {
      data: { config: config.join('\n'), values: JSON.stringify(values, null, 2) },
    },
  );
}

/** ConfigMap `values[-rev]`: what the charts were rendered with. Informational. */
export function valuesConfigMap(cluster: Cluster, plane: ControlPlane, plan: InstallPlan): KubeObject[] {
  if (!traitsOf(plane.release).hasValuesConfigMap) return [];
  const annotations = {
    'kubernetes.io/description':
      'This ConfigMap contains the Helm values used during chart rendering. This ConfigMap is rendered for debugging purposes and external tooling; modifying these values has no effect.',
  };
  const map = makerOf(cluster.name, plan.createdAt)(
    'v1',
    'ConfigMap',
    { name: `values${suffixOfRevision(plane.revision)}`, namespace: plane.systemNamespace, annotations, labels: installed(plane, owned) },
    {
      data: {
        'merged-values': JSON.stringify(mergedValues(plane, plan), null, 2),
        'original-values': JSON.stringify(originalValues(plane, plan), null, 2),
      },
    },
  );
  return [map];
}

function originalValues(plane: ControlPlane, plan: InstallPlan): Values {
  return present({
    defaultRevision: '',
    gateways: { 'istio-egressgateway': {}, 'istio-ingressgateway': {} },
    global: present({
      configValidation: true,
      externalIstiod: plane.isExternal && plan.profile !== 'remote' ? true : undefined,
      hub: traitsOf(plane.release).hub,
      istioNamespace: plane.systemNamespace,
      meshID: plan.meshId,
      multiCluster: { clusterName: plan.clusterName },
      network: plan.network,
      remotePilotAddress: plan.remote?.pilotAddress,
      tag: plane.release,
      ...plan.global,
    }),
    istiodRemote:
      plan.remote === undefined ? undefined : present({ injectionPath: plan.remote.injectionPath, injectionURL: plan.remote.injectionUrl }),
    meshConfig:
      plan.meshConfig ??
      (plane.dnsCapture && plan.profile !== 'remote' ? { defaultConfig: { proxyMetadata: { [dnsCaptureVariable]: 'true' } } } : undefined),
    pilot: { cni: { enabled: plane.ambient }, enabled: true },
    profile: plan.profile,
    revision: plane.revision === 'default' ? undefined : plane.revision,
    ztunnel: { resourceName: 'ztunnel' },
    ...plan.top,
  });
}

/** The given values over the chart's own, as far as anybody reads them. */
function mergedValues(plane: ControlPlane, plan: InstallPlan): Values {
  const isRemote = plan.profile === 'remote';
  return present({
    base: { enableIstioConfigCRDs: true },
    configMap: !isRemote,
    defaultRevision: '',
    enabled: true,
    experimental: { stableValidationPolicy: false },
    gateways: { 'istio-egressgateway': {}, 'istio-ingressgateway': {}, seccompProfile: {}, securityContext: {} },
    global: {
      caAddress: '',
      caName: '',
      configCluster: false,
      configValidation: true,
      externalIstiod: plane.isExternal && !isRemote,
      hub: traitsOf(plane.release).hub,
      imagePullPolicy: '',
      imagePullSecrets: [],
      istioNamespace: plane.systemNamespace,
      istiod: { enableAnalysis: false },
      logAsJson: false,
      logging: { level: 'default:info' },
      meshID: plan.meshId ?? '',
      meshNetworks: {},
      mountMtlsCerts: false,
      multiCluster: { clusterName: plan.clusterName },
      network: plan.network ?? '',
      omitSidecarInjectorConfigMap: isRemote,
      operatorManageWebhooks: false,
      pilotCertProvider: 'istiod',
      priorityClassName: '',
      proxy: {
        autoInject: 'enabled',
        clusterDomain: 'cluster.local',
        componentLogLevel: 'misc:error',
        excludeIPRanges: '',
        excludeInboundPorts: '',
        excludeOutboundPorts: '',
        image: 'proxyv2',
        includeIPRanges: '*',
        includeInboundPorts: '*',
        includeOutboundPorts: '',
        logLevel: 'warning',
        privileged: false,
        readinessFailureThreshold: 4,
        readinessInitialDelaySeconds: 0,
        readinessPeriodSeconds: 15,
        resources: { limits: { cpu: '2000m', memory: '1024Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
        startupProbe: { enabled: true, failureThreshold: 600 },
        statusPort: 15020,
        tracer: 'none',
      },
      proxy_init: { forceApplyIptables: false, image: 'proxyv2' },
      remotePilotAddress: plan.remote?.pilotAddress ?? '',
      sds: { token: { aud: 'istio-ca' } },
      sts: { servicePort: 0 },
      tag: plane.release,
      variant: plane.ambient ? 'distroless' : '',
      ...plan.global,
    },
    istiodRemote: {
      enabled: isRemote,
      enabledLocalInjectorIstiod: false,
      injectionCABundle: '',
      injectionPath: plan.remote?.injectionPath ?? '/inject',
      injectionURL: plan.remote?.injectionUrl ?? '',
    },
    meshConfig: { enablePrometheusMerge: true, ...plan.meshConfig },
    pilot: { cni: { enabled: plane.ambient }, enabled: true },
    profile: plan.profile,
    replicaCount: 1,
    revision: plane.revision === 'default' ? '' : plane.revision,
    revisionTags: [],
    sidecarInjectorWebhook: {
      alwaysInjectSelector: [],
      defaultTemplates: [],
      enableNamespacesByDefault: false,
      injectedAnnotations: {},
      neverInjectSelector: [],
      reinvocationPolicy: 'Never',
      rewriteAppHTTPProbe: true,
      templates: {},
    },
    telemetry: { enabled: !isRemote, v2: { enabled: true, prometheus: { enabled: true }, stackdriver: { enabled: false } } },
    ztunnel: { resourceName: 'ztunnel' },
    ...plan.top,
  });
}

/** Words that YAML would take for something else are quoted. */
function yamlText(value: string): string {
  return value === 'true' || value === 'false' ? `"${value}"` : value;
}
