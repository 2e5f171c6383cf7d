import { randomUUID } from 'node:crypto';
import { stringify } from 'yaml';
import { isDeepEqual } from '../base/equal.ts';
import { textAt } from '../builder/edits/json.ts';
import { names } from '../istio/labels.ts';
import type { KubeObject, MeshObjects } from '../model/kube.ts';
import { type Certificate, mintCertificate } from './certificates.ts';
import type { OwnAnswer, Sandbox, SandboxCluster, SandboxOptions } from './sandbox.ts';
import { startApiServer } from './server/server.ts';
import { openUsers, superusers, type Users } from './server/users.ts';
import { type ObjectStore, openStore, secondsOf } from './store.ts';
import { type Authorities, keepAuthorities, minted, pemBlocks } from './world/authorities.ts';
import { clusterDns } from './world/cluster-dns.ts';
import { runWorld } from './world/run.ts';
import { lagOf, moved } from './world/times.ts';

/**
 * Starts a mesh: an API server for each cluster, on loopback, and behind them istiods, proxies and gateways that answer as the objects
 * say. Nothing but loopback is ever contacted. `close` ends all of it.
 */
export async function startSandbox(mesh: MeshObjects, options: SandboxOptions = {}): Promise<Sandbox> {
  const isReconciling = options.reconcile !== false;
  const clock = clockFrom(options.clock);
  const lag = options.clock === undefined ? lagOf(mesh, options.takenAt, Date.now()) : 0;
  const isMinting = options.mintCertificates !== false;
  const { meshes, authorities } = await inThePresent([mesh, options.past?.mesh ?? mesh], lag, isMinting);
  const [objects = mesh, past = objects] = meshes;
  const stores = new Map<string, ObjectStore>();
  const roots = new Map<string, Certificate>();
  for (const [name, given] of past) {
    const root = await rootOf(given, authorities);
    roots.set(name, root);
    const added = isReconciling ? [...clusterDns(name, given, oldestOf(given, clock())), ...withoutRoot(given, root)] : [];
    stores.set(name, openStore(name, [...given, ...added], { clock }));
  }
  const answers = new Map<string, OwnAnswer>();
  const world = await runWorld({ stores, authorities, clock, isReconciling, answers });
  if (options.past !== undefined) {
    await world.stage(options.past.mishaps ?? []);
    for (const [name, store] of stores) become(store, past.get(name) ?? [], objects.get(name) ?? []);
    await world.settled();
  }
  const opened = await Promise.all(
    [...stores].map(async ([name, store]) => {
      const users = openUsers();
      const authority = roots.get(name) ?? (await newRoot());
      const server = await startApiServer({
        cluster: name,
        store,
        users,
        clock,
        tls: { ...(await serverCertificate(authority)), ca: authority.cert },
        ports: world.ports,
        logs: world.logs,
        admission: world.admission,
      });
      return { server, cluster: clusterOf(name, server, users, authority, answers) };
    }),
  );
  const clusters = new Map(opened.map(({ cluster }) => [cluster.name, cluster]));
  return {
    clusters,
    kubeconfig: ({ user = 'admin' } = {}) => kubeconfigOf(clusters, user),
    resolve: world.resolve,
    objects: () => new Map([...stores].map(([name, store]) => [name, store.list()])),
    settled: world.settled,
    stage: world.stage,
    openCalls: world.openCalls,
    close: async () => {
      await world.close();
      await Promise.all(opened.map(({ server }) => server.close()));
    },
  };
}

/** Meshes with their times moved, and certificates made anew: equal ones in any of them stay equal. */
async function inThePresent(
  given: readonly MeshObjects[],
  lag: number,
  isMinting: boolean,
): Promise<{ readonly meshes: readonly MeshObjects[]; readonly authorities: Authorities }> {
  const fresh = [...new Set(given)].map((mesh) => moved(mesh, lag));
  if (!isMinting) return { meshes: fresh, authorities: keepAuthorities() };
  const keyed = fresh.flatMap((mesh, index) => [...mesh].map(([name, objects]) => [`${index} ${name}`, objects] as const));
  const { mesh: made, authorities } = await minted(new Map(keyed), lag);
  return {
    meshes: fresh.map((mesh, index) => new Map([...mesh.keys()].map((name) => [name, made.get(`${index} ${name}`) ?? []]))),
    authorities,
  };
}

/** The objects of a cluster become other ones, as by whoever writes: what is not among them any more is deleted. */
function become(store: ObjectStore, before: readonly KubeObject[], after: readonly KubeObject[]): void {
  const keyOf = ({ apiVersion, kind, metadata }: KubeObject): string =>
    [apiVersion.replace(/\/[^/]*$/, ''), kind, metadata.namespace ?? '', metadata.name].join(' ');
  const kept = new Set(after.map(keyOf));
  const known = new Map(before.map((object) => [keyOf(object), object]));
  for (const object of before) if (!kept.has(keyOf(object))) store.drop(object);
  for (const object of after) {
    const { metadata } = object;
    const existing = known.get(keyOf(object));
    if (existing !== undefined && isDeepEqual(existing, object)) continue;
    store.write({ ...object, metadata: { uid: randomUUID(), creationTimestamp: secondsOf(store.clock()), ...metadata } });
  }
}

/** The present, from a given one on. RFC 3339. */
function clockFrom(start: string | undefined): () => string {
  const ahead = start === undefined ? 0 : Date.parse(start) - Date.now();
  return () => new Date(Date.now() + ahead).toISOString();
}

/** The authority of a cluster's API server: whose certificate lies in its namespaces, else a new one. */
async function rootOf(objects: readonly KubeObject[], authorities: Authorities): Promise<Certificate> {
  const authority = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === names.apiServerCaConfigMap);
  const [pem] = pemBlocks(textAt(authority, 'data', 'ca.crt') ?? '');
  return pem === undefined ? await newRoot() : await authorities.of(pem);
}

const year = 365 * 86_400_000;

async function newRoot(): Promise<Certificate> {
  const now = Date.now();
  const validity = { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + 10 * year) };
  return await mintCertificate({ subject: [['CN', 'kubernetes']], isAuthority: true, ...validity });
}

/** A root that no namespace had yet, for one that every cluster has; controllers put it into the others. */
function withoutRoot(objects: readonly KubeObject[], { cert }: Certificate): KubeObject[] {
  const isThere = objects.some(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === names.apiServerCaConfigMap);
  const hasNamespace = objects.some(({ kind, metadata }) => kind === 'Namespace' && metadata.name === 'kube-system');
  if (isThere || !hasNamespace) return [];
  const metadata = { name: names.apiServerCaConfigMap, namespace: 'kube-system' };
  return [{ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'ca.crt': cert } }];
}

/** When a cluster was set up: its oldest object tells. RFC 3339. */
function oldestOf(objects: readonly KubeObject[], now: string): string {
  return objects.reduce((oldest, { metadata: { creationTimestamp: at } }) => (at !== undefined && at < oldest ? at : oldest), now);
}

async function serverCertificate(issuer: Certificate): Promise<Certificate> {
  const now = Date.now();
  return await mintCertificate({
    subject: [['CN', 'kube-apiserver']],
    issuer,
    dnsNames: ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'],
    ipAddresses: ['127.0.0.1'],
    usages: ['server'],
    notBefore: new Date(now - 3_600_000),
    notAfter: new Date(now + year),
  });
}

function clusterOf(
  name: string,
  server: Awaited<ReturnType<typeof startApiServer>>,
  users: Users,
  authority: Certificate,
  answers: Map<string, OwnAnswer>,
): SandboxCluster {
  return {
    name,
    server: server.url,
    ca: authority.cert,
    tokens: users.tokens,
    addUser: (user, rules) => users.add(user, rules),
    clientCertificate: async (user) => {
      const now = Date.now();
      return await mintCertificate({
        subject: [...(user === 'admin' ? ([['O', superusers]] as const) : []), ['CN', user]],
        issuer: authority,
        usages: ['client'],
        notBefore: new Date(now - 3_600_000),
        notAfter: new Date(now + year),
      });
    },
    requests: server.requests,
    handshakes: server.handshakes,
    open: server.open,
    setFault: (fault) => server.setFault(fault),
    setAnswer: (answer) => void (answer === null ? answers.delete(name) : answers.set(name, answer)),
  };
}

function kubeconfigOf(clusters: ReadonlyMap<string, SandboxCluster>, user: string): string {
  const all = [...clusters.values()];
  const userOf = ({ name }: SandboxCluster): string => `${name}-${user}`;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': all[0]?.name ?? '',
    clusters: all.map(({ name, server, ca }) => ({
      name,
      cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
    })),
    contexts: all.map((cluster) => ({ name: cluster.name, context: { cluster: cluster.name, user: userOf(cluster) } })),
    users: all.map((cluster) => {
      const token = cluster.tokens.get(user);
      if (token === undefined) throw new RangeError(`Cluster ${cluster.name} has no user ${user}.`);
      return { name: userOf(cluster), user: { token } };
    }),
  });
}
