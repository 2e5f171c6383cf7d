import { distinct } from '../base/sort.ts';
import type { Service } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import { refKey } from '../model/refs.ts';
import { isExportedTo } from './endpoints.ts';
import type { ControlPlaneRef } from './topology-types.ts';
import type { Mesh } from './topology.ts';

/** What a caller should be told when it asks for a name. */
export type ExpectedAnswer =
  /** own: the address of the Service in the caller's cluster; other: that of another cluster, which sidecars alone know. */
  | { readonly from: 'own' | 'other'; readonly addresses: readonly string[]; readonly holders: readonly ClusterName[] }
  /** no address, as far as Services tell. */
  | { readonly from: 'nowhere' }
  /** Addresses that Services do not tell: headless, ExternalName, not allocated, or hidden from some callers. */
  | { readonly from: 'untold' };

/**
 * The answer of a cluster's own DNS (`cluster`), or of a sidecar that captures DNS (`sidecar`) in `namespace`, for a name with these
 * Services, one per cluster. A sidecar knows the name when an istiod that serves it reads a cluster that has it; which of several
 * clusters it then names is not told, so all addresses are given.
 */
export function expectedAnswer(
  instances: ReadonlyMap<ClusterName, Service>,
  caller: { readonly cluster: ClusterName; readonly via: 'sidecar' | 'cluster'; readonly namespace: string },
  mesh: Pick<Mesh, 'couples'>,
): ExpectedAnswer {
  const own = instances.get(caller.cluster);
  if (own !== undefined)
    return hasAddress(own) ? { from: 'own', addresses: addressesOf(own), holders: [caller.cluster] } : { from: 'untold' };
  if (caller.via === 'cluster') return { from: 'nowhere' };
  const read = clustersReadFor(caller.cluster, mesh);
  const others = [...instances].filter(([cluster]) => read.has(cluster));
  if (others.length === 0) return { from: 'nowhere' };
  const services = others.map(([, service]) => service);
  if (!services.every((service) => hasAddress(service) && isExportedTo(service, caller.namespace))) return { from: 'untold' };
  return { from: 'other', addresses: distinct(services.flatMap(addressesOf)), holders: others.map(([cluster]) => cluster) };
}

/**
 * Whether sidecars in a namespace may have no record of a Service because it is not exported to them. What stands in their own cluster its DNS knows, by the full
 * name: resolvers try that by their search domains, of which who is asked by a probe knows nothing.
 */
export function isUnexportedTo(instances: Iterable<Service>, namespace: string): boolean {
  return [...instances].some((service) => !isExportedTo(service, namespace));
}

/** Whether a name is one that no search domain is needed for. */
export function isFullName(asked: string): boolean {
  return asked.includes('.svc.');
}

/** Control planes whose proxies a cluster's may be: its own, or those that serve it as a remote. Where it may run one itself nothing is known. */
export function istiodsServing(caller: ClusterName, { couples }: Pick<Mesh, 'couples'>): ControlPlaneRef[] {
  return couples.flatMap(({ member, kind, controlPlane }) =>
    member === caller && (kind === 'self' || kind === 'remote') ? [controlPlane] : [],
  );
}

/** Clusters that some istiod reads which serves proxies of `caller`. */
function clustersReadFor(caller: ClusterName, { couples }: Pick<Mesh, 'couples'>): ReadonlySet<ClusterName> {
  const serving = new Set(istiodsServing(caller, { couples }).map(({ ref }) => refKey(ref)));
  return new Set(
    couples
      .filter(({ controlPlane, kind, credentials }) => serving.has(refKey(controlPlane.ref)) && (kind === 'self' || credentials.length > 0))
      .map(({ member }) => member),
  );
}

/** ClusterIPs of a Service; none for one without an address of its own. */
export function addressesOf(service: Service): string[] {
  return hasAddress(service) ? distinct([service.clusterIP, ...service.clusterIPs]) : [];
}

/** Whether a Service has an address of its own. */
export function hasAddress({ type, clusterIP }: Service): boolean {
  return type !== 'ExternalName' && clusterIP !== '' && clusterIP !== 'None';
}
