import { lazily } from '../base/lazily.ts';
import { compareText } from '../base/sort.ts';
import { ipFamily } from '../istio/addresses.ts';
import { fqdnOf } from '../istio/hosts.ts';
import { annotations, labels } from '../istio/labels.ts';
import { presumedToBehave } from '../istio/releases.ts';
import type { Endpoint, EndpointSlice, Pod, Proxy, Service, ServicePort } from '../model/facts.ts';
import { type ClusterId, type NetworkId, networkId } from '../model/ids.ts';
import type { ObjectRef } from '../model/refs.ts';
import { type GatewayIndex, type NetworkGateway, gatewayIndex, networkGateways } from './gateways.ts';
import {
  type IstiodView,
  type PredictedIstiod,
  type ReadCluster,
  clusterLocalHosts,
  defaultNetwork,
  flag,
  inRegistryOrder,
  visibleNamespaces,
} from './istiod-view.ts';
import { podIndex } from './pod-index.ts';

/** Value of label `security.istio.io/tlsMode` that makes an endpoint reachable over mTLS. */
export const istioMutual = 'istio';

/** One address of one port of a service, as `/debug/endpointShardz` lists it. */
export interface ShardEndpoint {
  /** An IP address. */
  readonly address: string;
  /** The endpoint's own port (`EndpointPort`), 0 where the slice gives none. */
  readonly port: number;
  /** `ServicePortName`; empty for the unnamed only port. */
  readonly portName: string;
  /** `undefined` = the empty network, which is everybody's. */
  readonly network: NetworkId | undefined;
  /** `istio` where the pod says so by label (injected sidecars do), else `disabled`. */
  readonly tlsMode: string;
  readonly health: 'healthy' | 'unhealthy' | 'terminating';
  readonly cluster: ClusterId;
  /** The pod behind it; `undefined` for an address no pod has. */
  readonly pod: Pod | undefined;
  readonly nodeName: string | undefined;
  /** The EndpointSlice it comes from. */
  readonly ref: ObjectRef;
}

/** Endpoints of one service, per cluster that contributes any; a cluster without endpoints has no key. */
export interface ServiceShards {
  readonly host: string;
  readonly namespace: string;
  readonly name: string;
  readonly clusters: ReadonlyMap<ClusterId, readonly ShardEndpoint[]>;
}

/** By FQDN. */
export type Shards = ReadonlyMap<string, ServiceShards>;

/** Name of a Kubernetes registry's shard in debug answers: `Kubernetes/cluster1`. */
export function shardKey(cluster: ClusterId): string {
  return `Kubernetes/${cluster}`;
}

/**
 * Endpoint shards of every service as this istiod holds them (pilot/pkg/serviceregistry/kube/controller/endpointslice.go), from the
 * EndpointSlices, pods and namespaces of the clusters it reads. ServiceEntries and WorkloadEntries are not part of it.
 */
export function endpointShards(view: IstiodView<'namespaces' | 'endpointSlices' | 'pods'>): Shards {
  const byHost = new Map<string, { host: string; namespace: string; name: string; clusters: Map<ClusterId, ShardEndpoint[]> }>();
  for (const cluster of inRegistryOrder(view)) {
    for (const { slice, endpoints } of clusterEndpoints(cluster, view)) {
      if (endpoints.length === 0) continue;
      const host = fqdnOf(slice.namespace, slice.service, view.istiod.clusterDomain);
      let shards = byHost.get(host);
      if (shards === undefined) {
        shards = { host, namespace: slice.namespace, name: slice.service, clusters: new Map() };
        byHost.set(host, shards);
      }
      const before = shards.clusters.get(cluster.id);
      shards.clusters.set(cluster.id, before === undefined ? endpoints : merged(before, endpoints));
    }
  }
  return byHost;
}

/** A host with its copies in the clusters that have it, the copy of the first registry first: that one decides ports, type and export. */
export interface RegisteredService {
  readonly host: string;
  readonly namespace: string;
  readonly name: string;
  readonly instances: readonly { readonly cluster: ClusterId; readonly service: Service }[];
  /** False when which copy comes first depends on the order in which clusters were added: the configuration's own cluster lacks it, several others have it. */
  readonly isOrderCertain: boolean;
}

/** Services of all clusters as this istiod merges them, by FQDN (pilot/pkg/serviceregistry/aggregate/controller.go: Services). */
export function registeredServices(view: IstiodView<'namespaces' | 'services'>): ReadonlyMap<string, RegisteredService> {
  const byHost = new Map<
    string,
    { host: string; namespace: string; name: string; instances: { cluster: ClusterId; service: Service }[] }
  >();
  for (const cluster of inRegistryOrder(view)) {
    const isVisible = visibleNamespaces(cluster.namespaces, view.meshConfig);
    for (const service of cluster.services) {
      if (!isVisible(service.namespace)) continue;
      const host = fqdnOf(service.namespace, service.name, view.istiod.clusterDomain);
      const registered = byHost.get(host);
      if (registered === undefined)
        byHost.set(host, { host, namespace: service.namespace, name: service.name, instances: [{ cluster: cluster.id, service }] });
      else registered.instances.push({ cluster: cluster.id, service });
    }
  }
  const own = view.istiod.clusterId;
  return new Map(
    [...byHost].map(([host, one]) => [host, { ...one, isOrderCertain: one.instances.length === 1 || one.instances[0]?.cluster === own }]),
  );
}

/** All that `endpointsSentTo` asks, computed once per istiod, and each part of it when it is first asked. */
export interface Predictions {
  readonly istiod: PredictedIstiod;
  readonly gateways: readonly NetworkGateway[];
  readonly gatewaysOf: GatewayIndex;
  readonly shards: Shards;
  readonly services: ReadonlyMap<string, RegisteredService>;
  readonly isClusterLocal: (host: string) => boolean;
}

export function predict(view: IstiodView): Predictions {
  const gateways = lazily(() => networkGateways(view));
  const gatewaysOf = lazily(() => gatewayIndex(gateways()));
  const shards = lazily(() => endpointShards(view));
  const services = lazily(() => registeredServices(view));
  const isClusterLocal = lazily(() => clusterLocalHosts(view));
  return {
    istiod: view.istiod,
    get gateways() {
      return gateways();
    },
    get gatewaysOf() {
      return gatewaysOf();
    },
    get shards() {
      return shards();
    },
    get services() {
      return services();
    },
    isClusterLocal: (host) => isClusterLocal()(host),
  };
}

/** The proxy that is sent endpoints: what it told istiod of itself. */
export interface ClientProxy {
  /** ISTIO_META_CLUSTER_ID. */
  readonly cluster: ClusterId;
  /** ISTIO_META_NETWORK; absent when it has none. */
  readonly network?: NetworkId | undefined;
  readonly kind: Proxy['kind'];
  /** Namespace of its pod. */
  readonly namespace: string;
  readonly nodeName?: string | undefined;
  /** ISTIO_META_REQUESTED_NETWORK_VIEW; empty = every network. */
  readonly requestedNetworkView: readonly NetworkId[];
  /** Addresses of its pod; none = both families. */
  readonly ips: readonly string[];
}

/** A pod as a client; nothing when it has no proxy or the proxy does not say which cluster it is in. */
export function clientOf(pod: Pod): ClientProxy | undefined {
  const proxy = pod.proxy;
  if (proxy?.clusterId === undefined) return undefined;
  return {
    cluster: proxy.clusterId,
    network: proxy.network,
    kind: proxy.kind,
    namespace: pod.namespace,
    nodeName: pod.nodeName,
    requestedNetworkView: proxy.requestedNetworkView,
    ips: pod.ips,
  };
}

/** Why an endpoint is not sent. */
export type DropReason =
  /** Its slice names another port than the service's first copy, or none of that name. */
  | 'other-port-name'
  /** The host is kept to its cluster, and the client is in another. */
  | 'cluster-local'
  /** internalTrafficPolicy Local, and the client is on another node. */
  | 'other-node'
  /** The client asked to see other networks only. */
  | 'out-of-view'
  | 'unhealthy'
  | 'terminating'
  /** Behind a gateway, but nothing says it takes Istio's mTLS. */
  | 'no-mtls'
  /** Behind a gateway none of whose addresses is of the client's IP family (since 1.30). */
  | 'gateway-of-other-family'
  /** An ambient client, and the other network has no gateway it can use. */
  | 'no-gateway';

/** One address a client is sent. */
export interface SentEndpoint {
  readonly address: string;
  readonly port: number;
  /** pod: the endpoint itself; gateway: a gateway of its network; raw: the endpoint itself although it is on another network, since that one has no gateway. */
  readonly via: 'pod' | 'gateway' | 'raw';
  /** A hostname, of which the client gets what istiod resolves it to. */
  readonly isUnresolved: boolean;
  readonly network: NetworkId | undefined;
  /** Endpoints behind it: one, or all that a gateway stands for. */
  readonly endpoints: readonly ShardEndpoint[];
  readonly gateway?: NetworkGateway;
}

/** What a client is sent for one port of one service. */
export interface Sent {
  readonly host: string;
  /** The service port by the first copy of the service; absent when that copy has no such port, and then nothing is sent. */
  readonly port?: ServicePort;
  readonly endpoints: readonly SentEndpoint[];
  readonly dropped: readonly { readonly endpoint: ShardEndpoint; readonly because: DropReason }[];
}

/** Settings of configuration objects that this module does not read. */
export interface MtlsSettings {
  /** TLS mode of the DestinationRule that applies to this host and port for this client; absent = none says anything. */
  readonly destinationRuleMode?: string | undefined;
  /** Whether a PeerAuthentication turns mTLS off for this endpoint. */
  readonly isDisabled?: ((endpoint: ShardEndpoint) => boolean) | undefined;
}

/**
 * What this istiod sends a client for one service port (its number), by the rules of split-horizon EDS
 * (pilot/pkg/xds/endpoints: ep_filters.go, endpoint_builder.go, mtls_checker.go). Nothing when no cluster has the service. Not
 * considered: subsets, locality, MCS, exports of the service (see `isExportedTo`) and endpoints of ServiceEntries.
 */
export function endpointsSentTo(
  client: ClientProxy,
  host: string,
  portNumber: number,
  predictions: Predictions,
  mtls: MtlsSettings = {},
): Sent | undefined {
  const service = predictions.services.get(host);
  const first = service?.instances[0]?.service;
  if (first === undefined) return undefined;
  const port = first.ports.find((one) => one.port === portNumber);
  const shards = predictions.shards.get(host);
  const endpoints = [...(shards?.clusters.values() ?? [])].flat();
  if (port === undefined) return { host, endpoints: [], dropped: endpoints.map((endpoint) => ({ endpoint, because: 'other-port-name' })) };

  const isClusterLocal = predictions.isClusterLocal(host);
  const routing = routingOf(client, predictions);
  const dropped: { endpoint: ShardEndpoint; because: DropReason }[] = [];
  const direct: SentEndpoint[] = [];
  const behind = new Map<NetworkGateway, ShardEndpoint[]>();
  for (const endpoint of endpoints) {
    const because = hidden(endpoint, client, port, first, isClusterLocal);
    if (because !== undefined) {
      dropped.push({ endpoint, because });
      continue;
    }
    const route = routing(endpoint, isMtls(endpoint, mtls));
    if (typeof route === 'string') dropped.push({ endpoint, because: route });
    else if (route.via !== 'gateway') direct.push(sentAsItIs(endpoint, route.via));
    else for (const gateway of route.gateways) append(behind, gateway, endpoint);
  }
  const viaGateways = [...behind].map(
    ([gateway, ofGateway]): SentEndpoint => ({
      address: gateway.address,
      port: routing.isAmbient ? gateway.hbonePort : gateway.port,
      via: 'gateway',
      isUnresolved: gateway.isUnresolved,
      network: gateway.network,
      endpoints: ofGateway,
      gateway,
    }),
  );
  return { host, port, endpoints: [...direct, ...viaGateways].sort(byAddress), dropped };
}

/** Whether a service is exported to a namespace: annotation `networking.istio.io/exportTo` of its first copy, else the mesh's default (`*` where that says nothing). */
export function isExportedTo(
  service: Pick<Service, 'namespace' | 'annotations'>,
  namespace: string,
  defaults: readonly string[] = [],
): boolean {
  const own = service.annotations[annotations.exportTo];
  const exportTo = own === undefined || own === '' ? defaults : own.split(',').map((part) => part.trim());
  if (exportTo.length === 0) return true;
  return exportTo.some((to) => to === '*' || to === namespace || (to === '.' && namespace === service.namespace));
}

type Route = DropReason | { readonly via: 'pod' | 'raw' } | { readonly via: 'gateway'; readonly gateways: readonly NetworkGateway[] };

/** How this client reaches an endpoint that it may see. */
function routingOf(
  client: ClientProxy,
  { istiod, gatewaysOf }: Predictions,
): { (endpoint: ShardEndpoint, isMtlsEndpoint: boolean): Route; readonly isAmbient: boolean } {
  const isSidecar = client.kind === 'sidecar';
  const isMultiNetworkAmbient = flag(istiod.env, 'AMBIENT_ENABLE_MULTI_NETWORK', false) && flag(istiod.env, 'PILOT_ENABLE_AMBIENT', false);
  const isAmbient = isMultiNetworkAmbient && !isSidecar;
  const usesGatewayWithoutNetwork = presumedToBehave(istiod.version, 'emptyNetworkUsesGateway');
  const reachable = familyFilter(client, istiod.version);
  const crossesNetworks =
    client.kind === 'waypoint'
      ? flag(istiod.env, 'AMBIENT_ENABLE_MULTI_NETWORK_WAYPOINT', true)
      : client.kind === 'gateway' && client.requestedNetworkView.length === 0
        ? flag(istiod.env, 'AMBIENT_ENABLE_MULTI_NETWORK_INGRESS', false)
        : true;
  const usable = (gateway: NetworkGateway) => (isAmbient ? gateway.hbonePort !== 0 : isSidecar ? gateway.port !== 0 : true);
  const route = (endpoint: ShardEndpoint, isMtlsEndpoint: boolean): Route => {
    if (!gatewaysOf.isMultiNetwork && !isAmbient) return { via: 'pod' };
    const gateways = gatewaysOf.of(endpoint.network, endpoint.cluster).filter(usable);
    const near = gateways.filter(reachable);
    const isSame = endpoint.network === undefined || client.network === undefined || endpoint.network === client.network;
    if (!isSame && isAmbient && (!crossesNetworks || near.length === 0)) return 'no-gateway';
    const isForced = usesGatewayWithoutNetwork && client.network === undefined && endpoint.network !== undefined && gateways.length > 0;
    if (isSame && !isForced) return { via: 'pod' };
    if (gateways.length === 0) return { via: 'raw' };
    if (near.length === 0) return 'gateway-of-other-family';
    return isAmbient || isMtlsEndpoint ? { via: 'gateway', gateways: near } : 'no-mtls';
  };
  return Object.assign(route, { isAmbient });
}

function familyFilter(client: ClientProxy, version: string | undefined): (gateway: NetworkGateway) => boolean {
  const families = new Set(client.ips.map(ipFamily));
  if (families.size !== 1 || !presumedToBehave(version, 'dropsGatewaysOfOtherIpFamily')) return () => true;
  return (gateway) => gateway.isUnresolved || families.has(ipFamily(gateway.address));
}

/** What keeps an endpoint from a client before networks are looked at. */
function hidden(
  endpoint: ShardEndpoint,
  client: ClientProxy,
  port: ServicePort,
  first: Service,
  isClusterLocal: boolean,
): DropReason | undefined {
  if (endpoint.portName !== port.name) return 'other-port-name';
  if (first.internalTrafficPolicy === 'Local' && (endpoint.cluster !== client.cluster || endpoint.nodeName !== client.nodeName))
    return 'other-node';
  if (isClusterLocal && endpoint.cluster !== client.cluster) return 'cluster-local';
  if (client.requestedNetworkView.length > 0 && endpoint.network !== undefined && !client.requestedNetworkView.includes(endpoint.network))
    return 'out-of-view';
  if (endpoint.health === 'terminating') return 'terminating';
  // An unhealthy endpoint is sent only so that Envoy can count it (1.31 does so by default): no call reaches it either way.
  return endpoint.health === 'unhealthy' ? 'unhealthy' : undefined;
}

function isMtls(endpoint: ShardEndpoint, settings: MtlsSettings): boolean {
  // A DestinationRule that says anything decides alone, even for a pod without sidecar.
  if (settings.destinationRuleMode !== undefined) return settings.destinationRuleMode === 'ISTIO_MUTUAL';
  return endpoint.tlsMode === istioMutual && settings.isDisabled?.(endpoint) !== true;
}

function sentAsItIs(endpoint: ShardEndpoint, via: 'pod' | 'raw'): SentEndpoint {
  return { address: endpoint.address, port: endpoint.port, via, isUnresolved: false, network: endpoint.network, endpoints: [endpoint] };
}

/** Endpoints of each slice of one cluster, in the order of the slices. */
function* clusterEndpoints(
  cluster: Pick<ReadCluster, 'id' | 'namespaces' | 'endpointSlices' | 'pods'>,
  view: Pick<IstiodView, 'istiod' | 'meshConfig'>,
): Iterable<{ readonly slice: EndpointSlice; readonly endpoints: ShardEndpoint[] }> {
  const isVisible = visibleNamespaces(cluster.namespaces, view.meshConfig);
  const networkOf = defaultNetwork(cluster, view);
  const podOf = podFinder(cluster.pods);
  for (const slice of cluster.endpointSlices) {
    if (slice.service === '' || slice.addressType === 'FQDN' || !isVisible(slice.namespace)) continue;
    if (slice.labels[labels.importedServiceName] !== undefined) continue;
    const endpoints: ShardEndpoint[] = [];
    for (const endpoint of slice.endpoints) {
      for (const address of endpoint.addresses) {
        const pod = podOf(endpoint, address, slice.namespace);
        if (pod === undefined && endpoint.pod !== undefined) continue; // istiod waits for the pod to appear
        const labelled = pod?.labels[labels.network];
        const network = labelled === undefined || labelled === '' ? networkOf(pod?.ips[0] ?? address) : networkId(labelled);
        const tlsMode = pod?.labels[labels.tlsMode] ?? 'disabled';
        const health = healthOf(endpoint);
        const nodeName = pod?.nodeName ?? endpoint.nodeName;
        for (const port of slice.ports) {
          endpoints.push({
            address,
            port: port.port ?? 0,
            portName: port.name,
            network,
            tlsMode,
            health,
            cluster: cluster.id,
            pod,
            nodeName,
            ref: slice.ref,
          });
        }
      }
    }
    yield { slice, endpoints };
  }
}

/** Finds the pod behind an address: the one the slice names, else any pod of the namespace with that address. */
function podFinder(pods: readonly Pod[]): (endpoint: Endpoint, address: string, namespace: string) => Pod | undefined {
  const { byName, byAddress } = podIndex(pods);
  return (endpoint, address, namespace) =>
    endpoint.pod !== undefined ? byName().get(namespace)?.get(endpoint.pod) : byAddress().get(namespace)?.get(address);
}

function healthOf(endpoint: Endpoint): ShardEndpoint['health'] {
  if (endpoint.ready) return 'healthy';
  return endpoint.terminating ? 'terminating' : 'unhealthy';
}

/** Slices of one service hold an endpoint twice while it moves from one to the other: the first counts, by address and port name. */
function merged(before: readonly ShardEndpoint[], more: readonly ShardEndpoint[]): ShardEndpoint[] {
  const key = (endpoint: ShardEndpoint) => `${endpoint.address} ${endpoint.portName}`;
  const seen = new Set(before.map(key));
  return [...before, ...more.filter((endpoint) => !seen.has(key(endpoint)))];
}

function byAddress(a: SentEndpoint, b: SentEndpoint): number {
  return compareText(a.address, b.address) || a.port - b.port;
}

function append<K, T>(groups: Map<K, T[]>, key: K, item: T): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [item]);
  else group.push(item);
}
