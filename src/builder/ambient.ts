import { labels as names } from '../istio/labels.ts';
import type { KubeObject, StringMap } from '../model/kube.ts';
import { type Addresses, addressesOf } from './addresses.ts';
import { primary } from './control-plane.ts';
import { gatewayApiCrds } from './crds.ts';
import { eastWestAddress } from './gateways.ts';
import { chartLabels, installed } from './installer.ts';
import { emptyCluster } from './kubernetes.ts';
import { lastApplied, makerOf, type Owner } from './objects.ts';
import { type Cluster, type ControlPlane, istiodAddress } from './plan.ts';
import { type BuiltCluster, built, clustersOf, defaultRelease, planeOf, type PresetOptions } from './presets.ts';
import { entry, fromField, fromResource, istioToken, mount, podInfo, prometheus, proxyImage, proxyResources, rootVolume } from './proxy.ts';
import { traitsOf } from './releases.ts';
import { bound } from './roles.ts';
import { service } from './services.ts';
import { times } from './timeline.ts';
import { daemonSet, deployment } from './workload.ts';

const namespace = 'istio-system';
const gatewayApi = 'gateway.networking.k8s.io';
const dataplaneNone = { 'istio.io/dataplane-mode': 'none', 'sidecar.istio.io/inject': 'false' };
const everywhere = [
  { effect: 'NoSchedule', operator: 'Exists' },
  { key: 'CriticalAddonsOnly', operator: 'Exists' },
  { effect: 'NoExecute', operator: 'Exists' },
];

/** Ambient primaries on a network each, which read each other. */
export function ambient(numberOfFirst: number, clusterNames: readonly string[], options: PresetOptions): BuiltCluster[] {
  const release = options.release ?? defaultRelease;
  const clusters = clustersOf(numberOfFirst, clusterNames, 2, { ...options, release });
  return clusters.map((cluster) => {
    const addresses = addressesOf(cluster.number);
    const plane = planeOf(cluster, {
      dnsCapture: false,
      ...options,
      release,
      revision: 'default',
      isExternal: false,
      ambient: true,
      proxyMetadata: { ISTIO_META_ENABLE_HBONE: 'true' },
    });
    const objects = primary(cluster, addresses, plane, {
      trust: options.trust ?? 'plugged-in',
      ingressPorts: [],
      reads: clusters.filter((other) => other !== cluster),
      isRead: true,
      eastWest: undefined,
      exposes: { services: false, istiod: false },
    });
    const dataplane = [
      ...gatewayApiCrds(cluster, times.cluster),
      ...cni(cluster, addresses, plane),
      ...ztunnel(cluster, addresses, plane),
      ...gatewayClasses(cluster),
      ...eastWest(cluster, addresses, plane),
    ];
    return built(cluster, plane, [...emptyCluster(cluster), ...objects, ...dataplane], addresses);
  });
}

/** The network plug-in, with its configuration and rights. */
function cni(cluster: Cluster, addresses: Addresses, plane: ControlPlane): KubeObject[] {
  const createdAt = times.istiod;
  const name = 'istio-cni-node';
  const make = makerOf(cluster.name, createdAt);
  const labels = installed(plane, { part: 'Cni', owner: 'unknown' });
  const account = { account: 'istio-cni', namespace };
  const rights = (roleName: string, rules: Parameters<typeof bound>[2]['rules'], bindingName = roleName) =>
    bound(cluster, createdAt, { name: roleName, labels: { app: 'istio-cni', ...labels }, rules, bindingName, ...account });
  const core = (resources: readonly string[], verbs: readonly string[]) => ({ apiGroups: [''], resources, verbs });
  return [
    make('v1', 'ServiceAccount', { name: 'istio-cni', namespace, labels: { app: 'istio-cni', ...labels } }),
    ...rights('istio-cni', [core(['pods', 'nodes', 'namespaces'], ['get', 'list', 'watch'])]),
    ...rights('istio-cni-ambient', [
      core(['pods/status'], ['patch', 'update']),
      { apiGroups: ['apps'], resources: ['daemonsets'], verbs: ['get'] },
    ]),
    ...rights(
      'istio-cni-repair-role',
      [core(['events'], ['create', 'patch']), core(['pods'], ['watch', 'get', 'list'])],
      'istio-cni-repair-rolebinding',
    ),
    make(
      'v1',
      'ConfigMap',
      { name: 'istio-cni-config', namespace, labels: { app: 'istio-cni', ...labels } },
      { data: cniSettings(plane.release) },
    ),
    ...daemonSet(cluster, addresses, {
      namespace,
      name,
      createdAt,
      labels: { 'k8s-app': name, ...labels },
      selector: { 'k8s-app': name },
      updateStrategy: { maxSurge: 0, maxUnavailable: 1 },
      template: {
        labels: { 'k8s-app': name, ...chartLabels(plane.release, 'Cni'), ...dataplaneNone },
        annotations: {
          'container.apparmor.security.beta.kubernetes.io/install-cni': 'unconfined',
          ...prometheus,
          'prometheus.io/path': '/metrics',
          'prometheus.io/port': '15014',
          'sidecar.istio.io/inject': 'false',
        },
        spec: cniSpec(plane.release),
      },
    }),
  ];
}

function cniSettings(release: string): StringMap {
  const selector = [
    '- podSelector:',
    '    matchLabels:',
    '      istio.io/dataplane-mode: ambient',
    '- namespaceSelector:',
    '    matchLabels:',
    '      istio.io/dataplane-mode: ambient',
    '  podSelector:',
    '    matchExpressions:',
    '    - key: istio.io/dataplane-mode',
    '      operator: NotIn',
    '      values:',
    '      - none',
  ];
  return {
    AMBIENT_DNS_CAPTURE: 'true',
    AMBIENT_ENABLED: 'true',
    AMBIENT_ENABLEMENT_SELECTOR: selector.join('\n'),
    AMBIENT_IPV6: 'true',
    AMBIENT_RECONCILE_POD_RULES_ON_STARTUP: 'true',
    CHAINED_CNI_PLUGIN: 'true',
    CURRENT_AGENT_VERSION: release,
    EXCLUDE_NAMESPACES: 'kube-system',
    REPAIR_ENABLED: 'true',
    REPAIR_REPAIR_PODS: 'true',
  };
}

function cniSpec(release: string) {
  const { divisor, hub } = traitsOf(release);
  const host = (name: string, path: string, type: string) => ({ hostPath: { path, type }, name });
  return {
    containers: [
      {
        args: ['--log_output_level=info'],
        command: ['install-cni'],
        env: [
          fromField('REPAIR_NODE_NAME', 'spec.nodeName'),
          entry('REPAIR_RUN_AS_DAEMON', 'true'),
          entry('REPAIR_SIDECAR_ANNOTATION', 'sidecar.istio.io/status'),
          entry('ALLOW_SWITCH_TO_HOST_NS', 'true'),
          fromField('NODE_NAME', 'spec.nodeName'),
          fromResource('GOMEMLIMIT', 'limits.memory', divisor),
          fromResource('GOMAXPROCS', 'limits.cpu', divisor),
          fromField('POD_NAME', 'metadata.name'),
          fromField('POD_NAMESPACE', 'metadata.namespace'),
        ],
        envFrom: [{ configMapRef: { name: 'istio-cni-config' } }],
        image: `${hub}/install-cni:${release}-distroless`,
        name: 'install-cni',
        ports: [{ containerPort: 15014, name: 'metrics', protocol: 'TCP' as const }],
        readinessProbe: {
          failureThreshold: 3,
          httpGet: { path: '/readyz', port: 8000, scheme: 'HTTP' },
          periodSeconds: 10,
          successThreshold: 1,
          timeoutSeconds: 1,
        },
        resources: { requests: { cpu: '100m', memory: '100Mi' } },
        securityContext: {
          capabilities: { add: ['NET_ADMIN', 'NET_RAW', 'SYS_PTRACE', 'SYS_ADMIN', 'DAC_OVERRIDE'], drop: ['ALL'] },
          privileged: false,
          runAsGroup: 0,
          runAsNonRoot: false,
          runAsUser: 0,
        },
        volumeMounts: [
          mount('/host/opt/cni/bin', 'cni-bin-dir'),
          mount('/host/proc', 'cni-host-procfs', true),
          mount('/host/etc/cni/net.d', 'cni-net-dir'),
          mount('/var/run/istio-cni', 'cni-socket-dir'),
          mount('/host/var/run/netns', 'cni-netns-dir'),
          mount('/var/run/ztunnel', 'cni-ztunnel-sock-dir'),
        ],
      },
    ],
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    priorityClassName: 'system-node-critical',
    serviceAccountName: 'istio-cni',
    tolerations: everywhere,
    volumes: [
      host('cni-bin-dir', '/opt/cni/bin', ''),
      host('cni-host-procfs', '/proc', 'Directory'),
      host('cni-ztunnel-sock-dir', '/var/run/ztunnel', 'DirectoryOrCreate'),
      host('cni-net-dir', '/etc/cni/net.d', ''),
      host('cni-socket-dir', '/var/run/istio-cni', ''),
      host('cni-netns-dir', '/var/run/netns', 'DirectoryOrCreate'),
    ],
  };
}

/** The proxy of each node. */
function ztunnel(cluster: Cluster, addresses: Addresses, plane: ControlPlane): KubeObject[] {
  const createdAt = times.tag;
  const name = 'ztunnel';
  const labels = installed(plane, { part: 'Ztunnel', hasRelease: false });
  const { divisor, hub } = traitsOf(plane.release);
  const address = istiodAddress(plane);
  return [
    makerOf(cluster.name, createdAt)('v1', 'ServiceAccount', { name, namespace, labels }),
    ...daemonSet(cluster, addresses, {
      namespace,
      name,
      createdAt,
      labels,
      selector: { app: name },
      updateStrategy: { maxSurge: 1, maxUnavailable: 0 },
      template: {
        labels: { app: name, ...chartLabels(plane.release, 'Ztunnel'), ...dataplaneNone },
        annotations: { 'prometheus.io/port': '15020', 'prometheus.io/scrape': 'true', 'sidecar.istio.io/inject': 'false' },
        spec: {
          containers: [
            {
              args: ['proxy', 'ztunnel'],
              env: [
                entry('CA_ADDRESS', address),
                entry('XDS_ADDRESS', address),
                entry('NETWORK', cluster.network ?? ''),
                entry('RUST_LOG', 'info'),
                entry('RUST_BACKTRACE', '1'),
                entry('ISTIO_META_CLUSTER_ID', cluster.id),
                entry('INPOD_ENABLED', 'true'),
                entry('TERMINATION_GRACE_PERIOD_SECONDS', '30'),
                fromField('POD_NAME', 'metadata.name'),
                fromField('POD_NAMESPACE', 'metadata.namespace'),
                fromField('NODE_NAME', 'spec.nodeName'),
                fromField('INSTANCE_IP', 'status.podIP'),
                fromField('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
                entry('ISTIO_META_ENABLE_HBONE', 'true'),
                fromResource('ZTUNNEL_CPU_LIMIT', 'limits.cpu', divisor),
                fromResource('ZTUNNEL_RESOURCE_CPU_REQUEST', 'requests.cpu', divisor),
              ],
              image: `${hub}/ztunnel:${plane.release}-distroless`,
              name: 'istio-proxy',
              ports: [{ containerPort: 15020, name: 'ztunnel-stats', protocol: 'TCP' }],
              readinessProbe: {
                failureThreshold: 3,
                httpGet: { path: '/healthz/ready', port: 15021, scheme: 'HTTP' },
                periodSeconds: 10,
                successThreshold: 1,
                timeoutSeconds: 1,
              },
              resources: { requests: { cpu: '200m', memory: '512Mi' } },
              securityContext: {
                allowPrivilegeEscalation: true,
                capabilities: { add: ['NET_ADMIN', 'SYS_ADMIN', 'NET_RAW'], drop: ['ALL'] },
                privileged: false,
                readOnlyRootFilesystem: true,
                runAsGroup: 1337,
                runAsNonRoot: false,
                runAsUser: 0,
              },
              volumeMounts: [
                mount('/var/run/secrets/istio', 'istiod-ca-cert'),
                mount('/var/run/secrets/tokens', 'istio-token'),
                mount('/var/run/ztunnel', 'cni-ztunnel-sock-dir'),
                mount('/tmp', 'tmp'),
              ],
            },
          ],
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          priorityClassName: 'system-node-critical',
          serviceAccountName: name,
          tolerations: everywhere,
          volumes: [
            istioToken,
            rootVolume,
            { hostPath: { path: '/var/run/ztunnel', type: 'DirectoryOrCreate' }, name: 'cni-ztunnel-sock-dir' },
            { emptyDir: {}, name: 'tmp' },
          ],
        },
      },
    }),
  ];
}

/** Classes that istiod makes: the one for east-west gateways only because multi-network is on. */
function gatewayClasses(cluster: Cluster): KubeObject[] {
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
function eastWest(cluster: Cluster, addresses: Addresses, plane: ControlPlane): KubeObject[] {
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
      labels: { ...labels, ...dataplaneNone, 'service.istio.io/canonical-name': name, 'service.istio.io/canonical-revision': 'latest' },
      annotations: { 'istio.io/rev': plane.revision, ...prometheus },
      spec: eastWestSpec(cluster, plane, name),
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

function eastWestSpec(cluster: Cluster, plane: ControlPlane, name: string) {
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
          entry('CA_ADDR', istiodAddress(plane)),
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
          entry('ISTIO_META_REQUESTED_NETWORK_VIEW', network),
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

function condition(
  lastTransitionTime: string,
  type: string,
  reason: string,
  message: string,
  status: 'True' | 'False' = 'True',
): Readonly<Record<string, unknown>> {
  return { lastTransitionTime, message, observedGeneration: 1, reason, status, type };
}
