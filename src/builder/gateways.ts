import { labels as names } from '../istio/labels.ts';
import type { KubeObject, StringMap } from '../model/kube.ts';
import { type Addresses, loadBalancerAddress } from './addresses.ts';
import { type Installed, installed, podLabels } from './installer.ts';
import { autoscaler, optionalSecret } from './istiod.ts';
import { present } from './objects.ts';
import { type Cluster, type ControlPlane, type Injection, istiodAddress, suffixOfRevision } from './plan.ts';
import {
  entry,
  fromField,
  fromResource,
  gatewayProxy,
  istioToken,
  mount,
  podInfo,
  prometheus,
  proxyMetadata,
  proxyArguments,
  proxyImage,
  proxyResources,
  rootVolume,
} from './proxy.ts';
import { gatewayRights } from './roles.ts';
import { traitsOf } from './releases.ts';
import { type ServicePort, service } from './services.ts';
import { type ContainerPort, deployment, type PodSpec } from './workload.ts';

const rollingUpdate = { maxSurge: '100%', maxUnavailable: '25%' };
const security = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, privileged: false, readOnlyRootFilesystem: true };
const certificateMounts = [
  mount('/etc/istio/ingressgateway-certs', 'ingressgateway-certs', true),
  mount('/etc/istio/ingressgateway-ca-certs', 'ingressgateway-ca-certs', true),
];
const certificateVolumes = [
  optionalSecret('ingressgateway-certs', 'istio-ingressgateway-certs'),
  optionalSecret('ingressgateway-ca-certs', 'istio-ingressgateway-ca-certs'),
];

/** Address under which other clusters reach the east-west gateway of a cluster. */
export const eastWestAddress = (cluster: Cluster): string => loadBalancerAddress(cluster.number, 1);
export const ingressAddress = (cluster: Cluster): string => loadBalancerAddress(cluster.number, 9);

export interface EastWestPlan {
  readonly createdAt: string;
  /** Network it leads into; none = it only exposes istiod (`--single-cluster`). */
  readonly network: string | undefined;
  /** What the webhook of its namespace injects. */
  readonly injection: Injection;
  readonly name?: string;
}

/** The east-west gateway as istioctl installs it from what gen-eastwest-gateway.sh writes. */
export function eastWestGateway(cluster: Cluster, addresses: Addresses, plane: ControlPlane, plan: EastWestPlan): KubeObject[] {
  const { createdAt, network, injection } = plan;
  const name = plan.name ?? 'istio-eastwestgateway';
  const namespace = plane.systemNamespace;
  const own = present({ app: name, istio: 'eastwestgateway', [names.network]: network });
  const what: Installed = { part: 'IngressGateways', owner: 'eastwest' };
  const labels = { ...own, ...installed(plane, what) };
  const ports: readonly ServicePort[] = [
    { name: 'status-port', port: 15021, targetPort: 15021 },
    { name: 'tls', port: 15443, targetPort: 15443 },
    { name: 'tls-istiod', port: 15012, targetPort: 15012 },
    { name: 'tls-webhook', port: 15017, targetPort: 15017 },
  ];
  const spec: PodSpec = {
    affinity: { nodeAffinity: {} },
    containers: [
      {
        env: [
          ...(network === undefined ? [] : [entry('ISTIO_META_REQUESTED_NETWORK_VIEW', network)]),
          entry('ISTIO_META_UNPRIVILEGED_POD', 'true'),
        ],
        image: 'auto',
        imagePullPolicy: 'Always',
        name: 'istio-proxy',
        ports: gatewayPorts([15021, 15443, 15012, 15017]),
        resources: proxyResources,
        securityContext: security,
        volumeMounts: certificateMounts,
      },
    ],
    securityContext: { runAsGroup: 1337, runAsNonRoot: true, runAsUser: 1337 },
    serviceAccountName: `${name}-service-account`,
    volumes: certificateVolumes,
  };
  const workload = deployment(cluster, addresses, {
    namespace,
    name,
    createdAt,
    labels,
    selector: own,
    rollingUpdate,
    template: {
      labels: gatewayPodLabels(plane, own, 'true', plane.revision === 'default' ? {} : { 'istio.io/rev': plane.revision }),
      annotations: { 'inject.istio.io/templates': 'gateway', ...prometheus, 'sidecar.istio.io/inject': 'true' },
      spec,
    },
    admit: gatewayProxy(injection),
  });
  return [
    ...gatewayRights(cluster, plane, { name, createdAt, installed: what, labels: own }),
    ...workload,
    ...service(
      cluster,
      addresses,
      { namespace, name, createdAt, labels, ports, selector: own, type: 'LoadBalancer', ingress: eastWestAddress(cluster) },
      workload,
    ),
    autoscaler(cluster, { namespace, name, createdAt, labels }),
  ];
}

/** Ports of the ingress gateway of the default profile. */
export const ingressPorts: readonly ServicePort[] = [
  { name: 'status-port', port: 15021, targetPort: 15021 },
  { name: 'http2', port: 80, targetPort: 8080 },
  { name: 'https', port: 443, targetPort: 8443 },
];

/** The ingress gateway of the default profile: not injected, its pod is written by the chart. */
export function ingressGateway(
  cluster: Cluster,
  addresses: Addresses,
  plane: ControlPlane,
  ports: readonly ServicePort[],
  createdAt: string,
): KubeObject[] {
  const name = 'istio-ingressgateway';
  const namespace = plane.systemNamespace;
  const own = { app: name, istio: 'ingressgateway' };
  const what: Installed = { part: 'IngressGateways', owner: 'unknown' };
  const labels = { ...own, ...installed(plane, what) };
  const none = traitsOf(plane.release).marksGatewaysNone ? { 'istio.io/dataplane-mode': 'none' } : {};
  const workload = deployment(cluster, addresses, {
    namespace,
    name,
    createdAt,
    labels: { ...labels, ...none },
    selector: own,
    rollingUpdate,
    template: {
      labels: gatewayPodLabels(plane, own, 'false', { 'istio.io/rev': plane.revision, ...none }),
      annotations: { 'istio.io/rev': plane.revision, ...prometheus, 'sidecar.istio.io/inject': 'false' },
      spec: ingressSpec(plane, name, ports),
    },
  });
  return [
    ...gatewayRights(cluster, plane, { name, createdAt, installed: what, labels: own }),
    ...workload,
    ...service(
      cluster,
      addresses,
      { namespace, name, createdAt, labels, ports, selector: own, type: 'LoadBalancer', ingress: ingressAddress(cluster) },
      workload,
    ),
    autoscaler(cluster, { namespace, name, createdAt, labels }),
  ];
}

function gatewayPodLabels(plane: ControlPlane, own: StringMap, isInjected: 'true' | 'false', more: StringMap): StringMap {
  return {
    ...podLabels(plane, 'IngressGateways', own),
    chart: 'gateways',
    heritage: 'Tiller',
    ...more,
    release: 'istio',
    'service.istio.io/canonical-name': own['app'] ?? '',
    'service.istio.io/canonical-revision': plane.revision === 'default' ? 'latest' : plane.revision,
    'sidecar.istio.io/inject': isInjected,
  };
}

function gatewayPorts(numbers: readonly number[]): ContainerPort[] {
  return [
    ...numbers.map((containerPort) => ({ containerPort, protocol: 'TCP' as const })),
    { containerPort: 15090, name: 'http-envoy-prom', protocol: 'TCP' },
  ];
}

function ingressSpec(plane: ControlPlane, name: string, ports: readonly ServicePort[]): PodSpec {
  const { divisor } = traitsOf(plane.release);
  return {
    affinity: { nodeAffinity: {} },
    containers: [
      {
        args: proxyArguments('router'),
        env: [
          entry('PILOT_CERT_PROVIDER', 'istiod'),
          entry('CA_ADDR', istiodAddress(plane)),
          fromField('NODE_NAME', 'spec.nodeName'),
          fromField('POD_NAME', 'metadata.name'),
          fromField('POD_NAMESPACE', 'metadata.namespace'),
          fromField('INSTANCE_IP', 'status.podIP'),
          fromField('HOST_IP', 'status.hostIP'),
          fromResource('ISTIO_CPU_LIMIT', 'limits.cpu', divisor),
          fromField('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
          entry('ISTIO_META_WORKLOAD_NAME', name),
          entry('ISTIO_META_OWNER', `kubernetes://apis/apps/v1/namespaces/${plane.systemNamespace}/deployments/${name}`),
          entry('ISTIO_META_MESH_ID', plane.meshId ?? plane.trustDomain),
          entry('TRUST_DOMAIN', plane.trustDomain),
          entry('ISTIO_META_UNPRIVILEGED_POD', 'true'),
          ...Object.entries(proxyMetadata(plane, plane.dnsCapture)).map(([key, value]) => entry(key, value)),
          ...(plane.network === undefined ? [] : [entry('ISTIO_META_NETWORK', plane.network)]),
          entry('ISTIO_META_CLUSTER_ID', plane.clusterId),
          fromField('ISTIO_META_NODE_NAME', 'spec.nodeName'),
        ],
        image: proxyImage(plane.release),
        name: 'istio-proxy',
        ports: gatewayPorts(ports.map(({ targetPort }) => targetPort)),
        readinessProbe: {
          failureThreshold: 30,
          httpGet: { path: '/healthz/ready', port: 15021, scheme: 'HTTP' },
          initialDelaySeconds: 1,
          periodSeconds: 2,
          successThreshold: 1,
          timeoutSeconds: 1,
        },
        resources: proxyResources,
        securityContext: security,
        volumeMounts: [
          mount('/var/run/secrets/workload-spiffe-uds', 'workload-socket'),
          mount('/var/run/secrets/credential-uds', 'credential-socket'),
          mount('/var/run/secrets/workload-spiffe-credentials', 'workload-certs'),
          mount('/etc/istio/proxy', 'istio-envoy'),
          mount('/etc/istio/config', 'config-volume'),
          mount('/var/run/secrets/istio', 'istiod-ca-cert'),
          mount('/var/run/secrets/tokens', 'istio-token', true),
          mount('/var/lib/istio/data', 'istio-data'),
          mount('/etc/istio/pod', 'podinfo'),
          ...certificateMounts,
        ],
      },
    ],
    securityContext: { runAsGroup: 1337, runAsNonRoot: true, runAsUser: 1337 },
    serviceAccountName: `${name}-service-account`,
    volumes: [
      { emptyDir: {}, name: 'workload-socket' },
      { emptyDir: {}, name: 'credential-socket' },
      { emptyDir: {}, name: 'workload-certs' },
      rootVolume,
      podInfo('podinfo'),
      { emptyDir: {}, name: 'istio-envoy' },
      { emptyDir: {}, name: 'istio-data' },
      istioToken,
      { configMap: { defaultMode: 420, name: `istio${suffixOfRevision(plane.revision)}`, optional: true }, name: 'config-volume' },
      ...certificateVolumes,
    ],
  };
}
