// fixtures/demo: the mesh that `meshdoctor demo` judges, in order and with the usual mistakes of its set-up, from the builder.
import { stringify } from 'yaml';
import { inOrder } from '../../src/builder/edits/edit.ts';
import { crossNetworkGatewayIn, gatewayAddressPending } from '../../src/builder/edits/east-west.ts';
import { exposedUnrevisioned } from '../../src/builder/edits/exposure.ts';
import { controlPlaneClusters } from '../../src/builder/edits/topology-leadership.ts';
import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';
import { groupBy } from '../../src/base/sort.ts';
import { kindOf } from '../../src/collect/kinds.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import { writeGenerated } from '../generated.ts';

const joined = { 'istio.io/rev': '1-31-0' };

const healthy = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .break((m) => m.cluster('east').relabel('default', joined))
  .break((m) => m.cluster('west').relabel('default', joined))
  .break((m) => m.cluster('east').withoutDefaultTag())
  .break((m) => m.cluster('west').withoutDefaultTag())
  .service('abc.default', { in: ['east'], port: 5000 })
  .workload('client.default', { in: ['west'] });

const broken = healthy.edit(
  inOrder(
    controlPlaneClusters({ cluster: 'west', primary: 'east', value: 'Kubernetes', leader: 'never' }),
    exposedUnrevisioned({ cluster: 'east' }),
    crossNetworkGatewayIn({ cluster: 'east', instead: 'west' }),
    gatewayAddressPending({ cluster: 'west' }),
  ),
);

/** What a file holds, and in the broken mesh what is wrong in it, by cluster. */
interface Topic {
  readonly file: string;
  readonly about: string;
  readonly holds: (object: KubeObject) => boolean;
  readonly faults?: Readonly<Record<string, string>>;
}

const named =
  (...names: readonly string[]) =>
  ({ metadata }: KubeObject): boolean =>
    names.some((name) => metadata.name.startsWith(name));

/** The first topic that holds an object has it. */
const topics: readonly Topic[] = [
  {
    file: 'namespaces',
    about: 'Namespaces: the network of the cluster, and in the remote the control plane that manages it.',
    holds: ({ kind }) => kind === 'Namespace',
    faults: { west: 'Fault: controlPlaneClusters is the Kubernetes of many guides, while CLUSTER_ID of the istiod in east is east.' },
  },
  {
    file: 'cluster',
    about: 'The cluster itself: its node, and the CA of its API server.',
    holds: (object) => object.kind === 'Node' || named('kube-root-ca')(object),
  },
  {
    file: 'applications',
    about: 'Service abc runs in east only; its clients in west call it by the same name.',
    holds: ({ metadata }) => metadata.namespace === 'default' && !metadata.name.startsWith('istio-'),
  },
  {
    file: 'trust',
    about: 'Root certificates as istiod hands them to each namespace, and what it signs with.',
    holds: (object) => named('istio-ca-', 'cacerts')(object),
  },
  {
    file: 'east-west-gateway',
    about: 'The gateway between the networks, and what it lets through: istiod for the remote, services for each other.',
    holds: (object) =>
      named('istio-eastwestgateway', 'istiod-gateway', 'istiod-vs', 'cross-network-gateway')(object) && object.kind !== 'ServiceAccount',
    faults: {
      east: 'Fault: istiod is exposed with the sample without revision, which leads to a Service that is not there.\n# Fault: cross-network-gateway is missing; it was applied in west, where nobody reads it.',
      west: 'Fault: the load balancer never got an address.\n# Fault: cross-network-gateway belongs in east.',
    },
  },
  {
    file: 'injection',
    about: 'What injects sidecars into new pods.',
    holds: (object) => object.kind.endsWith('WebhookConfiguration') || named('istio-sidecar-injector')(object),
  },
  {
    file: 'remote-secret',
    about: 'How istiod reads the other cluster: its credentials, and the account behind them.',
    holds: (object) => named('istio-remote-secret', 'istio-reader')(object),
  },
  { file: 'istiod', about: 'The control plane, or what leads to it.', holds: () => true },
];

/** Fields that no collector reads, of any object, and of workloads and nodes. */
const unread = new Set([
  'resourceVersion',
  'generateName',
  'managedFields',
  'generation',
  'kubectl.kubernetes.io/last-applied-configuration',
  'deployment.kubernetes.io/revision',
]);
const unreadOfWorkloads = new Set([
  'resources',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'securityContext',
  'volumeMounts',
  'tolerations',
  'terminationMessagePath',
  'terminationMessagePolicy',
  'terminationGracePeriodSeconds',
  'imagePullPolicy',
  'dnsPolicy',
  'schedulerName',
  'strategy',
  'lifecycle',
  'nodeInfo',
  'images',
  'qosClass',
  'progressDeadlineSeconds',
  'revisionHistoryLimit',
  'containerID',
  'imageID',
  'enableServiceLinks',
  'preemptionPolicy',
  'capacity',
  'allocatable',
  'containerStatuses',
  'initContainerStatuses',
  'priority',
  'restartPolicy',
  'prometheus.io/path',
  'prometheus.io/port',
  'prometheus.io/scrape',
]);
/** Objects that nothing in this demonstration hangs on. */
const besides = [
  'istio-ingressgateway',
  'istio-ca-crl',
  'values',
  'kubernetes',
  'cluster-admin',
  'istiod-clusterrole',
  'istiod-gateway-controller',
];

const files = new Map<string, string>();
for (const [folder, built] of [
  ['healthy', healthy],
  ['broken', broken],
] as const) {
  for (const [cluster, objects] of built.objects()) {
    const base = `fixtures/demo/${folder}/${cluster}`;
    files.set(
      `${base}/meshdoctor.yaml`,
      `# What this directory says of itself.\n${stringify({ complete: true, takenAt: (built satisfies MeshBuilder).takenAt })}`,
    );
    const byFile = groupBy(objects.filter(isWorthKeeping), (object) => topics.find((topic) => topic.holds(object))?.file ?? '');
    for (const [file, own] of byFile) {
      const topic = topics.find((candidate) => candidate.file === file);
      const fault = folder === 'broken' ? topic?.faults?.[cluster] : undefined;
      const comment = `# ${topic?.about ?? ''}\n${fault === undefined ? '' : `# ${fault}\n`}`;
      files.set(
        `${base}/${file}.yaml`,
        comment + own.map((object) => stringify(pruned(object), { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n'),
      );
    }
  }
}
writeGenerated(files);

/** Kinds that somebody reads, and nothing that Kubernetes keeps for itself. */
function isWorthKeeping(object: KubeObject): boolean {
  const { kind, metadata } = object;
  if (metadata.namespace?.startsWith('kube-') === true || (kind === 'Namespace' && metadata.name.startsWith('kube-'))) return false;
  if (kindOf(object) === undefined || kind === 'CustomResourceDefinition' || kind === 'Endpoints' || named(...besides)(object))
    return false;
  return kind !== 'ServiceAccount' || metadata.name.startsWith('istio-reader');
}

/** Without what no reader of manifests looks at. */
function pruned(object: KubeObject): unknown {
  const isWorkload = ['Pod', 'Deployment', 'Node'].includes(object.kind);
  const prune = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.filter((item) => !isWorkload || !isGiven(item)).map(prune);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, item]) =>
        unread.has(key) || (isWorkload && unreadOfWorkloads.has(key)) ? [] : [[key, prune(item)]],
      ),
    );
  };
  return prune(object);
}

/** A setting that Kubernetes fills in, and a volume of the pod's own. */
function isGiven(item: unknown): boolean {
  if (typeof item !== 'object' || item === null) return false;
  return 'valueFrom' in item || 'emptyDir' in item || 'downwardAPI' in item || 'projected' in item;
}
