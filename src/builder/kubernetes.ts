import { names } from '../istio/labels.ts';
import type { KubeObject, StringMap } from '../model/kube.ts';
import { apiServerAddress, firstServiceAddress, nodeAddress } from './addresses.ts';
import { apiServerCas } from './certificates.ts';
import { makerOf } from './objects.ts';
import type { Cluster } from './plan.ts';
import { numberOf, suffixOf, uidOf } from './seeded.ts';
import { takenAt, times } from './timeline.ts';

// A Kubernetes cluster before anybody installs anything.

export const nodeName = (cluster: Cluster): string => `node-${cluster.name}`;
export const zoneOf = (cluster: Cluster): string => `${regionOf(cluster)}-a`;
export const regionOf = (cluster: Cluster): string => `region-${cluster.number}`;

/** Authority of the cluster's API server, as PEM. */
export function apiServerCa(cluster: Cluster): string {
  return apiServerCas[(cluster.number - 1) % apiServerCas.length] ?? apiServerCas[0];
}

export const apiServerUrl = (cluster: Cluster): string => `https://${apiServerAddress(cluster.number)}:6443`;

const rootCaNote =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/** A namespace with what Kubernetes puts into every namespace. */
export function namespaceObjects(
  cluster: Cluster,
  name: string,
  createdAt: string,
  meta: { labels?: StringMap; annotations?: StringMap } = {},
): KubeObject[] {
  const make = makerOf(cluster.name, createdAt);
  return [
    make(
      'v1',
      'Namespace',
      { name, annotations: meta.annotations, labels: { ...meta.labels, 'kubernetes.io/metadata.name': name } },
      {
        spec: { finalizers: ['kubernetes'] },
        status: { phase: 'Active' },
      },
    ),
    make('v1', 'ServiceAccount', { name: 'default', namespace: name }),
    make(
      'v1',
      'ConfigMap',
      { name: names.apiServerCaConfigMap, namespace: name, annotations: { 'kubernetes.io/description': rootCaNote } },
      {
        data: { 'ca.crt': apiServerCa(cluster) },
      },
    ),
  ];
}

/** Namespaces, node, API server's Service and the few roles of an empty cluster that others build on. */
export function emptyCluster(cluster: Cluster): KubeObject[] {
  const make = makerOf(cluster.name, times.cluster);
  return [
    ...['default', 'kube-node-lease', 'kube-public', 'kube-system'].flatMap((name) => namespaceObjects(cluster, name, times.cluster)),
    make(
      'v1',
      'ConfigMap',
      { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
      { data: { 'client-ca-file': apiServerCa(cluster) } },
    ),
    make(
      'v1',
      'ConfigMap',
      { name: 'kube-apiserver-legacy-service-account-token-tracking', namespace: 'kube-system' },
      { data: { since: times.cluster.slice(0, 10) } },
    ),
    ...controllerAccounts.map((name) => make('v1', 'ServiceAccount', { name, namespace: 'kube-system' })),
    ...builtInRoles(cluster),
    ...apiServerService(cluster),
    node(cluster),
    ...leases(cluster),
  ];
}

/** Service accounts of the controller manager. */
const controllerAccounts = [
  'attachdetach-controller',
  'certificate-controller',
  'clusterrole-aggregation-controller',
  'cronjob-controller',
  'daemon-set-controller',
  'deployment-controller',
  'disruption-controller',
  'endpoint-controller',
  'endpointslice-controller',
  'endpointslicemirroring-controller',
  'ephemeral-volume-controller',
  'expand-controller',
  'generic-garbage-collector',
  'horizontal-pod-autoscaler',
  'job-controller',
  'legacy-service-account-token-cleaner',
  'namespace-controller',
  'persistent-volume-binder',
  'pod-garbage-collector',
  'pv-protection-controller',
  'pvc-protection-controller',
  'replicaset-controller',
  'replication-controller',
  'resource-claim-controller',
  'resourcequota-controller',
  'root-ca-cert-publisher',
  'service-account-controller',
  'service-cidrs-controller',
  'statefulset-controller',
  'ttl-after-finished-controller',
  'ttl-controller',
  'validatingadmissionpolicy-status-controller',
  'volumeattributesclass-protection-controller',
] as const;

function builtInRoles(cluster: Cluster): KubeObject[] {
  const make = makerOf(cluster.name, times.cluster);
  const group = 'rbac.authorization.k8s.io';
  const meta = {
    annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  };
  const everything = [
    { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    { nonResourceURLs: ['*'], verbs: ['*'] },
  ];
  return [
    make(`${group}/v1`, 'ClusterRole', { name: 'cluster-admin', ...meta }, { rules: everything }),
    make(
      `${group}/v1`,
      'ClusterRoleBinding',
      { name: 'cluster-admin', ...meta },
      {
        roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ apiGroup: group, kind: 'Group', name: 'system:masters' }],
      },
    ),
    make(
      `${group}/v1`,
      'Role',
      { name: 'extension-apiserver-authentication-reader', namespace: 'kube-system', ...meta },
      {
        rules: [
          {
            apiGroups: [''],
            resourceNames: ['extension-apiserver-authentication'],
            resources: ['configmaps'],
            verbs: ['get', 'list', 'watch'],
          },
        ],
      },
    ),
  ];
}

function apiServerService(cluster: Cluster): KubeObject[] {
  const make = makerOf(cluster.name, times.cluster);
  const name = 'kubernetes';
  const namespace = 'default';
  const ports = [{ name: 'https', port: 6443, protocol: 'TCP' }];
  const address = apiServerAddress(cluster.number);
  const first = firstServiceAddress(cluster.number);
  return [
    make(
      'v1',
      'Service',
      { name, namespace, labels: { component: 'apiserver', provider: 'kubernetes' } },
      {
        spec: {
          clusterIP: first,
          clusterIPs: [first],
          internalTrafficPolicy: 'Cluster',
          ipFamilies: ['IPv4'],
          ipFamilyPolicy: 'SingleStack',
          ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
          sessionAffinity: 'None',
          type: 'ClusterIP',
        },
        status: { loadBalancer: {} },
      },
    ),
    make(
      'v1',
      'Endpoints',
      { name, namespace, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      { subsets: [{ addresses: [{ ip: address }], ports }] },
    ),
    make(
      'discovery.k8s.io/v1',
      'EndpointSlice',
      { name, namespace, generation: 1, labels: { 'kubernetes.io/service-name': name } },
      {
        addressType: 'IPv4',
        endpoints: [{ addresses: [address], conditions: { ready: true } }],
        ports,
      },
    ),
  ];
}

function node(cluster: Cluster): KubeObject {
  const name = nodeName(cluster);
  const condition = (type: string, status: string, reason: string, message: string) => ({
    lastHeartbeatTime: takenAt,
    lastTransitionTime: times.node,
    message,
    reason,
    status,
    type,
  });
  const room = { cpu: '64', memory: '256Gi', pods: '20k' };
  return makerOf(cluster.name, times.node)(
    'v1',
    'Node',
    {
      name,
      annotations: { 'node.alpha.kubernetes.io/ttl': '0' },
      labels: {
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'topology.kubernetes.io/region': regionOf(cluster),
        'topology.kubernetes.io/zone': zoneOf(cluster),
      },
    },
    {
      spec: {},
      status: {
        addresses: [{ address: nodeAddress(cluster.number), type: 'InternalIP' }],
        allocatable: room,
        capacity: room,
        conditions: [
          condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
          condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
          condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
          condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
        ],
        daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
        nodeInfo: {
          architecture: 'amd64',
          bootID: uidOf(`${name}/boot`),
          containerRuntimeVersion: 'containerd://2.1.5',
          kernelVersion: '6.12.0',
          kubeProxyVersion: '',
          kubeletVersion: cluster.kubelet,
          machineID: uidOf(`${name}/machine`).replaceAll('-', ''),
          operatingSystem: 'linux',
          osImage: 'Debian GNU/Linux 13 (trixie)',
          systemUUID: uidOf(`${name}/system`),
        },
      },
    },
  );
}

function leases(cluster: Cluster): KubeObject[] {
  const group = 'coordination.k8s.io/v1';
  const name = nodeName(cluster);
  const server = `apiserver-${suffixOf(cluster.name, 26)}`;
  const micro = (seed: string): string => String(100_000 + (numberOf(seed) % 900_000));
  return [
    makerOf(cluster.name, times.node)(
      group,
      'Lease',
      {
        name,
        namespace: 'kube-node-lease',
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: node(cluster).metadata.uid ?? '' }],
      },
      {
        spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: times.renewed.replace('Z', `.${micro(name)}Z`) },
      },
    ),
    makerOf(cluster.name, times.cluster)(
      group,
      'Lease',
      {
        name: server,
        namespace: 'kube-system',
        labels: { 'apiserver.kubernetes.io/identity': 'kube-apiserver', 'kubernetes.io/hostname': `api-${cluster.name}` },
      },
      {
        spec: {
          holderIdentity: `${server}_${uidOf(server)}`,
          leaseDurationSeconds: 3600,
          renewTime: times.renewedFromAfar.replace('Z', `.${micro(server)}Z`),
        },
      },
    ),
  ];
}
