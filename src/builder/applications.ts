import { annotations, labels as names } from '../istio/labels.ts';
import type { KubeObject, StringMap } from '../model/kube.ts';
import { type Addresses, addressesOf } from './addresses.ts';
import { namespaceObjects } from './kubernetes.ts';
import { lastApplied, present } from './objects.ts';
import type { Injection, Site } from './plan.ts';
import { dnsCaptureVariable, sidecar } from './proxy.ts';
import { isSelected, type ServicePlan, type ServicePort, service } from './services.ts';
import { times } from './timeline.ts';
import { rootConfigMaps } from './trust.ts';
import { type Admit, deployment, type PodSpec } from './workload.ts';

// What the users of a mesh put into it.

export interface NamespaceOptions {
  /** In these clusters only; default: in all. */
  readonly clusters?: readonly string[];
  /** Whether it joins the mesh, in the way of its cluster: by revision, by `istio-injection`, or as ambient. */
  readonly injected?: boolean;
  /** Another revision or tag instead. */
  readonly revision?: string;
  /** Labels beside these, or instead of them: null takes one away. */
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly annotations?: StringMap;
}

export interface WorkloadOptions {
  readonly in?: readonly string[];
  readonly replicas?: number;
  readonly image?: string;
  /** Labels of the pods beside `app`. */
  readonly labels?: StringMap;
  readonly annotations?: StringMap;
  readonly serviceAccount?: string;
  /** DNS capture of these pods, where it differs from the mesh's. */
  readonly dnsCapture?: boolean;
  /** false: label `sidecar.istio.io/inject: "false"`; true: the same with `"true"`. */
  readonly inject?: boolean;
  readonly hostNetwork?: boolean;
}

export interface ServiceOptions extends WorkloadOptions {
  /** 80 unless given. */
  readonly port?: number;
  /** `http` unless given; empty = unnamed. */
  readonly portName?: string;
  readonly targetPort?: number;
  readonly appProtocol?: string;
  /** Instead of `port`: several. */
  readonly ports?: readonly ServicePort[];
  readonly headless?: boolean;
  readonly type?: 'ClusterIP' | 'LoadBalancer';
  /** Labels and annotations of the Service. */
  readonly serviceLabels?: StringMap;
  readonly serviceAnnotations?: StringMap;
  /** Labels that select its pods, where they are not those of a workload of its own name. */
  readonly selector?: StringMap;
  /** A Service in clusters of `in`, but no workload behind it: a stub by which names resolve. */
  readonly withoutWorkload?: boolean;
}

export interface Built {
  readonly objects: readonly KubeObject[];
  readonly addressesUsed: number;
}

/** `abc.sample` as name and namespace. */
export function qualified(name: string): { readonly name: string; readonly namespace: string } {
  const [first, second, ...rest] = name.split('.');
  if (first === undefined || first === '' || second === undefined || second === '' || rest.length > 0)
    throw new Error(`A workload or service is named NAME.NAMESPACE, not ${name}.`);
  return { name: first, namespace: second };
}

/** A namespace with what Kubernetes, and the leader of the cluster, put into it. */
export function namespaceIn(site: Site, name: string, options: NamespaceOptions): readonly KubeObject[] {
  const joining = options.injected === true ? site.joins : {};
  const wanted = options.revision === undefined ? joining : { [names.revision]: options.revision };
  const labels = withoutNull({ ...wanted, ...options.labels });
  const applied = lastApplied({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: present({ annotations: options.annotations ?? {}, labels: Object.keys(labels).length === 0 ? undefined : labels, name }),
  });
  return [
    ...namespaceObjects(site.cluster, name, times.applications, { labels, annotations: { ...applied, ...options.annotations } }),
    ...(site.root === undefined ? [] : rootConfigMaps(site.cluster, [name], site.root, site.hasCrl, times.applications)),
  ];
}

/** A Deployment with its ReplicaSet and pods, injected if a webhook of the cluster wants them. */
export function workloadIn(
  site: Site,
  present: readonly KubeObject[],
  namespace: string,
  name: string,
  options: WorkloadOptions,
  ports: readonly ServicePort[] = [],
): Built {
  const addresses = addressesOf(site.cluster.number, site.addressesUsed);
  return { objects: workloadObjects(site, addresses, present, namespace, name, options, ports), addressesUsed: addresses.used() };
}

/** A Service and, unless told otherwise, the workload behind it. */
export function serviceIn(site: Site, existing: readonly KubeObject[], namespace: string, name: string, options: ServiceOptions): Built {
  const addresses = addressesOf(site.cluster.number, site.addressesUsed);
  const ports = options.ports ?? [onePort(options)];
  const workload = options.withoutWorkload === true ? [] : workloadObjects(site, addresses, existing, namespace, name, options, ports);
  const selector = options.selector ?? { app: name };
  const plan: ServicePlan = {
    namespace,
    name,
    createdAt: times.applications,
    labels: options.serviceLabels,
    annotations: { ...lastApplied(appliedService(namespace, name, selector, ports, options)), ...options.serviceAnnotations },
    ports,
    selector,
    headless: options.headless,
    ...(options.type === undefined ? {} : { type: options.type }),
  };
  const pods = [
    ...existing.filter((object) => isSelected(selector, object, namespace)),
    ...workload.filter((object) => object.kind === 'Pod'),
  ];
  return { objects: [...workload, ...service(site.cluster, addresses, plan, pods)], addressesUsed: addresses.used() };
}

function workloadObjects(
  site: Site,
  addresses: Addresses,
  existing: readonly KubeObject[],
  namespace: string,
  name: string,
  options: WorkloadOptions,
  ports: readonly ServicePort[],
): KubeObject[] {
  const containers = [
    {
      image: options.image ?? `registry.example.com/${name}:1.0.0`,
      name: 'app',
      ...(ports.length === 0
        ? {}
        : { ports: ports.map(({ targetPort, protocol }) => ({ containerPort: targetPort, protocol: protocol ?? ('TCP' as const) })) }),
    },
  ];
  const spec: PodSpec = present({ containers, hostNetwork: options.hostNetwork, serviceAccountName: options.serviceAccount });
  const own =
    options.dnsCapture === undefined
      ? {}
      : { [annotations.proxyConfig]: `proxyMetadata:\n  ${dnsCaptureVariable}: "${options.dnsCapture}"\n` };
  const labels = { app: name, ...options.labels, ...(options.inject === undefined ? {} : { [names.inject]: String(options.inject) }) };
  const podAnnotations = { ...own, ...options.annotations };
  const selector = { app: name };
  const template = present({ labels, annotations: Object.keys(podAnnotations).length === 0 ? undefined : podAnnotations, spec });
  const applied = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { annotations: {}, name, namespace },
    spec: {
      replicas: options.replicas ?? 1,
      selector: { matchLabels: selector },
      template: { metadata: present({ annotations: template.annotations, labels }), spec },
    },
  };
  return deployment(site.cluster, addresses, {
    namespace,
    name,
    createdAt: times.applications,
    annotations: lastApplied(applied),
    selector,
    template,
    replicas: options.replicas ?? 1,
    admit: admissionFor(site, existing, namespace, template.labels, options),
  });
}

/** The sidecar of the injector whose webhook selects the pod, or nothing. */
function admissionFor(
  site: Site,
  existing: readonly KubeObject[],
  namespace: string,
  podLabels: StringMap,
  options: WorkloadOptions,
): Admit | undefined {
  if (options.hostNetwork === true) return undefined;
  if (isAmbient(existing, namespace, podLabels)) return captured;
  if (options.inject === false) return undefined;
  const injection = injectionFor(site, existing, namespace, podLabels);
  return injection === undefined ? undefined : sidecar(injection);
}

/** What the network plug-in notes on a pod that it captured for ztunnel. */
const captured: Admit = (pod) => ({ ...pod, annotations: { 'ambient.istio.io/redirection': 'enabled', ...pod.annotations } });

function isAmbient(existing: readonly KubeObject[], namespace: string, podLabels: StringMap): boolean {
  const labels = existing.find((object) => object.kind === 'Namespace' && object.metadata.name === namespace)?.metadata.labels;
  return (podLabels[names.dataplaneMode] ?? labels?.[names.dataplaneMode]) === 'ambient';
}

/** As the webhooks select: `istio-injection` before `istio.io/rev`, labels of the pod only where the namespace names nobody. */
export function injectionFor(site: Site, existing: readonly KubeObject[], namespace: string, podLabels: StringMap): Injection | undefined {
  const wanted = wantedRevision(
    existing.find((object) => object.kind === 'Namespace' && object.metadata.name === namespace)?.metadata.labels ?? {},
    podLabels,
  );
  if (wanted === undefined) return undefined;
  const injectors = existing.filter(
    (object) => object.kind === 'MutatingWebhookConfiguration' && object.metadata.labels?.['app'] === 'sidecar-injector',
  );
  const byTag = injectors.find((object) => object.metadata.labels?.[names.tag] === wanted);
  const serving =
    byTag ??
    injectors.find((object) => object.metadata.labels?.[names.tag] === undefined && object.metadata.labels?.[names.revision] === wanted);
  return site.injections.find((injection) => injection.revision === serving?.metadata.labels?.[names.revision]);
}

function wantedRevision(labels: StringMap, podLabels: StringMap): string | undefined {
  const asks = labels[names.injection];
  if (asks !== undefined) return asks === 'enabled' ? 'default' : undefined;
  return labels[names.revision] ?? podLabels[names.revision] ?? (podLabels[names.inject] === 'true' ? 'default' : undefined);
}

function onePort(options: ServiceOptions): ServicePort {
  const port = options.port ?? 80;
  const name = options.portName ?? 'http';
  return {
    name: name === '' ? undefined : name,
    port,
    targetPort: options.targetPort ?? port,
    ...(options.appProtocol === undefined ? {} : { appProtocol: options.appProtocol }),
  };
}

function appliedService(
  namespace: string,
  name: string,
  selector: StringMap,
  ports: readonly ServicePort[],
  options: ServiceOptions,
): Readonly<Record<string, unknown>> {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: present({ annotations: options.serviceAnnotations ?? {}, labels: options.serviceLabels, name, namespace }),
    spec: present({
      clusterIP: options.headless === true ? 'None' : undefined,
      ports: ports.map((port) => present({ ...port })),
      selector,
      type: options.type,
    }),
  };
}

function withoutNull(labels: Readonly<Record<string, string | null>>): StringMap {
  return Object.fromEntries(Object.entries(labels).flatMap(([key, value]) => (value === null ? [] : [[key, value]])));
}
