import { compareText } from '../base/sort.ts';
import { annotations, labels } from '../istio/labels.ts';
import type { StringMap } from '../model/kube.ts';
import { present } from './objects.ts';
import type { Injection } from './plan.ts';
import { traitsOf } from './releases.ts';
import type { Admit, Container, ContainerPort, PodSpec, PodTemplate, VolumeMount } from './workload.ts';

// What istiod's injector makes of a pod: templates `sidecar` and `gateway`.

export type EnvEntry = Readonly<Record<string, unknown>> & { readonly name: string };

export const dnsCaptureVariable = 'ISTIO_META_DNS_CAPTURE';
export const fromField = (name: string, fieldPath: string): EnvEntry => ({
  name,
  valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } },
});
export const fromResource = (name: string, resource: string, divisor: string): EnvEntry => ({
  name,
  valueFrom: { resourceFieldRef: { divisor, resource } },
});
/** An entry; one that is set to nothing is stored without a value. */
export const entry = (name: string, value: string): EnvEntry => (value === '' ? { name } : { name, value });

export const proxyImage = (release: string): string => `${traitsOf(release).hub}/proxyv2:${release}`;
export const proxyResources = { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '100m', memory: '128Mi' } } as const;
export const proxyArguments = (role: 'sidecar' | 'router'): readonly string[] => [
  'proxy',
  role,
  '--domain',
  '$(POD_NAMESPACE).svc.cluster.local',
  '--proxyLogLevel=warning',
  '--proxyComponentLogLevel=misc:error',
  '--log_output_level=default:info',
];

export const mount = (mountPath: string, name: string, readOnly?: true): VolumeMount => present({ mountPath, name, readOnly });
export const istioToken = {
  name: 'istio-token',
  projected: {
    defaultMode: 420,
    sources: [{ serviceAccountToken: { audience: 'istio-ca', expirationSeconds: 43200, path: 'istio-token' } }],
  },
};
export const rootVolume = { configMap: { defaultMode: 420, name: 'istio-ca-root-cert' }, name: 'istiod-ca-cert' };
export const podInfo = (name: string): Readonly<Record<string, unknown>> => ({
  downwardAPI: {
    defaultMode: 420,
    items: ['labels', 'annotations'].map((path) => ({ fieldRef: { apiVersion: 'v1', fieldPath: `metadata.${path}` }, path })),
  },
  name,
});
export const prometheus = {
  'prometheus.io/path': '/stats/prometheus',
  'prometheus.io/port': '15020',
  'prometheus.io/scrape': 'true',
} as const;

/** Adds the sidecar, as a webhook of this revision in this cluster does. */
export function sidecar(injection: Injection): Admit {
  return (pod, owner) => {
    const { release, revision } = injection;
    const network = networkOf(injection, pod);
    const traits = traitsOf(release);
    const first = pod.spec.containers[0]?.name ?? 'app';
    const metadata = proxyMetadata(injection, capturesDns(injection, pod));
    const proxy = sidecarContainer(injection, pod, owner, metadata);
    const token = pod.spec.containers[0]?.volumeMounts?.at(-1);
    const init: Container = {
      ...proxyDefaults,
      args: [
        'istio-iptables',
        '-p',
        '15001',
        '-z',
        '15006',
        '-u',
        '1337',
        '-m',
        'REDIRECT',
        '-i',
        '*',
        '-x',
        '',
        '-b',
        '*',
        '-d',
        '15090,15021,15020',
        '--log_output_level=default:info',
      ],
      ...(Object.keys(metadata).length === 0 ? {} : { env: metadataEnv(metadata) }),
      image: proxyImage(release),
      name: 'istio-init',
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] },
        privileged: false,
        readOnlyRootFilesystem: false,
        runAsGroup: 0,
        runAsNonRoot: false,
        runAsUser: 0,
      },
      ...(token === undefined ? {} : { volumeMounts: [token] }),
    };
    const isNative = injection.nativeSidecars;
    const volumes = [...istioVolumes, rootVolume, ...(traits.hasCrl ? [crlVolume] : [])];
    const status = {
      initContainers: isNative ? ['istio-init', 'istio-proxy'] : ['istio-init'],
      containers: isNative ? null : ['istio-proxy'],
      volumes: volumes.map((volume) => volume['name']),
      imagePullSecrets: null,
      revision,
    };
    return {
      labels: {
        [labels.tlsMode]: 'istio',
        'service.istio.io/canonical-name': pod.labels['app'] ?? owner.workload,
        'service.istio.io/canonical-revision': pod.labels['version'] ?? 'latest',
        ...(network === undefined ? {} : { [labels.network]: network }),
        ...pod.labels,
      },
      annotations: {
        [annotations.revision]: revision,
        'kubectl.kubernetes.io/default-container': first,
        'kubectl.kubernetes.io/default-logs-container': first,
        ...prometheus,
        [annotations.sidecarStatus]: JSON.stringify(status),
        ...pod.annotations,
      },
      spec: {
        ...pod.spec,
        containers: isNative ? pod.spec.containers : [...pod.spec.containers, proxy],
        initContainers: [init, ...(isNative ? [{ ...proxy, restartPolicy: 'Always' }] : [])],
        volumes: [...volumes, ...(pod.spec.volumes ?? [])],
      },
    };
  };
}

/** Fills the container `istio-proxy` with image `auto` of a gateway. */
export function gatewayProxy(injection: Injection): Admit {
  return (pod, owner) => {
    const { release, revision } = injection;
    const network = networkOf(injection, pod);
    const { divisor } = traitsOf(release);
    const own = pod.spec.containers[0];
    if (own === undefined) return pod;
    const env = Array.isArray(own['env']) ? own['env'].filter(isEnvEntry) : [];
    const proxy: Container = {
      ...own,
      args: proxyArguments('router'),
      env: [
        ...commonEnv(
          injection,
          { ports: own.ports ?? [], divisor, metadata: proxyMetadata(injection, injection.dnsCapture), appContainers: '' },
          owner,
        ),
        ...env,
        ...placeEnv(injection, network),
      ],
      image: proxyImage(release),
      readinessProbe,
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        privileged: false,
        readOnlyRootFilesystem: true,
        runAsGroup: 1337,
        runAsUser: 1337,
      },
      volumeMounts: [...istioMounts(false), ...(own.volumeMounts ?? [])],
    };
    const volumes = [...istioVolumes, rootVolume];
    const status = {
      initContainers: null,
      containers: ['istio-proxy'],
      volumes: volumes.map((volume) => volume['name']),
      imagePullSecrets: null,
      revision,
    };
    return {
      labels: { ...pod.labels, ...(network === undefined ? {} : { [labels.network]: network }) },
      annotations: {
        ...pod.annotations,
        [annotations.revision]: revision,
        'proxy.istio.io/overrides': JSON.stringify({
          containers: [
            {
              name: own.name,
              ports: own.ports,
              env,
              resources: proxyResources,
              volumeMounts: own.volumeMounts,
              imagePullPolicy: own['imagePullPolicy'],
              securityContext: own['securityContext'],
            },
          ],
        }),
        [annotations.sidecarStatus]: JSON.stringify(status),
      },
      spec: {
        ...pod.spec,
        containers: [proxy],
        securityContext: {
          runAsGroup: 1337,
          runAsNonRoot: true,
          runAsUser: 1337,
          sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
        },
        volumes: [...volumes, ...(pod.spec.volumes ?? [])],
      },
    };
  };
}

const proxyDefaults = {
  imagePullPolicy: 'IfNotPresent',
  resources: proxyResources,
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
} as const;
const readinessProbe = {
  failureThreshold: 4,
  httpGet: { path: '/healthz/ready', port: 15021, scheme: 'HTTP' },
  periodSeconds: 15,
  successThreshold: 1,
  timeoutSeconds: 3,
} as const;

function sidecarContainer(
  injection: Injection,
  pod: PodTemplate,
  owner: { readonly namespace: string; readonly workload: string },
  metadata: StringMap,
): Container {
  const { release } = injection;
  const traits = traitsOf(release);
  const token = pod.spec.containers[0]?.volumeMounts?.at(-1);
  return {
    ...proxyDefaults,
    args: proxyArguments('sidecar'),
    env: [
      ...commonEnv(
        injection,
        {
          ports: portsOf(pod.spec),
          divisor: traits.divisor,
          metadata,
          appContainers: pod.spec.containers.map(({ name }) => name).join(','),
        },
        owner,
      ),
      ...placeEnv(injection, networkOf(injection, pod)),
    ],
    image: proxyImage(release),
    name: 'istio-proxy',
    ports: [{ containerPort: 15090, name: 'http-envoy-prom', protocol: 'TCP' }],
    readinessProbe,
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
      failureThreshold: 600,
      httpGet: { path: '/healthz/ready', port: 15021, scheme: 'HTTP' },
      periodSeconds: 1,
      successThreshold: 1,
      timeoutSeconds: 3,
    },
    volumeMounts: [...istioMounts(traits.hasCrl), ...(token === undefined ? [] : [token])],
  };
}

function commonEnv(
  injection: Injection,
  proxy: {
    readonly ports: readonly ContainerPort[];
    readonly divisor: string;
    readonly metadata: StringMap;
    readonly appContainers: string;
  },
  owner: { readonly namespace: string; readonly workload: string },
): EnvEntry[] {
  const config = present({
    discoveryAddress: injection.tellsAddress ? injection.discoveryAddress : undefined,
    proxyMetadata: Object.keys(proxy.metadata).length === 0 ? undefined : proxy.metadata,
    meshId: injection.meshId,
  });
  return [
    entry('PILOT_CERT_PROVIDER', 'istiod'),
    entry('CA_ADDR', injection.discoveryAddress),
    fromField('POD_NAME', 'metadata.name'),
    fromField('POD_NAMESPACE', 'metadata.namespace'),
    fromField('INSTANCE_IP', 'status.podIP'),
    fromField('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    fromField('HOST_IP', 'status.hostIP'),
    fromResource('ISTIO_CPU_LIMIT', 'limits.cpu', proxy.divisor),
    entry('PROXY_CONFIG', `${JSON.stringify(config)}\n`),
    entry('ISTIO_META_POD_PORTS', portList(proxy.ports)),
    entry('ISTIO_META_APP_CONTAINERS', proxy.appContainers),
    fromResource('GOMEMLIMIT', 'limits.memory', proxy.divisor),
    fromResource('GOMAXPROCS', 'limits.cpu', proxy.divisor),
    fromField('ISTIO_META_NODE_NAME', 'spec.nodeName'),
    entry('ISTIO_META_INTERCEPTION_MODE', 'REDIRECT'),
    entry('ISTIO_META_WORKLOAD_NAME', owner.workload),
    entry('ISTIO_META_OWNER', `kubernetes://apis/apps/v1/namespaces/${owner.namespace}/deployments/${owner.workload}`),
    entry('ISTIO_META_MESH_ID', injection.meshId ?? injection.trustDomain),
    entry('TRUST_DOMAIN', injection.trustDomain),
    ...metadataEnv(proxy.metadata),
  ];
}

/** One variable for each entry of the mesh's `proxyMetadata`. */
function metadataEnv(metadata: StringMap): EnvEntry[] {
  return Object.entries(metadata).map(([name, value]) => entry(name, value));
}

/** `proxyMetadata` in the order in which Istio writes it. */
export function proxyMetadata(source: { readonly proxyMetadata: StringMap }, capturesNames: boolean): StringMap {
  const all = { ...source.proxyMetadata, ...(capturesNames ? { [dnsCaptureVariable]: 'true' } : {}) };
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => compareText(a, b)));
}

/** What the path of the webhook adds: it comes last. */
function placeEnv(injection: Injection, network: string | undefined): EnvEntry[] {
  return [entry('ISTIO_META_CLUSTER_ID', injection.clusterId), ...(network === undefined ? [] : [entry('ISTIO_META_NETWORK', network)])];
}

/** A pod's own label wins over the webhook's path. */
function networkOf(injection: Injection, pod: PodTemplate): string | undefined {
  return pod.labels[labels.network] ?? injection.network;
}

/** A pod's own annotation wins over the mesh. */
function capturesDns(injection: Injection, pod: PodTemplate): boolean {
  const own = new RegExp(`${dnsCaptureVariable}: "(true|false)"`).exec(pod.annotations?.[annotations.proxyConfig] ?? '')?.[1];
  return own === undefined ? injection.dnsCapture : own === 'true';
}

const istioVolumes: readonly Readonly<Record<string, unknown>>[] = [
  { emptyDir: {}, name: 'workload-socket' },
  { emptyDir: {}, name: 'credential-socket' },
  { emptyDir: {}, name: 'workload-certs' },
  { emptyDir: { medium: 'Memory' }, name: 'istio-envoy' },
  { emptyDir: {}, name: 'istio-data' },
  podInfo('istio-podinfo'),
  istioToken,
];
const crlVolume = { configMap: { defaultMode: 420, name: 'istio-ca-crl', optional: true }, name: 'istio-ca-crl' };

function istioMounts(hasCrl: boolean): VolumeMount[] {
  return [
    mount('/var/run/secrets/workload-spiffe-uds', 'workload-socket'),
    mount('/var/run/secrets/credential-uds', 'credential-socket'),
    mount('/var/run/secrets/workload-spiffe-credentials', 'workload-certs'),
    mount('/var/run/secrets/istio', 'istiod-ca-cert'),
    ...(hasCrl ? [mount('/var/run/secrets/istio/crl', 'istio-ca-crl')] : []),
    mount('/var/lib/istio/data', 'istio-data'),
    mount('/etc/istio/proxy', 'istio-envoy'),
    mount('/var/run/secrets/tokens', 'istio-token'),
    mount('/etc/istio/pod', 'istio-podinfo'),
  ];
}

function portsOf(spec: PodSpec): ContainerPort[] {
  return spec.containers.flatMap((container) => container.ports ?? []);
}

function portList(ports: readonly ContainerPort[]): string {
  const lines = ports.map(({ name, containerPort, protocol }) => JSON.stringify(present({ name, containerPort, protocol })));
  return ports.length === 0 ? '[\n]' : `[\n    ${lines.join('\n    ,')}\n]`;
}

function isEnvEntry(value: unknown): value is EnvEntry {
  return typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string';
}
