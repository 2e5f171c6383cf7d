import type {
  Endpoint,
  EndpointSlice,
  Gateway,
  GatewayServer,
  KubeGateway,
  Namespace,
  Node,
  Pod,
  Service,
  ServicePort,
  VirtualService,
} from '../../src/model/facts.ts';
import { clusterId, clusterName, networkId } from '../../src/model/ids.ts';
import type { StringMap } from '../../src/model/kube.ts';
import type { IstiodView, PredictedIstiod, ReadCluster } from '../../src/mesh/istiod-view.ts';

/** Facts made by hand, for tests of what follows from facts: each takes what matters and fills in the rest as an API server would. */

export const network = 'topology.istio.io/network';
export const tlsMode = 'security.istio.io/tlsMode';

function entity(kind: string, namespace: string | undefined, name: string, labels: StringMap = {}, annotations: StringMap = {}) {
  const place = namespace === undefined ? { name } : { namespace, name };
  return { ref: { cluster: clusterName('west'), kind, ...place }, labels, annotations, managers: [] };
}

export function namespace(name: string, labels: StringMap = {}): Namespace {
  return { ...entity('Namespace', undefined, name, labels), name, terminating: false };
}

export function port(number: number, name = `tcp-${number}`, more: Partial<ServicePort> = {}): ServicePort {
  return { name, port: number, targetPort: number, protocol: 'TCP', ...more };
}

export function service(of: string, name: string, more: Partial<Service> = {}): Service {
  const base = entity('Service', of, name, more.labels, more.annotations);
  return {
    namespace: of,
    name,
    type: 'ClusterIP',
    clusterIP: '10.96.0.10',
    clusterIPs: [],
    externalIPs: [],
    selector: { app: name },
    ports: [port(5000, 'http')],
    loadBalancer: [],
    loadBalancerSourceRanges: [],
    publishNotReadyAddresses: false,
    ...more,
    ...base,
  };
}

/** A LoadBalancer Service with a network label, port 15443 and an address. */
export function eastWest(of: string, address: { ip?: string; hostname?: string } | undefined, more: Partial<Service> = {}): Service {
  return service('istio-system', 'istio-eastwestgateway', {
    type: 'LoadBalancer',
    loadBalancer: address === undefined ? [] : [address],
    ports: [port(15021, 'status-port'), port(15443, 'tls'), port(15012, 'tls-istiod'), port(15017, 'tls-webhook')],
    selector: { istio: 'eastwestgateway' },
    ...more,
    labels: { [network]: of, ...more.labels },
  });
}

export function pod(of: string, name: string, ip: string, more: Partial<Pod> = {}): Pod {
  return {
    namespace: of,
    name,
    phase: 'Running',
    ready: true,
    ips: [ip],
    hostNetwork: false,
    nodeName: 'node-1',
    serviceAccount: 'default',
    waiting: [],
    imageAuto: false,
    ...more,
    ...entity('Pod', of, name, more.labels, more.annotations),
  };
}

export function endpoint(address: string, more: Partial<Endpoint> = {}): Endpoint {
  return { addresses: [address], ready: true, serving: true, terminating: false, ...more };
}

export function slice(of: string, ofService: string, endpoints: readonly Endpoint[], more: Partial<EndpointSlice> = {}): EndpointSlice {
  const name = more.name ?? `${ofService}-x`;
  return {
    namespace: of,
    name,
    service: ofService,
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'http', port: 5000, protocol: 'TCP' }],
    ...more,
    ...entity('EndpointSlice', of, name, more.labels),
  };
}

export function node(name: string, addresses: Node['addresses'], labels: StringMap = {}): Node {
  return { ...entity('Node', undefined, name, labels), name, ready: true, podCidrs: [], addresses };
}

export function gateway(of: string, name: string, servers: readonly GatewayServer[], more: Partial<Gateway> = {}): Gateway {
  return { namespace: of, name, selector: { istio: 'eastwestgateway' }, servers, ...more, ...entity('Gateway', of, name, more.labels) };
}

export function server(number: number, mode: string, hosts: readonly string[] = ['*']): GatewayServer {
  return { port: number, protocol: 'TLS', hosts, tlsMode: mode };
}

export function virtualService(of: string, name: string, more: Partial<VirtualService> = {}): VirtualService {
  return {
    namespace: of,
    name,
    hosts: ['*'],
    gateways: [],
    exportTo: [],
    tls: [],
    spec: {},
    ...more,
    ...entity('VirtualService', of, name, more.labels),
  };
}

export function kubeGateway(of: string, name: string, more: Partial<KubeGateway> = {}): KubeGateway {
  return {
    namespace: of,
    name,
    className: 'istio-east-west',
    listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE', tlsMode: 'Terminate', tlsOptions: {} }],
    specAddresses: [],
    statusAddresses: [],
    conditions: [],
    ...more,
    ...entity('Gateway', of, name, more.labels, more.annotations),
  };
}

/** A cluster as an istiod reads it, with its network on `istio-system`; absent = no label. */
export function cluster(id: string, of: string | undefined, more: Partial<Omit<ReadCluster, 'id'>> = {}): ReadCluster {
  const system = namespace('istio-system', of === undefined ? {} : { [network]: of });
  return { id: clusterId(id), services: [], endpointSlices: [], pods: [], ...more, namespaces: [system, ...(more.namespaces ?? [])] };
}

export function view(
  clusters: readonly ReadCluster[],
  istiod: Partial<PredictedIstiod> = {},
  meshConfig?: IstiodView['meshConfig'],
): IstiodView {
  const base = { clusterId: clusterId('cluster1'), namespace: 'istio-system', clusterDomain: 'cluster.local', env: {}, version: '1.31.0' };
  return { istiod: { ...base, ...istiod }, meshConfig, clusters };
}

/** A service `sample/abc` with one ready sidecar pod, as one cluster has it. */
export function oneService(of: string, ip: string, name = 'abc'): Pick<ReadCluster, 'services' | 'endpointSlices' | 'pods'> {
  return {
    services: [service('sample', name, { clusterIP: `10.96.0.${ip.split('.').at(-1)}` })],
    endpointSlices: [slice('sample', name, [endpoint(ip, { pod: `${name}-1` })])],
    pods: [pod('sample', `${name}-1`, ip, { labels: { [tlsMode]: 'istio', [network]: of } })],
  };
}

export { clusterId, networkId };
