import { compareText, distinct, sortedBy } from '../base/sort.ts';
import { discoveryService, hostOfAddress, istiodHost } from '../istio/hosts.ts';
import { ports } from '../istio/labels.ts';
import type { ClusterFacts, ControlPlane } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { IstiodHandshake } from '../model/observations.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import { valueOf } from './derived.ts';
import { isOwnAddress, isServedFromOutside, leadsTo, pilotGateways, type RemotePilot, remotePilots } from './pilot-address.ts';
import type { FactsByCluster, Mesh } from './topology-types.ts';
import { listOf } from './topology.ts';

/** How clusters call an istiod of another cluster, as their objects say. */
export type IstiodWay = Pick<IstiodHandshake, 'controlPlane' | 'members' | 'named' | 'gateway' | 'host' | 'port' | 'purpose' | 'sni'>;

type Way = Pick<IstiodWay, 'host' | 'port' | 'purpose' | 'sni' | 'named'>;

/**
 * How clusters that are served from outside call this istiod: at the addresses behind its Service there, at the url of their injectors,
 * at the discovery address of their mesh config and of their proxies. Addresses of pods and nodes, and those inside its cluster, are left out: they are not
 * meant to be reached from elsewhere. One for each address, name and purpose, sorted by these.
 */
export function istiodWays(controlPlane: ControlPlane, mesh: Pick<Mesh, 'couples'>, facts: FactsByCluster): readonly IstiodWay[] {
  const home = facts.get(controlPlane.ref.cluster);
  if (home === undefined) return [];
  const found = new Map<string, IstiodWay>();
  for (const couple of mesh.couples) {
    const isCalled = isServedFromOutside(couple) && valueOf(couple.serves) === true;
    const member = isCalled && refKey(couple.controlPlane.ref) === refKey(controlPlane.ref) ? facts.get(couple.member) : undefined;
    for (const way of member === undefined ? [] : waysOf(controlPlane, member, home)) {
      const key = `${way.host} ${way.port} ${way.sni} ${way.purpose}`;
      const members: readonly ClusterName[] = distinct([...(found.get(key)?.members ?? []), couple.member]);
      const gateway = leadsTo(way.host, pilotGateways(listOf(home.services)), listOf(home.nodes))?.ref;
      const first = found.get(key) ?? { ...way, controlPlane: controlPlane.ref, ...(gateway === undefined ? {} : { gateway }) };
      found.set(key, { ...first, members });
    }
  }
  return [...found.values()].sort(
    (a, b) => compareText(a.host, b.host) || a.port - b.port || compareText(a.sni, b.sni) || compareText(a.purpose, b.purpose),
  );
}

function waysOf(controlPlane: ControlPlane, member: ClusterFacts, home: ClusterFacts): Way[] {
  const { revision, namespace } = controlPlane;
  const injectors = listOf(member.injectors).filter((injector) => injector.revision === revision);
  const pilots = remotePilots(controlPlane, listOf(member.services), listOf(member.endpointSlices), listOf(member.endpoints), injectors);
  const isInside = (host: string): boolean =>
    isOwnAddress(host, listOf(home.pods), listOf(home.nodes)) ||
    listOf(home.services).some(({ clusterIPs, clusterIP }) => [clusterIP, ...clusterIPs].includes(host));
  return [
    ...pilots.flatMap((pilot) => byService(pilot, controlPlane, member)),
    ...injectors.flatMap(({ target, ref }) => byUrl(target.url, ref)),
    ...listOf(member.meshConfigs)
      .filter((config) => config.namespace === namespace && config.revision === revision)
      .flatMap(({ discoveryAddress, ref }) => byDiscoveryAddress(discoveryAddress, ref)),
    ...sortedBy(listOf(member.pods), ({ ref }) => refKey(ref))
      .filter(({ proxy }) => proxy?.revision === revision)
      .flatMap(({ proxy, ref }) => byDiscoveryAddress(proxy?.discoveryHost, ref)),
  ].filter(({ host }) => !isInside(host));
}

/** Addresses behind the Service that stands for istiod in the remote, with the name that proxies and the API server there ask for. */
function byService({ service, addresses }: RemotePilot, { revision, namespace }: ControlPlane, member: ClusterFacts): Way[] {
  const named = new Map<string, ObjectRef>([
    ...addresses,
    ...(service.externalName === undefined ? [] : [[service.externalName, service.ref] as const]),
  ]);
  const numbers = new Set([
    ...listOf(member.endpointSlices)
      .filter((one) => one.namespace === service.namespace && one.service === service.name)
      .flatMap(({ ports: own }) => own.map(({ port }) => port)),
    ...listOf(member.endpoints)
      .filter((one) => one.namespace === service.namespace && one.name === service.name)
      .flatMap(({ subsets }) => subsets.flatMap(({ ports: own }) => own.map(({ port }) => port))),
  ]);
  // Without slices, as for an ExternalName, the port of the Service is what is called.
  const isServed = (port: number): boolean => (numbers.size > 0 ? numbers.has(port) : service.ports.some((one) => one.port === port));
  const sni = istiodHost(revision, namespace);
  const called = `${service.name}.${service.namespace}.svc`;
  return sortedBy(named, ([host]) => host).flatMap(([host, ref]): Way[] => [
    ...(isServed(ports.discovery) ? [{ host, port: ports.discovery, purpose: 'discovery' as const, sni, named: ref }] : []),
    ...(isServed(ports.webhook) ? [{ host, port: ports.webhook, purpose: 'injection' as const, sni: called, named: ref }] : []),
  ]);
}

function byUrl(url: string | undefined, named: ObjectRef): Way[] {
  if (url === undefined || !URL.canParse(url)) return [];
  const { hostname, port, protocol } = new URL(url);
  if (protocol !== 'https:' || hostname === '') return [];
  const host = hostname.replace(/^\[|\]$/g, '');
  return [{ host, port: port === '' ? 443 : Number(port), purpose: 'injection', sni: host, named }];
}

function byDiscoveryAddress(address: string | undefined, named: ObjectRef): Way[] {
  if (address === undefined || address === '' || discoveryService(address) !== undefined) return [];
  const host = hostOfAddress(address);
  const port = Number(/:(\d+)$/.exec(address)?.[1] ?? ports.discovery);
  return [{ host, port, purpose: 'discovery', sni: host, named }];
}
