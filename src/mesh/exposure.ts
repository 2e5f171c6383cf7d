import { compareText, distinct, sortedBy } from '../base/sort.ts';
import { gatewayHost, hostMatches, hostsOverlap, istiodServiceName, resolveHost, serviceOfFqdn } from '../istio/hosts.ts';
import { labels, ports } from '../istio/labels.ts';
import type { ControlPlane, Gateway, GatewayServer, Pod, Service, VirtualService, Workload } from '../model/facts.ts';
import type { Revision } from '../model/ids.ts';
import type { StringMap } from '../model/kube.ts';
import { type ObjectRef, objectPath, refKey } from '../model/refs.ts';
import { gatewayReference, type Rule, routed, rulesOf, takes } from './gateway-rules.ts';
import { flag } from './istiod-view.ts';
import { hasLabels, selectsPods } from './selectors.ts';

/** The istiod whose configuration the gateway pods get: in primary-remote the primary's, for an external control plane that of the cluster it runs in. */
export type GatewayReader = Pick<ControlPlane, 'revision' | 'env' | 'clusterDomain'>;

/** A gateway workload by what selects it. */
export interface GatewayProxy {
  readonly namespace: string;
  readonly labels: StringMap;
  readonly ref: ObjectRef;
}

/** Pods behind a gateway Service; where there is none, the Deployments whose pods it would select. */
export function gatewayProxies(
  service: Pick<Service, 'namespace' | 'selector'>,
  pods: readonly Pick<Pod, 'namespace' | 'labels' | 'ref'>[],
  workloads: readonly Pick<Workload, 'namespace' | 'podLabels' | 'ref'>[] = [],
): GatewayProxy[] {
  const isBehind = (namespace: string, held: StringMap) => namespace === service.namespace && selectsPods(service.selector, held);
  const running = pods
    .filter((pod) => isBehind(pod.namespace, pod.labels))
    .map((pod) => ({ namespace: pod.namespace, labels: pod.labels, ref: pod.ref }));
  if (running.length > 0) return running;
  return workloads
    .filter((workload) => isBehind(workload.namespace, workload.podLabels))
    .map((workload) => ({ namespace: workload.namespace, labels: workload.podLabels, ref: workload.ref }));
}

/**
 * Revisions that configure the pods behind a gateway Service: each asks the istiod that injected it, which need not be the one that is
 * to be reached through it. Empty where no pod says so.
 */
export function gatewayRevisions(
  service: Pick<Service, 'namespace' | 'selector'>,
  pods: readonly Pick<Pod, 'namespace' | 'labels' | 'proxy'>[],
): Revision[] {
  const behind = pods.filter((pod) => pod.namespace === service.namespace && selectsPods(service.selector, pod.labels));
  return distinct(behind.flatMap((pod) => pod.proxy?.revision ?? []));
}

/** The first thing that is missing on the way from a gateway's port to a Service, in the order in which a connection meets them. */
export type ExposureGap =
  /** No pod and no Deployment stands behind the gateway Service. */
  | 'gateway-pods'
  /** No Gateway has a server on this port. */
  | 'gateway'
  /** Those that have one carry another revision's label, so this istiod does not see them. */
  | 'gateway-revision'
  /** They lie in another namespace than the pods, and PILOT_SCOPE_GATEWAY_TO_NAMESPACE is on. */
  | 'gateway-namespace'
  /** Their selector matches no pod of the gateway Service. */
  | 'gateway-selector'
  /** Their server on this port has another TLS mode. */
  | 'gateway-mode'
  /** Their server's hosts do not cover what is asked for. */
  | 'gateway-hosts'
  /** No VirtualService routes this port of that Gateway. */
  | 'virtual-service'
  /** The one that would carries another revision's label. */
  | 'virtual-service-revision'
  /** The one that would names another Gateway. */
  | 'virtual-service-gateway'
  /** The one that does is not exported to the namespace of the gateway pods. */
  | 'virtual-service-export'
  /** The one that does routes other SNI hosts. */
  | 'virtual-service-hosts'
  /** The Service it routes to does not exist. */
  | 'destination'
  /** That Service has no such port, or one that leads to another port of istiod. */
  | 'destination-port'
  /** The route leads to a Service of something else, for example of another revision's istiod. */
  | 'other-destination';

const order = [
  'gateway-pods',
  'gateway',
  'gateway-revision',
  'gateway-namespace',
  'gateway-selector',
  'gateway-mode',
  'gateway-hosts',
  'virtual-service',
  'virtual-service-revision',
  'virtual-service-gateway',
  'virtual-service-export',
  'virtual-service-hosts',
  'destination',
  'destination-port',
  'other-destination',
] as const satisfies readonly ExposureGap[];

/** How one port of a gateway leads to istiod, or where the way breaks off. */
export interface Exposure {
  readonly port: number;
  /** SNI host that was followed. */
  readonly host: string;
  /** Absent when the way is whole. */
  readonly missing?: ExposureGap;
  /** Objects that come nearest and have the gap; empty when there is none of that kind. Sorted. */
  readonly nearest: readonly ObjectRef[];
  /** The Gateway server the connection meets: the one that was followed, or the nearest. */
  readonly gateway?: Gateway;
  readonly server?: GatewayServer;
  /** passthrough: istiod presents its own certificate; terminating: the gateway presents one. */
  readonly mode?: 'passthrough' | 'terminating';
  /** The VirtualService whose route is taken, or the nearest. */
  readonly virtualService?: VirtualService;
  /** SNI hosts which that VirtualService routes on this port, sorted. */
  readonly routedHosts: readonly string[];
  readonly destination?: { readonly host: string; readonly port?: number; readonly service?: Service };
}

/** Objects of the cluster whose Istio configuration the reader reads, and the gateway pods of one gateway Service. */
export interface ExposureObjects {
  readonly reader: GatewayReader;
  readonly gateways: readonly Gateway[];
  readonly virtualServices: readonly VirtualService[];
  /** Services of the clusters the reader reads: where destinations are looked for. */
  readonly services: readonly Service[];
  readonly proxies: readonly GatewayProxy[];
}

/** The istiod that is to be reached, and as what. */
export interface ExposedIstiod {
  /** SNI host: `istiod-1-31-0.istio-system.svc`, or a public name. */
  readonly host: string;
  readonly controlPlane: Pick<ControlPlane, 'revision' | 'namespace'>;
  /** Labels of its pods where they are known: then any Service that selects one of them is a right destination. */
  readonly podLabels?: readonly StringMap[];
}

/** Ports of istiod's exposure. */
export const exposedPorts = [ports.discovery, ports.webhook] as const;

/**
 * Follows one port (15012 or 15017) of a gateway to istiod, as the gateway's listener is built from Gateways and VirtualServices
 * (pilot/pkg/networking/core/gateway.go; pilot/pkg/model/push_context.go: mergeGateways). PASSTHROUGH servers are followed by SNI
 * through `tls` routes, terminating ones through `http` routes, by host of the server.
 */
export function istiodExposure(objects: ExposureObjects, port: number, istiod: ExposedIstiod): Exposure {
  const steps = objects.gateways.flatMap((gateway) =>
    gateway.servers.filter((server) => server.port === port).map((server) => gatewayStep(objects, gateway, server, istiod.host)),
  );
  if (objects.proxies.length === 0) return { port, host: istiod.host, missing: 'gateway-pods', nearest: [], routedHosts: [] };
  const open = steps.filter((step) => step.gap === undefined);
  if (open.length === 0) return gapAtGateway(port, istiod.host, steps);
  return nearest(open.map((step) => follow(objects, port, istiod, step)));
}

/** Both ports of istiod's exposure through one gateway. */
export function istiodExposures(objects: ExposureObjects, istiod: ExposedIstiod): Exposure[] {
  return exposedPorts.map((port) => istiodExposure(objects, port, istiod));
}

/** Whether a gateway's cross-network port is open to services of the mesh. */
export interface CrossNetworkExposure {
  readonly port: number;
  /** Absent when every Service of the cluster domain is let through. */
  readonly missing?: Extract<ExposureGap, `gateway${string}`>;
  /** Gateways that come nearest and have the gap, or that open the port. Sorted. */
  readonly nearest: readonly ObjectRef[];
  readonly gateway?: Gateway;
  /** Hosts of its AUTO_PASSTHROUGH servers, sorted; a subset of the domain's with gap `gateway-hosts`. */
  readonly hosts: readonly string[];
  /** With gap `gateway-hosts`: whether some Services of the domain are let through all the same. */
  readonly isPartial: boolean;
}

/**
 * Whether a Gateway with an AUTO_PASSTHROUGH server opens a gateway's cross-network port (15443, or the port of label
 * `networking.istio.io/gatewayPort`) for all Services of the reader's cluster domain.
 */
export function crossNetworkExposure(
  objects: Pick<ExposureObjects, 'reader' | 'gateways' | 'proxies'>,
  port: number = ports.crossNetwork,
  targetPort: number | string = port,
): CrossNetworkExposure {
  if (objects.proxies.length === 0) return { port, missing: 'gateway-pods', nearest: [], hosts: [], isPartial: false };
  const all = `*.svc.${objects.reader.clusterDomain}`;
  const steps = objects.gateways.flatMap((gateway) =>
    gateway.servers
      .filter((server) => server.port === port || server.port === targetPort)
      .map((server): GatewayStep => {
        const gap = gatewayGap(objects, gateway) ?? (server.tlsMode === 'AUTO_PASSTHROUGH' ? undefined : 'gateway-mode');
        return { gateway, server, gap: gap ?? (hostsOf(server).some((host) => hostMatches(host, all)) ? undefined : 'gateway-hosts') };
      }),
  );
  const missing = steps.length === 0 ? 'gateway' : furthest(steps);
  const found = steps.filter((step) => step.gap === missing);
  const open = steps.filter((step) => step.gap === undefined || step.gap === 'gateway-hosts');
  const hosts = distinct(open.flatMap((step) => hostsOf(step.server)));
  const gateway = found[0]?.gateway;
  return {
    port,
    ...(missing === undefined ? undefined : { missing }),
    nearest: refsOf(found.map((step) => step.gateway)),
    ...(gateway === undefined ? undefined : { gateway }),
    hosts,
    isPartial: missing === 'gateway-hosts' && hosts.some((host) => hostsOverlap(host, all)),
  };
}

/** Servers on a gateway's port, of Gateways that its istiod applies to its pods; in the order of the Gateways. */
export function appliedServers(
  objects: Pick<ExposureObjects, 'reader' | 'gateways' | 'proxies'>,
  port: number,
  targetPort: number | string = port,
): { readonly gateway: Gateway; readonly server: GatewayServer }[] {
  return objects.gateways
    .filter((gateway) => gatewayGap(objects, gateway) === undefined)
    .flatMap((gateway) =>
      gateway.servers.filter((server) => server.port === port || server.port === targetPort).map((server) => ({ gateway, server })),
    );
}

/** Whether an istiod of this revision sees a configuration object: no revision label, or exactly its own; a tag does not count (pkg/config/model.go: LabelsInRevision). */
export function isSeenBy(object: { readonly labels: StringMap }, reader: Pick<ControlPlane, 'revision'>): boolean {
  const label = object.labels[labels.revision];
  return label === undefined || label === reader.revision;
}

type GatewayGap = Extract<ExposureGap, `gateway${string}`>;

interface GatewayStep {
  readonly gateway: Gateway;
  readonly server: GatewayServer;
  readonly gap: GatewayGap | undefined;
}

function gatewayStep(objects: ExposureObjects, gateway: Gateway, server: GatewayServer, host: string): GatewayStep {
  const gap = gatewayGap(objects, gateway);
  if (gap !== undefined) return { gateway, server, gap };
  const mode = modeOf(server);
  if (mode === undefined) return { gateway, server, gap: 'gateway-mode' };
  const isCovered = hostsOf(server).some((pattern) => (mode === 'passthrough' ? hostsOverlap(pattern, host) : hostMatches(pattern, host)));
  return { gateway, server, gap: isCovered ? undefined : 'gateway-hosts' };
}

function gatewayGap({ reader, proxies }: Pick<ExposureObjects, 'reader' | 'proxies'>, gateway: Gateway): GatewayGap | undefined {
  if (!isSeenBy(gateway, reader)) return 'gateway-revision';
  const inScope = flag(reader.env, 'PILOT_SCOPE_GATEWAY_TO_NAMESPACE', false)
    ? proxies.filter((proxy) => proxy.namespace === gateway.namespace)
    : proxies;
  if (inScope.length === 0) return 'gateway-namespace';
  return inScope.some((proxy) => hasLabels(gateway.selector, proxy.labels)) ? undefined : 'gateway-selector';
}

function modeOf(server: GatewayServer): 'passthrough' | 'terminating' | undefined {
  switch (server.tlsMode) {
    case 'PASSTHROUGH':
      return 'passthrough';
    case 'SIMPLE':
    case 'MUTUAL':
    case 'OPTIONAL_MUTUAL':
    case 'ISTIO_MUTUAL':
      return 'terminating';
    default:
      return undefined;
  }
}

function hostsOf(server: GatewayServer): string[] {
  return server.hosts.map((host) => gatewayHost(host).host);
}

function gapAtGateway(port: number, host: string, steps: readonly GatewayStep[]): Exposure {
  const missing = furthest(steps) ?? 'gateway';
  const found = steps.filter((step) => step.gap === missing);
  const first = found[0];
  return {
    port,
    host,
    missing,
    nearest: refsOf(found.map((step) => step.gateway)),
    ...(first === undefined ? undefined : { gateway: first.gateway, server: first.server }),
    routedHosts: [],
  };
}

/** From an open server on through a VirtualService to a Service. */
function follow(objects: ExposureObjects, port: number, istiod: ExposedIstiod, { gateway, server }: GatewayStep): Exposure {
  const mode = modeOf(server) ?? 'passthrough';
  const at = { port, host: istiod.host, gateway, server, mode } as const;
  const key = `${gateway.namespace}/${gateway.name}`;
  const candidates = objects.virtualServices.flatMap((virtualService) => {
    const rules = rulesOf(virtualService, mode, port, key);
    if (rules.length === 0) return [];
    const gap = virtualServiceGap(objects, virtualService, rules, server, key, istiod.host);
    const isElsewhere = gap === 'virtual-service-revision' || gap === 'virtual-service-gateway';
    // One that is bound elsewhere and takes other hosts has nothing to do with istiod.
    return isElsewhere && !takes(rules, istiod.host) ? [] : [{ virtualService, rules, gap }];
  });
  const open = candidates.filter((candidate) => candidate.gap === undefined);
  if (open.length === 0) {
    // One that takes this very name is what was meant, whatever keeps it from being used; the others are of other revisions.
    const meant = candidates.filter((candidate) => takes(candidate.rules, istiod.host));
    const near = meant.length > 0 ? meant : candidates;
    const missing = furthest(near) ?? 'virtual-service';
    const found = near.filter((candidate) => candidate.gap === missing);
    const first = found[0];
    return {
      ...at,
      missing,
      nearest: first === undefined ? [gateway.ref] : refsOf(found.map((candidate) => candidate.virtualService)),
      ...(first === undefined ? undefined : { virtualService: first.virtualService }),
      routedHosts: routed(found.flatMap((candidate) => candidate.rules)),
    };
  }
  const taken = open
    .flatMap(({ virtualService, rules }) =>
      rules.flatMap((rule) =>
        rule.hosts.filter((host) => hostMatches(host, istiod.host)).map((host) => ({ virtualService, rules, rule, host })),
      ),
    )
    // Of two that have the very same host the older is taken.
    .sort(
      (a, b) =>
        specificity(b.host) - specificity(a.host) ||
        compareText(a.virtualService.createdAt ?? '', b.virtualService.createdAt ?? '') ||
        compareText(a.virtualService.name, b.virtualService.name),
    )[0];
  if (taken === undefined)
    return { ...at, missing: 'virtual-service-hosts', nearest: refsOf(open.map((one) => one.virtualService)), routedHosts: [] };
  const { destination, missing } = arrive(objects, taken.virtualService, taken.rule, port, istiod);
  return {
    ...at,
    ...(missing === undefined ? undefined : { missing }),
    nearest: missing === undefined ? [] : [taken.virtualService.ref],
    virtualService: taken.virtualService,
    routedHosts: routed(taken.rules),
    ...(destination === undefined ? undefined : { destination }),
  };
}

function virtualServiceGap(
  { reader, proxies }: ExposureObjects,
  virtualService: VirtualService,
  rules: readonly Rule[],
  server: GatewayServer,
  gateway: string,
  host: string,
): ExposureGap | undefined {
  if (!isSeenBy(virtualService, reader)) return 'virtual-service-revision';
  if (!virtualService.gateways.some((reference) => gatewayReference(reference, virtualService.namespace) === gateway))
    return 'virtual-service-gateway';
  const isExported =
    virtualService.exportTo.length === 0 ||
    proxies.some((proxy) =>
      virtualService.exportTo.some(
        (to) => to === '*' || to === proxy.namespace || (to === '.' && proxy.namespace === virtualService.namespace),
      ),
    );
  if (!isExported) return 'virtual-service-export';
  const meetsServer = virtualService.hosts.some((own) =>
    server.hosts
      .map(gatewayHost)
      .some(
        (open) =>
          (open.namespace === '*' || open.namespace === '.' || open.namespace === virtualService.namespace) && hostsOverlap(open.host, own),
      ),
  );
  return meetsServer && takes(rules, host) ? undefined : 'virtual-service-hosts';
}

/** Whether a rule's destination is a port of the istiod that is meant. */
function arrive(
  { reader, services }: ExposureObjects,
  virtualService: VirtualService,
  rule: Rule,
  port: number,
  istiod: ExposedIstiod,
): { readonly destination?: NonNullable<Exposure['destination']>; readonly missing?: ExposureGap } {
  const to = rule.destinations[0];
  if (to === undefined) return { missing: 'destination' };
  const host = resolveHost(to.host, virtualService.namespace, reader.clusterDomain);
  const name = serviceOfFqdn(host, reader.clusterDomain);
  const service = name === undefined ? undefined : services.find((one) => one.name === name.name && one.namespace === name.namespace);
  const destination = {
    host,
    ...(to.port === undefined ? undefined : { port: to.port }),
    ...(service === undefined ? undefined : { service }),
  };
  if (service === undefined) return { destination, missing: 'destination' };
  if (!isIstiods(service, istiod)) return { destination, missing: 'other-destination' };
  const only = service.ports.length === 1 ? service.ports[0] : undefined;
  const servicePort = to.port === undefined ? only : service.ports.find((one) => one.port === to.port);
  const leadsThere = servicePort !== undefined && (typeof servicePort.targetPort === 'string' || servicePort.targetPort === port);
  return leadsThere ? { destination } : { destination, missing: 'destination-port' };
}

function isIstiods(service: Service, { controlPlane, podLabels }: ExposedIstiod): boolean {
  if (service.namespace !== controlPlane.namespace) return false;
  if (podLabels !== undefined && podLabels.length > 0) return podLabels.some((held) => selectsPods(service.selector, held));
  if (service.name === istiodServiceName(controlPlane.revision)) return true;
  const selected = service.selector[labels.revision];
  return (
    service.selector['app'] === 'istiod' &&
    (selected === undefined || selected === controlPlane.revision) &&
    service.name.startsWith('istiod-revision-tag-')
  );
}

/** The way that gets furthest: a whole one before any gap, a later gap before an earlier one; among equals the first by Gateway. */
function nearest(exposures: readonly Exposure[]): Exposure {
  const [first, ...rest] = sortedBy(exposures, ({ gateway }) => (gateway === undefined ? '' : objectPath(gateway.ref)));
  if (first === undefined) throw new RangeError('no gateway was followed');
  return rest.reduce((best, one) => (rank(one.missing) > rank(best.missing) ? one : best), first);
}

/** The gap of the candidate that gets furthest; nothing when one has none. Without any candidate: `gateway`. */
function furthest<G extends ExposureGap>(candidates: readonly { readonly gap: G | undefined }[]): G | undefined {
  let best: G | undefined;
  for (const { gap } of candidates) {
    if (gap === undefined) return undefined;
    if (best === undefined || rank(gap) > rank(best)) best = gap;
  }
  return best;
}

function rank(gap: ExposureGap | undefined): number {
  return gap === undefined ? order.length : order.indexOf(gap);
}

/** Envoy prefers an exact name, then the longest wildcard. */
function specificity(pattern: string): number {
  return pattern.startsWith('*') ? pattern.length : Number.MAX_SAFE_INTEGER;
}

function refsOf(objects: readonly { readonly ref: ObjectRef }[]): ObjectRef[] {
  const unique = new Map(objects.map(({ ref }) => [refKey(ref), ref]));
  return sortedBy(unique.values(), refKey);
}
