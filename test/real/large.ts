import type { Lab } from './lab/lab.ts';
import { type Kube, type Obj, at, listAt, textAt } from './lab/kube.ts';
import { until } from './lab/processes.ts';

/*
 * Fills a cluster of a real mesh with applications that no process runs: their objects are those of real ones, from the pods that the real injector
 * made down to the EndpointSlices of the real controllers; a node that does not exist says that they are ready.
 */

export interface Size {
  readonly services: number;
  readonly pods: number;
}

/** Label of all of it: the lab gives no addresses to Services that have it. */
const simulated = { simulated: 'true' } as const;
const servicesOfNamespace = 100;
const podsOfNode = 200;
const hash = '5f6d7c8b9d';
const stand = 'application-in-place-of-all';
/** Milliseconds: each of these lists costs the API server as much as some dozen of the writes that are waited for. */
const seldom = 5000;

/**
 * Fills a cluster. Meanwhile proxies stand still: what istiod would send them after each of thousands of Services takes more of the machine than to make
 * these.
 */
export async function fill(lab: Lab, context: string, rev: string, size: Size): Promise<void> {
  const { kube } = lab.cluster(context).cluster;
  const template = await injectedPod(kube, 'sample');
  await lab.shell('pkill -STOP envoy');
  try {
    await fillFrom(template, lab, context, rev, size);
  } finally {
    await lab.shell('pkill -CONT envoy');
  }
}

/** An application as Kubernetes has it: Service, ReplicaSet, pods; namespaces of `servicesOfNamespace` each, all with the revision's label. */
async function fillFrom(template: PodTemplate, lab: Lab, context: string, rev: string, { services, pods }: Size): Promise<void> {
  const { kube, index, node } = lab.cluster(context).cluster;
  const replicas = Math.floor(pods / services);
  const nodes = Math.ceil(pods / podsOfNode);
  const labelsOfNode = textAtAll(await got(kube, `/api/v1/nodes/${node}`), 'metadata', 'labels');
  await inParallel(nodes, async (number) => {
    const name = `${context}-simulated-${number}`;
    await made(kube, '/api/v1/nodes', {
      metadata: { name, labels: { ...labelsOfNode, ...simulated, 'kubernetes.io/hostname': name } },
      spec: { taints: [{ key: 'simulated', effect: 'NoSchedule' }] },
    });
  });

  const namespaceOf = (service: number): string => `team-${Math.floor(service / servicesOfNamespace)}`;
  const nameOf = (service: number): string => `application-${service % servicesOfNamespace}`;
  const namespaces = [...new Set(Array.from({ length: services }, (_, service) => namespaceOf(service)))];
  for (const name of namespaces) await made(kube, '/api/v1/namespaces', { metadata: { name } });
  await until('service accounts of all namespaces', async () => {
    const all = await Promise.all(
      namespaces.map(async (name) => await kube.call('GET', `/api/v1/namespaces/${name}/serviceaccounts/default`)),
    );
    return all.every(({ status }) => status === 200) ? true : undefined;
  });

  await inParallel(services * replicas, async (number) => {
    const service = Math.floor(number / replicas);
    const [namespace, name] = [namespaceOf(service), nameOf(service)];
    const pod = podFrom(template, { namespace, app: name, name: `${name}-${hash}-${String(number % replicas).padStart(5, 'x')}` });
    const spec = { ...pod.spec, nodeName: `${context}-simulated-${Math.floor(number / podsOfNode)}` };
    await made(kube, `/api/v1/namespaces/${namespace}/pods`, { ...pod, spec });
    const address = `10.${150 + index}.${Math.floor(number / 250)}.${(number % 250) + 2}`;
    await patched(kube, `/api/v1/namespaces/${namespace}/pods/${textAt(pod, 'metadata', 'name') ?? ''}/status`, {
      status: readyStatus(pod, address),
    });
  });
  // Pods first: their ReplicaSets then adopt them and make none.
  await inParallel(services, async (service) => {
    const [namespace, name] = [namespaceOf(service), nameOf(service)];
    const labels = { ...simulated, app: name };
    await made(kube, `/api/v1/namespaces/${namespace}/services`, {
      metadata: { name, labels },
      spec: { selector: { app: name }, ports: [{ name: 'tcp', port: 5000, targetPort: 5000 }] },
    });
    const ofReplicaSet = { ...labels, 'pod-template-hash': hash };
    await made(kube, `/apis/apps/v1/namespaces/${namespace}/replicasets`, {
      metadata: { name: `${name}-${hash}`, labels: ofReplicaSet },
      spec: {
        replicas,
        selector: { matchLabels: ofReplicaSet },
        template: { metadata: { labels: ofReplicaSet }, spec: { containers: [appContainer], nodeSelector: simulated } },
      },
    });
  });
  for (const name of namespaces) await patched(kube, `/api/v1/namespaces/${name}`, { metadata: { labels: { 'istio.io/rev': rev } } });

  const every = encodeURIComponent('simulated=true');
  await until(
    'endpoints of all services',
    async () => {
      const slices = listAt(await got(kube, `/apis/discovery.k8s.io/v1/endpointslices?labelSelector=${every}`), 'items');
      const ready = slices.reduce<number>((sum, slice) => sum + listAt(slice, 'endpoints').length, 0);
      return ready === services * replicas ? true : undefined;
    },
    600_000,
    seldom,
  );
  await until(
    'pods of all ReplicaSets',
    async () => {
      const sets = listAt(await got(kube, `/apis/apps/v1/replicasets?labelSelector=${every}`), 'items');
      return sets.length === services && sets.every((set) => at(set, 'status', 'readyReplicas') === replicas) ? true : undefined;
    },
    600_000,
    seldom,
  );
}

const appContainer = { name: 'app', image: 'registry.example/app:1', ports: [{ containerPort: 5000 }] };

interface PodTemplate {
  readonly text: string;
}

/** What the injector of this cluster makes of a pod, as the API server would store it. */
async function injectedPod(kube: Kube, namespace: string): Promise<PodTemplate> {
  const labels = { ...simulated, app: stand, 'pod-template-hash': hash };
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name: `${stand}-${hash}`,
    uid: '00000000-0000-0000-0000-000000000000',
    controller: true,
  };
  const answer = await kube.call('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: `${stand}-${hash}-`, labels, ownerReferences: [owner] },
    spec: { containers: [appContainer] },
  });
  const sidecar = [...listAt(answer.body, 'spec', 'containers'), ...listAt(answer.body, 'spec', 'initContainers')].find(
    (container) => textAt(container, 'name') === 'istio-proxy',
  );
  if (answer.status !== 201 || sidecar === undefined)
    throw new Error(`A pod of ${namespace} was not injected: ${JSON.stringify(answer.body)}`);
  return { text: JSON.stringify(answer.body).replaceAll(`namespaces/${namespace}/`, 'namespaces/NAMESPACE/') };
}

interface PodObject {
  readonly metadata: Obj['metadata'];
  readonly spec: Readonly<Record<string, unknown>>;
}

function podFrom({ text }: PodTemplate, names: { readonly namespace: string; readonly app: string; readonly name: string }): PodObject {
  const pod: unknown = JSON.parse(text.replaceAll('namespaces/NAMESPACE/', `namespaces/${names.namespace}/`).replaceAll(stand, names.app));
  const spec = at(pod, 'spec');
  if (typeof spec !== 'object' || spec === null) throw new Error('An injected pod has a spec.');
  return {
    metadata: { name: names.name, labels: textAtAll(pod, 'metadata', 'labels'), annotations: textAtAll(pod, 'metadata', 'annotations') },
    spec: { ...spec },
  };
}

function readyStatus({ spec }: PodObject, address: string): Record<string, unknown> {
  const now = new Date().toISOString();
  const running = (container: unknown): Record<string, unknown> => ({
    name: textAt(container, 'name'),
    image: textAt(container, 'image'),
    imageID: '',
    ready: true,
    started: true,
    restartCount: 0,
    state: { running: { startedAt: now } },
  });
  const ended = (container: unknown): Record<string, unknown> => ({
    ...running(container),
    state: { terminated: { exitCode: 0, reason: 'Completed', startedAt: now, finishedAt: now } },
  });
  return {
    phase: 'Running',
    startTime: now,
    podIP: address,
    podIPs: [{ ip: address }],
    conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: now,
    })),
    initContainerStatuses: listAt(spec, 'initContainers').map((container) =>
      at(container, 'restartPolicy') === 'Always' ? running(container) : ended(container),
    ),
    containerStatuses: listAt(spec, 'containers').map(running),
  };
}

function textAtAll(value: unknown, ...path: readonly string[]): Record<string, string> {
  const found = at(value, ...path);
  return Object.fromEntries(
    Object.entries(typeof found === 'object' && found !== null ? found : {}).flatMap(([key, text]) =>
      typeof text === 'string' ? [[key, text]] : [],
    ),
  );
}

async function got(kube: Kube, path: string): Promise<unknown> {
  const answer = await kube.call('GET', path);
  if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status}`);
  return answer.body;
}

async function made(kube: Kube, path: string, object: unknown): Promise<void> {
  const answer = await kube.call('POST', path, object);
  if (answer.status !== 201) throw new Error(`POST ${path}: ${JSON.stringify(answer.body)}`);
}

async function patched(kube: Kube, path: string, patch: unknown): Promise<void> {
  const answer = await kube.call('PATCH', path, patch, 'application/merge-patch+json');
  if (answer.status !== 200) throw new Error(`PATCH ${path}: ${JSON.stringify(answer.body)}`);
}

/** As many at a time as an API server on a small machine takes without waiting. */
const atOnce = 24;

async function inParallel(count: number, work: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const number = next;
      next += 1;
      await work(number);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
}
