import type { KubeObject, StringMap } from '../model/kube.ts';
import type { Addresses } from './addresses.ts';
import { chartLabels, installed } from './installer.ts';
import { makerOf } from './objects.ts';
import { type Cluster, type ControlPlane, istiodAddress } from './plan.ts';
import { entry, fromField, fromResource, istioToken, mount, prometheus, rootVolume } from './proxy.ts';
import { traitsOf } from './releases.ts';
import { bound } from './roles.ts';
import { times } from './timeline.ts';
import { daemonSet } from './workload.ts';

// What ambient runs on every node.

const namespace = 'istio-system';
const everywhere = [
  { effect: 'NoSchedule', operator: 'Exists' },
  { key: 'CriticalAddonsOnly', operator: 'Exists' },
  { effect: 'NoExecute', operator: 'Exists' },
];

/** Pods that ambient leaves alone. */
export const outside = { 'istio.io/dataplane-mode': 'none', 'sidecar.istio.io/inject': 'false' };

/** The network plug-in, with its configuration and rights. */
export function cni(cluster: Cluster, addresses: Addresses, plane: ControlPlane): KubeObject[] {
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
        labels: { 'k8s-app': name, ...chartLabels(plane.release, 'Cni'), ...outside },
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
export function ztunnel(cluster: Cluster, addresses: Addresses, plane: ControlPlane): KubeObject[] {
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
        labels: { app: name, ...chartLabels(plane.release, 'Ztunnel'), ...outside },
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
