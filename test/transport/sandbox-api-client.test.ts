import { AppsV1Api, CoreV1Api, CustomObjectsApi, KubeConfig, PortForward, AuthorizationV1Api } from '@kubernetes/client-node';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../support/api-server.ts';

/** Another client than ours understands these servers: the one of the Kubernetes project. */

let server: TestServer;
let config: KubeConfig;
beforeAll(async () => {
  server = await startTestServer({ ports: (_cluster, _pod, port) => (port === 80 ? (stream) => stream.pipe(stream) : undefined) });
  config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'east', server: server.api.url, caData: Buffer.from(server.ca.cert).toString('base64') }],
    users: [{ name: 'admin', token: server.users.tokens.get('admin') }],
    contexts: [{ name: 'east', cluster: 'east', user: 'admin' }],
    currentContext: 'east',
  });
});
afterAll(() => server.close());

test('lists and pages', async () => {
  const core = config.makeApiClient(CoreV1Api);
  const names: string[] = [];
  let token: string | undefined;
  do {
    const page = await core.listServiceAccountForAllNamespaces({ limit: 7, ...(token === undefined ? {} : { _continue: token }) });
    names.push(...page.items.map(({ metadata }) => metadata?.name ?? ''));
    token = page.metadata?._continue;
  } while (token !== undefined);
  expect(names).toEqual(server.store.list('ServiceAccount').map(({ metadata }) => metadata.name));
  const pods = await core.listNamespacedPod({ namespace: 'shop', labelSelector: 'app=abc' });
  expect(pods.items[0]?.spec?.containers[0]?.name).toBe('app');
});

test('writes, conflicts and deletions', async () => {
  const core = config.makeApiClient(CoreV1Api);
  const made = await core.createNamespacedConfigMap({ namespace: 'shop', body: { metadata: { name: 'typed' }, data: { a: '1' } } });
  const changed = await core.replaceNamespacedConfigMap({
    namespace: 'shop',
    name: 'typed',
    body: { metadata: made.metadata!, data: { a: '2' } },
  });
  expect(changed.data).toEqual({ a: '2' });
  await expect(core.replaceNamespacedConfigMap({ namespace: 'shop', name: 'typed', body: made })).rejects.toMatchObject({ code: 409 });
  expect(await core.deleteNamespacedConfigMap({ namespace: 'shop', name: 'typed' })).toMatchObject({ status: 'Success' });
  await expect(core.readNamespacedConfigMap({ namespace: 'shop', name: 'typed' })).rejects.toMatchObject({ code: 404 });
});

test('scale and custom objects', async () => {
  const apps = config.makeApiClient(AppsV1Api);
  const scale = await apps.readNamespacedDeploymentScale({ namespace: 'shop', name: 'abc' });
  await apps.replaceNamespacedDeploymentScale({
    namespace: 'shop',
    name: 'abc',
    body: { metadata: scale.metadata!, spec: { replicas: 2 } },
  });
  expect((await apps.readNamespacedDeployment({ namespace: 'shop', name: 'abc' })).spec?.replicas).toBe(2);
  const custom = config.makeApiClient(CustomObjectsApi);
  const gateways: unknown = await custom.listClusterCustomObject({ group: 'networking.istio.io', version: 'v1', plural: 'gateways' });
  expect(gateways).toMatchObject({ kind: 'GatewayList', items: [{ kind: 'Gateway', apiVersion: 'networking.istio.io/v1' }, {}] });
});

test('access reviews', async () => {
  const authorization = config.makeApiClient(AuthorizationV1Api);
  const body = { spec: { resourceAttributes: { verb: 'delete', resource: 'pods', namespace: 'shop' } } };
  expect((await authorization.createSelfSubjectAccessReview({ body })).status?.allowed).toBe(true);
});

test('port-forward', async () => {
  const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const pod = server.store.list('Pod').find(({ metadata }) => metadata.namespace === 'shop');
  const socket = await new PortForward(config).portForward('shop', pod?.metadata.name ?? '', [80], output, errors, input);
  const answered = new Promise<string>((resolve) => output.once('data', (chunk: Buffer) => resolve(chunk.toString())));
  input.write('hello');
  expect(await answered).toBe('hello');
  if ('close' in socket) socket.close();
});
