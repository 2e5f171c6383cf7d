import {
  type ClusterName,
  type ControlPlane,
  type Couple,
  distinct,
  exposure,
  type Gateway,
  gatewayWays,
  hosts,
  gatewayRules,
  type Injector,
  type IstiodHandshake,
  type KubeObject,
  type Mesh,
  type Pod,
  pilotAddress,
  ports,
  refKey,
  type Service,
  valueOf,
  type VirtualService,
  type Workload,
} from 'meshdoctor/api';

export const title = 'Exposure of istiod to other clusters';
export const order = 4;

/** Only a cluster without istiod, whose objects name this very revision, needs this istiod exposed; nothing when that is not known. */
export function needsExposure(couple: Couple): boolean | undefined {
  return pilotAddress.isServedFromOutside(couple) ? valueOf(couple.serves) : false;
}

export const unknownUse = 'it is not known whether that cluster uses this istiod';

/** The gateways of a primary through which a remote reaches istiod. */
export interface Toward {
  readonly gateways: readonly Service[];
  /** The remote's addresses are theirs. Otherwise they lead nowhere, and these are all gateways that are meant for it. */
  readonly isReached: boolean;
}

/** Where a remote is led. No gateway at all where its addresses are those of istiod's own pods or of a Service of istiod's. */
export function gatewaysToward(
  pilots: readonly pilotAddress.RemotePilot[],
  { services, pods }: { readonly services: readonly Service[]; readonly pods: readonly Pod[] },
): Toward {
  const addresses = pilots.flatMap(({ addresses: found, service }) => [
    ...found.keys(),
    ...(service.externalName === undefined ? [] : [service.externalName]),
  ]);
  const istiods = pods.filter((pod) => pod.labels['app'] === 'istiod');
  if (addresses.some((address) => istiods.some((pod) => pod.ips.includes(address)))) return { gateways: [], isReached: true };
  const reached = [...new Set(addresses.flatMap((address) => pilotAddress.leadsTo(address, services) ?? []))];
  const candidates = reached.length > 0 ? reached : pilotAddress.pilotGateways(services);
  // A Service of istiod's own may be balanced: its webhook port is 443, and nothing has to be exposed.
  return { gateways: candidates.filter((service) => service.labels['app'] !== 'istiod'), isReached: reached.length > 0 };
}

/** Whether webhooks of a remote name a revision that no control plane of the mesh runs. */
export function asksForAnother({ kind }: Couple, injectors: readonly Injector[], { controlPlanes }: Mesh): boolean {
  return kind === 'remote' && injectors.some((injector) => controlPlanes.every(({ revision }) => revision !== injector.revision));
}

/** How each gateway leads to istiod on both of its ports, the best gateway first. */
export function exposures(
  controlPlane: ControlPlane,
  gateways: readonly Service[],
  primary: {
    readonly controlPlanes: readonly ControlPlane[];
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
          reader: readerOf(service, controlPlane, primary),
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

/** The istiod that configures a gateway: the one it came from, which during an upgrade need not be the one that is to be reached. */
function readerOf(
  gateway: Service,
  controlPlane: ControlPlane,
  { pods, controlPlanes }: { readonly pods: readonly Pod[]; readonly controlPlanes: readonly ControlPlane[] },
): ControlPlane {
  const revisions = exposure.gatewayRevisions(gateway, pods);
  if (revisions.includes(controlPlane.revision)) return controlPlane;
  const readers = controlPlanes.filter((other) => revisions.includes(other.revision));
  return readers.find((other) => other.namespace === controlPlane.namespace) ?? readers[0] ?? controlPlane;
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
      const [namespace = '', name = ''] = gatewayRules.gatewayReference(reference, route.namespace).split('/');
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

/** Calls of an istiod as one cluster makes them, in the order of addresses, names and purposes. */
export function calledBy(
  member: ClusterName,
  controlPlane: ControlPlane,
  handshakes: readonly IstiodHandshake[],
): gatewayWays.SeenCall<IstiodHandshake>[] {
  const own = handshakes.filter((one) => refKey(one.controlPlane) === refKey(controlPlane.ref) && one.members.includes(member));
  return gatewayWays.seenAddresses(own).flatMap(({ calls }) => calls);
}

// What exposes istiod: the objects of Istio's samples, for this revision, namespace and domain.

const apiVersion = 'networking.istio.io/v1';

/** A Gateway that passes both ports of istiod through the pods of a gateway Service. */
export function istiodGateway(namespace: string, service: Service): KubeObject {
  const server = (name: string, number: number) => ({
    hosts: ['*'],
    port: { name, number, protocol: 'TLS' },
    tls: { mode: 'PASSTHROUGH' },
  });
  return {
    apiVersion,
    kind: 'Gateway',
    metadata: { name: 'istiod-gateway', namespace },
    spec: {
      selector: selectorOf(service),
      servers: [server('tls-istiod', ports.discovery), server('tls-istiodwebhook', ports.webhook)],
    },
  };
}

/** As the samples select pods: by label `istio`; else as the Service does. */
export function selectorOf({ selector: { istio, ...rest } }: Service): Record<string, string> {
  return istio === undefined ? rest : { istio };
}

/** A VirtualService that routes the name of this istiod from a Gateway. */
export function istiodRoute(controlPlane: ControlPlane, gateway: { readonly namespace: string; readonly name: string }): KubeObject {
  const { revision, namespace, clusterDomain } = controlPlane;
  const host = hosts.istiodHost(revision, namespace);
  const service = hosts.istiodServiceName(revision);
  const fqdn = hosts.fqdnOf(namespace, service, clusterDomain);
  // The sample for an istiod without a name takes every name.
  const sniHosts = revision === 'default' ? ['*'] : [host, fqdn];
  const route = (port: number, number: number) => ({
    match: [{ port, sniHosts }],
    route: [{ destination: { host: fqdn, port: { number } } }],
  });
  const reference = gateway.namespace === namespace ? gateway.name : `${gateway.namespace}/${gateway.name}`;
  return {
    apiVersion,
    kind: 'VirtualService',
    metadata: { name: service.replace(/^istiod/, 'istiod-vs'), namespace },
    spec: { gateways: [reference], hosts: ['*'], tls: [route(ports.discovery, ports.discovery), route(ports.webhook, 443)] },
  };
}
