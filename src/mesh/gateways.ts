import { compareText } from '../base/sort.ts';
import { ipFamily } from '../istio/addresses.ts';
import { fqdnOf } from '../istio/hosts.ts';
import { annotations, classes, labels, ports } from '../istio/labels.ts';
import { presumedToBehave } from '../istio/releases.ts';
import type { KubeGateway, MeshNetwork, Node, Service } from '../model/facts.ts';
import { type ClusterId, type NetworkId, networkId } from '../model/ids.ts';
import type { StringMap } from '../model/kube.ts';
import type { ObjectRef } from '../model/refs.ts';
import { type IstiodView, type PredictedIstiod, flag, inRegistryOrder, visibleNamespaces } from './istiod-view.ts';
import { hasLabels } from './selectors.ts';

/** One address under which an istiod reaches a network: what `/debug/networkz` lists, and its hostnames before resolution. */
export interface NetworkGateway {
  readonly network: NetworkId;
  /** Id of the cluster it stands in; absent for a static gateway of meshNetworks. */
  readonly cluster?: ClusterId;
  readonly address: string;
  /** A hostname: istiod resolves it, and what it resolves to is not in any object. */
  readonly isUnresolved: boolean;
  /** mTLS port for sidecars, normally 15443 or a node port; 0 = sidecars cannot use it. */
  readonly port: number;
  /** Port for ambient, 15008; 0 = ambient cannot use it. */
  readonly hbonePort: number;
  /** Set on gateways from Gateway API objects. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
  /** Service or Gateway it comes from; absent for a static gateway of meshNetworks. */
  readonly ref?: ObjectRef;
}

/** Why a Service with a network label gives no gateway address. */
export type GatewayProblem =
  /** None of its ports is the gateway port or 15008: ignored since 1.29, a dead address before. */
  | 'no-port'
  /** A LoadBalancer without address and without externalIPs. */
  | 'no-address'
  /** A LoadBalancer of which the source has no status: whether it has an address is unknown. */
  | 'unknown-address'
  /** ClusterIP or ExternalName without externalIPs. */
  | 'not-exposed'
  /** A NodePort without annotation `traffic.istio.io/nodeSelector`. */
  | 'no-node-selector'
  /** No selected node has an ExternalIP. */
  | 'no-external-node';

/** What an istiod makes of one Service that carries a network label. */
export interface GatewayService {
  readonly service: Service;
  readonly network: NetworkId;
  /** The service port cross-network traffic is meant for: label `networking.istio.io/gatewayPort`, else 15443. */
  readonly wantedPort: number;
  /** The label is there and is no number, so 15443 is taken. */
  readonly isPortLabelUnreadable: boolean;
  /** As a client dials it: service port or node port; 0 where the Service does not have it. */
  readonly port: number;
  readonly hbonePort: number;
  /** In the order of the objects; hostnames included. */
  readonly addresses: readonly string[];
  /** Every reason why it is not usable; empty when it is. */
  readonly problems: readonly GatewayProblem[];
}

/** Judges one Service; nothing when it has no network label. `nodes` are those of its cluster (pilot/pkg/serviceregistry/kube/controller/network.go). */
export function gatewayService(service: Service, nodes: readonly Node[], version?: string): GatewayService | undefined {
  const network = service.labels[labels.network];
  if (network === undefined || network === '') return undefined;
  const asked = service.labels[labels.gatewayPort];
  const isPortLabelUnreadable = asked !== undefined && asked !== '' && !/^[+-]?\d+$/.test(asked);
  const wantedPort = asked === undefined || asked === '' || isPortLabelUnreadable ? ports.crossNetwork : Number(asked);
  const hasPort = (port: number) => service.ports.some((one) => one.port === port);
  const isStrict = presumedToBehave(version, 'ignoresGatewayServiceWithoutPort');
  const servicePort = hasPort(wantedPort) || !isStrict ? wantedPort : 0;
  const hbonePort = presumedToBehave(version, 'readsHbonePortOfGatewayService') && hasPort(ports.hbone) ? ports.hbone : 0;
  const { addresses, problem } = externalAddresses(service, nodes);
  const problems: GatewayProblem[] = [];
  if (!hasPort(wantedPort) && !hasPort(ports.hbone)) problems.push('no-port');
  if (problem !== undefined) problems.push(problem);
  return {
    service,
    network: networkId(network),
    wantedPort,
    isPortLabelUnreadable,
    port: dialled(service, servicePort),
    hbonePort,
    addresses,
    problems,
  };
}

/**
 * Network gateways as this istiod computes them from the objects of all clusters it reads, sorted by address and port
 * (pilot/pkg/model/network.go). Hostnames are kept, marked unresolved, unless RESOLVE_HOSTNAME_GATEWAYS is off. Equal to
 * `/debug/networkz` where no gateway is a hostname.
 */
export function networkGateways(view: IstiodView<'namespaces' | 'services' | 'nodes' | 'kubeGateways'>): NetworkGateway[] {
  const { istiod, meshConfig } = view;
  const meshNetworks = meshConfig?.meshNetworks ?? [];
  const discoversGateways = flag(
    istiod.env,
    'PILOT_MULTI_NETWORK_DISCOVER_GATEWAY_API',
    presumedToBehave(istiod.version, 'discoversGatewayApiGateways'),
  );
  const found: NetworkGateway[] = staticGateways(meshNetworks);
  for (const cluster of inRegistryOrder(view)) {
    const isVisible = visibleNamespaces(cluster.namespaces, meshConfig);
    const named = registryGateways(meshNetworks, cluster.id);
    for (const service of cluster.services) {
      const isLabelled = (service.labels[labels.network] ?? '') !== '';
      if ((!isLabelled && named.size === 0) || !isVisible(service.namespace)) continue;
      found.push(...ofService(service, cluster, istiod, named));
    }
    if (!discoversGateways) continue;
    for (const gateway of cluster.kubeGateways ?? []) {
      if (isVisible(gateway.namespace)) found.push(...ofKubeGateway(gateway, cluster.id, cluster.id === istiod.clusterId));
    }
  }
  const resolves = flag(istiod.env, 'RESOLVE_HOSTNAME_GATEWAYS', true);
  return withoutCopies(resolves ? found : found.filter((gateway) => !gateway.isUnresolved)).sort(byAddress);
}

/**
 * Gateways ambient data planes of this istiod use for other networks: Gateway API objects of class `istio-east-west` in the clusters
 * it reads, by their status (typed addresses, an HBONE listener that terminates), and its own of class `istio-remote`
 * (pilot/pkg/serviceregistry/ambient/networks.go). `NetworkGateway/*` of `/debug/ambientz`. A pending load balancer shows its
 * ClusterIP there: see `isProgrammed`.
 */
export function ambientGateways(view: IstiodView<'namespaces' | 'kubeGateways'>): NetworkGateway[] {
  const found: NetworkGateway[] = [];
  for (const cluster of inRegistryOrder(view)) {
    const isOwn = cluster.id === view.istiod.clusterId;
    const isVisible = visibleNamespaces(cluster.namespaces, view.meshConfig);
    for (const gateway of cluster.kubeGateways ?? []) {
      const network = gateway.labels[labels.network];
      if (network === undefined || network === '' || !isVisible(gateway.namespace)) continue;
      if (gateway.className !== (isOwn ? classes.remote : classes.eastWest)) continue;
      const listener = gateway.listeners.find((one) => one.protocol === 'HBONE' && (isOwn || one.tlsMode === 'Terminate'));
      if (listener === undefined) continue;
      for (const { type, value } of gateway.statusAddresses) {
        if (!isGatewayAddress(type)) continue;
        found.push({
          network: networkId(network),
          cluster: cluster.id,
          address: value,
          isUnresolved: ipFamily(value) === undefined,
          port: 0,
          // Callers of other networks are told this port, whatever its listener says, and it listens there alone.
          hbonePort: isOwn ? listener.port : ports.hbone,
          serviceAccount: serviceAccountOf(gateway),
          ref: gateway.ref,
        });
      }
    }
  }
  return withoutCopies(found).sort(byAddress);
}

/** Whether a Gateway API Gateway has condition Programmed with status True: only then its addresses are those of its load balancer. */
export function isProgrammed(gateway: KubeGateway): boolean {
  return gateway.conditions.some((condition) => condition.type === 'Programmed' && condition.status === 'True');
}

/** Gateways by network, and by network and cluster: how endpoints choose among them. */
export interface GatewayIndex {
  /** Whether any gateway exists: without one, every address is sent as it is. */
  readonly isMultiNetwork: boolean;
  /** Those of the network in that cluster, else all of the network (pilot/pkg/xds/endpoints/ep_filters.go: selectNetworkGateways). */
  readonly of: (network: NetworkId | undefined, cluster: ClusterId) => readonly NetworkGateway[];
}

export function gatewayIndex(gateways: readonly NetworkGateway[]): GatewayIndex {
  const byNetwork = new Map<string, NetworkGateway[]>();
  const byBoth = new Map<string, NetworkGateway[]>();
  for (const gateway of gateways) {
    append(byNetwork, gateway.network, gateway);
    append(byBoth, `${gateway.network}/${gateway.cluster ?? ''}`, gateway);
  }
  return {
    isMultiNetwork: gateways.length > 0,
    of: (network, cluster) => (network === undefined ? [] : (byBoth.get(`${network}/${cluster}`) ?? byNetwork.get(network) ?? [])),
  };
}

function staticGateways(meshNetworks: readonly MeshNetwork[]): NetworkGateway[] {
  return meshNetworks.flatMap(({ network, gateways }) =>
    gateways.flatMap(({ address, port }) =>
      address === undefined || address === ''
        ? []
        : [{ network, address, isUnresolved: ipFamily(address) === undefined, port, hbonePort: 0 }],
    ),
  );
}

/** Gateways that meshNetworks name by the FQDN of a Service, in networks that take in this cluster's registry. */
function registryGateways(
  meshNetworks: readonly MeshNetwork[],
  cluster: ClusterId,
): Map<string, { readonly network: NetworkId; readonly port: number }[]> {
  const named = new Map<string, { readonly network: NetworkId; readonly port: number }[]>();
  for (const { network, fromRegistries, gateways } of meshNetworks) {
    if (!fromRegistries.includes(cluster)) continue;
    for (const { registryServiceName, port } of gateways) {
      if (registryServiceName !== undefined && registryServiceName !== '') append(named, registryServiceName, { network, port });
    }
  }
  return named;
}

function ofService(
  service: Service,
  cluster: { readonly id: ClusterId; readonly nodes?: readonly Node[] | undefined },
  istiod: PredictedIstiod,
  named: ReadonlyMap<string, readonly { readonly network: NetworkId; readonly port: number }[]>,
): NetworkGateway[] {
  const nodes = cluster.nodes ?? [];
  const labelled = gatewayService(service, nodes, istiod.version);
  if (labelled !== undefined) {
    if (labelled.port === 0 && labelled.hbonePort === 0) return [];
    return labelled.addresses.map((address) => entry(labelled, cluster.id, address, service.ref));
  }
  const entries = named.get(fqdnOf(service.namespace, service.name, istiod.clusterDomain)) ?? [];
  const { addresses } = entries.length === 0 ? { addresses: [] } : externalAddresses(service, nodes);
  return entries.flatMap(({ network, port }) =>
    addresses.map((address) => entry({ network, port: dialled(service, port), hbonePort: 0 }, cluster.id, address, service.ref)),
  );
}

function entry(
  of: Pick<GatewayService, 'network' | 'port' | 'hbonePort'>,
  cluster: ClusterId,
  address: string,
  ref: ObjectRef,
): NetworkGateway {
  return {
    network: of.network,
    cluster,
    address,
    isUnresolved: ipFamily(address) === undefined,
    port: of.port,
    hbonePort: of.hbonePort,
    ref,
  };
}

function ofKubeGateway(gateway: KubeGateway, cluster: ClusterId, isConfigCluster: boolean): NetworkGateway[] {
  const network = gateway.labels[labels.network];
  if (network === undefined || network === '') return [];
  if (gateway.className === classes.remote && !isConfigCluster) return [];
  const serviceAccount = serviceAccountOf(gateway);
  return gateway.specAddresses.flatMap(({ type, value }) => {
    if (!isGatewayAddress(type)) return [];
    const at = {
      network: networkId(network),
      cluster,
      address: value,
      isUnresolved: ipFamily(value) === undefined,
      serviceAccount,
      ref: gateway.ref,
    };
    return gateway.listeners.flatMap((listener) => {
      const entries: NetworkGateway[] = [];
      if (isAutoPassthrough(listener, gateway.labels)) entries.push({ ...at, port: listener.port, hbonePort: 0 });
      if (listener.protocol === 'HBONE') entries.push({ ...at, port: listener.port, hbonePort: listener.port });
      return entries;
    });
  });
}

/** Whether a Gateway API listener passes TLS through by SNI: option `gateway.istio.io/listener-protocol`, or TLS on the gateway port of a labelled Gateway (pilot/pkg/serviceregistry/kube/conversion.go). */
export function isAutoPassthrough(listener: KubeGateway['listeners'][number], gatewayLabels: StringMap): boolean {
  const hasTls = listener.tlsMode !== undefined || Object.keys(listener.tlsOptions).length > 0;
  if (!hasTls) return false;
  if (listener.tlsOptions['gateway.istio.io/listener-protocol'] === 'auto-passthrough') return true;
  return (
    gatewayLabels[labels.network] !== undefined &&
    String(listener.port) === (gatewayLabels[labels.gatewayPort] ?? String(ports.crossNetwork))
  );
}

function serviceAccountOf(gateway: KubeGateway): { readonly namespace: string; readonly name: string } {
  const own = gateway.annotations[annotations.gatewayServiceAccount];
  if (own !== undefined && own !== '') return { namespace: gateway.namespace, name: own };
  return {
    namespace: gateway.namespace,
    name: gateway.className === classes.remote ? `${gateway.name}-${gateway.className}` : gateway.name,
  };
}

function isGatewayAddress(type: string | undefined): boolean {
  return type === 'IPAddress' || type === 'Hostname';
}

/** Addresses under which a Service can be reached from outside its cluster, in istiod's order, or why there are none. */
function externalAddresses(
  service: Service,
  nodes: readonly Node[],
): { readonly addresses: readonly string[]; readonly problem?: GatewayProblem } {
  const balanced =
    service.type === 'LoadBalancer' ? service.loadBalancer.flatMap(({ ip, hostname }) => (ip ? [ip] : hostname ? [hostname] : [])) : [];
  const addresses = [...balanced, ...service.externalIPs];
  if (addresses.length > 0) return { addresses };
  if (service.type === 'LoadBalancer') return { addresses: [], problem: service.withoutStatus === true ? 'unknown-address' : 'no-address' };
  if (service.type !== 'NodePort') return { addresses: [], problem: 'not-exposed' };
  const selector = service.annotations[annotations.nodeSelector];
  if (selector === undefined) return { addresses: [], problem: 'no-node-selector' };
  const wanted = nodeLabels(selector);
  const external = nodes.flatMap((node) => {
    const address = hasLabels(wanted, node.labels)
      ? node.addresses.find((one) => one.type === 'ExternalIP' && one.address !== '')
      : undefined;
    return address === undefined ? [] : [address.address];
  });
  return external.length > 0 ? { addresses: external } : { addresses: [], problem: 'no-external-node' };
}

/** The node port of a NodePort Service that istiod maps (it has annotation nodeSelector), else the service port itself. */
function dialled(service: Service, port: number): number {
  if (service.type !== 'NodePort' || service.annotations[annotations.nodeSelector] === undefined) return port;
  return service.ports.find((one) => one.port === port)?.nodePort ?? port;
}

/** Value of annotation `traffic.istio.io/nodeSelector`: a JSON map; what cannot be read selects every node, as istiod has it. */
function nodeLabels(json: string): StringMap {
  try {
    const parsed: unknown = JSON.parse(json);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return {};
    return Object.fromEntries(Object.entries(parsed).map(([key, value]) => [key, String(value)]));
  } catch {
    return {};
  }
}

/** istiod keeps a set: entries equal in everything it compares are one, the first object found is its evidence. */
function withoutCopies(gateways: readonly NetworkGateway[]): NetworkGateway[] {
  const unique = new Map<string, NetworkGateway>();
  for (const gateway of gateways) {
    const account = gateway.serviceAccount;
    const key = JSON.stringify([
      gateway.network,
      gateway.cluster,
      gateway.address,
      gateway.port,
      gateway.hbonePort,
      account?.namespace,
      account?.name,
    ]);
    if (!unique.has(key)) unique.set(key, gateway);
  }
  return [...unique.values()];
}

function byAddress(a: NetworkGateway, b: NetworkGateway): number {
  return (
    compareText(a.address, b.address) ||
    a.port - b.port ||
    compareText(a.network, b.network) ||
    compareText(a.cluster ?? '', b.cluster ?? '')
  );
}

function append<T>(groups: Map<string, T[]>, key: string, item: T): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [item]);
  else group.push(item);
}
