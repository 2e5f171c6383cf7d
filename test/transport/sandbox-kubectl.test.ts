import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '../../src/model/kube.ts';
import { at, startTestServer, type TestServer } from '../support/api-server.ts';

/*
 * The real kubectl is content with these servers: it validates, patches, waits and prints as it does with any. Skipped, visibly, where none
 * is on the PATH.
 */

const version = spawnSync('kubectl', ['version', '--client', '--output=json']);
const isHere = version.status === 0;
const minor = isHere ? Number(at(JSON.parse(version.stdout.toString()), 'clientVersion.minor')) : 0;

let server: TestServer;
let folder: string;
let kubeconfig: string;

beforeAll(async () => {
  if (!isHere) return;
  // What kubectl waits for has to happen at once, but never before it asked.
  server = await startTestServer({ clock: () => new Date().toISOString() });
  server.store.onChange(rolledOut);
  server.users.add('viewer', [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }]);
  folder = mkdtempSync(join(tmpdir(), 'kubectl-'));
  kubeconfig = join(folder, 'config');
  const users = ['admin', 'viewer'].map((name) => ({ name, user: { token: server.users.tokens.get(name) } }));
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'east', cluster: { server: server.api.url, 'certificate-authority-data': Buffer.from(server.ca.cert).toString('base64') } },
      ],
      users,
      contexts: users.map(({ name }) => ({ name, context: { cluster: 'east', user: name } })),
      'current-context': 'admin',
    }),
  );
});
afterAll(async () => {
  if (!isHere) return;
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Plays the deployment controller: whatever is wanted is there. */
function rolledOut(): void {
  for (const deployment of server.store.list('Deployment')) {
    const { generation } = deployment.metadata;
    if (at(deployment, 'status.observedGeneration') === generation) continue;
    const replicas = at(deployment, 'spec.replicas');
    const counts = { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas };
    server.store.put({ ...deployment, status: { observedGeneration: generation, ...counts } });
  }
}

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function kubectl(line: string, input?: string): Promise<Result> {
  const env = { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: kubeconfig, KUBECACHEDIR: join(folder, 'cache') };
  return new Promise((resolve) => {
    const child = execFile('kubectl', words(line), { env, timeout: 25_000 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out: out.trim(), err: err.trim() });
    });
    child.stdin?.end(input ?? '');
  });
}

/** The words of a line; single quotes hold one together. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

async function out(line: string, input?: string): Promise<string> {
  const result = await kubectl(line, input);
  expect([line, result.code, result.err]).toEqual([line, 0, '']);
  return result.out;
}

const stored = (kind: string, name: string, namespace?: string): KubeObject | undefined => server.store.get(kind, namespace, name);

test.skipIf(!isHere)('prints tables, objects and single fields', async () => {
  expect((await out('get namespaces')).split('\n')[0]).toMatch(/^NAME +STATUS +AGE$/);
  expect(await out('get pods -A')).toMatch(/\nshop +abc-\S+ +2\/2 +Running +0 +\S+/);
  expect(await out('get deploy,svc -n shop -o wide')).toMatch(/deployment\.apps\/abc +1\/1 [\s\S]*service\/abc +ClusterIP/);
  expect(await out('get gw -A')).toContain('cross-network-gateway');
  expect(await out('get svc abc -n shop -o yaml')).toContain('\nkind: Service\n');
  expect(await out('get pods -n shop -l app=abc -o name')).toMatch(/^pod\/abc-\S+$/);
  expect(await out(`get ns shop -o jsonpath={.metadata.uid}`)).toBe(stored('Namespace', 'shop')?.metadata.uid);
  expect(await out('get serviceaccounts -A --chunk-size=3 --no-headers -o name')).toBe(
    server.store
      .list('ServiceAccount')
      .map(({ metadata }) => `serviceaccount/${metadata.name}`)
      .join('\n'),
  );
  expect(server.api.requests.filter(({ path }) => path.includes('continue=')).length).toBeGreaterThan(3);
  expect(JSON.parse(await out('get --raw /version'))).toMatchObject({ major: '1' });
  expect(await out('describe pod -n shop -l app=abc')).toMatch(/^Name: +abc-/);
  expect(await out('api-resources -o name')).toContain('virtualservices.networking.istio.io');
  expect(await out('api-versions')).toContain('networking.istio.io/v1beta1');
});

test.skipIf(!isHere)('errors are the ones of Kubernetes', async () => {
  const err = async (line: string) => {
    const { code, err: text } = await kubectl(line);
    expect([line, code]).toEqual([line, 1]);
    return text;
  };
  expect(await err('get pod none -n shop')).toBe('Error from server (NotFound): pods "none" not found');
  expect(await err('get things')).toBe(`error: the server doesn't have a resource type "things"`);
  expect(await err('get svc -A --context viewer')).toBe(
    'Error from server (Forbidden): services is forbidden: User "viewer" cannot list resource "services" in API group "" at the cluster scope',
  );
  expect(await err('create namespace shop')).toBe('Error from server (AlreadyExists): namespaces "shop" already exists');
  expect(await err('exec -n shop deploy/abc -- ls')).toContain('pods/exec is not served');
});

test.skipIf(!isHere)('labels, annotates and patches in all three ways', async () => {
  expect(await out('label namespace shop topology.istio.io/network=network9 --overwrite')).toBe('namespace/shop labeled');
  expect(stored('Namespace', 'shop')?.metadata.labels).toMatchObject({ 'topology.istio.io/network': 'network9' });
  expect(at(stored('Namespace', 'shop'), 'metadata.managedFields.0')).toMatchObject({ manager: 'kubectl-label', operation: 'Update' });
  await out('label namespace shop topology.istio.io/network-');
  expect(stored('Namespace', 'shop')?.metadata.labels).not.toHaveProperty('topology.istio.io/network');
  expect(await out('annotate deploy abc -n shop a/b=c')).toMatch(/^deployment\.apps\/abc annotate/);
  const env = '{"spec":{"template":{"spec":{"containers":[{"name":"app","env":[{"name":"X","value":"1"}]}]}}}}';
  expect(await out(`patch deploy abc -n shop -p '${env}'`)).toBe('deployment.apps/abc patched');
  expect(at(stored('Deployment', 'abc', 'shop'), 'spec.template.spec.containers.0')).toMatchObject({
    image: 'registry.example.com/abc:1.0.0',
    env: [{ name: 'X', value: '1' }],
  });
  expect(await out(`patch svc abc -n shop --type merge -p '{"spec":{"externalIPs":["192.0.2.1"]}}'`)).toBe('service/abc patched');
  expect(await out(`patch svc abc -n shop --type json -p '[{"op":"remove","path":"/spec/externalIPs"}]'`)).toBe('service/abc patched');
  expect(at(stored('Service', 'abc', 'shop'), 'spec')).not.toHaveProperty('externalIPs');
  expect(await out(`patch svc abc -n shop --type merge -p '{}'`)).toBe('service/abc patched (no change)');
  const status = '{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.9"}]}}}';
  await out(`patch svc abc -n shop --subresource=status --type merge -p '${status}'`);
  expect(at(stored('Service', 'abc', 'shop'), 'status.loadBalancer.ingress.0.ip')).toBe('192.0.2.9');
});

test.skipIf(!isHere)('sets variables, scales and restarts, and waits for it', async () => {
  expect(await out('set env deploy/abc -n shop FOO=bar')).toBe('deployment.apps/abc env updated');
  expect(at(stored('Deployment', 'abc', 'shop'), 'spec.template.spec.containers.0.env')).toContainEqual({ name: 'FOO', value: 'bar' });
  expect(await out('set image deploy/abc -n shop app=registry.example.com/abc:2.0.0')).toBe('deployment.apps/abc image updated');
  expect(await out('scale deploy abc -n shop --replicas=3')).toBe('deployment.apps/abc scaled');
  expect(at(stored('Deployment', 'abc', 'shop'), 'spec.replicas')).toBe(3);
  expect(await out('rollout restart deploy/abc -n shop')).toBe('deployment.apps/abc restarted');
  expect(at(stored('Deployment', 'abc', 'shop'), 'spec.template.metadata.annotations')).toHaveProperty([
    'kubectl.kubernetes.io/restartedAt',
  ]);
  expect(await out('rollout status deploy/abc -n shop --timeout=20s')).toContain('deployment "abc" successfully rolled out');
  expect(await out('wait deploy/abc -n shop --for=jsonpath={.status.readyReplicas}=3 --timeout=20s')).toBe(
    'deployment.apps/abc condition met',
  );
});

const manifest = (image: string, host: string) => `
apiVersion: v1
kind: Namespace
metadata: {name: applied}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: applied}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "${image}", ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: applied}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: applied}
spec: {hosts: ["${host}"], http: [{route: [{destination: {host: web}}]}]}
`;

test.skipIf(!isHere)('applies from stdin: creates, changes, leaves alone, deletes', async () => {
  const changes = async (input: string, more = '') => (await out(`apply${more} -f -`, input)).split('\n').map((line) => line.split(' ')[1]);
  expect(await changes(manifest('nginx:1', 'web'))).toEqual(['created', 'created', 'created', 'created']);
  expect(await changes(manifest('nginx:1', 'web'))).toEqual(['unchanged', 'unchanged', 'unchanged', 'unchanged']);
  expect(await changes(manifest('nginx:2', 'other'))).toEqual(['unchanged', 'configured', 'unchanged', 'configured']);
  expect(at(stored('Deployment', 'web', 'applied'), 'spec.template.spec.containers.0')).toMatchObject({
    image: 'nginx:2',
    ports: [{ protocol: 'TCP' }],
  });
  expect((await kubectl('diff -f -', manifest('nginx:2', 'other'))).code).toBe(0);
  expect((await kubectl('diff -f -', manifest('nginx:3', 'other'))).out).toContain('+      - image: nginx:3');
  // What was applied by the client is handed over; only then can the server take changes without a conflict.
  const conflict = await kubectl('apply --server-side -f -', manifest('nginx:3', 'third'));
  expect(conflict.err).toContain(
    'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.template.spec.containers[name="web"].image',
  );
  await out('apply --server-side --force-conflicts -f -', manifest('nginx:2', 'other'));
  expect(await changes(manifest('nginx:3', 'third'), ' --server-side')).toEqual(Array.from({ length: 4 }, () => 'serverside-applied'));
  expect(at(stored('VirtualService', 'web', 'applied'), 'spec.hosts')).toEqual(['third']);
  const managers = at(stored('Deployment', 'web', 'applied'), 'metadata.managedFields') as { manager: string; operation: string }[];
  expect(managers).toContainEqual(expect.objectContaining({ manager: 'kubectl', operation: 'Apply' }));
  const [, , ...things] = manifest('nginx:3', 'third').split(/^(?=---)/m);
  expect(await out('delete -f -', things.join(''))).toBe('service "web" deleted\nvirtualservice.networking.istio.io "web" deleted');
  expect(await out('delete namespace applied')).toBe('namespace "applied" deleted');
  expect(stored('Namespace', 'applied')).toBeUndefined();
  expect(server.store.list().filter(({ metadata }) => metadata.namespace === 'applied')).toEqual([]);
});

test.skipIf(!isHere)('creates what it has words of its own for', async () => {
  const lines = [
    'create namespace made',
    'create configmap c -n made --from-literal=a=b',
    'create secret generic s -n made --from-literal=x=y',
    'create serviceaccount robot -n made',
    'create deployment d -n made --image=nginx:1 --replicas=2 --port=80',
    'create service clusterip d -n made --tcp=80:8080',
    'create clusterrole made --verb=get,list --resource=pods',
    'create clusterrolebinding made --clusterrole=made --serviceaccount=made:robot',
    'create role r -n made --verb=get --resource=secrets --resource-name=s',
    'create rolebinding r -n made --role=r --user=jane',
  ];
  for (const line of lines) expect(await out(line)).toContain(' created');
  expect(stored('ConfigMap', 'c', 'made')).toMatchObject({ data: { a: 'b' } });
  expect(stored('Secret', 's', 'made')).toMatchObject({ type: 'Opaque', data: { x: 'eQ==' } });
  expect(stored('Deployment', 'd', 'made')).toMatchObject({
    spec: { replicas: 2, template: { spec: { containers: [{ image: 'nginx:1', ports: [{ containerPort: 80 }] }] } } },
  });
  expect(stored('Service', 'd', 'made')).toMatchObject({ spec: { ports: [{ name: '80-8080', port: 80, targetPort: 8080 }] } });
  const token = await out('create token robot -n made');
  expect(await out(`--token=${token} --context=viewer auth can-i list pods -A`)).toBe('yes');
  expect((await kubectl('auth can-i list secrets -A --as=system:serviceaccount:made:robot')).out).toBe('no');
  expect(await out('auth can-i get secret/s -n made --as=jane')).toBe('yes');
  expect(await out('get pods -A --as=system:serviceaccount:made:robot -o name')).toContain('pod/');
});

test.skipIf(!isHere)('asks what it may', async () => {
  expect(await out('auth can-i delete pods -A')).toBe('yes');
  const no = await kubectl('auth can-i delete pods -A --context viewer');
  expect([no.code, no.out]).toEqual([1, 'no']);
  const list = await kubectl('auth can-i --list --context viewer');
  expect(list.out).toMatch(/\npods +\[\] +\[\] +\[get list\]/);
  expect(list.err).toContain('the list may be incomplete');
  // 1.27 asks for a version that was a beta.
  if (minor > 27) expect(await out('auth whoami')).toContain('admin');
});
