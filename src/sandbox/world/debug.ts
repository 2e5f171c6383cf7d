import { sortedBy } from '../../base/sort.ts';
import { mapAt } from '../../builder/edits/json.ts';
import { ipFamily } from '../../istio/addresses.ts';
import { fqdnOf } from '../../istio/hosts.ts';
import { labels } from '../../istio/labels.ts';
import { presumedToBehave } from '../../istio/releases.ts';
import { isAtLeast } from '../../istio/versions.ts';
import { clientOf, type Predictions, type RegisteredService, type ShardEndpoint, shardKey } from '../../mesh/endpoints.ts';
import { flag } from '../../mesh/istiod-view.ts';
import { nameTable } from '../../mesh/name-table.ts';
import type { Pod, ServicePort } from '../../model/facts.ts';
import type { HttpAnswer } from '../sandbox.ts';
import { configz, effectiveMesh, pushcontext, type WrittenGateway } from './debug-config.ts';
import type { IstiodProcess } from './istiods.ts';
import { syncStatus } from './istiods.ts';
import { type Knowledge, meshConfigOf, seenBy } from './knowledge.ts';
import { metrics } from './metrics.ts';
import type { Connected } from './proxies.ts';
import { proxiesOf } from './proxies.ts';
import type { ClusterState } from './state.ts';
import { sidecarVisibility } from './visibility.ts';

/** What an istiod is asked about itself. */
export interface Asked {
  readonly process: IstiodProcess;
  readonly knowledge: Knowledge;
  readonly predict: (process: IstiodProcess) => Predictions;
  readonly connection: (pod: Pod, cluster: ClusterState) => Connected;
  /** Whether a proxy is sent a name table; default: where it captures DNS. */
  readonly sendsTable?: (pod: Pod) => boolean;
}

/** What istiod answers on 15014 (with metrics and version) and 8080 (with readiness). Nothing for another port. */
export function istiodAnswer(asked: Asked, port: number, path: string, query: URLSearchParams): HttpAnswer | undefined {
  const { controlPlane } = asked.process;
  const debug = /^\/debug\/(.+)$/.exec(path)?.[1];
  const isDebugging = flag(controlPlane.env, 'ENABLE_DEBUG_ON_HTTP', true);
  if (debug !== undefined && isDebugging) return debugAnswer(asked, debug, query);
  if (port === 15014 && path === '/version') return { status: 200, text: `${controlPlane.version ?? 'unknown'}-sandbox-Clean` };
  if (port === 15014 && path === '/metrics') return { status: 200, text: metrics(asked) };
  if (port === 8080 && path === '/ready') return { status: 200, text: '' };
  return { status: 404, text: '404 page not found\n' };
}

function debugAnswer(asked: Asked, name: string, query: URLSearchParams): HttpAnswer {
  switch (name) {
    case 'clusterz':
      return { status: 200, json: clusterz(asked) };
    case 'networkz':
      return { status: 200, json: networkz(asked) };
    case 'endpointz':
    case 'endpointShardz':
      return { status: 200, json: endpointShardz(asked) };
    case 'ndsz':
      return ndsz(asked, query.get('proxyID'));
    case 'syncz':
      return { status: 200, json: syncz(asked, query.get('namespace')) };
    case 'registryz':
      return { status: 200, json: registryz(asked) };
    case 'mesh':
      return { status: 200, json: effectiveMesh(asked) };
    case 'configz':
      return { status: 200, json: configz(asked) };
    case 'pushcontext':
      return { status: 200, json: pushcontext(asked, networkGateways(asked)) };
    default:
      return { status: 404, text: '404 page not found\n' };
  }
}

function clusterz({ process, knowledge }: Asked): unknown {
  const { controlPlane } = process;
  const own = presumedToBehave(controlPlane.version, 'listsOwnClusterInClusterz')
    ? [{ id: controlPlane.clusterId, secretName: '', syncStatus: 'synced' }]
    : [];
  const remotes = [...process.registrations.values()].map((one) => ({
    id: one.id,
    secretName: one.secret,
    syncStatus: syncStatus(process, one, knowledge.state.now),
  }));
  return [...own, ...remotes];
}

/** Hostnames are resolved by istiod, and what they resolve to is in no object: they are not in the list. */
function networkz(asked: Asked): unknown {
  return networkGateways(asked).filter(({ Addr }) => ipFamily(Addr) !== undefined);
}

/** All gateways between networks as istiod writes them, names as they are. */
function networkGateways({ process, predict }: Asked): readonly WrittenGateway[] {
  const hasHbone = isAtLeast(process.controlPlane.version, '1.23.0') !== false;
  return predict(process).gateways.map((gateway) => ({
    Network: gateway.network,
    Cluster: gateway.cluster ?? '',
    Addr: gateway.address,
    Port: gateway.port,
    ...(hasHbone
      ? {
          HBONEPort: gateway.hbonePort,
          ServiceAccount: { Namespace: gateway.serviceAccount?.namespace ?? '', Name: gateway.serviceAccount?.name ?? '' },
        }
      : {}),
  }));
}

const health = { healthy: 1, unhealthy: 2, terminating: 4 } as const satisfies Readonly<Record<ShardEndpoint['health'], number>>;

function endpointShardz({ process, knowledge, predict }: Asked): unknown {
  const { version, env } = process.controlPlane;
  const hasSeveralAddresses = isAtLeast(version, '1.24.0') !== false;
  // Since 1.31 endpoints that are not healthy are sent too, so that Envoy can count them.
  const sendsUnhealthy = flag(env, 'PILOT_AUTO_SEND_UNHEALTHY_ENDPOINTS', isAtLeast(version, '1.31.0') !== false);
  const trustDomain = meshConfigOf(process, knowledge.state)?.trustDomain ?? 'cluster.local';
  const places = new Map(seenBy(process).map((seen) => [seen.id, knowledge.state.clusters.get(seen.cluster)]));
  const endpointOf = (endpoint: ShardEndpoint): unknown => {
    const { pod } = endpoint;
    const place = placeOf(places.get(endpoint.cluster), pod === undefined ? undefined : endpoint.nodeName);
    return {
      Labels: {
        ...pod?.labels,
        ...place.labels,
        [labels.cluster]: endpoint.cluster,
        [labels.network]: endpoint.network ?? '',
      },
      ...(hasSeveralAddresses ? { Addresses: [endpoint.address] } : { Address: endpoint.address }),
      ServicePortName: endpoint.portName,
      LegacyClusterPortKey: 0,
      ServiceAccount: pod === undefined ? '' : `spiffe://${trustDomain}/ns/${pod.namespace}/sa/${pod.serviceAccount}`,
      Network: endpoint.network ?? '',
      Locality: { Label: place.locality, ClusterID: endpoint.cluster },
      EndpointPort: endpoint.port,
      LbWeight: 0,
      TLSMode: endpoint.tlsMode,
      Namespace: pod?.namespace ?? '',
      WorkloadName: pod?.owner?.name ?? '',
      HostName: '',
      SubDomain: '',
      HealthStatus: health[endpoint.health],
      SendUnhealthyEndpoints: sendsUnhealthy,
      NodeName: pod === undefined ? '' : (endpoint.nodeName ?? ''),
    };
  };
  const hosts: Record<string, Record<string, unknown>> = {};
  for (const shards of sortedBy(predict(process).shards.values(), ({ host }) => host)) {
    const accounts = new Set([...shards.clusters.values()].flat().flatMap(({ pod }) => (pod === undefined ? [] : [pod.serviceAccount])));
    hosts[shards.host] = {
      [shards.namespace]: {
        Shards: Object.fromEntries([...shards.clusters].map(([cluster, endpoints]) => [shardKey(cluster), endpoints.map(endpointOf)])),
        ServiceAccounts: Object.fromEntries(
          [...accounts].map((account) => [`spiffe://${trustDomain}/ns/${shards.namespace}/sa/${account}`, {}]),
        ),
      },
    };
  }
  return hosts;
}

/** Region and zone of a node, as labels of an endpoint and as its locality. */
function placeOf(
  cluster: ClusterState | undefined,
  nodeName: string | undefined,
): { readonly labels: Readonly<Record<string, string>>; readonly locality: string } {
  if (nodeName === undefined) return { labels: {}, locality: '' };
  const held = mapAt(cluster?.objects.get('Node', undefined, nodeName), 'metadata', 'labels');
  const of = (key: string): Readonly<Record<string, string>> => (held[key] === undefined ? {} : { [key]: held[key] });
  const region = held['topology.kubernetes.io/region'];
  const zone = held['topology.kubernetes.io/zone'];
  const subzone = held['topology.istio.io/subzone'] ?? '';
  return {
    labels: {
      'kubernetes.io/hostname': nodeName,
      ...of('topology.kubernetes.io/region'),
      ...of('topology.kubernetes.io/zone'),
      ...of('topology.istio.io/subzone'),
    },
    locality: region === undefined && zone === undefined ? '' : `${region ?? ''}/${zone ?? ''}/${subzone}`,
  };
}

/** The name table of one proxy. A proxy that does not watch names has none; since 1.25 that is no error (pilot/pkg/xds/debug.go). */
function ndsz(asked: Asked, proxyId: string | null): HttpAnswer {
  const { process, knowledge, predict } = asked;
  if (proxyId === null || proxyId === '') return { status: 400, text: 'You must provide a proxyID in the query string\n' };
  const found = proxiesOf(process, knowledge, asked.connection).find(({ pod }) => `${pod.name}.${pod.namespace}` === proxyId);
  const client = found === undefined ? undefined : clientOf(found.pod);
  if (found === undefined)
    return { status: 404, text: 'Proxy not connected to this Pilot instance. It may be connected to another instance.\n' };
  // Gateways watch no names.
  if (client === undefined || found.pod.proxy?.kind !== 'sidecar' || !found.pod.proxy.dnsCapture || asked.sendsTable?.(found.pod) === false)
    return isAtLeast(process.controlPlane.version, '1.25.0') !== false
      ? { status: 200, json: {} }
      : { status: 400, text: 'DNS capture is not enabled in the proxy\n' };
  const table = nameTable(client, predict(process), {
    defaultExportTo: meshConfigOf(process, knowledge.state)?.defaultServiceExportTo,
    isVisible: sidecarVisibility(found.pod, process, knowledge),
  });
  const records: Record<string, unknown> = {};
  for (const { host, ips, registry, shortname, namespace } of table.values()) records[host] = { ips, registry, shortname, namespace };
  const resource = { '@type': 'type.googleapis.com/istio.networking.nds.v1.NameTable', table: records };
  return { status: 200, json: { configs: [resource] } };
}

function syncz(asked: Asked, namespace: string | null): unknown {
  const version = asked.process.controlPlane.version ?? '';
  const nonce = asked.process.uid.slice(0, 8);
  const hasResources = isAtLeast(version, '1.23.0') !== false;
  return proxiesOf(asked.process, asked.knowledge, asked.connection)
    .filter(({ pod }) => namespace === null || pod.namespace === namespace)
    .map(({ pod }) => {
      const type = typeOf(pod);
      const types = typesFor(type, watchesNames(pod, asked));
      return {
        cluster_id: pod.proxy?.clusterId ?? '',
        proxy: `${pod.name}.${pod.namespace}`,
        proxy_type: type,
        istio_version: pod.proxy?.version ?? version,
        ...Object.fromEntries(
          types.flatMap(([letter, , name]) =>
            name === undefined ? [] : ['sent', 'acked'].map((which) => [`${name}_${which}`, `${nonce}-${letter}`]),
          ),
        ),
        ...(hasResources ? { resources: resourcesOf(types, nonce, asked.process.startedAt) } : {}),
      };
    });
}

/** What istiod takes a proxy for: gateways of ambient are waypoints, too. */
function typeOf({ proxy, labels: own }: Pod): string {
  if (own[labels.gatewayManaged] === 'istio.io-eastwest-controller') return 'waypoint';
  return proxy?.kind === 'gateway' ? 'router' : (proxy?.kind ?? '');
}

function watchesNames(pod: Pod, { sendsTable }: Asked): boolean {
  return pod.proxy?.kind === 'sidecar' && pod.proxy.dnsCapture && sendsTable?.(pod) !== false;
}

/** Kinds of what a proxy is sent, with a letter for each, and its name where there is a field of it. */
type SentTypes = readonly (readonly [letter: string, type: string, name?: string])[];

/** ztunnels are told of workloads instead of being configured; waypoints know these, too, and have their routes in their listeners. */
function typesFor(type: string, hasNames: boolean): SentTypes {
  const workloads = ['w', 'istio.workload.Address'] as const;
  if (type === 'ztunnel') return [workloads, ['p', 'istio.security.Authorization']];
  return [
    ['c', 'envoy.config.cluster.v3.Cluster', 'cluster'],
    ['l', 'envoy.config.listener.v3.Listener', 'listener'],
    ...(type === 'waypoint' ? [workloads] : [['r', 'envoy.config.route.v3.RouteConfiguration', 'route'] as const]),
    ['e', 'envoy.config.endpoint.v3.ClusterLoadAssignment', 'endpoint'],
    ...(hasNames ? [['n', 'istio.networking.nds.v1.NameTable'] as const] : []),
  ];
}

/** What a proxy was sent of each kind and took. */
function resourcesOf(types: SentTypes, nonce: string, sentTime: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    types.map(([letter, type]) => {
      const sent = `${nonce}-${letter}`;
      return [`type.googleapis.com/${type}`, { sent, acked: sent, sentTime }];
    }),
  );
}

/** How Go writes a map that nobody made. */
function orNull(map: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | null {
  return Object.keys(map).length === 0 ? null : map;
}

/** Cluster → addresses of a balanced Service, and others that reach it from outside. Of a merged one the first copy is what tells. */
function externalOf({ instances }: RegisteredService): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    instances.slice(0, 1).flatMap(({ cluster, service }) => {
      const found = [...service.loadBalancer.flatMap(({ ip, hostname }) => ip ?? hostname ?? []), ...service.externalIPs];
      return found.length === 0 ? [] : [[cluster, found]];
    }),
  );
}

/** Services of Kubernetes registries, merged. */
function registryz({ process, predict }: Asked): unknown {
  const { clusterDomain } = process.controlPlane;
  return sortedBy(predict(process).services.values(), ({ host }) => host).flatMap((registered) => {
    const first = registered.instances[0]?.service;
    if (first === undefined) return [];
    const isHeadless = first.clusterIP === 'None';
    return [
      {
        Attributes: {
          ServiceRegistry: 'Kubernetes',
          Name: registered.name,
          Namespace: registered.namespace,
          Labels: orNull(first.labels),
          ExportTo: null,
          Visibility: 0,
          LabelSelectors: orNull(first.selector),
          Aliases: null,
          ClusterExternalAddresses: { Addresses: orNull(externalOf(registered)) },
          ClusterExternalPorts: null,
          PassthroughTargetPorts: null,
          Type: first.type,
          ExternalName: first.externalName ?? '',
          NodeLocal: first.internalTrafficPolicy === 'Local',
          TrafficDistribution: 0,
          ObjectName: '',
          DNSConnectStrategy: 0,
          PublishNotReadyAddresses: first.publishNotReadyAddresses,
        },
        ports: first.ports.map((port) => ({ name: port.name, port: port.port, protocol: protocolOf(port) })),
        creationTime: first.createdAt ?? null,
        hostname: fqdnOf(registered.namespace, registered.name, clusterDomain),
        clusterVIPs: {
          Addresses: Object.fromEntries(
            registered.instances.map(({ cluster, service }) => [cluster, [service.clusterIP === '' ? '0.0.0.0' : service.clusterIP]]),
          ),
        },
        defaultAddress: isHeadless || first.clusterIP === '' ? '0.0.0.0' : first.clusterIP,
        Resolution: first.type === 'ExternalName' ? 4 : isHeadless ? 2 : 0,
        MeshExternal: false,
        ResourceVersion: '',
      },
    ];
  });
}

const protocols: Readonly<Record<string, string>> = {
  grpc: 'GRPC',
  'grpc-web': 'GRPC-Web',
  http: 'HTTP',
  http2: 'HTTP2',
  https: 'HTTPS',
  mongo: 'Mongo',
  mysql: 'MySQL',
  redis: 'Redis',
  tcp: 'TCP',
  tls: 'TLS',
};

/** As istiod takes it from appProtocol, else from the beginning of the name (pkg/config/kube/conversion.go). */
function protocolOf({ name, protocol, appProtocol }: ServicePort): string {
  if (protocol === 'UDP') return 'UDP';
  const told = appProtocol ?? name;
  return protocols[told] ?? protocols[told.slice(0, Math.max(0, told.indexOf('-')))] ?? 'UnsupportedProtocol';
}
