import {
  type ClusterName,
  groupBy,
  hosts,
  ipAddresses,
  listOf,
  type Mesh,
  type NetworkId,
  networkPolicies,
  type Pod,
  type Service,
  serviceCopies,
  valueOf,
} from 'meshdoctor/api';
import { gatewayServices } from '../_area.ts';
import { type Denial, type Group, merged, namespaceLabels, podsBehind, proxyGroups, refusal, type Seen } from './paths.ts';

/** A call that policies let through inside one cluster and not where it comes from, or goes to, another. */
export interface CutCall extends Denial {
  /** Names whose calls are concerned, sorted. */
  readonly services: readonly string[];
  /** The other end: clusters of callers, or of what they call. */
  readonly others: readonly ClusterName[];
  /** Addresses that callers go out to, or come from; empty where gateway pods stand between. */
  readonly addresses: readonly string[];
}

/** One direction of calls: from the sidecars of one cluster to the endpoints of another. */
interface Route {
  readonly from: Seen;
  readonly to: Seen;
  readonly reader: serviceCopies.Reader;
  /** Of `to`, where it differs from that of `from`: calls go through its gateways. */
  readonly network: NetworkId | undefined;
}

/** A Service with meshed pods that sidecars of another cluster are sent to. */
interface Target {
  readonly service: Service;
  readonly port: networkPolicies.PolicyPort & { readonly number: number };
  readonly pods: readonly Pod[];
}

/** Endpoints that let callers of their own cluster in, and not those that come from another. */
export function closedWorkloads(clusters: readonly Seen[], mesh: Mesh): CutCall[] {
  return groupedCalls(
    routesOf(clusters, mesh).flatMap((route) => {
      if (route.to.networkPolicies.length === 0) return [];
      return targetsOf(route).flatMap((target) => closedFor(route, target));
    }),
  );
}

function closedFor(route: Route, { service, port, pods }: Target): CutCall[] {
  const { from, to } = route;
  return pods.flatMap((pod): CutCall[] => {
    if (networkPolicies.policiesFor(to.networkPolicies, pod, 'ingress').length === 0) return [];
    const callers = proxyGroups(from.pods).filter(({ first }) => isWanted(to, first, pod, port));
    if (callers.length === 0) return [];
    const base = {
      cluster: to.name,
      direction: 'ingress',
      pods: [pod],
      ports: [port.number],
      services: [spelled(service)],
      others: [from.name],
    } as const;
    if (route.network !== undefined) {
      const gateways = gatewayPods(to, route.network);
      const refusals = gateways.map((gateway) => refusal(to, gateway, pod, port));
      const denied = refusals[0];
      if (denied === undefined || refusals.some((one) => one?.direction !== 'ingress')) return [];
      return [{ ...base, policies: denied.policies, addresses: [] }];
    }
    return callers.flatMap(({ first }): CutCall[] => {
      const [address] = first.ips;
      if (address === undefined) return [];
      const said = networkPolicies.verdictOf(to.networkPolicies, pod, 'ingress', port, { is: 'address', address });
      return said.is === 'denied' ? [{ ...base, policies: said.policies, addresses: [address] }] : [];
    });
  });
}

/** Gateway pods that may not call the endpoints they stand for. */
export function confinedGateways(clusters: readonly Seen[], mesh: Mesh): CutCall[] {
  return groupedCalls(
    routesOf(clusters, mesh).flatMap((route): CutCall[] => {
      const { from, to, network } = route;
      if (network === undefined) return [];
      const gateways = gatewayPods(to, network).filter((pod) => networkPolicies.policiesFor(to.networkPolicies, pod, 'egress').length > 0);
      if (gateways.length === 0) return [];
      return targetsOf(route).flatMap(({ service, port, pods }) =>
        pods.flatMap((pod) =>
          gateways.flatMap((gateway): CutCall[] => {
            const denied = refusal(to, gateway, pod, port);
            if (denied?.direction !== 'egress') return [];
            return [
              {
                cluster: to.name,
                direction: 'egress',
                policies: denied.policies,
                pods: [gateway],
                ports: [port.number],
                services: [spelled(service)],
                others: [from.name],
                addresses: [],
              },
            ];
          }),
        ),
      );
    }),
  );
}

/** Callers that may call pods of a name in their own cluster, and not what stands for its pods in another. */
export function confinedCallers(clusters: readonly Seen[], mesh: Mesh): CutCall[] {
  return groupedCalls(
    routesOf(clusters, mesh).flatMap((route) => {
      const { from } = route;
      if (from.networkPolicies.length === 0) return [];
      const held = proxyGroups(from.pods).filter(
        ({ first }) => first.proxy?.kind === 'sidecar' && networkPolicies.policiesFor(from.networkPolicies, first, 'egress').length > 0,
      );
      if (held.length === 0) return [];
      return targetsOf(route).flatMap((target) => held.flatMap((group) => confinedFor(route, group, target, clusters)));
    }),
  );
}

function confinedFor(route: Route, { first, pods }: Group, target: Target, clusters: readonly Seen[]): CutCall[] {
  const { from, to } = route;
  const there = target.pods.find((pod) => isAllowed(from, first, 'egress', pod, target.port));
  if (there === undefined) return [];
  const ways = route.network === undefined ? waysTo(target) : gatewayAddresses(clusters, route.network, to.name);
  const verdicts = ways.map(({ address, port }) =>
    networkPolicies.verdictOf(
      from.networkPolicies,
      first,
      'egress',
      { number: port, protocol: 'TCP' },
      ipAddresses.ipFamily(address) === undefined ? { is: 'outside' } : { is: 'address', address },
    ),
  );
  const [denied] = verdicts;
  if (denied === undefined || verdicts.some(({ is }) => is !== 'denied')) return [];
  return [
    {
      cluster: from.name,
      direction: 'egress',
      policies: denied.policies,
      pods,
      ports: [...new Set(ways.map(({ port }) => port))],
      services: [spelled(target.service)],
      others: [to.name],
      addresses: ways.map(({ address }) => address),
    },
  ];
}

function waysTo({ pods, port }: Target): { readonly address: string; readonly port: number }[] {
  return pods.slice(0, 1).flatMap(({ ips }) => ips.slice(0, 1).map((address) => ({ address, port: port.number })));
}

/** Whether policies are written for this call: they let the pod in, were it of this cluster. A rule for everybody lets the gateway in as well. */
function isWanted(cluster: Seen, caller: Pod, pod: Pod, port: networkPolicies.PolicyPort): boolean {
  return caller.proxy?.kind === 'sidecar' && isAllowed(cluster, pod, 'ingress', caller, port);
}

function isAllowed(
  cluster: Seen,
  pod: Pod,
  direction: networkPolicies.Direction,
  stranger: Pod,
  port: networkPolicies.PolicyPort,
): boolean {
  const labels = namespaceLabels(cluster, stranger.namespace);
  if (labels === undefined) return false;
  // Its address is of another cluster and says nothing here.
  const peer = { is: 'pod', pod: { ...stranger, ips: [] }, namespaceLabels: labels } as const;
  return networkPolicies.verdictOf(cluster.networkPolicies, pod, direction, port, peer).is === 'allowed';
}

function routesOf(clusters: readonly Seen[], mesh: Mesh): Route[] {
  const given = new Map(clusters.map((cluster) => [cluster.name, cluster]));
  return serviceCopies.readersOf(mesh, clusters).flatMap((reader) =>
    reader.serves.flatMap((caller) =>
      [...reader.reads].flatMap((called): Route[] => {
        const from = given.get(caller);
        const to = given.get(called);
        if (from === undefined || to === undefined || from === to) return [];
        const here = valueOf(from.member.network);
        const there = valueOf(to.member.network);
        if ('unknown' in from.member.network || 'unknown' in to.member.network) return [];
        const network = here === there ? undefined : there;
        if (here !== there && there === undefined) return [];
        // What connects its clusters itself knows pods of another by their labels.
        if (network === undefined && networkPolicies.spansClusters(to.workloads)) return [];
        return [{ from, to, reader, network }];
      }),
    ),
  );
}

/** Names of `to` that sidecars of `from` are shown and can resolve, with the pods behind them; one row for each port. */
function targetsOf({ from, to, reader }: Route): Target[] {
  const backends = serviceCopies.backendFinder([to]);
  const callers = serviceCopies.callerFinder([from])(from.name);
  const isCapturing = from.pods.some(({ proxy }) => proxy?.kind === 'sidecar' && proxy.dnsCapture);
  return to.services.flatMap((service): Target[] => {
    const { namespace, name } = service;
    if (service.type === 'ExternalName' || serviceCopies.isSystemNamespace(namespace)) return [];
    if (reader.isClusterLocal(hosts.fqdnOf(namespace, name, reader.controlPlane.clusterDomain)) || !reader.sees(to.name, namespace))
      return [];
    if (!isCapturing && !from.services.some((one) => one.namespace === namespace && one.name === name)) return [];
    if (!serviceCopies.isShownTo(service, callers, reader.meshConfig)) return [];
    const ready = backends(to.name, service).filter(({ endpoint, isMeshed }) => isMeshed && endpoint.ready && !endpoint.terminating);
    return [...groupBy(ready, ({ slice }) => slice.name).values()].flatMap((group) =>
      (group[0]?.slice.ports ?? []).flatMap(({ name: portName, port, protocol }): Target[] => {
        if (port === undefined || protocol !== 'TCP') return [];
        const target = service.ports.find((one) => one.name === portName)?.targetPort;
        return [
          {
            service,
            port: { number: port, protocol, ...(typeof target === 'string' ? { name: target } : {}) },
            pods: group.flatMap(({ pod }) => pod ?? []),
          },
        ];
      }),
    );
  });
}

/** Pods behind the Services of a cluster that are gateways of a network. */
function gatewayPods({ services, pods }: Seen, network: NetworkId): Pod[] {
  return gatewayServices(services, [])
    .filter((gateway) => gateway.network === network)
    .flatMap(({ service }) => podsBehind(service, pods));
}

/** Where sidecars call a network: the gateways of the cluster itself, else all of the network. */
function gatewayAddresses(
  clusters: readonly Seen[],
  network: NetworkId,
  cluster: ClusterName,
): { readonly address: string; readonly port: number }[] {
  const found = clusters.flatMap(({ name, services, nodes }) =>
    gatewayServices(services, listOf(nodes))
      .filter((gateway) => gateway.network === network && gateway.port !== 0)
      .flatMap(({ addresses, port }) => addresses.map((address) => ({ name, address, port }))),
  );
  const own = found.filter(({ name }) => name === cluster);
  return own.length > 0 ? own : found;
}

function groupedCalls(calls: readonly CutCall[]): CutCall[] {
  return merged(calls).map((denial) => {
    const same = calls.filter(
      (call) =>
        call.cluster === denial.cluster &&
        call.direction === denial.direction &&
        call.policies.length === denial.policies.length &&
        call.policies.every((policy, index) => policy === denial.policies[index]),
    );
    const all = <T extends string>(of: (call: CutCall) => readonly T[]): T[] => [...new Set(same.flatMap(of))].sort();
    return {
      ...denial,
      services: all(({ services }) => services),
      others: all(({ others }) => others),
      addresses: all(({ addresses }) => addresses),
    };
  });
}

function spelled({ namespace, name }: Service): string {
  return `${namespace}/${name}`;
}
