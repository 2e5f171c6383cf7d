import {
  type ClusterName,
  type ControlPlane,
  distinct,
  type EndpointSlice,
  hosts,
  type Mesh,
  type MeshConfig,
  type Namespace,
  type Pod,
  type Service,
  serviceCopies,
  type ServicePort,
} from 'meshdoctor/api';

export const title = 'Names across clusters';
export const order = 7;

/** What is asked of every cluster to tell what istiods make of a name that several have. */
export const needed = ['services', 'endpointSlices', 'pods', 'namespaces', 'controlPlanes', 'meshConfigs'] as const;

export interface Seen {
  readonly name: ClusterName;
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
  readonly controlPlanes: readonly ControlPlane[];
  readonly meshConfigs: readonly MeshConfig[];
}

/** Shared services with what tells who merges them, who is behind them and who may call. */
export interface World {
  readonly shared: readonly serviceCopies.SharedService[];
  readonly readers: readonly serviceCopies.Reader[];
  readonly backends: ReturnType<typeof serviceCopies.backendFinder>;
  readonly callers: ReturnType<typeof serviceCopies.callerFinder>;
}

export function worldOf(clusters: readonly Seen[], mesh: Mesh): World {
  return {
    shared: serviceCopies.sharedServices(clusters),
    readers: serviceCopies.readersOf(mesh, clusters),
    backends: serviceCopies.backendFinder(clusters),
    callers: serviceCopies.callerFinder(clusters),
  };
}

/** Ready endpoints that take mTLS. */
export function readyIn({ backends }: World, cluster: ClusterName, shared: { readonly namespace: string; readonly name: string }) {
  return backends(cluster, shared).filter(({ endpoint, isMeshed }) => isMeshed && endpoint.ready && !endpoint.terminating);
}

/**
 * Clusters whose pods with sidecars are shown the service by this istiod and would be sent to endpoints of `of`, were it not for what
 * is asked: all that it serves, or only `of` itself where the host is kept to its cluster.
 */
export function callersOf({ callers }: World, { reader }: serviceCopies.Merged, first: Service, of: ClusterName): readonly ClusterName[] {
  const isLocal = isKept(reader, first);
  return reader.serves.filter(
    (cluster) => (!isLocal || cluster === of) && serviceCopies.isShownTo(first, callers(cluster), reader.meshConfig),
  );
}

/** Whether an istiod keeps the endpoints of a service to their own cluster. */
export function isKept({ controlPlane, isClusterLocal }: serviceCopies.Reader, { namespace, name }: Service): boolean {
  return isClusterLocal(hosts.fqdnOf(namespace, name, controlPlane.clusterDomain));
}

/** A Service whose address stands for its endpoints: neither headless nor an alias. */
export function hasAddress({ type, clusterIP }: Service): boolean {
  return type !== 'ExternalName' && clusterIP !== 'None';
}

/** Ports that Istio routes, by number. */
export function routedPorts({ ports }: Service): ReadonlyMap<number, ServicePort> {
  return new Map(ports.filter(({ protocol }) => protocol === 'TCP').map((port) => [port.port, port]));
}

export function portNamed(name: string): string {
  return name === '' ? 'unnamed' : name;
}

/** The ports of a Service for a merge patch, which replaces the list: each as it is, or as `change` makes it. */
export function portsWith(service: Service, change: (port: ServicePort) => ServicePort): readonly Record<string, string | number>[] {
  return service.ports.map(change).map((port) => specOf(port));
}

export function specOf({ name, port, targetPort, protocol, nodePort, appProtocol }: ServicePort): Record<string, string | number> {
  return {
    ...(name === '' ? {} : { name }),
    port,
    targetPort,
    protocol,
    ...(nodePort === undefined ? {} : { nodePort }),
    ...(appProtocol === undefined ? {} : { appProtocol }),
  };
}

export function clustersOf(copies: readonly serviceCopies.Copy[]): ClusterName[] {
  return distinct<ClusterName>(copies.map(({ cluster }) => cluster));
}
