import { annotations, labels as names } from '../istio/labels.ts';
import type { KubeObject } from '../model/kube.ts';
import { type Addresses, addressesOf } from './addresses.ts';
import { noKey, publicServer } from './certificates.ts';
import { istiodPod, primary } from './control-plane.ts';
import { istioCrds } from './crds.ts';
import { applied } from './exposure.ts';
import { istiod } from './istiod.ts';
import { emptyCluster, namespaceObjects } from './kubernetes.ts';
import { type Leader, ownElections, remoteElection } from './leaders.ts';
import { injectorConfigMap, type InstallPlan, meshConfigMap, valuesConfigMap } from './mesh-config.ts';
import { lastApplied, makerOf, objectUid } from './objects.ts';
import { type Cluster, type ControlPlane, istiodName } from './plan.ts';
import { type BuiltCluster, built, clustersOf, defaultRelease, planeOf, type PresetOptions } from './presets.ts';
import { kubeconfigOf, readerOf, readerToken, remoteSecret } from './remote-secret.ts';
import { istiodRights, reader, readerRole } from './roles.ts';
import { base64Of } from './seeded.ts';
import { traitsOf } from './releases.ts';
import { times } from './timeline.ts';
import { caSecret, rootConfigMaps, type Trust, usualNamespaces } from './trust.ts';
import { defaultValidator, injector, revisionValidator, type WebhookTarget } from './webhooks.ts';

export interface ExternalOptions extends PresetOptions {
  /** Name under which the world reaches istiod. */
  readonly host?: string;
  /** Clusters beside the config cluster that it serves. */
  readonly remotes?: readonly string[];
}

/** Namespace of the external istiod, in its own cluster and in those it serves. */
const namespace = 'external-istiod';
const trustStore = '/etc/ssl/certs/ca-certificates.crt';

/** An istiod that serves clusters it does not run in, beside a mesh that its cluster has of its own. */
export function externalControlPlane(numberOfFirst: number, outside: string, config: string, options: ExternalOptions): BuiltCluster[] {
  const release = options.release ?? defaultRelease;
  const [home, configCluster, ...others] = clustersOf(numberOfFirst, [outside, config, ...(options.remotes ?? [])], 1, {
    ...options,
    release,
  });
  if (home === undefined || configCluster === undefined) throw new Error('An external control plane needs a cluster and a config cluster.');
  const trust = options.trust ?? 'self-signed';
  const host = options.host ?? 'istiod.mesh.example.com';
  const plane = planeOf(configCluster, {
    ...options,
    release,
    revision: 'default',
    isExternal: true,
    tags: [],
    trust,
    systemNamespace: namespace,
    publicAddress: `${host}:15012`,
    proxyMetadata: { CA_ROOT_CA: trustStore, XDS_ROOT_CA: trustStore },
  });
  const { meshId: _meshId, ...ownMesh } = planeOf(
    { ...home, id: 'Kubernetes', network: undefined },
    { release, revision: 'default', isExternal: false, dnsCapture: false, trust: 'plugged-in' },
  );
  const own: ControlPlane = { ...ownMesh, meshId: undefined };
  const addresses = addressesOf(home.number);
  const hosting = [
    ...(trust === 'plugged-in' ? [caSecret(trust, home, namespace, times.remote)] : []),
    ...hostingCluster(home, addresses, own, plane, configCluster, others, host),
  ];
  const leader: Leader = {
    plane,
    pod: istiodPod(hosting.filter((object) => object.metadata.namespace === namespace)),
    since: times.remoteLeading,
  };
  return [
    built({ ...home, id: 'Kubernetes', network: undefined }, own, [...emptyCluster(home), ...hosting], addresses),
    built(
      configCluster,
      plane,
      [...emptyCluster(configCluster), ...servedConfigCluster(configCluster, plane, trust, leader, host)],
      addressesOf(configCluster.number),
    ),
    ...others.map((cluster) =>
      built(cluster, plane, [...emptyCluster(cluster), ...servedRemote(cluster, plane, leader, host)], addressesOf(cluster.number)),
    ),
  ];
}

/** The cluster in which it runs. */
function hostingCluster(
  cluster: Cluster,
  addresses: Addresses,
  own: ControlPlane,
  plane: ControlPlane,
  config: Cluster,
  remotes: readonly Cluster[],
  host: string,
): KubeObject[] {
  const createdAt = times.remote;
  const make = makerOf(cluster.name, createdAt);
  const plan: InstallPlan = {
    clusterName: plane.clusterId,
    network: plane.network,
    meshId: plane.meshId,
    createdAt,
    profile: undefined,
    global: { caAddress: `${host}:15012`, configValidation: false, externalIstiod: true, operatorManageWebhooks: true },
    meshConfig: { defaultConfig: { discoveryAddress: `${host}:15012`, proxyMetadata: plane.proxyMetadata }, rootNamespace: namespace },
  };
  const ports = [
    { name: 'status-port', port: 15021, targetPort: 15021 },
    { name: 'tls-xds', port: 15012, targetPort: 15012 },
    { name: 'tls-webhook', port: 15017, targetPort: 15017 },
  ];
  return [
    ...primary(cluster, addresses, own, {
      trust: 'plugged-in',
      ingressPorts: ports,
      reads: [],
      isRead: false,
      eastWest: undefined,
      exposes: { services: false, istiod: false },
    }),
    makerOf(cluster.name, times.exposure)(
      'v1',
      'Secret',
      { name: 'istiod-gateway-cert', namespace: own.systemNamespace },
      { data: { 'tls.crt': base64Of(publicServer), 'tls.key': base64Of(noKey) }, type: 'kubernetes.io/tls' },
    ),
    ...namespaceObjects(cluster, namespace, createdAt),
    ...rootConfigMaps(cluster, [namespace], own.root, traitsOf(own.release).hasCrl, createdAt),
    make('v1', 'ServiceAccount', { name: 'istiod-service-account', namespace }),
    ...istiodRights(cluster, plane, createdAt),
    ...readerRole(cluster, plane, createdAt, false),
    meshConfigMap(cluster, plane, createdAt),
    injectorConfigMap(cluster, plane, plan),
    ...valuesConfigMap(cluster, plane, plan),
    ...istiod(cluster, addresses, plane, { createdAt, isOutside: true }),
    kubeconfigSecret(cluster, config, createdAt),
    ...exposure(cluster, host),
    ...remotes.map((target) => remoteSecret(cluster, namespace, target, readerOf(namespace), times.remoteSecret)),
  ];
}

/** What `create-remote-secret --type=config` makes: labelled like any remote secret, so that istiod counts the cluster twice. */
function kubeconfigSecret(cluster: Cluster, config: Cluster, createdAt: string): KubeObject {
  const uid = objectUid(config.name, 'Namespace', undefined, 'kube-system');
  const kubeconfig = kubeconfigOf(config, { namespace, name: 'istiod' }, uid);
  return makerOf(cluster.name, createdAt)(
    'v1',
    'Secret',
    {
      name: 'istio-kubeconfig',
      namespace,
      annotations: { [annotations.networkingCluster]: uid },
      labels: { [names.multiCluster]: 'true' },
    },
    { data: { config: base64Of(kubeconfig) }, type: 'Opaque' },
  );
}

/** istiod behind the ingress gateway, with a certificate that every client knows. */
function exposure(cluster: Cluster, host: string): KubeObject[] {
  const target = `istiod.${namespace}.svc.cluster.local`;
  const tls = { credentialName: 'istiod-gateway-cert', mode: 'SIMPLE' };
  // The system's authorities do not know istiod's own certificate.
  const inside = { insecureSkipVerify: true, mode: 'SIMPLE' };
  const server = (name: string, number: number) => ({ hosts: [host], port: { name, number, protocol: 'https' }, tls });
  const route = (port: number, number: number) => ({ match: [{ port }], route: [{ destination: { host: target, port: { number } } }] });
  const make = (kind: string, name: string, spec: Readonly<Record<string, unknown>>) =>
    applied(cluster, times.remoteTag, kind, namespace, name, spec);
  return [
    make('Gateway', 'external-istiod-gw', {
      selector: { istio: 'ingressgateway' },
      servers: [server('https-XDS', 15012), server('https-WEBHOOK', 15017)],
    }),
    make('VirtualService', 'external-istiod-vs', {
      gateways: ['external-istiod-gw'],
      hosts: [host],
      http: [route(15012, 15012), route(15017, 443)],
    }),
    make('DestinationRule', 'external-istiod-dr', {
      host: target,
      trafficPolicy: {
        portLevelSettings: [
          { connectionPool: { http: { h2UpgradePolicy: 'UPGRADE' } }, port: { number: 15012 }, tls: inside },
          { port: { number: 443 }, tls: inside },
        ],
      },
    }),
  ];
}

/** The cluster that holds the configuration: accounts, rights and webhooks, but no istiod and no Service of that name. */
function servedConfigCluster(cluster: Cluster, plane: ControlPlane, trust: Trust, leader: Leader, host: string): KubeObject[] {
  const target = webhookTarget(cluster, host);
  const mesh = [
    `defaultConfig:`,
    `  discoveryAddress: ${istiodName(plane)}.${namespace}.svc:15012`,
    'enablePrometheusMerge: true',
    `rootNamespace: ${namespace}`,
    `trustDomain: ${plane.trustDomain}`,
  ];
  const plan: InstallPlan = {
    ...remoteInstall(cluster, plane, host),
    global: { configCluster: true },
    top: { base: { validationURL: target.url.validate }, configMap: true, defaultRevision: 'default' },
  };
  return [
    ...namespaceObjects(cluster, namespace, times.systemNamespace),
    ...[
      ...istioCrds(cluster, plane, times.istiod),
      ...reader(cluster, plane, times.istiod, true),
      ...istiodRights(cluster, plane, times.istiod),
      meshConfigMap(cluster, plane, times.istiod, { mesh }),
      ...valuesConfigMap(cluster, plane, plan),
      injector(cluster, plane, target),
      revisionValidator(cluster, plane, target),
      everythingValidator(cluster, plane, target),
    ].map(asManifest),
    readerToken(cluster, { namespace, name: 'istiod' }, times.remote),
    ...(trust === 'self-signed' ? [caSecret(trust, cluster, namespace, times.remoteLeading)] : []),
    ...ownElections(cluster, leader, namespace),
    ...rootConfigMaps(cluster, [...usualNamespaces, namespace], plane.root, traitsOf(plane.release).hasCrl, times.remoteLeading),
  ];
}

/** A further cluster: it asks to be managed, and has no Service istiod either. */
function servedRemote(cluster: Cluster, plane: ControlPlane, leader: Leader, host: string): KubeObject[] {
  return [
    ...namespaceObjects(cluster, namespace, times.systemNamespace, {
      annotations: { [annotations.controlPlaneClusters]: plane.clusterId },
    }),
    ...[
      ...istioCrds(cluster, plane, times.istiod),
      ...reader(cluster, plane, times.istiod, true),
      ...valuesConfigMap(cluster, plane, remoteInstall(cluster, plane, host)),
      injector(cluster, plane, webhookTarget(cluster, host)),
    ].map(asManifest),
    readerToken(cluster, readerOf(namespace), times.remoteSecret),
    remoteElection(cluster, leader, namespace),
    ...rootConfigMaps(cluster, [...usualNamespaces, namespace], plane.root, traitsOf(plane.release).hasCrl, times.remoteLeading),
  ];
}

function remoteInstall(cluster: Cluster, plane: ControlPlane, host: string): InstallPlan {
  const injectionUrl = webhookTarget(cluster, host).url.inject;
  return {
    clusterName: '',
    network: undefined,
    meshId: undefined,
    createdAt: times.istiod,
    profile: 'remote',
    remote: { injectionUrl },
    global: { istioNamespace: plane.systemNamespace },
  };
}

/** By URL, so that the API server verifies a public certificate: nobody patches a caBundle. */
function webhookTarget(
  cluster: Cluster,
  host: string,
): WebhookTarget & { readonly url: { readonly inject: string; readonly validate: string } } {
  const base = `https://${host}:15017`;
  return {
    createdAt: times.istiod,
    path: '',
    caBundle: undefined,
    url: {
      inject: `${base}/inject/cluster/${cluster.id.replaceAll('/', '--slash--')}/net/${cluster.network ?? ''}`,
      validate: `${base}/validate`,
    },
  };
}

/** The default validator as the chart `base` writes it: for every object, named or not. */
function everythingValidator(cluster: Cluster, plane: ControlPlane, target: WebhookTarget): KubeObject {
  const validator = defaultValidator(cluster, plane, target);
  const webhooks: unknown = validator['webhooks'];
  const {
    [names.tag]: _tag,
    'install.operator.istio.io/owning-resource-not-pruned': _pruned,
    'install.operator.istio.io/owning-resource': _owner,
    ...labels
  } = validator.metadata.labels ?? {};
  return {
    ...validator,
    metadata: { ...validator.metadata, labels: { ...labels, 'helm.sh/chart': `base-${plane.release}` } },
    webhooks: Array.isArray(webhooks) ? webhooks.map((webhook: object) => ({ ...webhook, objectSelector: {} })) : [],
  };
}

/** An object that came by `istioctl manifest generate | kubectl apply`: without the marks that the installer adds. */
function asManifest(object: KubeObject): KubeObject {
  const { metadata, apiVersion, kind, ...body } = object;
  const isMarked = metadata.labels?.['install.operator.istio.io/owning-resource'] !== undefined;
  const unmarked = Object.entries(metadata.labels ?? {}).filter(
    ([key]) =>
      !operatorMarks.includes(key) &&
      (isMarked || key !== 'operator.istio.io/component') &&
      (isMarked || kind === 'ValidatingWebhookConfiguration' || key !== names.revision),
  );
  const labels = Object.fromEntries(unmarked);
  const { name, namespace: within } = metadata;
  const own = { annotations: metadata.annotations ?? {}, labels, name, ...(within === undefined ? {} : { namespace: within }) };
  return {
    ...object,
    metadata: {
      ...metadata,
      annotations: { ...lastApplied({ apiVersion, kind, metadata: own, ...body }), ...metadata.annotations },
      labels,
    },
  };
}

const operatorMarks = ['install.operator.istio.io/owning-resource-namespace', 'operator.istio.io/managed', names.operatorVersion];
