import type { KubeObject, StringMap } from '../model/kube.ts';
import { type Addresses, nodeAddress } from './addresses.ts';
import { nodeName } from './kubernetes.ts';
import { controlledBy, makerOf, type Owner, present } from './objects.ts';
import type { Cluster } from './plan.ts';
import { suffixOf, templateHashOf } from './seeded.ts';

/** A container as far as the builder looks into it. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly ports?: readonly ContainerPort[];
  readonly volumeMounts?: readonly VolumeMount[];
  readonly [key: string]: unknown;
}

export interface ContainerPort {
  readonly containerPort: number;
  readonly name?: string;
  readonly protocol: 'TCP' | 'UDP';
}

export interface VolumeMount {
  readonly mountPath: string;
  readonly name: string;
  readonly readOnly?: boolean;
}

/** `spec` of a pod or of a template. */
export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
  readonly serviceAccountName?: string;
  readonly tolerations?: readonly Readonly<Record<string, unknown>>[];
  readonly [key: string]: unknown;
}

export interface PodTemplate {
  readonly labels: StringMap;
  readonly annotations?: StringMap;
  readonly spec: PodSpec;
}

/** What an injector makes of a pod that is about to be created. */
export type Admit = (pod: PodTemplate, owner: { readonly namespace: string; readonly workload: string }) => PodTemplate;

export interface WorkloadPlan {
  readonly namespace: string;
  readonly name: string;
  readonly createdAt: string;
  readonly labels?: StringMap;
  readonly annotations?: StringMap;
  readonly ownerReferences?: readonly Owner[];
  readonly selector: StringMap;
  readonly template: PodTemplate;
  readonly replicas?: number;
  readonly rollingUpdate?: { readonly maxSurge: string; readonly maxUnavailable: string };
  readonly admit?: Admit | undefined;
}

const defaults = { terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' };

/** A Deployment, its ReplicaSet and its pods, all available. */
export function deployment(cluster: Cluster, addresses: Addresses, plan: WorkloadPlan): KubeObject[] {
  const { namespace, name, createdAt, template } = plan;
  const make = makerOf(cluster.name, createdAt);
  const replicas = plan.replicas ?? 1;
  const hash = templateHashOf(`${cluster.name}/${namespace}/${name}/${JSON.stringify(template)}`);
  const spec = templateSpec(template.spec);
  const metadata = (labels: StringMap) => present({ annotations: template.annotations, labels });
  const strategy = plan.rollingUpdate ?? { maxSurge: '25%', maxUnavailable: '25%' };
  const owner = make(
    'apps/v1',
    'Deployment',
    {
      name,
      namespace,
      generation: 1,
      labels: plan.labels,
      annotations: { 'deployment.kubernetes.io/revision': '1', ...plan.annotations },
      ownerReferences: plan.ownerReferences,
    },
    {
      spec: {
        progressDeadlineSeconds: 600,
        replicas,
        revisionHistoryLimit: 10,
        selector: { matchLabels: plan.selector },
        strategy: { rollingUpdate: strategy, type: 'RollingUpdate' },
        template: { metadata: metadata(template.labels), spec },
      },
      status: {
        availableReplicas: replicas,
        conditions: [
          condition(createdAt, 'Available', 'MinimumReplicasAvailable', 'Deployment has minimum availability.'),
          condition(createdAt, 'Progressing', 'NewReplicaSetAvailable', `ReplicaSet "${name}-${hash}" has successfully progressed.`),
        ],
        observedGeneration: 1,
        readyReplicas: replicas,
        replicas,
        updatedReplicas: replicas,
      },
    },
  );
  const labels = { ...template.labels, 'pod-template-hash': hash };
  const replicaSet = make(
    'apps/v1',
    'ReplicaSet',
    {
      name: `${name}-${hash}`,
      namespace,
      generation: 1,
      labels,
      annotations: {
        'deployment.kubernetes.io/desired-replicas': String(replicas),
        'deployment.kubernetes.io/max-replicas': String(
          replicas + Math.max(1, Math.ceil((replicas * Number.parseInt(strategy.maxSurge, 10)) / 100)),
        ),
        'deployment.kubernetes.io/revision': '1',
      },
      ownerReferences: [controlledBy(owner)],
    },
    {
      spec: {
        replicas,
        selector: { matchLabels: { ...plan.selector, 'pod-template-hash': hash } },
        template: { metadata: metadata(labels), spec },
      },
      status: { availableReplicas: replicas, fullyLabeledReplicas: replicas, observedGeneration: 1, readyReplicas: replicas, replicas },
    },
  );
  const pods = Array.from({ length: replicas }, (_, index) =>
    pod(cluster, addresses, {
      namespace,
      workload: name,
      createdAt,
      owner: replicaSet,
      template: { ...template, labels },
      admit: plan.admit,
      index,
    }),
  );
  return [owner, replicaSet, ...pods];
}

/** A DaemonSet and its pod on the cluster's node. */
export function daemonSet(
  cluster: Cluster,
  addresses: Addresses,
  plan: Omit<WorkloadPlan, 'replicas' | 'rollingUpdate' | 'admit'> & {
    readonly updateStrategy: { readonly maxSurge: number; readonly maxUnavailable: number };
  },
): KubeObject[] {
  const { namespace, name, createdAt, template } = plan;
  const owner = makerOf(cluster.name, createdAt)(
    'apps/v1',
    'DaemonSet',
    {
      name,
      namespace,
      generation: 1,
      labels: plan.labels,
      annotations: { 'deprecated.daemonset.template.generation': '1', ...plan.annotations },
    },
    {
      spec: {
        revisionHistoryLimit: 10,
        selector: { matchLabels: plan.selector },
        template: { metadata: present({ annotations: template.annotations, labels: template.labels }), spec: templateSpec(template.spec) },
        updateStrategy: { rollingUpdate: plan.updateStrategy, type: 'RollingUpdate' },
      },
      status: {
        currentNumberScheduled: 1,
        desiredNumberScheduled: 1,
        numberAvailable: 1,
        numberMisscheduled: 0,
        numberReady: 1,
        observedGeneration: 1,
        updatedNumberScheduled: 1,
      },
    },
  );
  const labels = {
    ...template.labels,
    'controller-revision-hash': templateHashOf(`${cluster.name}/${namespace}/${name}`),
    'pod-template-generation': '1',
  };
  return [
    owner,
    pod(cluster, addresses, { namespace, workload: name, createdAt, owner, template: { ...template, labels }, admit: undefined, index: 0 }),
  ];
}

interface PodPlan {
  readonly namespace: string;
  readonly workload: string;
  readonly createdAt: string;
  readonly owner: KubeObject;
  readonly template: PodTemplate;
  readonly admit: Admit | undefined;
  readonly index: number;
}

function pod(cluster: Cluster, addresses: Addresses, plan: PodPlan): KubeObject {
  const { namespace, createdAt, owner } = plan;
  const prefix = `${owner.metadata.name}-`;
  const seed = `${cluster.name}/${namespace}/${prefix}${plan.index}`;
  const template = { serviceAccountName: 'default', ...plan.template.spec };
  const drafted = {
    ...plan.template,
    spec: withServiceAccountToken(templateSpec(template), `kube-api-access-${suffixOf(`${seed}/token`)}`),
  };
  const admitted = plan.admit === undefined ? drafted : plan.admit(drafted, { namespace, workload: plan.workload });
  const { spec } = admitted;
  const address = spec['hostNetwork'] === true ? nodeAddress(cluster.number) : addresses.pod();
  const state = { running: { startedAt: createdAt } };
  const done = { terminated: { exitCode: 0, finishedAt: createdAt, reason: 'Completed', startedAt: createdAt } };
  const status = (container: Container, ended: boolean) => ({
    image: container.image,
    imageID: '',
    lastState: {},
    name: container.name,
    ready: true,
    restartCount: 0,
    state: ended ? done : state,
  });
  return makerOf(cluster.name, createdAt)(
    'v1',
    'Pod',
    {
      name: `${prefix}${suffixOf(seed)}`,
      namespace,
      generateName: prefix,
      generation: 1,
      labels: admitted.labels,
      annotations: admitted.annotations,
      ownerReferences: [controlledBy(owner)],
    },
    {
      spec: {
        ...spec,
        enableServiceLinks: true,
        nodeName: nodeName(cluster),
        preemptionPolicy: 'PreemptLowerPriority',
        priority: spec['priorityClassName'] === 'system-node-critical' ? 2_000_001_000 : 0,
        tolerations: [...(spec.tolerations ?? []), ...usualTolerations],
      },
      status: {
        conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
          lastProbeTime: null,
          lastTransitionTime: createdAt,
          status: 'True',
          type,
        })),
        containerStatuses: spec.containers.map((container) => status(container, false)),
        hostIP: nodeAddress(cluster.number),
        hostIPs: [{ ip: nodeAddress(cluster.number) }],
        ...(spec.initContainers === undefined
          ? {}
          : { initContainerStatuses: spec.initContainers.map((container) => status(container, container['restartPolicy'] !== 'Always')) }),
        phase: 'Running',
        podIP: address,
        podIPs: [{ ip: address }],
        qosClass: spec.containers.some(asksForResources) ? 'Burstable' : 'BestEffort',
        startTime: createdAt,
      },
    },
  );
}

function asksForResources(container: Container): boolean {
  const resources = container['resources'];
  return typeof resources === 'object' && resources !== null && 'requests' in resources;
}

/** The fields that an API server fills in. */
function templateSpec(spec: PodSpec): PodSpec {
  return {
    ...spec,
    containers: spec.containers.map((container) => ({ ...defaults, imagePullPolicy: 'IfNotPresent', resources: {}, ...container })),
    dnsPolicy: spec['dnsPolicy'] ?? 'ClusterFirst',
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: spec['securityContext'] ?? {},
    ...(spec.serviceAccountName === undefined
      ? {}
      : { serviceAccount: spec.serviceAccountName, serviceAccountName: spec.serviceAccountName }),
    terminationGracePeriodSeconds: 30,
  };
}

/** The token volume that the API server adds to every pod. */
export function withServiceAccountToken(spec: PodSpec, name: string): PodSpec {
  const mount = { mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', name, readOnly: true };
  return {
    ...spec,
    containers: spec.containers.map((container) => ({ ...container, volumeMounts: [...(container.volumeMounts ?? []), mount] })),
    volumes: [
      ...(spec.volumes ?? []),
      {
        name,
        projected: {
          defaultMode: 420,
          sources: [
            { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
            { configMap: { items: [{ key: 'ca.crt', path: 'ca.crt' }], name: 'kube-root-ca.crt' } },
            { downwardAPI: { items: [{ fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' }, path: 'namespace' }] } },
          ],
        },
      },
    ],
  };
}

/** What API servers add to every pod. */
export const usualTolerations: readonly Readonly<Record<string, unknown>>[] = ['not-ready', 'unreachable'].map((reason) => ({
  effect: 'NoExecute',
  key: `node.kubernetes.io/${reason}`,
  operator: 'Exists',
  tolerationSeconds: 300,
}));

function condition(time: string, type: string, reason: string, message: string): Readonly<Record<string, unknown>> {
  return { lastTransitionTime: time, lastUpdateTime: time, message, reason, status: 'True', type };
}
