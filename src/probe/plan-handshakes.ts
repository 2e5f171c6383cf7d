import { compareText } from '../base/sort.ts';
import { sniOf } from '../istio/hosts.ts';
import { dataPlaneClusters } from '../mesh/names.ts';
import { type NetworkGateway, networkGateways } from '../mesh/gateways.ts';
import { type KnownView, istiodViewOf } from '../mesh/read-clusters.ts';
import type { Mesh } from '../mesh/topology-types.ts';
import { listOf } from '../mesh/topology.ts';
import type { ControlPlane } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { GatewayHandshake } from '../model/observations.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import { controlPlanesOf, namesOf, type PlanInput, type Planned, planned } from './plan.ts';
import { type HandshakeService, servicesBehind } from './plan-targets.ts';

/** A handshake, and whose roots its certificate is held against: the root ConfigMap of each of these namespaces. */
export interface HandshakeTarget extends Omit<GatewayHandshake, 'connectedTo' | 'outcome'> {
  readonly roots: readonly { readonly cluster: ClusterName; readonly namespace: string }[];
}

/** A server name that no gateway can know. */
export const controlSni = sniOf({ port: 1, host: 'meshdoctor-control.invalid' });

/**
 * Handshakes with every address that an istiod gives sidecars of other networks, by the cluster the gateway stands in: a service that
 * should answer behind it, and a name nobody knows. An address is called once, however many istiods give it. Gateways that take
 * ambient traffic only are left out. Sorted by gateway, address, target before control, and name.
 */
export function planHandshakes(clusters: Iterable<ClusterName>, input: PlanInput): ReadonlyMap<ClusterName, Planned<HandshakeTarget>> {
  const places = new Map<string, Place>();
  for (const mesh of input.topology.meshes) {
    for (const controlPlane of controlPlanesOf(mesh, input.facts)) addPlaces(places, mesh, controlPlane, input);
  }
  const targets = new Map<ClusterName, HandshakeTarget[]>();
  for (const place of places.values())
    targets.set(place.cluster, [...(targets.get(place.cluster) ?? []), ...handshakesWith(place, input.caller)]);
  return new Map(
    [...clusters].map((cluster) => [cluster, planned((targets.get(cluster) ?? []).sort(byPlace), input.facts.get(cluster), 'services')]),
  );
}

/** An address, and what is to be found behind it. */
interface Place {
  readonly cluster: ClusterName;
  readonly at: Pick<HandshakeTarget, 'gateway' | 'network' | 'host' | 'port' | 'roots'>;
  /** Those that were asked for, by server name. */
  readonly named: Map<string, HandshakeService>;
  /** Of all others the one that will do. */
  other: HandshakeService | undefined;
}

function addPlaces(places: Map<string, Place>, mesh: Mesh, controlPlane: ControlPlane, input: PlanInput): void {
  const known = istiodViewOf(controlPlane, mesh.couples, input.facts);
  // A port for ambient alone is written twice in a Gateway API entry.
  const usable = networkGateways(known.view).filter(({ port, hbonePort }) => port !== 0 && port !== hbonePort);
  if (usable.length === 0) return;
  const behind = servicesBehind(known, namesOf(mesh, input.names), input.facts);
  for (const gateway of usable) {
    const cluster = clusterOf(gateway, known, mesh, controlPlane);
    const key = `${cluster} ${gateway.address} ${gateway.port}`;
    let place = places.get(key);
    if (place === undefined) {
      place = {
        cluster,
        at: {
          gateway: gateway.ref ?? namedIn(controlPlane, known, input),
          network: gateway.network,
          host: gateway.address,
          port: gateway.port,
          roots: rootsOf(mesh),
        },
        named: new Map(),
        other: undefined,
      };
      places.set(key, place);
    }
    for (const service of behind(gateway)) {
      if (service.isNamed) place.named.set(sniOf(service), place.named.get(sniOf(service)) ?? service);
      else if (place.other === undefined || isBetter(service, place.other)) place.other = service;
    }
  }
}

/** Where a gateway stands: as the istiod knows it; for a static one of meshNetworks the cluster of its network, else that of the istiod. */
function clusterOf(gateway: NetworkGateway, { members }: KnownView, mesh: Mesh, controlPlane: ControlPlane): ClusterName {
  const known = members.find(({ id }) => id === gateway.cluster)?.cluster;
  if (known !== undefined) return known;
  const inNetwork = [...mesh.members.values()].find(({ network }) => 'known' in network && network.known === gateway.network);
  return inNetwork?.cluster ?? controlPlane.ref.cluster;
}

/** The mesh config that names a static gateway. */
function namedIn(controlPlane: ControlPlane, { members }: KnownView, input: PlanInput): ObjectRef {
  for (const cluster of [controlPlane.ref.cluster, members[0]?.cluster]) {
    const facts = cluster === undefined ? undefined : input.facts.get(cluster);
    const configs = facts === undefined ? [] : listOf(facts.meshConfigs);
    const config = configs.find((one) => one.namespace === controlPlane.namespace && one.revision === controlPlane.revision);
    if (config !== undefined) return config.ref;
  }
  return controlPlane.ref;
}

/** Where the roots lie that proxies of the mesh trust. */
function rootsOf(mesh: Mesh): HandshakeTarget['roots'] {
  return dataPlaneClusters(mesh).flatMap((cluster) => {
    const namespace = mesh.members.get(cluster)?.systemNamespace;
    return namespace === undefined ? [] : [{ cluster, namespace }];
  });
}

function isBetter(one: HandshakeService, other: HandshakeService): boolean {
  return one.rank < other.rank || (one.rank === other.rank && compareText(sniOf(one), sniOf(other)) < 0);
}

/** All services that were asked for, else one that will do; and the control. A call comes by gateways of other clusters that have what it asks for. */
function handshakesWith({ named, other, at, cluster }: Place, caller: ObjectRef | undefined): HandshakeTarget[] {
  if (caller !== undefined && (named.size === 0 || caller.cluster === cluster)) return [];
  const chosen = named.size > 0 ? [...named.values()] : other === undefined ? [] : [other];
  const targets = chosen.map((service): HandshakeTarget => {
    const { namespace, name, port } = service;
    return { ...at, purpose: 'target', sni: sniOf(service), service: { namespace, name, port } };
  });
  return [...targets, { ...at, purpose: 'control', sni: controlSni }];
}

function byPlace(a: HandshakeTarget, b: HandshakeTarget): number {
  return (
    compareText(refKey(a.gateway), refKey(b.gateway)) ||
    compareText(a.host, b.host) ||
    a.port - b.port ||
    compareText(b.purpose, a.purpose) ||
    compareText(a.sni, b.sni)
  );
}
