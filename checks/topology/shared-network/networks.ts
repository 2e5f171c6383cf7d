import {
  type Clock,
  type ClusterName,
  compareText,
  type ControlPlane,
  distinct,
  type Fact,
  injection,
  ipAddresses,
  type Injector,
  type IstioResource,
  type Json,
  type KubeGateway,
  labels,
  listOf,
  type Member,
  type Namespace,
  type Node,
  type Pod,
  ports,
  type Service,
  valueOf,
} from 'meshdoctor/api';
import { gatewaysByNetwork, isLive } from '../_area.ts';

/** What the check sees of one cluster. */
export interface Seen {
  readonly name: ClusterName;
  readonly member: Member;
  readonly namespaces: readonly Namespace[];
  readonly controlPlanes: readonly ControlPlane[];
  readonly services: Fact<readonly Service[]>;
  readonly kubeGateways: Fact<readonly KubeGateway[]>;
  readonly injectors: Fact<readonly Injector[]>;
  readonly pods: Fact<readonly Pod[]>;
  readonly istioResources: Fact<readonly IstioResource[]>;
  readonly nodes: Fact<readonly Node[]>;
  readonly clock: Fact<Clock>;
}

/** One address that pods of two clusters have on one network. */
export interface Collision {
  readonly address: string;
  readonly pods: readonly [Pod, Pod];
  /** Both had it at one time. Clusters that take addresses from one range in turn may each show it at another time. */
  readonly isProven: boolean;
}

/** An address that pods of both clusters have on one network, host addresses aside: one that is proven before others, then by text. */
export function collisionOn(network: string, [one, other]: readonly [Seen, Seen]): Collision | undefined {
  const holders = new Map<string, Pod>();
  for (const pod of podsOn(network, one)) for (const address of pod.ips) holders.set(address, pod);
  const seen = Math.min(seenUntil(one), seenUntil(other));
  const found = podsOn(network, other).flatMap((pod) =>
    pod.ips.flatMap((address): Collision[] => {
      const holder = holders.get(address);
      return holder === undefined ? [] : [{ address, pods: [holder, pod], isProven: Math.max(startOf(holder), startOf(pod)) <= seen }];
    }),
  );
  return found.sort((a, b) => Number(b.isProven) - Number(a.isProven) || compareText(a.address, b.address))[0];
}

function podsOn(network: string, cluster: Seen): Pod[] {
  return listOf(cluster.pods).filter((pod) => !pod.hostNetwork && isLive(pod) && networkOf(pod, cluster) === network);
}

/** A time at which the pods of the cluster were still seen: its clock, or when the youngest of them started. */
function seenUntil({ clock, pods }: Seen): number {
  const known = clock.status === 'collected' ? Date.parse(clock.value.takenAt) : 0;
  return listOf(pods).reduce((latest, pod) => (pod.startedAt === undefined ? latest : Math.max(latest, Date.parse(pod.startedAt))), known);
}

function startOf({ startedAt }: Pod): number {
  return startedAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(startedAt);
}

/** A range from which nodes of two clusters give addresses to pods. */
export interface SharedRange {
  readonly range: string;
  readonly nodes: readonly [Node, Node];
}

/** The first range, by text, that a node of each cluster has, and from which pods on this network really have addresses there. */
export function sharedRangeOn(network: string, [one, other]: readonly [Seen, Seen]): SharedRange | undefined {
  const ranges = rangesInUse(network, one);
  const found = [...rangesInUse(network, other)].flatMap(([range, node]): SharedRange[] => {
    const first = ranges.get(range);
    return first === undefined ? [] : [{ range, nodes: [first, node] }];
  });
  return found.sort((a, b) => compareText(a.range, b.range))[0];
}

/** Ranges of nodes by their text. Some network plug-ins leave `podCIDR` unused: then no pod of the node has an address in it. */
function rangesInUse(network: string, cluster: Seen): ReadonlyMap<string, Node> {
  const nodes = new Map(listOf(cluster.nodes).map((node) => [node.name, node]));
  const used = new Map<string, Node>();
  for (const pod of podsOn(network, cluster)) {
    const node = nodes.get(pod.nodeName ?? '');
    for (const range of node?.podCidrs ?? []) {
      if (node !== undefined && !used.has(range) && pod.ips.some((address) => ipAddresses.isInCidr(address, range))) used.set(range, node);
    }
  }
  return used;
}

/** Services of what connects networks of pods by tunnels of its own: Cilium's cluster mesh, Submariner. */
const connectors: ReadonlySet<string> = new Set(['clustermesh-apiserver', 'submariner-gateway', 'submariner-operator-metrics']);

/**
 * The ranges from which AKS gives pods addresses that only their own cluster routes: kubenet and overlay, unlike Azure CNI, take them from
 * the range of the node. Nothing where one of the clusters is another, or something connects them.
 */
export function overlaysOn(network: string, pair: readonly [Seen, Seen]): readonly [Node, Node] | undefined {
  const isConnected = ({ services }: Seen): boolean =>
    services.status !== 'collected' || services.value.some(({ name }) => connectors.has(name));
  const isAzure = ({ nodes }: Seen): boolean => listOf(nodes).length > 0 && listOf(nodes).every(({ provider }) => provider === 'azure');
  if (!pair.every(isAzure) || pair.some(isConnected)) return undefined;
  const [one, other] = pair.map((cluster) => [...rangesInUse(network, cluster)].sort(([a], [b]) => compareText(a, b))[0]?.[1]);
  return one === undefined || other === undefined ? undefined : [one, other];
}

/** Network of an endpoint: label of the pod before that of the system namespace. */
function networkOf(pod: Pod, { member }: Seen): string {
  return pod.labels[labels.network] || (valueOf(member.network) ?? '');
}

/** The one other network that gateways, injectors and workloads of a cluster agree on, at least two of them, against its namespace. */
export function contradiction(cluster: Seen, network: string): string | undefined {
  const gateways = [...gatewaysByNetwork(listOf(cluster.services)).keys()];
  const injected = listOf(cluster.injectors)
    .filter(injection.isActive)
    .flatMap((injector) => injector.injectedNetwork ?? []);
  const carried = listOf(cluster.pods).flatMap((pod) => (pod.proxy?.kind === 'sidecar' && isLive(pod) ? (pod.proxy.network ?? []) : []));
  const voices = [gateways, injected, carried].filter((voice) => voice.length > 0).map(distinct<string>);
  const said = distinct(voices.flat());
  return voices.length > 1 && said.length === 1 && said[0] !== network ? said[0] : undefined;
}

/** Whether a gateway of the cluster carries a network label. */
export function hasLabelledGateway(cluster: Seen): boolean {
  const api = listOf(cluster.kubeGateways).some(
    (gateway) => gateway.className !== 'istio-remote' && (gateway.labels[labels.network] ?? '') !== '',
  );
  return api || gatewaysByNetwork(listOf(cluster.services)).size > 0;
}

/** Whether the cluster has a gateway that is meant for other networks, labelled or not. */
export function hasCrossNetworkGateway(cluster: Seen): boolean {
  const isOpen = (service: Service): boolean =>
    service.type !== 'ClusterIP' &&
    Object.keys(service.selector).length > 0 &&
    service.ports.some(({ port }) => port === ports.crossNetwork);
  return hasLabelledGateway(cluster) || listOf(cluster.services).some(isOpen);
}

/** Networks of workloads outside Kubernetes, by which a gateway may be needed although all clusters are on one network. */
export function networksOfWorkloads(resources: readonly IstioResource[]): string[] {
  return distinct(
    resources.flatMap(({ spec }) => {
      const places = [spec, at(spec, 'template'), ...itemsOf(at(spec, 'endpoints'))];
      return places.map((place) => at(place, 'network')).filter((network) => typeof network === 'string');
    }),
  ).filter((network) => network !== '');
}

function itemsOf(value: Json | undefined): readonly Json[] {
  return typeof value === 'object' && value !== null && Array.isArray(value) ? Object.values<Json>(value) : [];
}

function at(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([name]) => name === key)?.[1];
}
