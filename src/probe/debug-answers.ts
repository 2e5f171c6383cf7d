import { compareText, sortedBy } from '../base/sort.ts';
import { type Fields, fields, filled, flag, objects, optionalFields, tally, text, textMap, texts, whole } from '../model/decode.ts';
import { spelledSelector } from '../mesh/effective-mesh.ts';
import { clusterId, networkId } from '../model/ids.ts';
import type {
  EffectiveMesh,
  IstiodReplica,
  ListedEndpoint,
  ListedGateway,
  ListedNameTable,
  ListedShards,
  Rejection,
} from '../model/observations.ts';
import { oneLine } from './failure.ts';

/*
 * Answers of istiod's debug endpoints, parsed JSON, as its releases from 1.20 on write them (pilot/pkg/xds/debug.go). Each function
 * gives nothing for a value of another form; what is odd inside is left out.
 */

type Answered<T> = Extract<T, { readonly answer: unknown }>['answer'];

/** `/debug/clusterz`, sorted by id and secret. */
export function clustersIn(value: unknown): Answered<IstiodReplica['clusters']> | undefined {
  const odd = tally();
  const clusters = entriesOf(value)?.flatMap((entry) => {
    const id = filled(odd, entry['id']);
    if (id === undefined) return [];
    return [{ id: clusterId(id), secret: text(odd, entry['secretName']) ?? '', syncStatus: text(odd, entry['syncStatus']) ?? '' }];
  });
  return clusters === undefined ? undefined : sortedBy(clusters, (one) => `${one.id} ${one.secret}`);
}

/** `/debug/networkz`, sorted by address and port. HBONEPort is not written before 1.23. */
export function gatewaysIn(value: unknown): ListedGateway[] | undefined {
  const odd = tally();
  const gateways = entriesOf(value)?.flatMap((entry): ListedGateway[] => {
    const network = filled(odd, entry['Network']);
    const address = filled(odd, entry['Addr']);
    if (network === undefined || address === undefined) return [];
    const cluster = filled(odd, entry['Cluster']);
    return [
      {
        network: networkId(network),
        ...(cluster === undefined ? undefined : { cluster: clusterId(cluster) }),
        address,
        port: whole(odd, entry['Port']) ?? 0,
        hbonePort: whole(odd, entry['HBONEPort']) ?? 0,
      },
    ];
  });
  return gateways?.sort(
    (a, b) =>
      compareText(a.address, b.address) ||
      a.port - b.port ||
      compareText(a.network, b.network) ||
      compareText(a.cluster ?? '', b.cluster ?? ''),
  );
}

/** `/debug/endpointShardz`: what Kubernetes registries contribute to these hosts, sorted by host and cluster. */
export function shardsIn(value: unknown, hosts: readonly string[]): ListedShards[] | undefined {
  const odd = tally();
  const table = value === null ? {} : optionalFields(odd, value);
  if (table === undefined) return undefined;
  return [...hosts].sort(compareText).flatMap((host): ListedShards[] => {
    const byNamespace = optionalFields(odd, table[host]);
    if (byNamespace === undefined) return [];
    const clusters = new Map<string, ListedEndpoint[]>();
    for (const namespace of Object.keys(byNamespace)) {
      const shards = fields(odd, fields(odd, byNamespace[namespace])['Shards']);
      for (const key of Object.keys(shards)) {
        // `Kubernetes/cluster1`; ServiceEntries of the same cluster are `External/cluster1`.
        if (!key.startsWith(registry)) continue;
        const id = key.slice(registry.length);
        clusters.set(id, [...(clusters.get(id) ?? []), ...objects(odd, shards[key]).flatMap(endpointsIn)]);
      }
    }
    return [
      {
        host,
        clusters: sortedBy(clusters, ([id]) => id).map(([id, endpoints]) => ({
          cluster: clusterId(id),
          endpoints: endpoints.sort(byAddress),
        })),
      },
    ];
  });
}

/** `/debug/ndsz` of one proxy: its records of these hosts, sorted by host. */
export function nameTableIn(value: unknown, hosts: readonly string[]): Answered<ListedNameTable['table']> | undefined {
  const odd = tally();
  const dump = value === null ? {} : optionalFields(odd, value);
  if (dump === undefined) return undefined;
  const tables = objects(odd, dump['configs']).filter((config) => (text(odd, config['@type']) ?? nameTable).endsWith(nameTable));
  if (tables.length === 0) return 'none';
  return [...hosts].sort(compareText).flatMap((host) => {
    const records = tables.flatMap((config) => {
      const record = optionalFields(odd, fields(odd, config['table'])[host]);
      return record === undefined ? [] : [record];
    });
    return records.length === 0 ? [] : [{ host, ips: records.flatMap((record) => texts(odd, record['ips'])) }];
  });
}

/** `/debug/mesh`, as protobuf writes JSON: what is not set is not there. */
export function meshIn(value: unknown): EffectiveMesh | undefined {
  const odd = tally();
  const mesh = optionalFields(odd, value);
  if (mesh === undefined) return undefined;
  const defaults = fields(odd, mesh['defaultConfig']);
  return {
    trustDomain: text(odd, mesh['trustDomain']) ?? '',
    trustDomainAliases: texts(odd, mesh['trustDomainAliases']),
    rootNamespace: text(odd, mesh['rootNamespace']) ?? '',
    discoveryAddress: text(odd, defaults['discoveryAddress']) ?? '',
    meshId: text(odd, defaults['meshId']) ?? '',
    enableAutoMtls: flag(odd, mesh['enableAutoMtls']) ?? true,
    defaultServiceExportTo: texts(odd, mesh['defaultServiceExportTo']),
    discoverySelectors: objects(odd, mesh['discoverySelectors']).map((selector) =>
      spelledSelector({
        matchLabels: textMap(odd, selector['matchLabels']),
        matchExpressions: objects(odd, selector['matchExpressions']).map((term) => ({
          key: text(odd, term['key']) ?? '',
          operator: text(odd, term['operator']) ?? '',
          values: texts(odd, term['values']),
        })),
      }),
    ),
    dnsCapture: text(odd, fields(odd, defaults['proxyMetadata'])['ISTIO_META_DNS_CAPTURE']) ?? '',
  };
}

/** One element of `/debug/configz`, as `Kind/namespace/name`; nothing for what is not of Istio's own groups. */
export function takenObject(value: unknown): string | undefined {
  const odd = tally();
  const object = fields(odd, value);
  const kind = filled(odd, object['kind']);
  if (kind === undefined || !/^(?:networking|security)\.istio\.io\//.test(text(odd, object['apiVersion']) ?? '')) return undefined;
  const metadata = fields(odd, object['metadata']);
  return `${kind}/${text(odd, metadata['namespace']) ?? ''}/${text(odd, metadata['name']) ?? ''}`;
}

/** `/debug/configz` after `takenObject`, sorted. */
export function configIn(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return [...texts(tally(), value)].sort(compareText);
}

/** An element of `/debug/syncz` of a proxy that refuses what it was last sent; nothing for others. Istiods before 1.23 do not say so. */
export function refusing(value: unknown): unknown {
  const odd = tally();
  const resources = fields(odd, fields(odd, value)['resources']);
  return Object.keys(resources).some((type) => filled(odd, fields(odd, resources[type])['lastError']) !== undefined) ? value : undefined;
}

/** `/debug/syncz`: proxies that refuse something, sorted. */
export function rejectionsIn(value: unknown): readonly Rejection[] | undefined {
  const odd = tally();
  const rejections = entriesOf(value)?.flatMap((entry): Rejection[] => {
    const resources = fields(odd, entry['resources']);
    const refused = Object.keys(resources)
      .sort(compareText)
      .flatMap((type) => {
        const error = filled(odd, fields(odd, resources[type])['lastError']);
        return error === undefined ? [] : [{ type: type.slice(type.lastIndexOf('.') + 1), error: oneLine(error) }];
      });
    const [first] = refused;
    if (first === undefined) return [];
    return [
      {
        proxy: text(odd, entry['proxy']) ?? '',
        cluster: clusterId(text(odd, entry['cluster_id']) ?? ''),
        types: refused.map(({ type }) => type),
        error: first.error,
      },
    ];
  });
  return rejections === undefined ? undefined : sortedBy(rejections, ({ proxy }) => proxy);
}

const registry = 'Kubernetes/';
const nameTable = 'NameTable';

/** pilot/pkg/model/endpoint.go: HealthStatus. */
const health: Readonly<Record<number, string>> = { 1: 'healthy', 2: 'unhealthy', 3: 'draining', 4: 'terminating' };

/** One entry for each of its addresses: `Addresses`, before 1.24 `Address`. */
function endpointsIn(entry: Fields): ListedEndpoint[] {
  const odd = tally();
  const several = texts(odd, entry['Addresses']);
  const one = filled(odd, entry['Address']);
  const addresses = several.length > 0 ? several : one === undefined ? [] : [one];
  return addresses.map((address) => ({
    address,
    port: whole(odd, entry['EndpointPort']) ?? 0,
    portName: text(odd, entry['ServicePortName']) ?? '',
    network: text(odd, entry['Network']) ?? '',
    tlsMode: text(odd, entry['TLSMode']) ?? '',
    health: health[whole(odd, entry['HealthStatus']) ?? 0] ?? '',
  }));
}

/** The elements of a list; `null` is how Go writes an empty one. */
function entriesOf(value: unknown): readonly Fields[] | undefined {
  if (value === null) return [];
  return Array.isArray(value) ? objects(tally(), value) : undefined;
}

function byAddress(a: ListedEndpoint, b: ListedEndpoint): number {
  return compareText(a.address, b.address) || a.port - b.port || compareText(a.portName, b.portName);
}
