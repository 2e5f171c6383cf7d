import { annotations, labels, names, ports } from '../../istio/labels.ts';
import type { KubeObject, StringMap } from '../../model/kube.ts';
import { annotationsOf, find, labelsOf, type Objects, selects } from './edit.ts';
import { at, itemsAt, mapAt, textAt } from './json.ts';

// What the objects of a mesh are, told by labels, kinds and ports, never by a name that an installer was free to choose.

export const isIstiod = (object: KubeObject): boolean => object.kind === 'Deployment' && labelsOf(object)['app'] === 'istiod';
export const isInjector = (object: KubeObject): boolean =>
  object.kind === 'MutatingWebhookConfiguration' && labelsOf(object)['app'] === 'sidecar-injector';
export const isElection = (object: KubeObject): boolean => object.kind === 'ConfigMap' && object.metadata.name === names.namespaceElection;
export const isRootConfigMap = (object: KubeObject): boolean => object.kind === 'ConfigMap' && object.metadata.name === names.rootConfigMap;
export const isRemoteSecret = (object: KubeObject): boolean =>
  object.kind === 'Secret' &&
  (labelsOf(object)[labels.multiCluster] !== undefined || annotationsOf(object)[annotations.networkingCluster] !== undefined);
export const isReaderToken = (object: KubeObject): boolean =>
  object.kind === 'Secret' &&
  object['type'] === 'kubernetes.io/service-account-token' &&
  annotationsOf(object)['kubernetes.io/service-account.name'] === names.readerServiceAccount;
export const isReaderRole = (object: KubeObject): boolean => object.kind === 'ClusterRole' && labelsOf(object)['app'] === 'istio-reader';

/** The east-west gateway's Service: Istio's own label for it, else a network gateway with the cross-network port. */
export function isEastWestService(object: KubeObject): boolean {
  if (object.kind !== 'Service') return false;
  const own = labelsOf(object);
  return own['istio'] === 'eastwestgateway' || (own[labels.network] !== undefined && portNumbers(object).includes(ports.crossNetwork));
}

/** A Gateway of Istio that opens one of `wanted` ports. */
export function opensPort(...wanted: readonly number[]): (object: KubeObject) => boolean {
  return (object) =>
    isIstioKind(object, 'Gateway') &&
    itemsAt(object, 'spec', 'servers').some((server) => wanted.some((port) => at(server, 'port', 'number') === port));
}

/** The Gateway that exposes istiod, and the VirtualService behind it. */
export const isIstiodGateway = opensPort(ports.discovery, ports.webhook);
export const isCrossNetworkGateway = opensPort(ports.crossNetwork);
export const isIstiodRoute = (object: KubeObject): boolean =>
  isIstioKind(object, 'VirtualService') &&
  itemsAt(object, 'spec', 'tls').some((route) =>
    itemsAt(route, 'match').some((match) => at(match, 'port') === ports.discovery || at(match, 'port') === ports.webhook),
  );

export function isIstioKind(object: KubeObject, kind: string): boolean {
  return object.kind === kind && object.apiVersion.startsWith('networking.istio.io/');
}

/** The remote's Services that stand for the primary's istiod: those its injectors call, else those of discovery without a selector. */
export function isPilotService(objects: Objects): (object: KubeObject) => boolean {
  const called = new Set(objects.filter(isInjector).flatMap((injector) => itemsAt(injector, 'webhooks').map(targetOf)));
  const isCalled = (object: KubeObject): boolean =>
    object.kind === 'Service' && called.has(`${object.metadata.namespace ?? ''}/${object.metadata.name}`);
  const isBare = (object: KubeObject): boolean =>
    object.kind === 'Service' && portNumbers(object).includes(ports.discovery) && at(object, 'spec', 'selector') === undefined;
  return objects.some(isCalled) ? isCalled : isBare;
}

/** `namespace/name` of the Service a webhook entry calls. */
export function targetOf(webhook: unknown): string {
  return `${textAt(webhook, 'clientConfig', 'service', 'namespace') ?? ''}/${textAt(webhook, 'clientConfig', 'service', 'name') ?? ''}`;
}

/** The Istio system namespace: where istiod runs, else where the injectors say that it is. */
export function systemNamespaceOf(objects: Objects): string {
  const istiod = objects.find(isIstiod)?.metadata.namespace;
  if (istiod !== undefined) return istiod;
  const injector = objects.find(isInjector);
  return textAt(injector, 'webhooks', 0, 'clientConfig', 'service', 'namespace') ?? names.defaultSystemNamespace;
}

export function isSystemNamespace(objects: Objects): (object: KubeObject) => boolean {
  const name = systemNamespaceOf(objects);
  return (object) => object.kind === 'Namespace' && object.metadata.name === name;
}

/** Environment variable of the discovery container of istiod. */
export function istiodEnv(objects: Objects, name: string): string | undefined {
  const istiod = objects.find(isIstiod);
  for (const container of itemsAt(istiod, 'spec', 'template', 'spec', 'containers')) {
    for (const entry of itemsAt(container, 'env')) if (at(entry, 'name') === name) return textAt(entry, 'value');
  }
  return undefined;
}

/** What istiod of this cluster calls its own cluster. */
export const clusterIdOf = (objects: Objects): string => istiodEnv(objects, 'CLUSTER_ID') ?? names.defaultClusterId;

/** What the injectors of a remote say its pods shall claim. */
export function injectionOf(objects: Objects): { cluster: string | undefined; network: string | undefined } {
  const path = textAt(find(objects, isInjector, 'injector'), 'webhooks', 0, 'clientConfig', 'service', 'path') ?? '';
  return { cluster: /\/cluster\/([^/]+)/.exec(path)?.[1], network: /\/net\/([^/]+)/.exec(path)?.[1] };
}

export const isPod = (object: KubeObject): boolean => object.kind === 'Pod';
/** A pod that runs Istio's proxy, as sidecar or gateway. */
export const isProxy = (object: KubeObject): boolean => isPod(object) && proxyEnv(object, 'ISTIO_META_CLUSTER_ID') !== undefined;
/** A pod into which a webhook put the proxy beside an application. */
export const isSidecarPod = (object: KubeObject): boolean =>
  isProxy(object) &&
  annotationsOf(object)[annotations.sidecarStatus] !== undefined &&
  annotationsOf(object)['inject.istio.io/templates'] === undefined;

export function proxyEnv(pod: unknown, name: string): string | undefined {
  for (const list of ['containers', 'initContainers']) {
    for (const container of itemsAt(pod, 'spec', list)) {
      if (at(container, 'name') !== 'istio-proxy') continue;
      for (const entry of itemsAt(container, 'env')) if (at(entry, 'name') === name) return textAt(entry, 'value');
    }
  }
  return undefined;
}

export function portNumbers(service: KubeObject): readonly number[] {
  return itemsAt(service, 'spec', 'ports').flatMap((port) => {
    const number = at(port, 'port');
    return typeof number === 'number' ? [number] : [];
  });
}

/** The Deployments whose pods a Service selects; for a gateway's Service that selects nothing, those of the same gateway. */
export function deploymentsBehind(objects: Objects, service: KubeObject): readonly KubeObject[] {
  const templates = (selector: StringMap): readonly KubeObject[] =>
    objects.filter(
      (object) =>
        object.kind === 'Deployment' &&
        object.metadata.namespace === service.metadata.namespace &&
        selects(selector, mapAt(object, 'spec', 'template', 'metadata', 'labels')),
    );
  const selected = templates(mapAt(service, 'spec', 'selector'));
  const gateway = labelsOf(service)['istio'];
  return selected.length > 0 || gateway === undefined ? selected : templates({ istio: gateway });
}

/** Slices and Endpoints that carry the backends of a Service. */
export function isBackendOf(service: KubeObject): (object: KubeObject) => boolean {
  return (object) =>
    object.metadata.namespace === service.metadata.namespace &&
    ((object.kind === 'EndpointSlice' && labelsOf(object)[labels.serviceName] === service.metadata.name) ||
      (object.kind === 'Endpoints' && object.metadata.name === service.metadata.name));
}
