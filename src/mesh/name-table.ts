import { compareText } from '../base/sort.ts';
import { ipFamily } from '../istio/addresses.ts';
import type { Service } from '../model/facts.ts';
import type { ClusterId, NetworkId } from '../model/ids.ts';
import type { ObjectRef } from '../model/refs.ts';
import { type ClientProxy, type Predictions, type RegisteredService, type Shards, isExportedTo } from './endpoints.ts';
import { flag } from './istiod-view.ts';

/** One name of a proxy's table, as `/debug/ndsz` shows it. */
export interface NameRecord {
  /** FQDN of the Service: the key of the table. */
  readonly host: string;
  readonly namespace: string;
  readonly shortname: string;
  readonly ips: readonly string[];
  readonly registry: 'Kubernetes';
  /** own: ClusterIP in the proxy's cluster; other: ClusterIP of another cluster, since its own has none; pods: endpoints of a headless Service. */
  readonly from: 'own' | 'other' | 'pods';
  /** Cluster of that ClusterIP. */
  readonly cluster?: ClusterId;
  /** ClusterIPs it may be instead: which cluster comes first depends on the order in which istiod added them. Normally none. */
  readonly alternatives: readonly string[];
  /** The Services the name stands for. */
  readonly refs: readonly ObjectRef[];
}

/** What the table of a proxy depends on. */
export type NameTableClient = Pick<ClientProxy, 'cluster' | 'network' | 'namespace' | 'ips'>;

/** Everything of `predict` that names need. */
export type NamePredictions = Pick<Predictions, 'istiod' | 'services' | 'shards'>;

/** What the mesh's configuration hides; both are optional knowledge. */
export interface NameTableOptions {
  /** `defaultServiceExportTo` of the mesh config. */
  readonly defaultExportTo?: readonly string[] | undefined;
  /** Whether the client's Sidecar lets a host through; default: it has none. */
  readonly isVisible?: ((host: string, namespace: string) => boolean) | undefined;
}

/**
 * The name table istiod gives a proxy with DNS capture, by FQDN in code-point order (pkg/dns/server/name_table.go): every visible
 * Service with the ClusterIP of the proxy's own cluster, else of another; headless ones with the ready pods of the proxy's network.
 * Names of single pods of headless Services, and of ServiceEntries, are not part of it.
 */
export function nameTable(
  client: NameTableClient,
  predictions: NamePredictions,
  options: NameTableOptions = {},
): ReadonlyMap<string, NameRecord> {
  const records: NameRecord[] = [];
  for (const service of predictions.services.values()) {
    const record = nameRecord(client, service, predictions, options);
    if (record !== undefined) records.push(record);
  }
  records.sort((a, b) => compareText(a.host, b.host));
  return new Map(records.map((record) => [record.host, record]));
}

/** The record of one host; nothing when the proxy's table does not have it. */
export function nameRecord(
  client: NameTableClient,
  service: RegisteredService,
  predictions: Pick<Predictions, 'istiod' | 'shards'>,
  options: NameTableOptions = {},
): NameRecord | undefined {
  const first = service.instances[0];
  if (first === undefined || !isExportedTo(first.service, client.namespace, options.defaultExportTo)) return undefined;
  if (options.isVisible?.(service.host, service.namespace) === false) return undefined;
  const isUsable = familyOf(client);
  const own = service.instances.find((instance) => instance.cluster === client.cluster);
  const ownAddresses = own === undefined ? [] : clusterIps(own.service).filter(isUsable);
  const chosen =
    ownAddresses.length > 0 && own !== undefined
      ? { instance: own, addresses: ownAddresses }
      : { instance: first, addresses: clusterIps(first.service).slice(0, 1).filter(isUsable) };
  const isHeadless = chosen.addresses.includes(unspecified);
  const ips = isHeadless ? podAddresses(client, service, first.service, predictions) : chosen.addresses;
  if (ips.length === 0) return undefined;
  const from = isHeadless ? 'pods' : chosen.instance === own ? 'own' : 'other';
  const others = from === 'other' && !service.isOrderCertain ? service.instances.slice(1) : [];
  return {
    host: service.host,
    namespace: service.namespace,
    shortname: service.name,
    ips,
    registry: 'Kubernetes',
    from,
    ...(isHeadless ? undefined : { cluster: chosen.instance.cluster }),
    alternatives: others.flatMap((instance) => clusterIps(instance.service).slice(0, 1)).filter((ip) => ip !== unspecified && isUsable(ip)),
    refs: service.instances.map((instance) => instance.service.ref),
  };
}

/** Names a pod of this namespace may ask for to get the record of a Service's FQDN (pkg/dns/client/dns.go: generateAltHosts), longest first. */
export function namesAnswered(fqdn: string, podNamespace: string, clusterDomain = 'cluster.local'): string[] {
  const suffix = `.svc.${clusterDomain}`;
  if (!fqdn.endsWith(suffix)) return [fqdn];
  const [name, namespace, ...rest] = fqdn.slice(0, -suffix.length).split('.');
  if (name === undefined || namespace === undefined || rest.length > 0) return [fqdn];
  const names = [fqdn, `${name}.${namespace}.svc`, `${name}.${namespace}`];
  return namespace === podNamespace ? [...names, name] : names;
}

/** istiod's sign for "no address of its own": headless, ExternalName or not yet allocated. */
const unspecified = '0.0.0.0';

/** ClusterIPs as istiod converts them: the list where there are several, else the one (pilot/pkg/serviceregistry/kube/conversion.go). */
function clusterIps(service: Service): readonly string[] {
  if (service.clusterIP === '' || service.clusterIP === 'None') return [unspecified];
  return service.clusterIPs.length > 1 ? service.clusterIPs : [service.clusterIP];
}

/** Ready pods of the same network in any cluster, or only in the own one where ENABLE_MULTICLUSTER_HEADLESS is off. Only when the first copy is headless and has ports. */
function podAddresses(
  client: NameTableClient,
  service: RegisteredService,
  first: Service,
  { istiod, shards }: { istiod: Predictions['istiod']; shards: Shards },
): string[] {
  if (first.clusterIP !== 'None' || first.ports.length === 0) return [];
  const isMultiCluster = flag(istiod.env, 'ENABLE_MULTICLUSTER_HEADLESS', true);
  const addresses = new Set<string>();
  for (const [cluster, endpoints] of shards.get(service.host)?.clusters ?? []) {
    if (!isMultiCluster && cluster !== client.cluster) continue;
    for (const endpoint of endpoints) {
      const isReady = endpoint.health === 'healthy' || first.publishNotReadyAddresses;
      if (isReady && isSameNetwork(endpoint.network, client.network)) addresses.add(endpoint.address);
    }
  }
  return [...addresses];
}

function isSameNetwork(a: NetworkId | undefined, b: NetworkId | undefined): boolean {
  return a === undefined || b === undefined || a === b;
}

/** A proxy is given addresses of the families it has itself; one without addresses all. */
function familyOf(client: Pick<ClientProxy, 'ips'>): (ip: string) => boolean {
  const families = new Set(client.ips.map(ipFamily));
  return (ip) => families.size === 0 || ip === unspecified || families.has(ipFamily(ip));
}
