import { compareText, sortedBy } from '../base/sort.ts';
import { labels, names } from '../istio/labels.ts';
import type { ClusterFacts, Service } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import { istioMutual } from './endpoints.ts';
import { type FactsByCluster, listOf, type Mesh, type Topology } from './topology.ts';
import { podIndex } from './pod-index.ts';

/** A service that the user named with `--service`. */
export interface NamedService {
  readonly namespace: string;
  readonly name: string;
  readonly port?: number;
}

/** A name to ask for, and the clusters whose pods may call it. */
export interface NameToProbe {
  /** Data plane clusters of one mesh, sorted: what asks the question, and what may have the service. */
  readonly members: readonly ClusterName[];
  readonly namespace: string;
  readonly name: string;
  /** The port given with `--service`, else the first TCP port of the service that was chosen; absent = nothing says one. */
  readonly port?: number;
  /** Given with `--service`; false: chosen because it shows whether names of its cluster are known elsewhere. */
  readonly named: boolean;
}

/** How many names of each cluster are chosen when none is given: one tells whether names of that cluster are known elsewhere. */
const chosenPerCluster = 1;

/**
 * The names that a run asks for. Named ones: in every mesh that has the service in some cluster, in every mesh when no cluster has it
 * (the answer is then wanted from all). When none is named, one per cluster of every mesh of several clusters: a service that lives
 * there only if there is one, with a ready endpoint that takes mTLS if there is one; else one that has its ready endpoints there.
 * A cluster without such a service gives none. Sorted by mesh, then namespace and name.
 */
export function namesToProbe(facts: FactsByCluster, topology: Topology, named: readonly NamedService[]): readonly NameToProbe[] {
  const meshes = topology.meshes.map((mesh) => ({ mesh, members: dataPlaneClusters(mesh) }));
  if (named.length > 0) {
    return meshes.flatMap(({ members }) =>
      sortedBy(distinctNames(named), (one) => `${one.namespace}/${one.name}`)
        .filter((one) => hasService(facts, members, one) || !hasService(facts, [...facts.keys()], one))
        .map((one) => ({ members, ...one, named: true })),
    );
  }
  return meshes.flatMap(({ mesh, members }) => (members.length < 2 ? [] : chosenNames(facts, mesh, members)));
}

/** Clusters of a mesh that traffic flows between, sorted: all but those that merely host an external control plane. */
export function dataPlaneClusters(mesh: Mesh): ClusterName[] {
  return [...mesh.members.values()]
    .filter((member) => !('known' in member.role && member.role.known === 'external'))
    .map((member) => member.cluster)
    .sort(compareText);
}

/** The same service given twice is asked for once, with the port that one of them has. */
function distinctNames(named: readonly NamedService[]): NamedService[] {
  const found = new Map<string, NamedService>();
  for (const one of named) {
    const key = `${one.namespace}/${one.name}`;
    if (found.get(key)?.port === undefined) found.set(key, one);
  }
  return [...found.values()];
}

function hasService(facts: FactsByCluster, clusters: readonly ClusterName[], { namespace, name }: NamedService): boolean {
  return clusters.some((cluster) => servicesOf(facts.get(cluster)).some((one) => one.namespace === namespace && one.name === name));
}

function servicesOf(facts: ClusterFacts | undefined): readonly Service[] {
  return facts === undefined ? [] : listOf(facts.services);
}

function chosenNames(facts: FactsByCluster, mesh: Mesh, members: readonly ClusterName[]): NameToProbe[] {
  const systemNamespaces = new Set([...mesh.members.values()].map((member) => member.systemNamespace));
  const homes = new Map<string, ClusterName[]>();
  for (const cluster of members) {
    for (const { namespace, name } of servicesOf(facts.get(cluster))) {
      const key = `${namespace}/${name}`;
      const at = homes.get(key);
      if (at === undefined) homes.set(key, [cluster]);
      else at.push(cluster);
    }
  }
  const taken = new Set<string>();
  const chosen = members.flatMap((cluster) => {
    const own = facts.get(cluster);
    if (own === undefined) return [];
    const endpoints = readyPods(own);
    const candidates = listOf(own.services).flatMap((service) => {
      const key = `${service.namespace}/${service.name}`;
      const ready = endpoints.get(key);
      const port = service.ports.find(({ protocol }) => protocol === 'TCP')?.port;
      if (ready === undefined || port === undefined || !isOrdinary(service, systemNamespaces)) return [];
      return [{ key, service, port, rank: rankOf(homes.get(key)?.length ?? 1, ready) }];
    });
    return candidates
      .filter(({ key }) => !taken.has(key))
      .sort((a, b) => a.rank - b.rank || compareText(a.key, b.key))
      .slice(0, chosenPerCluster)
      .map(({ key, service: { namespace, name }, port }) => {
        taken.add(key);
        return { members, namespace, name, port, named: false };
      });
  });
  return sortedBy(chosen, (one) => `${one.namespace}/${one.name}`);
}

/** Alone in its cluster before shared, behind a sidecar before not: what a caller elsewhere can only reach through the mesh. */
function rankOf(homes: number, ready: { readonly mtls: boolean }): number {
  return (ready.mtls ? 0 : 2) + (homes === 1 ? 0 : 1);
}

/** Services of applications with an address of their own; those of Kubernetes and Istio, gateways and headless ones are special. */
function isOrdinary(service: Service, systemNamespaces: ReadonlySet<string>): boolean {
  const { namespace, name, type, clusterIP } = service;
  if (namespace.startsWith('kube-') || systemNamespaces.has(namespace) || (namespace === 'default' && name === 'kubernetes')) return false;
  if (type === 'ExternalName' || clusterIP === '' || clusterIP === 'None') return false;
  if (service.labels[labels.network] !== undefined || service.labels['istio'] !== undefined) return false;
  return namespace !== names.defaultSystemNamespace && Object.keys(service.selector).length > 0;
}

/** Services with a ready endpoint, by `namespace/name`, and whether one of these takes mTLS. */
function readyPods(facts: ClusterFacts): Map<string, { readonly mtls: boolean }> {
  const pods = podIndex(listOf(facts.pods)).byName();
  const found = new Map<string, { readonly mtls: boolean }>();
  for (const slice of listOf(facts.endpointSlices)) {
    const key = `${slice.namespace}/${slice.service}`;
    const ready = slice.endpoints.filter((endpoint) => endpoint.ready && endpoint.addresses.length > 0);
    if (ready.length === 0) continue;
    const mtls = ready.some((endpoint) => {
      const pod = endpoint.pod === undefined ? undefined : pods.get(slice.namespace)?.get(endpoint.pod);
      return pod?.labels[labels.tlsMode] === istioMutual;
    });
    found.set(key, { mtls: mtls || found.get(key)?.mtls === true });
  }
  return found;
}
