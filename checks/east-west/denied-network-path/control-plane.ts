import { type ClusterName, ipAddresses, type Mesh, networkPolicies, type Pod, ports, type Service, valueOf } from 'meshdoctor/api';
import { eastWestServices, gatewayServices, isWayToIstiod } from '../_area.ts';
import { type Denial, isContradicted, isRunning, merged, podPort, podsBehind, proxyGroups, refusal, type Seen } from './paths.ts';

const outside: networkPolicies.PolicyPeer = { is: 'outside' };

export interface ClosedGateway extends Denial {
  readonly service: Service;
}

/** Gateways between networks whose pods nobody outside their cluster may call. What comes from a load balancer has an address, and no labels. */
export function closedGateways(cluster: Seen, mesh: Mesh): ClosedGateway[] {
  return eastWestServices(cluster.services, cluster.name, mesh).flatMap((service): ClosedGateway[] => {
    const [labelled] = gatewayServices([service], []);
    const wanted = new Set<number>([
      ...(labelled === undefined ? [] : [labelled.wantedPort, ports.hbone]),
      ...(isWayToIstiod(service, cluster.name, mesh) ? [ports.discovery, ports.webhook] : []),
    ]);
    const used = service.ports.filter(({ port }) => wanted.has(port));
    const denials = podsBehind(service, cluster.pods).flatMap((pod) =>
      used.flatMap((port): Denial[] => {
        const said = networkPolicies.verdictOf(cluster.networkPolicies, pod, 'ingress', podPort(port), outside);
        return said.is === 'denied'
          ? [{ cluster: cluster.name, direction: 'ingress', policies: said.policies, pods: [pod], ports: [port.port] }]
          : [];
      }),
    );
    return merged(denials).map((denial) => ({ ...denial, service }));
  });
}

export interface CutFromIstiod extends Denial {
  /** Some of them got ready under these policies. */
  readonly isContradicted: boolean;
}

/** Proxies that policies keep from the istiod that they ask: at their own end, or at that of istiod. */
export function cutFromIstiod(cluster: Seen, mesh: Mesh): CutFromIstiod[] {
  if (cluster.networkPolicies.length === 0) return [];
  const denials = proxyGroups(cluster.pods).flatMap(({ first, pods }): CutFromIstiod[] => {
    const denied = toIstiod(cluster, first);
    if (denied === undefined) return [];
    return [{ ...denied, cluster: cluster.name, pods, ports: [ports.discovery], isContradicted: isContradicted(denied.policies, pods) }];
  });
  return withContradiction(merged([...denials, ...fromGateways(cluster, mesh)]), denials);
}

function toIstiod(cluster: Seen, pod: Pod): Pick<Denial, 'direction' | 'policies'> | undefined {
  const [name, namespace] = (pod.proxy?.discoveryHost ?? '').split('.');
  const service = cluster.services.find((one) => one.name === name && one.namespace === namespace);
  const port = service?.ports.find((one) => one.port === ports.discovery);
  if (service === undefined || port === undefined) return undefined;
  if (Object.keys(service.selector).length > 0) {
    const istiods = podsBehind(service, cluster.pods).filter(({ proxy }) => proxy === undefined);
    const refusals = istiods.map((istiod) => refusal(cluster, pod, istiod, podPort(port)));
    return refusals.every((one) => one !== undefined) ? refusals[0] : undefined;
  }
  const verdicts = addressesBehind(cluster, service, port.name).map(({ address, number }) =>
    networkPolicies.verdictOf(cluster.networkPolicies, pod, 'egress', { number, protocol: 'TCP' }, { is: 'address', address }),
  );
  const [first] = verdicts;
  return first === undefined || verdicts.some(({ is }) => is !== 'denied') ? undefined : { direction: 'egress', policies: first.policies };
}

/** Addresses of a Service without selector, with the port that they are called at. */
function addressesBehind(
  { endpointSlices }: Seen,
  { namespace, name }: Service,
  portName: string,
): { readonly address: string; readonly number: number }[] {
  return endpointSlices
    .filter((slice) => slice.namespace === namespace && slice.service === name)
    .flatMap((slice) => {
      const number = slice.ports.find((one) => one.name === portName)?.port ?? ports.discovery;
      return slice.endpoints.flatMap(({ addresses }) => addresses.map((address) => ({ address, number })));
    });
}

/** Pods with proxies that may not ask the DNS of their cluster: the name of istiod is asked there before anything else. */
export function cutFromDns(cluster: Seen): CutFromIstiod[] {
  const servers = cluster.pods.filter(({ labels, phase }) => labels['k8s-app'] === 'kube-dns' && isRunning(phase));
  // What listens on every node has an address that no policy of Kubernetes is sure to be about.
  const isOnNodes = cluster.workloads.some(({ kind, name }) => kind === 'DaemonSet' && /node-?local-?dns/.test(name));
  if (servers.length === 0 || isOnNodes || cluster.networkPolicies.length === 0) return [];
  const denials = proxyGroups(cluster.pods).flatMap(({ first, pods }): CutFromIstiod[] => {
    const refusals = servers.map((server) => refusal(cluster, first, server, { number: dnsPort, protocol: 'UDP' }));
    const [denied] = refusals;
    if (denied === undefined || refusals.includes(undefined)) return [];
    return [{ ...denied, cluster: cluster.name, pods, ports: [dnsPort], isContradicted: isContradicted(denied.policies, pods) }];
  });
  return withContradiction(merged(denials), denials);
}

/** Of the containers of CoreDNS and kube-dns. */
const dnsPort = 53;

function withContradiction(whole: readonly Denial[], parts: readonly CutFromIstiod[]): CutFromIstiod[] {
  return whole.map((denial) => ({
    ...denial,
    isContradicted: parts.some((one) => one.isContradicted && one.direction === denial.direction && one.policies[0] === denial.policies[0]),
  }));
}

/** Gateways that pass the calls of remotes on to istiod, which reach it on the port of its webhook, too. */
function fromGateways(cluster: Seen, mesh: Mesh): Denial[] {
  const istiods = istiodPods(cluster);
  return eastWestServices(cluster.services, cluster.name, mesh)
    .filter((service) => isWayToIstiod(service, cluster.name, mesh))
    .flatMap((service) =>
      podsBehind(service, cluster.pods).flatMap((pod) =>
        istiods.flatMap((istiod): Denial[] => {
          const denied = refusal(cluster, pod, istiod, { number: ports.webhook, protocol: 'TCP' });
          return denied === undefined ? [] : [{ ...denied, cluster: cluster.name, pods: [pod], ports: [ports.webhook] }];
        }),
      ),
    );
}

export function istiodPods({ controlPlanes, pods }: Seen): Pod[] {
  return controlPlanes.flatMap((controlPlane) =>
    podsBehind({ namespace: controlPlane.namespace, selector: controlPlane.selector }, pods).filter(({ phase }) => isRunning(phase)),
  );
}

/** Istiods whose webhook the API server of their own cluster may not call: it has the address of a node, or comes through an agent in kube-system. */
export function closedWebhooks(cluster: Seen): CutFromIstiod[] {
  if (valueOf(cluster.member.role) !== 'primary') return [];
  const port: networkPolicies.PolicyPort = { number: ports.webhook, protocol: 'TCP' };
  const agents = cluster.pods.filter(({ namespace }) => namespace === 'kube-system');
  const denials = istiodPods(cluster).flatMap((pod): Denial[] => {
    const said = networkPolicies.verdictOf(cluster.networkPolicies, pod, 'ingress', port, outside);
    if (said.is !== 'denied') return [];
    const labels = cluster.namespaces.find(({ name }) => name === 'kube-system')?.labels ?? {};
    const isForAgents = [...agents, agent].some(
      (one) =>
        networkPolicies.verdictOf(cluster.networkPolicies, pod, 'ingress', port, {
          is: 'pod',
          pod: { ...one, hostNetwork: false },
          namespaceLabels: { 'kubernetes.io/metadata.name': 'kube-system', ...labels },
        }).is !== 'denied',
    );
    return isForAgents
      ? []
      : [{ cluster: cluster.name, direction: 'ingress', policies: said.policies, pods: [pod], ports: [ports.webhook] }];
  });
  const injected = cluster.pods.filter(({ proxy }) => proxy?.kind === 'sidecar');
  return merged(denials).map((denial) => ({ ...denial, isContradicted: isContradicted(denial.policies, injected) }));
}

/** One of which nothing is known but where it runs. */
const agent: networkPolicies.PolicyPod = { namespace: 'kube-system', labels: {}, ips: [], hostNetwork: false };

export interface CutFromApiServer extends Denial {
  readonly member: ClusterName;
  readonly server: string;
  readonly address: string;
  readonly port: number;
}

/** Istiods that may not call the API server of a cluster that they read. Names are not held against blocks of addresses. */
export function cutFromApiServers(cluster: Seen, mesh: Mesh): CutFromApiServer[] {
  const couples = mesh.couples.filter(({ controlPlane, kind }) => controlPlane.cluster === cluster.name && kind !== 'self');
  return couples.flatMap(({ controlPlane, member, credentials }) =>
    credentials.flatMap(({ entry }): CutFromApiServer[] => {
      const at = addressOf(entry.server);
      if (entry.server === undefined || at === undefined || entry.proxyUrl !== undefined) return [];
      const own = cluster.controlPlanes.find(
        ({ namespace, revision }) => namespace === controlPlane.namespace && revision === controlPlane.revision,
      );
      const pods = own === undefined ? [] : podsBehind({ namespace: own.namespace, selector: own.selector }, cluster.pods);
      const denials = pods.flatMap((pod): Denial[] => {
        const said = networkPolicies.verdictOf(
          cluster.networkPolicies,
          pod,
          'egress',
          { number: at.port, protocol: 'TCP' },
          { is: 'address', address: at.address },
        );
        return said.is === 'denied'
          ? [{ cluster: cluster.name, direction: 'egress', policies: said.policies, pods: [pod], ports: [at.port] }]
          : [];
      });
      return merged(denials).map((denial) => ({ ...denial, ...at, member, server: entry.server ?? '' }));
    }),
  );
}

function addressOf(server: string | undefined): { readonly address: string; readonly port: number } | undefined {
  if (server === undefined || !URL.canParse(server)) return undefined;
  const { hostname, port, protocol } = new URL(server);
  const address = hostname.replace(/^\[|\]$/g, '');
  return ipAddresses.ipFamily(address) === undefined
    ? undefined
    : { address, port: port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port) };
}
