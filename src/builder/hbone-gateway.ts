import { labels as names } from '../istio/labels.ts';
import type { KubeObject, StringMap } from '../model/kube.ts';
import type { Addresses } from './addresses.ts';
import { eastWestAddress } from './gateways.ts';
import { outside } from './node-agents.ts';
import { lastApplied, makerOf, type Owner } from './objects.ts';
import { type Cluster, type ControlPlane, type Injection, istiodAddress } from './plan.ts';
import { entry, fromField, fromResource, istioToken, mount, podInfo, prometheus, proxyImage, proxyResources, rootVolume } from './proxy.ts';
import { traitsOf } from './releases.ts';
import { service } from './services.ts';
import { times } from './timeline.ts';
import { deployment } from './workload.ts';

// The east-west gateway of ambient: a Gateway of Kubernetes that istiod deploys.

const namespace = 'istio-system';
const gatewayApi = 'gateway.networking.k8s.io';

/** Classes that istiod makes: the one for east-west gateways only because multi-network is on. */
export function gatewayClasses(cluster: Cluster): KubeObject[] {
  const make = makerOf(cluster.name, times.leading);
  const classes = [
    ['istio', 'istio.io/gateway-controller', 'The default Istio GatewayClass'],
    ['istio-east-west', 'istio.io/eastwest-controller', 'The default GatewayClass for Istio East West Gateways'],
    ['istio-remote', 'istio.io/unmanaged-gateway', 'Remote to this cluster. Does not deploy or affect configuration.'],
    ['istio-waypoint', 'istio.io/mesh-controller', 'The default Istio waypoint GatewayClass'],
  ] as const;
  return classes.map(([name, controllerName, description]) =>
    make(
      `${gatewayApi}/v1`,
      'GatewayClass',
      { name, generation: 1 },
      {
        spec: { controllerName, description },
        status: { conditions: [condition(times.leading, 'Accepted', 'Accepted', 'Handled by Istio controller')] },
      },
    ),
  );
}

/** The Gateway that leads into the network, and what istiod deploys for it. */
export function hboneGateway(cluster: Cluster, addresses: Addresses, plane: ControlPlane): KubeObject[] {
  const name = 'istio-eastwestgateway';
  const createdAt = times.eastWest;
  const make = makerOf(cluster.name, createdAt);
  const network: StringMap = cluster.network === undefined ? {} : { [names.network]: cluster.network };
  const listener = {
    name: 'mesh',
    port: 15008,
    protocol: 'HBONE',
    tls: { mode: 'Terminate', options: { 'gateway.istio.io/tls-terminate-mode': 'ISTIO_MUTUAL' } },
  };
  const given = { gatewayClassName: 'istio-east-west', listeners: [listener] };
  const applied = {
    apiVersion: `${gatewayApi}/v1`,
    kind: 'Gateway',
    metadata: { annotations: {}, labels: network, name, namespace },
    spec: given,
  };
  const at = (type: string, reason: string, message: string, status: 'True' | 'False' = 'True') =>
    condition(createdAt, type, reason, message, status);
  const gateway = make(
    `${gatewayApi}/v1`,
    'Gateway',
    { name, namespace, generation: 1, labels: network, annotations: lastApplied(applied) },
    {
      spec: { ...given, listeners: [{ allowedRoutes: { namespaces: { from: 'Same' } }, ...listener }] },
      status: {
        addresses: [{ type: 'IPAddress', value: eastWestAddress(cluster) }],
        conditions: [
          at('Accepted', 'Accepted', 'Resource accepted'),
          at('Programmed', 'Programmed', `Resource programmed, assigned to service(s) ${name}.${namespace}.svc.cluster.local:15008`),
          at('ResolvedRefs', 'ResolvedRefs', 'All references resolved'),
        ],
        listeners: [
          {
            attachedRoutes: 0,
            conditions: [
              at('Accepted', 'Accepted', 'No errors found'),
              at('Conflicted', 'NoConflicts', 'No errors found', 'False'),
              at('Programmed', 'Programmed', 'No errors found'),
              at('ResolvedRefs', 'ResolvedRefs', 'No errors found'),
            ],
            name: 'mesh',
            supportedKinds: [],
          },
        ],
      },
    },
  );
  const owner: Owner = { apiVersion: gateway.apiVersion, kind: 'Gateway', name, uid: gateway.metadata.uid ?? '' };
  const labels = {
    'gateway.istio.io/managed': 'istio.io-eastwest-controller',
    'gateway.networking.k8s.io/gateway-class-name': 'istio-east-west',
    'gateway.networking.k8s.io/gateway-name': name,
    ...network,
  };
  const selector = { 'gateway.networking.k8s.io/gateway-name': name };
  const workload = deployment(cluster, addresses, {
    namespace,
    name,
    createdAt,
    labels,
    ownerReferences: [owner],
    selector,
    template: {
      labels: { ...labels, ...outside, 'service.istio.io/canonical-name': name, 'service.istio.io/canonical-revision': 'latest' },
      annotations: { 'istio.io/rev': plane.revision, ...prometheus },
      spec: managedSpec(cluster, { ...plane, discoveryAddress: istiodAddress(plane) }, { namespace, name, view: true }),
    },
  });
  return [
    gateway,
    make('v1', 'ServiceAccount', { name, namespace, labels, ownerReferences: [owner] }),
    ...workload,
    ...service(
      cluster,
      addresses,
      {
        namespace,
        name,
        createdAt,
        labels,
        annotations: { 'networking.istio.io/traffic-distribution': 'PreferClose' },
        ownerReferences: [owner],
        ports: [
          { appProtocol: 'tcp', name: 'status-port', port: 15021, targetPort: 15021 },
          { appProtocol: 'hbone', name: 'mesh', port: 15008, targetPort: 15008 },
        ],
        selector,
        type: 'LoadBalancer',
        ipFamilyPolicy: 'PreferDualStack',
        ingress: eastWestAddress(cluster),
      },
      workload,
    ),
  ];
}

/** What the pod of a managed HBONE proxy is told: an east-west gateway sees its own network only, a waypoint sees all. */
export function managedSpec(
  cluster: Pick<Cluster, 'id' | 'network'>,
  plane: Pick<Injection, 'release' | 'meshId' | 'trustDomain' | 'proxyMetadata' | 'discoveryAddress'>,
  { namespace, name, view }: { readonly namespace: string; readonly name: string; readonly view: boolean },
) {
  const { divisor } = traitsOf(plane.release);
  const network = cluster.network ?? '';
  const config = { proxyMetadata: plane.proxyMetadata, meshId: plane.meshId, image: { imageType: 'distroless' } };
  const health = { path: '/healthz/ready', port: 15021, scheme: 'HTTP' };
  return {
    containers: [
      {
        args: [
          'proxy',
          'waypoint',
          '--domain',
          '$(POD_NAMESPACE).svc.cluster.local',
          '--serviceCluster',
          `${name}.$(POD_NAMESPACE)`,
          '--proxyLogLevel',
          'warning',
          '--proxyComponentLogLevel',
          'misc:error',
          '--log_output_level',
          'default:info',
        ],
        env: [
          fromField('ISTIO_META_SERVICE_ACCOUNT', 'spec.serviceAccountName'),
          fromField('ISTIO_META_NODE_NAME', 'spec.nodeName'),
          entry('PILOT_CERT_PROVIDER', 'istiod'),
          entry('CA_ADDR', plane.discoveryAddress),
          fromField('POD_NAME', 'metadata.name'),
          fromField('POD_NAMESPACE', 'metadata.namespace'),
          fromField('INSTANCE_IP', 'status.podIP'),
          fromField('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
          fromField('HOST_IP', 'status.hostIP'),
          fromResource('ISTIO_CPU_LIMIT', 'limits.cpu', divisor),
          entry('PROXY_CONFIG', `${JSON.stringify(config)}\n`),
          entry('ISTIO_META_ENABLE_HBONE', 'true'),
          fromResource('GOMEMLIMIT', 'limits.memory', divisor),
          fromResource('GOMAXPROCS', 'limits.cpu', divisor),
          entry('ISTIO_META_CLUSTER_ID', cluster.id),
          entry('ISTIO_META_NETWORK', network),
          ...(view ? [entry('ISTIO_META_REQUESTED_NETWORK_VIEW', network)] : []),
          entry('ISTIO_META_INTERCEPTION_MODE', 'REDIRECT'),
          entry('ISTIO_META_WORKLOAD_NAME', name),
          entry('ISTIO_META_OWNER', `kubernetes://apis/apps/v1/namespaces/${namespace}/deployments/${name}`),
          entry('ISTIO_META_MESH_ID', plane.meshId ?? plane.trustDomain),
          entry('TRUST_DOMAIN', plane.trustDomain),
        ],
        image: `${proxyImage(plane.release)}-distroless`,
        name: 'istio-proxy',
        ports: [
          { containerPort: 15020, name: 'metrics', protocol: 'TCP' as const },
          { containerPort: 15021, name: 'status-port', protocol: 'TCP' as const },
          { containerPort: 15090, name: 'http-envoy-prom', protocol: 'TCP' as const },
        ],
        readinessProbe: { failureThreshold: 4, httpGet: health, periodSeconds: 15, successThreshold: 1, timeoutSeconds: 1 },
        resources: proxyResources,
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          privileged: false,
          readOnlyRootFilesystem: true,
          runAsGroup: 1337,
          runAsNonRoot: true,
          runAsUser: 1337,
        },
        startupProbe: {
          failureThreshold: 30,
          httpGet: health,
          initialDelaySeconds: 1,
          periodSeconds: 1,
          successThreshold: 1,
          timeoutSeconds: 1,
        },
        volumeMounts: [
          mount('/var/run/secrets/workload-spiffe-uds', 'workload-socket'),
          mount('/var/run/secrets/istio', 'istiod-ca-cert'),
          mount('/var/lib/istio/data', 'istio-data'),
          mount('/etc/istio/proxy', 'istio-envoy'),
          mount('/var/run/secrets/tokens', 'istio-token'),
          mount('/etc/istio/pod', 'istio-podinfo'),
        ],
      },
    ],
    serviceAccountName: name,
    volumes: [
      { emptyDir: {}, name: 'workload-socket' },
      { emptyDir: { medium: 'Memory' }, name: 'istio-envoy' },
      { emptyDir: { medium: 'Memory' }, name: 'go-proxy-envoy' },
      { emptyDir: {}, name: 'istio-data' },
      { emptyDir: {}, name: 'go-proxy-data' },
      podInfo('istio-podinfo'),
      istioToken,
      rootVolume,
    ],
  };
}

export function condition(
  lastTransitionTime: string,
  type: string,
  reason: string,
  message: string,
  status: 'True' | 'False' = 'True',
): Readonly<Record<string, unknown>> {
  return { lastTransitionTime, message, observedGeneration: 1, reason, status, type };
}
