import type { KubeObject, MeshObjects } from '../../../src/model/kube.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../../src/sandbox/start.ts';
import type { Lab } from '../lab/lab.ts';
import { listAt, textAt } from '../lab/kube.ts';
import { ambientDeliberate, ambientQuestionsTo } from './ambient-questions.ts';
import type { Case } from './case.ts';
import { accountUser, asReader, account } from './reader.ts';
import { type Deliberate, deliberate, type Question, questionsTo, type Subjects } from './questions.ts';
import { differences } from './shape.ts';
import type { Side } from './side.ts';

export const contractCases: readonly Case[] = [
  {
    name: 'sandbox-answers-as-real',
    topology: 'primary-remote',
    run: async (lab) => {
      await asReader(lab, async ({ tokens }) => {
        const nobodies = new Map<string, string>();
        for (const { cluster } of lab.clusters())
          nobodies.set(cluster.name, (await lab.kubectl(cluster.name, ['create', 'token', 'default', '-n', account])).trim());
        const objects = await objectsOf(lab);
        await forgetPast();
        // The objects as they are: what controllers would make of them is there already.
        const sandbox = await startSandbox(objects, { reconcile: false, takenAt: new Date().toISOString() });
        try {
          await compare(realSide(lab, tokens, nobodies), simulatedSide(sandbox), questionsTo(subjectsIn(objects)), deliberate);
        } finally {
          await sandbox.close();
        }
      });
    },
  },
  {
    name: 'sandbox-tunnels-as-real',
    topology: 'ambient',
    run: async (lab) => {
      const objects = await objectsOf(lab, ambientKinds);
      const sandbox = await startSandbox(objects, { reconcile: false, takenAt: new Date().toISOString() });
      try {
        const subjects = { istiod: podOf(objects, 'cluster1', 'app', 'istiod'), gateways: gatewaysIn(objects) };
        await compare(realSide(lab), simulatedSide(sandbox), await ambientQuestionsTo(subjects), ambientDeliberate);
      } finally {
        await sandbox.close();
      }
    },
  },
];

/** Has etcd forget what was at first, so that pages begun then run out, as they do after five minutes. */
async function forgetPast(): Promise<void> {
  // Refused where it has been forgotten already.
  await fetch('http://127.0.0.1:2379/v3/kv/compaction', { method: 'POST', body: JSON.stringify({ revision: 100 }) });
}

/** Asks both sides everything. What differs must be declared, and what is declared must still differ. */
async function compare(real: Side, simulated: Side, questions: readonly Question[], deliberate: readonly Deliberate[]): Promise<void> {
  const wrong: string[] = [];
  const met = new Set<Deliberate>();
  for (const { name, ask } of questions) {
    const answers = await Promise.all(
      [real, simulated].map(async (side) => await ask(side).catch((error: unknown) => `threw ${String(error)}`)),
    );
    for (const difference of differences(answers[0], answers[1])) {
      const known = deliberate.filter((one) => one.question.test(name) && one.path.test(difference.path));
      for (const one of known) met.add(one);
      if (known.length === 0)
        wrong.push(`${name} ${difference.path}\n    real      ${difference.real}\n    simulated ${difference.simulated}`);
    }
  }
  for (const one of deliberate)
    if (!met.has(one) && one.isFleeting !== true)
      wrong.push(`declared and no longer different: ${String(one.question)} ${String(one.path)}`);
  if (wrong.length > 0) throw new Error(`${wrong.length} differences\n${wrong.join('\n')}`);
}

const nobody: ReadonlyMap<string, string> = new Map();

function realSide(lab: Lab, readers = nobody, nobodies = nobody): Side {
  return {
    name: 'real',
    server: (name) => {
      const { cluster } = lab.cluster(name);
      return { url: cluster.server, ca: cluster.ca };
    },
    token: (name, user) =>
      user === 'admin' ? lab.cluster(name).cluster.tokens.admin : ((user === 'reader' ? readers : nobodies).get(name) ?? ''),
    dial: (host, port) => ({ host, port }),
  };
}

function simulatedSide(sandbox: Sandbox): Side {
  const clusterOf = (name: string) => {
    const cluster = sandbox.clusters.get(name);
    if (cluster === undefined) throw new Error(`The sandbox has no cluster ${name}.`);
    return cluster;
  };
  const other = `system:serviceaccount:${account}:default`;
  const names = { admin: 'admin', reader: accountUser, nobody: other } as const;
  for (const cluster of sandbox.clusters.values()) {
    // Their rights come from the roles and bindings among the objects.
    cluster.addUser(accountUser, []);
    cluster.addUser(other, []);
  }
  return {
    name: 'simulated',
    server: (name) => ({ url: clusterOf(name).server, ca: clusterOf(name).ca }),
    token: (name, user) => clusterOf(name).tokens.get(names[user]) ?? '',
    dial: (host, port) =>
      sandbox.resolve.find(({ from }) => from.host === host && from.port === port)?.to ?? { host: '127.0.0.1', port: 1 },
  };
}

/** Kinds that controllers of the sandbox know, and what Istio brings. */
const kinds = [
  'namespaces',
  'nodes',
  'pods',
  'services',
  'endpoints',
  'secrets',
  'configmaps',
  'serviceaccounts',
  'deployments.apps',
  'replicasets.apps',
  'endpointslices.discovery.k8s.io',
  'leases.coordination.k8s.io',
  'mutatingwebhookconfigurations',
  'validatingwebhookconfigurations',
  'customresourcedefinitions',
  'clusterroles',
  'clusterrolebindings',
  'roles',
  'rolebindings',
  'gateways.networking.istio.io',
  'virtualservices.networking.istio.io',
] as const;

const ambientKinds = [
  ...kinds,
  'daemonsets.apps',
  'gateways.gateway.networking.k8s.io',
  'gatewayclasses.gateway.networking.k8s.io',
  'envoyfilters.networking.istio.io',
] as const;

/** Every object of the real mesh. Keys of its Secrets stay in this process. */
async function objectsOf(lab: Lab, which: readonly string[] = kinds): Promise<MeshObjects> {
  const mesh = new Map<string, readonly KubeObject[]>();
  for (const { cluster } of lab.clusters()) {
    const { items } = JSON.parse(
      await lab.kubectl(cluster.name, ['get', which.join(','), '-A', '-o', 'json', '--show-managed-fields']),
    ) as {
      // What an API server gives as items of a list are objects.
      readonly items: readonly KubeObject[];
    };
    mesh.set(cluster.name, items);
  }
  return mesh;
}

function subjectsIn(objects: MeshObjects): Subjects {
  return {
    istiod: podOf(objects, 'cluster1', 'app', 'istiod'),
    sidecar: podOf(objects, 'cluster2', 'app', 'client'),
    sidecarOfPrimary: podOf(objects, 'cluster1', 'app', 'client'),
    dns: podOf(objects, 'cluster2', 'k8s-app', 'kube-dns'),
    gateways: gatewaysIn(objects),
  };
}

function all(objects: MeshObjects, cluster: string, kind: string): readonly KubeObject[] {
  return (objects.get(cluster) ?? []).filter((object) => object.kind === kind);
}

function podOf(objects: MeshObjects, cluster: string, label: string, value: string): Subjects['istiod'] {
  const pod = all(objects, cluster, 'Pod').find(({ metadata }) => metadata.labels?.[label] === value);
  if (pod === undefined) throw new Error(`No pod ${label}=${value} in ${cluster}.`);
  return { cluster, namespace: pod.metadata.namespace ?? '', name: pod.metadata.name };
}

function gatewaysIn(objects: MeshObjects): Subjects['gateways'] {
  const gatewayOf = (cluster: string): string => {
    const service = all(objects, cluster, 'Service').find(({ metadata }) => metadata.name === 'istio-eastwestgateway');
    return textAt(listAt(service, 'status', 'loadBalancer', 'ingress')[0], 'ip') ?? '';
  };
  return { cluster1: gatewayOf('cluster1'), cluster2: gatewayOf('cluster2') };
}
