import {
  type ClusterName,
  type Fact,
  labels,
  listOf,
  type Mesh,
  networkGateways,
  type Node,
  pilotAddress,
  ports,
  type Service,
  valueOf,
} from 'meshdoctor/api';

export const title = 'East-west gateways';
export const order = 5;

/**
 * Services that are gateways between networks or lead remotes to istiod: by label, by the selector of the samples, or, in a cluster
 * that has remotes, by a port of istiod. An ingress gateway of old releases offers these ports too, for nobody.
 */
export function eastWestServices(services: readonly Service[], cluster: ClusterName, mesh: Mesh): Service[] {
  return services.filter(
    (service) =>
      service.labels[labels.network] !== undefined ||
      (isGatewayLike(service) && (service.selector['istio'] === 'eastwestgateway' || isWayToIstiod(service, cluster, mesh))),
  );
}

/** Whether remotes of this cluster may reach istiod through this Service. */
export function isWayToIstiod(service: Service, cluster: ClusterName, mesh: Mesh): boolean {
  const hasRemotes = mesh.couples.some(
    (couple) => couple.kind === 'remote' && couple.controlPlane.cluster === cluster && valueOf(couple.serves) === true,
  );
  return hasRemotes && service.ports.some(({ port }) => port === ports.discovery);
}

/** Whether another gateway of the same network, or another way to istiod, has every port of this one and can be used. */
export function isSpare(service: Service, services: readonly Service[], nodes: Fact<readonly Node[]>): boolean {
  const network = service.labels[labels.network];
  const hasPorts = (other: Service): boolean => service.ports.every(({ port }) => other.ports.some((own) => own.port === port));
  const usable =
    network === undefined
      ? services.filter((other) => pilotAddress.externalAddresses(other).length > 0)
      : gatewayServices(services, listOf(nodes)).flatMap((other) =>
          // Without nodes it is not known whether a NodePort has an address.
          other.network === network && other.problems.every((problem) => problem === 'no-external-node' && nodes.status !== 'collected')
            ? [other.service]
            : [],
        );
  return usable.some((other) => other !== service && hasPorts(other));
}

/** An east-west gateway by its looks: a Service that offers a cross-network or istiod port to the outside. */
export function isGatewayLike(service: Service): boolean {
  if (service.labels['app'] === 'istiod' || service.type === 'ExternalName' || Object.keys(service.selector).length === 0) return false;
  const isOutward = service.type !== 'ClusterIP' || service.externalIPs.length > 0;
  return (
    service.selector['istio'] === 'eastwestgateway' ||
    (isOutward && service.ports.some(({ port }) => port === ports.crossNetwork || port === ports.discovery))
  );
}

/** What istiod makes of the labelled Services of a cluster. */
export function gatewayServices(services: readonly Service[], nodes: readonly Node[]): networkGateways.GatewayService[] {
  return services.flatMap((service) => networkGateways.gatewayService(service, nodes) ?? []);
}

/** Clusters that a broken gateway of `cluster` touches: itself, and the remotes that reach istiod through it. */
export function touched(cluster: ClusterName, mesh: Mesh): ClusterName[] {
  const remotes = mesh.couples.filter(
    (couple) => couple.kind === 'remote' && couple.controlPlane.cluster === cluster && valueOf(couple.serves) !== false,
  );
  return [cluster, ...remotes.map((couple) => couple.member)];
}
