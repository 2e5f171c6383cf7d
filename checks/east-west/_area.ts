import { type ClusterName, labels, type Mesh, networkGateways, type Node, ports, type Service, valueOf } from 'meshdoctor/api';

export const title = 'East-west gateways';
export const order = 5;

/** Services that are gateways between networks or lead to istiod from outside: by label, or by a port that only they have. */
export function eastWestServices(services: readonly Service[]): Service[] {
  return services.filter((service) => service.labels[labels.network] !== undefined || isGatewayLike(service));
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
