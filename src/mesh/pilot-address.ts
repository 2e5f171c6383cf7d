import { distinct } from '../base/sort.ts';
import { isSameAddress } from '../istio/addresses.ts';
import { istiodServiceName } from '../istio/hosts.ts';
import { labels, ports } from '../istio/labels.ts';
import type { ControlPlane, EndpointSlice, Endpoints, Injector, Node, Pod, Service } from '../model/facts.ts';
import type { ObjectRef } from '../model/refs.ts';
import { selectsPods } from './selectors.ts';
import type { Couple } from './topology-types.ts';

/** What a remote holds of the way to its istiod: the selector-less Service and the addresses behind it. */
export interface RemotePilot {
  readonly service: Service;
  /** Address → the object that says so: Endpoints before EndpointSlices, which may be copies of them. Empty for an ExternalName. */
  readonly addresses: ReadonlyMap<string, ObjectRef>;
}

/**
 * Services of a remote that stand for this istiod: those its injectors of that revision call, and `istiod[-rev]` itself. A Service
 * with a selector is not one of them: it stands for pods of its own cluster.
 */
export function remotePilots(
  controlPlane: Pick<ControlPlane, 'revision' | 'namespace'>,
  services: readonly Service[],
  endpointSlices: readonly EndpointSlice[],
  endpoints: readonly Endpoints[],
  injectors: readonly Injector[],
): RemotePilot[] {
  const wanted = [
    { namespace: controlPlane.namespace, name: istiodServiceName(controlPlane.revision) },
    ...injectors.flatMap(({ revision, target }) =>
      revision === controlPlane.revision && target.service !== undefined ? [target.service] : [],
    ),
  ];
  return services
    .filter(
      (service) =>
        wanted.some(({ namespace, name }) => service.name === name && service.namespace === namespace) &&
        Object.keys(service.selector).length === 0,
    )
    .map((service) => ({ service, addresses: backing(service, endpointSlices, endpoints) }));
}

/** Whether a cluster reaches this istiod from outside: as its remote, or as the config cluster of an external control plane. */
export function isServedFromOutside({ kind, controlPlane, member }: Pick<Couple, 'kind' | 'controlPlane' | 'member'>): boolean {
  return kind === 'remote' || (kind === 'self' && controlPlane.cluster !== member);
}

/** Addresses under which a Service can be reached from outside its cluster. */
export function externalAddresses(service: Service, nodes: readonly Node[] = []): string[] {
  const ofNodes = service.type === 'NodePort' ? nodes.flatMap((node) => node.addresses.map(({ address }) => address)) : [];
  const balanced = service.loadBalancer.flatMap(({ ip, hostname }) => [ip, hostname].filter((address) => address !== undefined));
  return distinct([...balanced, ...service.externalIPs, ...ofNodes]);
}

/** Services of a primary that are meant to lead to istiod from outside: gateways with one of its ports, or that carry a network. */
export function pilotGateways(services: readonly Service[]): Service[] {
  return services.filter(
    (service) =>
      (service.type === 'LoadBalancer' || service.type === 'NodePort' || service.externalIPs.length > 0) &&
      (service.labels[labels.network] !== undefined ||
        service.ports.some(({ port }) => port === ports.discovery || port === ports.webhook)),
  );
}

/** The Service of the primary that an address of the remote's leads to: a gateway first, else anything with that address. */
export function leadsTo(address: string, services: readonly Service[], nodes: readonly Node[] = []): Service | undefined {
  const has = (service: Service): boolean =>
    [...externalAddresses(service, nodes), ...service.clusterIPs].some((own) => isSameAddress(own, address));
  return pilotGateways(services).find(has) ?? services.find(has);
}

/** Whether an address is one of the primary's own at all: a pod or a node of it can stand for istiod on a flat network. */
export function isOwnAddress(address: string, pods: readonly Pod[], nodes: readonly Node[]): boolean {
  return (
    pods.some((pod) => pod.ips.some((own) => isSameAddress(own, address))) ||
    nodes.some((node) => node.addresses.some((own) => isSameAddress(own.address, address)))
  );
}

/** Kubernetes writes these itself from an Endpoints object, which is the one to change. */
const mirrored = 'endpointslicemirroring-controller.k8s.io';

function backing(service: Service, slices: readonly EndpointSlice[], endpoints: readonly Endpoints[]): Map<string, ObjectRef> {
  const found = new Map<string, ObjectRef>();
  const objects = endpoints.filter((object) => object.namespace === service.namespace && object.name === service.name);
  for (const object of objects) {
    for (const subset of object.subsets)
      for (const address of [...subset.addresses, ...subset.notReadyAddresses]) if (!found.has(address)) found.set(address, object.ref);
  }
  for (const slice of slices) {
    if (slice.namespace !== service.namespace || slice.service !== service.name) continue;
    if (objects.length > 0 && slice.labels['endpointslice.kubernetes.io/managed-by'] === mirrored) continue;
    for (const endpoint of slice.endpoints)
      for (const address of endpoint.addresses) if (!found.has(address)) found.set(address, slice.ref);
  }
  return found;
}

/** Whether some gateway that may lead to istiod has a ready pod; where there is no gateway at all, another fault says so. */
export function hasReadyGateway(services: readonly Service[], pods: readonly Pod[]): boolean {
  const gateways = pilotGateways(services);
  const ready = pods.filter((pod) => pod.ready && pod.proxy?.kind === 'gateway');
  return (
    gateways.length === 0 ||
    gateways.some((gateway) => ready.some((pod) => pod.namespace === gateway.namespace && selectsPods(gateway.selector, pod.labels)))
  );
}
