import { labels, ports, type Service, type ServicePort } from 'meshdoctor/api';

export const title = 'Cloud providers';
export const order = 10;

/** Load balancers that lead to gateways between networks, or remotes to istiod. */
export function balancedGateways(services: readonly Service[]): Service[] {
  return services.filter(
    (service) =>
      service.type === 'LoadBalancer' &&
      ((service.labels[labels.network] ?? '') !== '' || service.selector['istio'] === 'eastwestgateway') &&
      meshPorts(service).length > 0,
  );
}

/** Ports on which TLS of the mesh has to get through as it is. */
export function meshPorts(service: Service): ServicePort[] {
  const own = Number(service.labels[labels.gatewayPort] ?? ports.crossNetwork);
  const wanted: readonly number[] = [own, ports.crossNetwork, ports.hbone, ports.discovery, ports.webhook];
  return service.ports.filter(({ port }) => wanted.includes(port));
}

/** What a port of a gateway is there for. */
export function purposeOf({ port }: ServicePort): string {
  if (port === ports.discovery) return 'proxies of remotes do not reach istiod';
  if (port === ports.webhook) return 'webhooks of remotes do not reach istiod';
  return 'calls from other networks fail';
}
