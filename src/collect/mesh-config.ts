import { shownAddress, shown } from './credentials.ts';
import {
  defined,
  type Fields,
  fields,
  filled,
  flag,
  json,
  objects,
  optionalFields,
  port,
  scalarText,
  text,
  texts,
  type Tally,
  tally,
} from '../model/decode.ts';
import type { MeshConfig, MeshNetwork } from '../model/facts.ts';
import { networkId } from '../model/ids.ts';
import type { Json, StringMap } from '../model/kube.ts';
import { certificatesIn, recordedCertificates } from './certificates.ts';
import { uncounted } from './fact.ts';
import { selectorOf } from './selectors.ts';
import { readYaml } from './yaml.ts';

/** Settings of defaultConfig.proxyMetadata that somebody reads; others may hold anything. */
const knownMetadata = [
  'ISTIO_META_DNS_CAPTURE',
  'ISTIO_META_DNS_AUTO_ALLOCATE',
  'ISTIO_META_ENABLE_HBONE',
  'ISTIO_META_ENABLE_DNS_SERVER',
  'PROXY_CONFIG_XDS_AGENT',
] as const;

/** Keys `mesh` and `meshNetworks` of a ConfigMap, by the settings that are read. */
export function reduceMeshConfig(odd: Tally, data: Fields): Fields {
  const mesh = parsed(odd, data['mesh']);
  const networks = parsed(odd, data['meshNetworks']);
  if (mesh === undefined || networks === undefined) odd.odd++;
  const defaults = fields(odd, mesh?.['defaultConfig']);
  return defined({
    unreadable: mesh === undefined || networks === undefined ? true : undefined,
    trustDomain: filled(odd, mesh?.['trustDomain']),
    trustDomainAliases: texts(odd, mesh?.['trustDomainAliases']),
    rootNamespace: filled(odd, mesh?.['rootNamespace']),
    discoveryAddress: address(filled(odd, defaults['discoveryAddress'])),
    meshId: filled(odd, scalarText(odd, defaults['meshId'])),
    enableAutoMtls: flag(odd, mesh?.['enableAutoMtls']),
    keepsAlive: isSet(mesh?.['tcpKeepalive']),
    readsProxyProtocol: isSet(fields(odd, defaults['gatewayTopology'])['proxyProtocol']),
    proxyMetadata: metadataOf(odd, defaults['proxyMetadata']),
    discoverySelectors: objects(odd, mesh?.['discoverySelectors']).map((selector) => selectorOf(odd, selector)),
    clusterLocal: objects(odd, mesh?.['serviceSettings']).flatMap((entry) => clusterLocalOf(odd, entry)),
    serviceScopeConfigs: objects(odd, mesh?.['serviceScopeConfigs']).flatMap((entry) => scopeOf(odd, entry)),
    defaultServiceExportTo: texts(odd, mesh?.['defaultServiceExportTo']),
    caCertificates: objects(odd, mesh?.['caCertificates']).flatMap((entry) => certificatesIn(odd, text(odd, entry['pem']))),
    takesRootsFromUrl: objects(odd, mesh?.['caCertificates']).some((entry) => filled(odd, entry['spiffeBundleUrl']) !== undefined)
      ? true
      : undefined,
    meshNetworks: networksOf(odd, networks?.['networks']),
  });
}

/** The YAML of a key; an empty object for an absent or empty one, nothing when it cannot be read. */
function parsed(odd: Tally, value: unknown): Fields | undefined {
  const source = text(odd, value);
  if (source === undefined || source.trim() === '') return {};
  const read = readYaml(source);
  if ('invalid' in read) return undefined;
  return read.value === null || read.value === undefined ? {} : optionalFields(tally(), read.value);
}

/** An empty object switches a setting on, too. */
function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function address(value: string | undefined): string | undefined {
  return value === undefined ? undefined : shownAddress(value);
}

function metadataOf(odd: Tally, value: unknown): StringMap {
  const given = fields(odd, value);
  const kept: Record<string, string> = {};
  for (const key of knownMetadata) {
    const item = scalarText(odd, given[key]);
    if (item !== undefined) kept[key] = shown(item);
  }
  return kept;
}

function clusterLocalOf(odd: Tally, entry: Fields): readonly { readonly host: string; readonly local: boolean }[] {
  const local = flag(odd, fields(odd, entry['settings'])['clusterLocal']);
  return local === undefined ? [] : texts(odd, entry['hosts']).map((host) => ({ host, local }));
}

function scopeOf(odd: Tally, entry: Fields): readonly Json[] {
  const namespaceSelector = entry['namespaceSelector'] === undefined ? undefined : json(odd, selectorOf(odd, entry['namespaceSelector']));
  const servicesSelector = entry['servicesSelector'] === undefined ? undefined : json(odd, selectorOf(odd, entry['servicesSelector']));
  const scope = filled(odd, entry['scope']);
  return [defined({ namespaceSelector, servicesSelector, scope })];
}

function networksOf(odd: Tally, value: unknown): readonly MeshNetwork[] {
  const networks = fields(odd, value);
  return Object.keys(networks).map((network) => {
    const entry = fields(odd, networks[network]);
    const endpoints = objects(odd, entry['endpoints']);
    return {
      network: networkId(network),
      fromRegistries: endpoints.flatMap((endpoint) => filled(odd, endpoint['fromRegistry']) ?? []),
      cidrs: endpoints.flatMap((endpoint) => filled(odd, endpoint['fromCidr']) ?? []),
      gateways: objects(odd, entry['gateways']).map((gateway) =>
        defined({
          address: address(filled(odd, gateway['address'])),
          registryServiceName: filled(odd, gateway['registryServiceName']),
          port: port(odd, gateway['port']) ?? 0,
        }),
      ),
    };
  });
}

type Settings = Omit<MeshConfig, keyof import('../model/facts.ts').Entity | 'namespace' | 'revision'>;

/** A reduced mesh config with the defaults istiod gives what is not set. */
export function projectMeshConfig(mesh: Fields): Settings {
  return defined({
    trustDomain: filled(uncounted, mesh['trustDomain']) ?? 'cluster.local',
    trustDomainAliases: texts(uncounted, mesh['trustDomainAliases']),
    rootNamespace: filled(uncounted, mesh['rootNamespace']),
    discoveryAddress: filled(uncounted, mesh['discoveryAddress']),
    meshId: filled(uncounted, mesh['meshId']),
    enableAutoMtls: flag(uncounted, mesh['enableAutoMtls']) ?? true,
    keepsAlive: flag(uncounted, mesh['keepsAlive']),
    readsProxyProtocol: flag(uncounted, mesh['readsProxyProtocol']),
    proxyMetadata: metadataOf(uncounted, mesh['proxyMetadata']),
    discoverySelectors: objects(uncounted, mesh['discoverySelectors']).map((selector) => selectorOf(uncounted, selector)),
    clusterLocal: objects(uncounted, mesh['clusterLocal']).flatMap((entry) => {
      const host = text(uncounted, entry['host']);
      return host === undefined ? [] : [{ host, local: entry['local'] === true }];
    }),
    serviceScopeConfigs: objects(uncounted, mesh['serviceScopeConfigs']).flatMap((entry) => json(uncounted, entry) ?? []),
    defaultServiceExportTo: texts(uncounted, mesh['defaultServiceExportTo']),
    caCertificates: recordedCertificates(mesh['caCertificates']),
    takesRootsFromUrl: mesh['takesRootsFromUrl'] === true ? (true as const) : undefined,
    meshNetworks: objects(uncounted, mesh['meshNetworks']).map(recordedNetwork),
    unreadable: mesh['unreadable'] === true,
  });
}

function recordedNetwork(entry: Fields): MeshNetwork {
  return {
    network: networkId(text(uncounted, entry['network']) ?? ''),
    fromRegistries: texts(uncounted, entry['fromRegistries']),
    cidrs: texts(uncounted, entry['cidrs']),
    gateways: objects(uncounted, entry['gateways']).map((gateway) =>
      defined({
        address: filled(uncounted, gateway['address']),
        registryServiceName: filled(uncounted, gateway['registryServiceName']),
        port: port(uncounted, gateway['port']) ?? 0,
      }),
    ),
  };
}
