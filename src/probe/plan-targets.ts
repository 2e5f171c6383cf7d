import { sortedBy } from '../base/sort.ts';
import { fqdnOf, hostMatches, resolveHost } from '../istio/hosts.ts';
import { istioMutual, isExportedTo, type RegisteredService, type ShardEndpoint } from '../mesh/endpoints.ts';
import type { NetworkGateway } from '../mesh/gateways.ts';
import type { NameToProbe } from '../mesh/names.ts';
import { predictedOnce } from '../mesh/predicted.ts';
import type { KnownView } from '../mesh/read-clusters.ts';
import type { FactsByCluster } from '../mesh/topology-types.ts';
import { listOf } from '../mesh/topology.ts';
import { fields, tally, text } from '../model/decode.ts';
import type { IstioResource, Service } from '../model/facts.ts';

/** A service port that should answer behind a gateway: it has a ready endpoint there that takes mTLS. */
export interface HandshakeService {
  readonly host: string;
  readonly namespace: string;
  readonly name: string;
  /** As the first copy of the service numbers it, which is what server names are made of. */
  readonly port: number;
  /** Somebody wants to know of this very service. */
  readonly isNamed: boolean;
  /** The lower, the better it stands for the others: 0 named, 1 chosen for names, 2 any other. */
  readonly rank: number;
}

/**
 * Tells which service ports should answer behind a gateway. Beside the names given these are services of applications whose answer
 * nothing else decides: exported, with an address of their own, and with nothing in the configuration that may turn mTLS off. They are
 * looked for where fewer than `enough` names answer.
 */
export function servicesBehind(
  { view, members }: KnownView,
  names: readonly NameToProbe[],
  facts: FactsByCluster,
  enough = 1,
): (gateway: NetworkGateway) => HandshakeService[] {
  const { istiod } = view;
  const { shards, services, isClusterLocal } = predictedOnce(view);
  const configuration = members[0] === undefined ? undefined : facts.get(members[0].cluster)?.istioResources;
  const plain = mayBePlain(configuration === undefined ? [] : listOf(configuration), istiod);
  const wanted = new Map(names.map((name) => [fqdnOf(name.namespace, name.name, istiod.clusterDomain), name]));

  const answering = (gateway: NetworkGateway, { host, namespace, name, instances }: RegisteredService): HandshakeService[] => {
    const service = instances[0]?.service;
    const asked = wanted.get(host);
    if (service === undefined || isClusterLocal(host)) return [];
    if (asked === undefined && (!isOrdinary(service, istiod.namespace) || plain(host, namespace))) return [];
    const seenFrom = gateway.ref?.namespace;
    if (seenFrom !== undefined && !isExportedTo(service, seenFrom, view.meshConfig?.defaultServiceExportTo)) return [];
    const ready = [...(shards.get(host)?.clusters.values() ?? [])].flat().filter((endpoint) => isBehind(endpoint, gateway));
    const port = service.ports.find(
      (one) =>
        one.protocol !== 'UDP' &&
        (asked?.port === undefined || asked.port === one.port) &&
        ready.some(({ portName }) => portName === one.name),
    );
    if (port === undefined) return [];
    const isNamed = asked?.named === true;
    return [{ host, namespace, name, port: port.port, isNamed, rank: isNamed ? 0 : asked === undefined ? 2 : 1 }];
  };
  return (gateway) => {
    const best = [...wanted.keys()].flatMap((host) => services.get(host) ?? []).flatMap((service) => answering(gateway, service));
    // What stands for others is not looked for among thousands where something better was found.
    if (best.length >= enough) return sortedBy(best, (one) => one.host);
    return sortedBy(services.values(), (one) => one.host).flatMap((service) => answering(gateway, service));
  };
}

function isBehind(endpoint: ShardEndpoint, gateway: NetworkGateway): boolean {
  if (gateway.cluster !== undefined && endpoint.cluster !== gateway.cluster) return false;
  return endpoint.network === gateway.network && endpoint.tlsMode === istioMutual && endpoint.health === 'healthy';
}

/** Services of Kubernetes and Istio are special, and clusters of headless ones are not sure to be in a gateway. */
function isOrdinary({ namespace, clusterIP, type }: Service, systemNamespace: string): boolean {
  if (namespace.startsWith('kube-') || namespace === systemNamespace) return false;
  return type !== 'ExternalName' && clusterIP !== '' && clusterIP !== 'None';
}

/** Tells of which hosts something in the configuration may have turned mTLS off. Only who is asked for depends on it. */
function mayBePlain(
  resources: readonly IstioResource[],
  { namespace: root, clusterDomain }: KnownView['view']['istiod'],
): (host: string, namespace: string) => boolean {
  const odd = tally();
  const withoutMtls = new Set(
    resources
      .filter(({ kind, spec }) => kind === 'PeerAuthentication' && JSON.stringify(spec).includes('"DISABLE"'))
      .map((one) => one.namespace),
  );
  const otherTls = resources.flatMap(({ kind, namespace, spec }) => {
    const { host, trafficPolicy } = fields(odd, spec);
    if (kind !== 'DestinationRule' || !/"mode":"(?!ISTIO_MUTUAL")/.test(JSON.stringify(trafficPolicy ?? {}))) return [];
    const named = text(odd, host);
    return named === undefined ? [] : [resolveHost(named, namespace, clusterDomain)];
  });
  return (host, namespace) => withoutMtls.has(namespace) || withoutMtls.has(root) || otherTls.some((pattern) => hostMatches(pattern, host));
}
