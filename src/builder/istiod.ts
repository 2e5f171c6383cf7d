import type { KubeObject, StringMap } from '../model/kube.ts';
import type { Addresses } from './addresses.ts';
import { installed, podLabels } from './installer.ts';
import { makerOf } from './objects.ts';
import { type Cluster, type ControlPlane, istiodName } from './plan.ts';
import { type EnvEntry, entry, fromField, fromResource, istioToken, mount } from './proxy.ts';
import { traitsOf } from './releases.ts';
import { type ServicePort, service } from './services.ts';
import { deployment } from './workload.ts';

export interface IstiodPlan {
  readonly createdAt: string;
  /** It serves a mesh that it does not run in: patches no webhooks, and shares the mesh configuration with the config cluster. */
  readonly isOutside?: boolean;
}

export const istiodPorts: readonly ServicePort[] = [
  { name: 'grpc-xds', port: 15010, targetPort: 15010 },
  { name: 'https-dns', port: 15012, targetPort: 15012 },
  { name: 'https-webhook', port: 443, targetPort: 15017 },
  { name: 'http-monitoring', port: 15014, targetPort: 15014 },
];

/** Labels by which istiod's Service and Deployment find its pods. */
export function istiodSelector(plane: ControlPlane): StringMap {
  return plane.revision === 'default' ? { istio: 'pilot' } : { app: 'istiod', 'istio.io/rev': plane.revision };
}

/** istiod itself: Deployment, ReplicaSet, pod, Service and autoscaler. */
export function istiod(cluster: Cluster, addresses: Addresses, plane: ControlPlane, plan: IstiodPlan): KubeObject[] {
  const namespace = plane.systemNamespace;
  const name = istiodName(plane);
  const { createdAt } = plan;
  const owned = { part: 'Pilot', owner: 'unknown' } as const;
  const labels = podLabels(plane, 'Pilot', {
    app: 'istiod',
    istio: plane.revision === 'default' ? 'pilot' : 'istiod',
    'istio.io/dataplane-mode': 'none',
    'istio.io/rev': plane.revision,
    'sidecar.istio.io/inject': 'false',
  });
  const workload = deployment(cluster, addresses, {
    namespace,
    name,
    createdAt,
    labels: installed(plane, owned, { app: 'istiod', istio: 'pilot' }),
    selector: istiodSelector(plane),
    rollingUpdate: { maxSurge: '100%', maxUnavailable: '25%' },
    template: {
      labels,
      annotations: { 'prometheus.io/port': '15014', 'prometheus.io/scrape': 'true', 'sidecar.istio.io/inject': 'false' },
      spec: {
        containers: [discovery(plane, plan.isOutside === true)],
        serviceAccountName: name,
        tolerations: [{ key: 'cni.istio.io/not-ready', operator: 'Exists' }],
        volumes: plan.isOutside === true ? [...volumes, ...outsideVolumes] : volumes,
      },
    },
  });
  return [
    ...workload,
    ...service(
      cluster,
      addresses,
      {
        namespace,
        name,
        createdAt,
        labels: installed(plane, owned, { app: 'istiod', istio: 'pilot' }),
        ports: istiodPorts,
        selector: { app: 'istiod', ...istiodSelector(plane) },
      },
      workload,
    ),
    autoscaler(cluster, { namespace, name, createdAt, labels: installed(plane, owned, { app: 'istiod' }) }),
  ];
}

/** The autoscaler of an installed workload, in a cluster that has metrics. */
export function autoscaler(
  cluster: Cluster,
  plan: { readonly namespace: string; readonly name: string; readonly createdAt: string; readonly labels: StringMap },
): KubeObject {
  const { namespace, name, createdAt, labels } = plan;
  const condition = (type: string, reason: string, message: string) => ({
    lastTransitionTime: createdAt,
    message,
    reason,
    status: 'True',
    type,
  });
  return makerOf(cluster.name, createdAt)(
    'autoscaling/v2',
    'HorizontalPodAutoscaler',
    { name, namespace, labels },
    {
      spec: {
        maxReplicas: 5,
        metrics: [{ resource: { name: 'cpu', target: { averageUtilization: 80, type: 'Utilization' } }, type: 'Resource' }],
        minReplicas: 1,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      },
      status: {
        conditions: [
          condition('AbleToScale', 'ReadyForNewScale', 'recommended size matches current size'),
          condition(
            'ScalingActive',
            'ValidMetricFound',
            'the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)',
          ),
        ],
        currentMetrics: [{ resource: { current: { averageUtilization: 4, averageValue: '20m' }, name: 'cpu' }, type: 'Resource' }],
        currentReplicas: 1,
        desiredReplicas: 1,
      },
    },
  );
}

function discovery(plane: ControlPlane, isOutside: boolean) {
  const { divisor, hub, limitsIstiodMemory } = traitsOf(plane.release);
  const only = (condition: boolean, ...entries: readonly EnvEntry[]): readonly EnvEntry[] => (condition ? entries : []);
  return {
    args: [
      'discovery',
      '--monitoringAddr=:15014',
      '--log_output_level=default:info',
      '--domain',
      'cluster.local',
      '--keepaliveMaxServerConnectionAge',
      '30m',
    ],
    env: [
      ...only(isOutside, entry('INJECTION_WEBHOOK_CONFIG_NAME', ''), entry('VALIDATION_WEBHOOK_CONFIG_NAME', '')),
      ...only(plane.ambient, entry('AMBIENT_ENABLE_MULTI_NETWORK', 'true')),
      entry('REVISION', plane.revision),
      entry('PILOT_CERT_PROVIDER', 'istiod'),
      fromField('POD_NAME', 'metadata.name'),
      fromField('POD_NAMESPACE', 'metadata.namespace'),
      fromField('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
      entry('KUBECONFIG', '/var/run/secrets/remote/config'),
      entry('CA_TRUSTED_NODE_ACCOUNTS', `${plane.systemNamespace}/ztunnel`),
      ...only(plane.ambient, entry('PILOT_ENABLE_AMBIENT', 'true')),
      entry('PILOT_TRACE_SAMPLING', '1'),
      ...only(plane.isExternal, entry('EXTERNAL_ISTIOD', 'true')),
      ...only(isOutside, entry('LOCAL_CLUSTER_SECRET_WATCHER', 'true')),
      entry('PILOT_ENABLE_ANALYSIS', 'false'),
      entry('CLUSTER_ID', plane.clusterId),
      ...only(isOutside, entry('SHARED_MESH_CONFIG', 'istio')),
      ...only(limitsIstiodMemory, fromResource('GOMEMLIMIT', 'limits.memory', divisor)),
      fromResource('GOMAXPROCS', 'limits.cpu', '1'),
      entry('PLATFORM', ''),
    ],
    image: `${hub}/pilot:${plane.release}${plane.ambient ? '-distroless' : ''}`,
    imagePullPolicy: 'IfNotPresent',
    name: 'discovery',
    ports: [
      { containerPort: 8080, name: 'http-debug', protocol: 'TCP' },
      { containerPort: 15010, name: 'grpc-xds', protocol: 'TCP' },
      { containerPort: 15012, name: 'tls-xds', protocol: 'TCP' },
      { containerPort: 15017, name: 'https-webhooks', protocol: 'TCP' },
      { containerPort: 15014, name: 'http-monitoring', protocol: 'TCP' },
    ] as const,
    readinessProbe: {
      failureThreshold: 3,
      httpGet: { path: '/ready', port: 8080, scheme: 'HTTP' },
      initialDelaySeconds: 1,
      periodSeconds: 3,
      successThreshold: 1,
      timeoutSeconds: 5,
    },
    resources: { requests: { cpu: '500m', memory: '2Gi' } },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true, runAsNonRoot: true },
    volumeMounts: [
      mount('/var/run/secrets/tokens', 'istio-token', true),
      mount('/var/run/secrets/istio-dns', 'local-certs'),
      mount('/etc/cacerts', 'cacerts', true),
      mount('/var/run/secrets/remote', 'istio-kubeconfig', true),
      mount('/var/run/secrets/istiod/tls', 'istio-csr-dns-cert', true),
      mount('/var/run/secrets/istiod/ca', 'istio-csr-ca-configmap', true),
      ...(isOutside ? [mount('/etc/istio/config', 'config-volume'), mount('/var/lib/istio/inject', 'inject-volume')] : []),
    ],
  };
}

export const optionalSecret = (name: string, secretName: string): Readonly<Record<string, unknown>> => ({
  name,
  secret: { defaultMode: 420, optional: true, secretName },
});

const volumes = [
  { emptyDir: { medium: 'Memory' }, name: 'local-certs' },
  istioToken,
  optionalSecret('cacerts', 'cacerts'),
  optionalSecret('istio-kubeconfig', 'istio-kubeconfig'),
  optionalSecret('istio-csr-dns-cert', 'istiod-tls'),
  { configMap: { defaultMode: 420, name: 'istio-ca-root-cert', optional: true }, name: 'istio-csr-ca-configmap' },
];

const outsideVolumes = [
  { configMap: { defaultMode: 420, name: 'istio' }, name: 'config-volume' },
  { configMap: { defaultMode: 420, name: 'istio-sidecar-injector' }, name: 'inject-volume' },
];
