import { compareText } from '../base/sort.ts';
import { sniOf } from '../istio/hosts.ts';
import { classes } from '../istio/labels.ts';
import { dataPlaneClusters } from '../mesh/names.ts';
import { isMultiNetwork } from '../mesh/ambient.ts';
import { ambientGateways, isProgrammed, type NetworkGateway, networkGateways } from '../mesh/gateways.ts';
import { type KnownView, istiodViewOf } from '../mesh/read-clusters.ts';
import type { Mesh } from '../mesh/topology-types.ts';
import { listOf } from '../mesh/topology.ts';
import type { ControlPlane } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { GatewayHandshake } from '../model/observations.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import { controlPlanesOf, namesOf, type PlanInput, type Planned, planned } from './plan.ts';
import { type Door, doorBehind } from './plan-doors.ts';
import { type HandshakeService, servicesBehind } from './plan-targets.ts';

/** Where the roots lie that a certificate is held against: the root ConfigMap of this namespace. */
export interface RootPlace {
  readonly cluster: ClusterName;
  readonly namespace: string;
}

/** A handshake, whose roots its certificate is held against, and who is asked when the address does not answer as it should. */
export interface HandshakeTarget extends Omit<GatewayHandshake, 'connectedTo' | 'pod' | 'outcome'> {
  readonly roots: readonly RootPlace[];
  readonly door: Door | undefined;
}

/** Services that are tried at each address: so many of those that were named, and of others one, unless the user says how many. */
export const mostTargets = 8;

/** A server name that no gateway can know. */
export const controlSni = sniOf({ port: 1, host: 'meshdoctor-control.invalid' });

/**
 * Handshakes with every address that an istiod gives sidecars of other networks, by the cluster the gateway stands in: services that
 * should answer behind it, and a name nobody knows; and one with every address that it gives ztunnels of other networks. `most`: services at each address, named ones before others; without it as
 * `mostTargets` says. An address is called once, however many istiods give it. Sorted by gateway, address, target before control, and name.
 */
export function planHandshakes(
  clusters: Iterable<ClusterName>,
  input: PlanInput,
  most?: number,
): ReadonlyMap<ClusterName, Planned<HandshakeTarget>> {
  const places = new Map<string, Place>();
  for (const mesh of input.topology.meshes) {
    for (const controlPlane of controlPlanesOf(mesh, input.facts)) {
      addPlaces(places, mesh, controlPlane, input, most);
      addAmbientPlaces(places, mesh, controlPlane, input);
    }
  }
  const targets = new Map<ClusterName, HandshakeTarget[]>();
  for (const place of places.values()) {
    const own = handshakesWith(place, most, input.caller);
    targets.set(place.cluster, [...(targets.get(place.cluster) ?? []), ...own]);
  }
  return new Map(
    [...clusters].map((cluster) => [cluster, planned((targets.get(cluster) ?? []).sort(byPlace), input.facts.get(cluster), 'services')]),
  );
}

/** An address, and what is to be found behind it. */
interface Place {
  readonly cluster: ClusterName;
  readonly at: Pick<HandshakeTarget, 'gateway' | 'network' | 'host' | 'port' | 'roots' | 'door'>;
  /** By server name. */
  readonly services: Map<string, HandshakeService>;
  /** It takes HBONE: whichever service is called, TLS ends there. */
  readonly isAmbient: boolean;
}

function addPlaces(places: Map<string, Place>, mesh: Mesh, controlPlane: ControlPlane, input: PlanInput, most: number | undefined): void {
  const known = istiodViewOf(controlPlane, mesh.couples, input.facts);
  // A port for ambient alone is written twice in a Gateway API entry.
  const usable = networkGateways(known.view).filter(({ port, hbonePort }) => port !== 0 && port !== hbonePort);
  if (usable.length === 0) return;
  const behind = servicesBehind(known, namesOf(mesh, input.names), input.facts, most);
  for (const gateway of usable) {
    const cluster = clusterOf(gateway, known, mesh, controlPlane);
    const key = `${cluster} ${gateway.address} ${gateway.port}`;
    const place = places.get(key) ?? placeOf(gateway, gateway.port, cluster, { controlPlane, known, mesh, input });
    places.set(key, place);
    for (const service of behind(gateway)) {
      const before = place.services.get(sniOf(service));
      if (before === undefined || service.rank < before.rank) place.services.set(sniOf(service), service);
    }
  }
}

/** Gateways that ztunnels are given; of one whose load balancer is pending the status has an address of the cluster alone. */
function addAmbientPlaces(places: Map<string, Place>, mesh: Mesh, controlPlane: ControlPlane, input: PlanInput): void {
  if (!isMultiNetwork(controlPlane)) return;
  const known = istiodViewOf(controlPlane, mesh.couples, input.facts);
  const pending = new Set(
    [...input.facts.values()].flatMap(({ kubeGateways }) =>
      listOf(kubeGateways).flatMap((one) => (one.className === classes.eastWest && !isProgrammed(one) ? [refKey(one.ref)] : [])),
    ),
  );
  for (const gateway of ambientGateways(known.view)) {
    if (gateway.ref === undefined || pending.has(refKey(gateway.ref))) continue;
    const cluster = clusterOf(gateway, known, mesh, controlPlane);
    const key = `${cluster} ${gateway.address} ${gateway.hbonePort}`;
    if (!places.has(key))
      places.set(key, { ...placeOf(gateway, gateway.hbonePort, cluster, { controlPlane, known, mesh, input }), isAmbient: true });
  }
}

interface Giver {
  readonly controlPlane: ControlPlane;
  readonly known: KnownView;
  readonly mesh: Mesh;
  readonly input: PlanInput;
}

function placeOf(gateway: NetworkGateway, port: number, cluster: ClusterName, { controlPlane, known, mesh, input }: Giver): Place {
  const at = { host: gateway.address, port };
  const facts = input.facts.get(cluster);
  const ref = gateway.ref ?? namedIn(controlPlane, known, input);
  const door = facts === undefined ? undefined : doorBehind(at, ref, facts);
  const roots = rootPlaces(mesh);
  return { cluster, at: { ...at, gateway: ref, network: gateway.network, roots, door }, services: new Map(), isAmbient: false };
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
export function rootPlaces(mesh: Mesh): readonly RootPlace[] {
  return dataPlaneClusters(mesh).flatMap((cluster) => {
    const namespace = mesh.members.get(cluster)?.systemNamespace;
    return namespace === undefined ? [] : [{ cluster, namespace }];
  });
}

/** The services that are tried, the best first; and the control. A call comes by gateways of other clusters that have what it asks for. */
function handshakesWith(
  { services, at, cluster, isAmbient }: Place,
  most: number | undefined,
  caller: ObjectRef | undefined,
): HandshakeTarget[] {
  if (isAmbient) return caller?.cluster === cluster ? [] : [{ ...at, purpose: 'hbone', sni: '' }];
  const inOrder = [...services].sort(([a, one], [b, other]) => one.rank - other.rank || compareText(a, b)).map(([, service]) => service);
  const named = inOrder.filter(({ isNamed }) => isNamed);
  if (caller !== undefined && (named.length === 0 || caller.cluster === cluster)) return [];
  const chosen = most === undefined ? (named.length > 0 ? named.slice(0, mostTargets) : inOrder.slice(0, 1)) : inOrder.slice(0, most);
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
