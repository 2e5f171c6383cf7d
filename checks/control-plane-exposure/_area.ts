import {
  type ControlPlane,
  type Couple,
  distinct,
  exposure,
  type Gateway,
  hosts,
  type Pod,
  pilotAddress,
  type Service,
  valueOf,
  type VirtualService,
  type Workload,
} from 'meshdoctor/api';

export const title = 'Exposure of istiod to other clusters';
export const order = 4;

/** Only a cluster without istiod, whose objects name this very revision, needs this istiod exposed. */
export function needsExposure(couple: Couple): boolean {
  return couple.kind === 'remote' && valueOf(couple.serves) === true;
}

/** Gateways of the primary that the remote's addresses lead to; when they lead nowhere, those that offer a port of istiod. */
export function gatewaysToward(addresses: Iterable<string>, services: readonly Service[]): Service[] {
  const reached = [...addresses].flatMap((address) => pilotAddress.leadsTo(address, services) ?? []);
  return reached.length > 0 ? [...new Set(reached)] : pilotAddress.pilotGateways(services);
}

/** How each gateway leads to istiod on both of its ports, the best gateway first. */
export function exposures(
  controlPlane: ControlPlane,
  gateways: readonly Service[],
  primary: {
    readonly gateways: readonly Gateway[];
    readonly virtualServices: readonly VirtualService[];
    readonly services: readonly Service[];
    readonly pods: readonly Pod[];
    readonly workloads: readonly Workload[];
  },
): { readonly service: Service; readonly ways: readonly exposure.Exposure[] }[] {
  const host = hosts.istiodHost(controlPlane.revision, controlPlane.namespace);
  const podLabels = primary.pods
    .filter(
      (pod) =>
        pod.namespace === controlPlane.namespace && pod.labels['app'] === 'istiod' && pod.labels['istio.io/rev'] === controlPlane.revision,
    )
    .map((pod) => pod.labels);
  return gateways
    .map((service) => ({
      service,
      ways: exposure.istiodExposures(
        {
          reader: controlPlane,
          gateways: primary.gateways,
          virtualServices: primary.virtualServices,
          services: primary.services,
          proxies: exposure.gatewayProxies(service, primary.pods, primary.workloads),
        },
        { host, controlPlane, ...(podLabels.length === 0 ? {} : { podLabels }) },
      ),
    }))
    .sort((a, b) => gaps(a.ways).length - gaps(b.ways).length);
}

/**
 * A Gateway for every name that a VirtualService with a route of istiod's ports is bound to: what would be routed if nothing were wrong
 * with the Gateways themselves.
 */
export function presumedGateways(controlPlane: ControlPlane, virtualServices: readonly VirtualService[]): Gateway[] {
  const isOfIstiod = (route: VirtualService): boolean =>
    route.tls.some((tls) =>
      tls.matches.some(({ port }) => port !== undefined && exposure.exposedPorts.some((exposed) => exposed === port)),
    );
  return virtualServices.filter(isOfIstiod).flatMap((route) =>
    route.gateways.map((reference) => {
      const [namespace = '', name = ''] = exposure.gatewayReference(reference, route.namespace).split('/');
      const servers = exposure.exposedPorts.map((port) => ({ port, protocol: 'TLS', hosts: ['*'], tlsMode: 'PASSTHROUGH' }));
      const ref = { cluster: controlPlane.ref.cluster, kind: 'Gateway', namespace, name };
      return { ref, namespace, name, labels: {}, annotations: {}, managers: [], selector: {}, servers };
    }),
  );
}

export function gaps(ways: readonly exposure.Exposure[]): exposure.Exposure[] {
  return ways.filter((way) => way.missing !== undefined);
}

/** Gaps that mean: the way is there, but for another revision or to another Service. */
export const revisionGaps: readonly (exposure.ExposureGap | undefined)[] = [
  'virtual-service-hosts',
  'destination',
  'other-destination',
  'destination-port',
];

export const portList = (ways: readonly exposure.Exposure[]): string[] => distinct(ways.map((way) => String(way.port)));
