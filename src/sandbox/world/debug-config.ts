import { parse } from 'yaml';
import { mapAt } from '../../builder/edits/json.ts';
import { ipFamily } from '../../istio/addresses.ts';
import { labels } from '../../istio/labels.ts';
import { visibleNamespaces } from '../../mesh/istiod-view.ts';
import { listOf } from '../../mesh/topology.ts';
import type { KubeObject } from '../../model/kube.ts';
import type { Asked } from './debug.ts';
import { meshConfigOf, writtenMeshConfigOf } from './knowledge.ts';

/** An entry of `/debug/networkz` and `/debug/pushcontext`. */
export interface WrittenGateway {
  readonly Network: string;
  readonly Cluster: string;
  readonly Addr: string;
  readonly Port: number;
}

/** `/debug/mesh`: Istio's defaults with what it took of the ConfigMap of its revision. */
export function effectiveMesh({ process, knowledge }: Asked): unknown {
  const taken = writtenMeshConfigOf(process, knowledge.state);
  const settings: unknown = taken === undefined ? undefined : parse(taken.yaml);
  return merged(defaults(process.controlPlane.namespace), settings);
}

/** As pkg/config/mesh has them, and protobuf writes them. */
function defaults(namespace: string): Readonly<Record<string, unknown>> {
  return {
    proxyListenPort: 15001,
    proxyInboundListenPort: 15006,
    connectTimeout: '10s',
    protocolDetectionTimeout: '0s',
    ingressClass: 'istio',
    ingressService: 'istio-ingressgateway',
    ingressControllerMode: 'STRICT',
    enableTracing: true,
    defaultConfig: {
      configPath: './etc/istio/proxy',
      binaryPath: '/usr/local/bin/envoy',
      serviceCluster: 'istio-proxy',
      drainDuration: '45s',
      discoveryAddress: `istiod.${namespace}.svc:15012`,
      proxyAdminPort: 15000,
      controlPlaneAuthPolicy: 'MUTUAL_TLS',
      statNameLength: 189,
      statusPort: 15020,
      terminationDrainDuration: '5s',
    },
    outboundTrafficPolicy: { mode: 'ALLOW_ANY' },
    inboundTrafficPolicy: {},
    enableAutoMtls: true,
    trustDomain: 'cluster.local',
    defaultServiceExportTo: ['*'],
    defaultVirtualServiceExportTo: ['*'],
    defaultDestinationRuleExportTo: ['*'],
    rootNamespace: namespace,
    localityLbSetting: { enabled: true },
    dnsRefreshRate: '60s',
    enablePrometheusMerge: true,
    extensionProviders: [
      { name: 'prometheus', prometheus: {} },
      { name: 'stackdriver', stackdriver: {} },
      { name: 'envoy', envoyFileAccessLog: { path: '/dev/stdout' } },
    ],
    defaultProviders: {},
  };
}

/** Objects are merged, everything else is replaced. */
function merged(base: unknown, over: unknown): unknown {
  if (over === undefined || over === null) return base;
  if (!isObject(base) || !isObject(over)) return over;
  const keys = [...new Set([...Object.keys(base), ...Object.keys(over)])];
  return Object.fromEntries(keys.map((key) => [key, merged(base[key], over[key])]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `/debug/configz`: Istio's objects of the cluster whose configuration it reads, of its revision or of none, where it looks. */
export function configz({ process, knowledge }: Asked): unknown {
  const cluster = knowledge.state.clusters.get(process.config);
  if (cluster === undefined) return [];
  const isVisible = visibleNamespaces(listOf(cluster.facts.namespaces), meshConfigOf(process, knowledge.state));
  return cluster.objects
    .list()
    .filter((object) => {
      const revision = mapAt(object, 'metadata', 'labels')[labels.revision];
      if (!/^(?:(?:networking|security|telemetry|extensions)\.istio\.io|gateway\.networking\.k8s\.io)\//.test(object.apiVersion))
        return false;
      if (revision !== undefined && revision !== process.controlPlane.revision) return false;
      return isVisible(object.metadata.namespace ?? '');
    })
    .map(taken);
}

function taken({ kind, apiVersion, metadata, ...rest }: KubeObject): unknown {
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp, labels: own, annotations } = metadata;
  return {
    kind,
    apiVersion,
    metadata: { name, namespace, uid, resourceVersion, generation, creationTimestamp, labels: own, annotations },
    spec: 'spec' in rest ? rest['spec'] : {},
    ...('status' in rest ? { status: rest['status'] } : {}),
  };
}

/** `/debug/pushcontext`: gateways as they are, and before names were resolved. */
export function pushcontext({ process, knowledge }: Asked, gateways: readonly WrittenGateway[]): unknown {
  const root = meshConfigOf(process, knowledge.state)?.rootNamespace ?? process.controlPlane.namespace;
  const resolved = gateways.filter(({ Addr }) => ipFamily(Addr) !== undefined);
  return {
    AuthorizationPolicies: { namespace_to_policies: {}, root_namespace: root },
    NetworkGateways: resolved.length === 0 ? null : resolved,
    UnresolvedGateways: gateways.length === 0 ? null : gateways,
  };
}
