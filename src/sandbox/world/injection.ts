import { isRecord, itemsAt, mapAt, textAt } from '../../builder/edits/json.ts';
import type { Injection } from '../../builder/plan.ts';
import { gatewayProxy, sidecar } from '../../builder/proxy.ts';
import { type Container, type PodSpec, type PodTemplate, withServiceAccountToken } from '../../builder/workload.ts';
import { istiodHost } from '../../istio/hosts.ts';
import { annotations } from '../../istio/labels.ts';
import { presumedToBehave } from '../../istio/releases.ts';
import { isAtLeast } from '../../istio/versions.ts';
import { flag } from '../../mesh/istiod-view.ts';
import { listOf } from '../../mesh/topology.ts';
import type { Injector, InjectorValues } from '../../model/facts.ts';
import type { KubeObject } from '../../model/kube.ts';
import type { IstiodProcess } from './istiods.ts';
import { type Knowledge, meshConfigOf } from './knowledge.ts';
import { tokenVolume } from './pods.ts';
import type { ClusterState } from './state.ts';
import { injecting } from './webhooks.ts';

const dnsCapture = 'ISTIO_META_DNS_CAPTURE';
/** Release of an istiod that does not say which it is. */
const anyRelease = '1.31.0';

/** A pod of a template after admission, or why it is not created. */
export type Admitted = { readonly pod: PodTemplate } | { readonly refused: string };

/** Sends a pod through admission: the API server's token volume, and the injector that selects it. */
export function admit(
  template: PodTemplate,
  owner: { readonly namespace: string; readonly workload: string },
  token: string,
  cluster: ClusterState,
  knowledge: Knowledge,
): Admitted {
  const account = template.spec.serviceAccountName ?? 'default';
  const drafted: PodTemplate = {
    ...template,
    spec: withServiceAccountToken({ ...template.spec, serviceAccount: account, serviceAccountName: account }, token),
  };
  const candidate = {
    namespace: owner.namespace,
    labels: template.labels,
    annotations: template.annotations ?? {},
    hostNetwork: template.spec['hostNetwork'] === true,
  };
  const injected = injecting(candidate, cluster, knowledge);
  if ('refused' in injected) return injected;
  if (injected.by === 'nobody') return { pod: drafted };
  const injection = injectionOf(injected.by, injected.injector, knowledge);
  const templates = (template.annotations?.['inject.istio.io/templates'] ?? '').split(',');
  if (templates.includes('gateway')) return { pod: gatewayProxy(injection)(drafted, owner) };
  // Somebody wrote the proxy into the template: it is there already.
  const hasProxy = template.spec.containers.some(({ name }) => name === 'istio-proxy');
  return { pod: hasProxy ? drafted : sidecar(injection)(drafted, owner) };
}

/** A pod that somebody makes by hand, as its API server takes it. One that was injected elsewhere, and one without container, stays as it is. */
export function admittedByHand(
  pod: KubeObject,
  cluster: ClusterState,
  knowledge: Knowledge,
): { readonly pod: KubeObject } | { readonly refused: string } {
  const template = templateOf(pod);
  const { namespace, name } = pod.metadata;
  if (template === undefined || namespace === undefined || isInjected(mapAt(pod, 'metadata', 'annotations'))) return { pod };
  const admitted = admit(template, { namespace, workload: name }, tokenVolume(), cluster, knowledge);
  if ('refused' in admitted) return admitted;
  const { labels, annotations: notes, spec } = admitted.pod;
  if (!isInjected(notes ?? {})) return { pod };
  return { pod: { ...pod, metadata: { ...pod.metadata, labels, annotations: notes ?? {} }, spec } };
}

/** The pod template that a workload's raw `spec.template` holds; nothing when it has no container. */
export function templateOf(raw: unknown): PodTemplate | undefined {
  const spec = isRecord(raw) && isRecord(raw['spec']) ? raw['spec'] : {};
  const containers = itemsAt(spec, 'containers').filter(isContainer);
  if (containers.length === 0) return undefined;
  const { initContainers: _init, volumes: _volumes, serviceAccountName: _account, tolerations: _tolerations, ...rest } = spec;
  const initContainers = itemsAt(spec, 'initContainers').filter(isContainer);
  const volumes = itemsAt(spec, 'volumes').filter(isRecord);
  const tolerations = itemsAt(spec, 'tolerations').filter(isRecord);
  const serviceAccountName = textAt(spec, 'serviceAccountName');
  const podSpec: PodSpec = {
    ...rest,
    containers,
    ...(initContainers.length === 0 ? {} : { initContainers }),
    ...(volumes.length === 0 ? {} : { volumes }),
    ...(tolerations.length === 0 ? {} : { tolerations }),
    ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
  };
  return { labels: mapAt(raw, 'metadata', 'labels'), annotations: mapAt(raw, 'metadata', 'annotations'), spec: podSpec };
}

function isContainer(value: unknown): value is Container {
  return isRecord(value) && typeof value['name'] === 'string' && typeof value['image'] === 'string';
}

/** What a process injects: its own values and mesh config, and for cluster and network what the path of the webhook says. */
function injectionOf(process: IstiodProcess, injector: Injector, knowledge: Knowledge): Injection {
  const { controlPlane } = process;
  const config = meshConfigOf(process, knowledge.state);
  const values = valuesOf(process, knowledge);
  const discoveryAddress = config?.discoveryAddress ?? `${istiodHost(controlPlane.revision, controlPlane.namespace)}:15012`;
  const { [dnsCapture]: captures, ...proxyMetadata } = config?.proxyMetadata ?? {};
  return {
    revision: controlPlane.revision,
    release: controlPlane.version ?? anyRelease,
    systemNamespace: controlPlane.namespace,
    clusterId: injector.injectedClusterId ?? values?.clusterName ?? controlPlane.clusterId,
    network: injector.injectedNetwork ?? values?.network,
    discoveryAddress,
    tellsAddress: discoveryAddress !== 'istiod.istio-system.svc:15012',
    meshId: config?.meshId ?? values?.meshId,
    trustDomain: config?.trustDomain ?? 'cluster.local',
    dnsCapture: captures === 'true',
    proxyMetadata,
    nativeSidecars: usesNativeSidecars(process, knowledge),
  };
}

function valuesOf(process: IstiodProcess, { state }: Knowledge): InjectorValues | undefined {
  const { namespace, revision } = process.controlPlane;
  for (const place of [process.cluster, process.config]) {
    const facts = state.clusters.get(place)?.facts;
    const found = (facts === undefined ? [] : listOf(facts.injectorValues)).find(
      (values) => values.namespace === namespace && values.revision === revision,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Since 1.27 by itself where every kubelet knows them. */
function usesNativeSidecars(process: IstiodProcess, { state }: Knowledge): boolean {
  const { env, version } = process.controlPlane;
  const asked = env['ENABLE_NATIVE_SIDECARS'];
  if (asked !== undefined && asked !== '' && asked !== 'auto') return flag(env, 'ENABLE_NATIVE_SIDECARS', false);
  const nodes = state.clusters.get(process.config)?.objects.list('Node') ?? [];
  if (nodes.length === 0 || !presumedToBehave(version, 'usesNativeSidecars')) return false;
  return nodes.every(
    (node) => isAtLeast((textAt(node, 'status', 'nodeInfo', 'kubeletVersion') ?? '').replace(/^v/, ''), '1.33.0') === true,
  );
}

/** Whether a pod came through an injector. */
export function isInjected(annotationsOfPod: Readonly<Record<string, string>>): boolean {
  return annotationsOfPod[annotations.sidecarStatus] !== undefined;
}
