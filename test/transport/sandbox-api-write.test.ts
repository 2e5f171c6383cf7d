import { afterEach, beforeEach, expect, test } from 'vitest';
import { at, namesIn, now, startTestServer, type TestServer, textIn } from '../support/api-server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.close());

const deployment = '/apis/apps/v1/namespaces/shop/deployments/abc';
const configMaps = '/api/v1/namespaces/shop/configmaps';
const created = now.replace('.400Z', 'Z');

const configMap = (name: string, data: object = { a: '1' }) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });

test('what is created gets what the server gives', async () => {
  const answer = await server.ask(`${configMaps}?fieldManager=me`, { method: 'POST', body: configMap('one') });
  expect(answer.status).toBe(201);
  expect(answer.body).toMatchObject({
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: {
      name: 'one',
      namespace: 'shop',
      creationTimestamp: created,
      managedFields: [
        {
          manager: 'me',
          operation: 'Update',
          apiVersion: 'v1',
          time: created,
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:data': { 'f:a': {} } },
        },
      ],
    },
    data: { a: '1' },
  });
  expect(textIn(answer.body, 'metadata.uid')).toMatch(/^[0-9a-f-]{36}$/);
  expect(Number(textIn(answer.body, 'metadata.resourceVersion'))).toBe(server.store.revision());
  expect(server.store.get('ConfigMap', 'shop', 'one')?.metadata.uid).toBe(textIn(answer.body, 'metadata.uid'));
});

test('names are generated, and taken once', async () => {
  const body = { ...configMap('x'), metadata: { generateName: 'made-' } };
  const names = [await server.ask(configMaps, { method: 'POST', body }), await server.ask(configMaps, { method: 'POST', body })].map(
    (one) => textIn(one.body, 'metadata.name'),
  );
  expect(names[0]).toMatch(/^made-[a-z0-9]{5}$/);
  expect(names[0]).not.toBe(names[1]);
  const again = await server.ask(configMaps, { method: 'POST', body: configMap(names[0] ?? '') });
  expect(again.body).toMatchObject({
    reason: 'AlreadyExists',
    code: 409,
    message: `configmaps "${names[0]}" already exists`,
    details: { name: names[0], kind: 'configmaps' },
  });
});

test('what does not fit is refused in the words of Kubernetes', async () => {
  const message = async (path: string, body: unknown, method: 'POST' | 'PUT' = 'POST') => {
    const answer = await server.ask(path, { method, body });
    return [answer.status, at(answer.body, 'message')];
  };
  expect(await message('/api/v1/namespaces/none/configmaps', configMap('a'))).toEqual([404, 'namespaces "none" not found']);
  expect(await message(configMaps, { ...configMap('a'), metadata: { name: 'a', namespace: 'default' } })).toEqual([
    400,
    'the namespace of the provided object does not match the namespace sent on the request',
  ]);
  expect(await message(`${configMaps}/kube-root-ca.crt`, configMap('other'), 'PUT')).toEqual([
    400,
    'the name of the object (other) does not match the name on the URL (kube-root-ca.crt)',
  ]);
  expect(await message(configMaps, { kind: 'Secret' })).toEqual([400, 'Secret in version "v1" cannot be handled as a ConfigMap']);
  expect((await message(configMaps, configMap('Not_a_name')))[0]).toBe(422);
  expect((await message(configMaps, '{'))[0]).toBe(400);
  expect((await message('/apis/apps/v1/namespaces/shop/deployments', { metadata: { name: 'a' }, spec: { template: {} } }))[1]).toBe(
    'Deployment.apps "a" is invalid: [spec.selector: Required value, spec.template.spec.containers: Required value]',
  );
  expect((await server.ask(configMaps, { method: 'POST', body: 'a: b', type: 'text/plain' })).status).toBe(415);
  expect((await server.ask('/api/v1/configmaps', { method: 'POST', body: configMap('a') })).status).toBe(405);
  expect((await server.ask(deployment, { method: 'POST', body: {} })).status).toBe(405);
});

test('YAML is a body as good as JSON', async () => {
  const body = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\ndata: {a: "y"}\n';
  expect((await server.ask(configMaps, { method: 'POST', body, type: 'application/yaml' })).body).toMatchObject({ data: { a: 'y' } });
});

test('an update of an older state is a conflict, one without a version is not', async () => {
  const body = (await server.ask(deployment)).body as object;
  server.store.put({ ...server.store.get('Deployment', 'shop', 'abc')!, spec: { ...(at(body, 'spec') as object), replicas: 2 } });
  const stale = await server.ask(deployment, { method: 'PUT', body });
  expect(stale.body).toMatchObject({
    code: 409,
    reason: 'Conflict',
    message:
      'Operation cannot be fulfilled on deployments.apps "abc": the object has been modified; please apply your changes to the latest version and try again',
    details: { name: 'abc', group: 'apps', kind: 'deployments' },
  });
  const { resourceVersion: _version, ...metadata } = at(body, 'metadata') as { resourceVersion: string };
  expect((await server.ask(deployment, { method: 'PUT', body: { ...body, metadata } })).status).toBe(200);
  const other = { ...metadata, uid: '00000000-0000-0000-0000-000000000000' };
  expect((await server.ask(deployment, { method: 'PUT', body: { ...body, metadata: other } })).status).toBe(409);
});

test('generation counts changes of the specification only, and nothing is written when nothing changes', async () => {
  const patch = async (body: unknown, path = deployment) =>
    (await server.ask(path, { method: 'PATCH', body, type: 'application/merge-patch+json' })).body;
  const [before, revision] = [(await server.ask(deployment)).body, server.store.revision()];
  expect(await patch({})).toEqual(before);
  expect(await patch({ metadata: { labels: at(before, 'metadata.labels') } })).toEqual(before);
  expect(server.store.revision()).toBe(revision);
  expect(at(await patch({ metadata: { labels: { a: 'b' } } }), 'metadata.generation')).toBe(at(before, 'metadata.generation'));
  expect(at(await patch({ spec: { paused: true } }), 'metadata.generation')).toBe(Number(at(before, 'metadata.generation')) + 1);
  const status = await patch({ status: { readyReplicas: 7 } });
  expect(at(status, 'status.readyReplicas')).toBe(1);
  const viaSubresource = await patch({ status: { readyReplicas: 7 }, spec: { paused: false } }, `${deployment}/status`);
  expect([at(viaSubresource, 'status.readyReplicas'), at(viaSubresource, 'spec.paused')]).toEqual([7, true]);
  expect(at(viaSubresource, 'metadata.generation')).toBe(Number(at(before, 'metadata.generation')) + 1);
});

test('the four kinds of patches', async () => {
  const patch = (type: string, body: unknown, path = deployment) =>
    server.ask(path, { method: 'PATCH', body, type: `application/${type}` });
  const containers = at((await server.ask(deployment)).body, 'spec.template.spec.containers') as object[];
  const strategic = await patch('strategic-merge-patch+json', {
    spec: { template: { spec: { containers: [{ name: 'app', env: [{ name: 'A', value: '1' }] }] } } },
  });
  expect(at(strategic.body, 'spec.template.spec.containers')).toEqual([{ ...containers[0], env: [{ name: 'A', value: '1' }] }]);
  const json = await patch('json-patch+json', [
    { op: 'test', path: '/spec/template/spec/containers/0/env/0/value', value: '1' },
    { op: 'replace', path: '/spec/template/spec/containers/0/env/0/value', value: '2' },
    { op: 'add', path: '/metadata/annotations/a~1b', value: 'c' },
  ]);
  expect(at(json.body, 'spec.template.spec.containers.0.env')).toEqual([{ name: 'A', value: '2' }]);
  expect(at(json.body, 'metadata.annotations') as object).toMatchObject({ 'a/b': 'c' });
  expect((await patch('json-patch+json', [{ op: 'test', path: '/kind', value: 'Pod' }])).status).toBe(422);
  const merge = await patch('merge-patch+json', { metadata: { annotations: { 'a/b': null } } });
  expect(at(merge.body, 'metadata.annotations') as object).not.toHaveProperty('a/b');
  const applied = await patch('apply-patch+yaml', { metadata: { annotations: { x: 'y' } } }, `${deployment}?fieldManager=me`);
  expect(at(applied.body, 'metadata.annotations') as object).toMatchObject({ x: 'y' });
  const gateway = '/apis/networking.istio.io/v1/namespaces/istio-system/gateways/cross-network-gateway';
  expect((await patch('strategic-merge-patch+json', {}, gateway)).body).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' });
  const through = await patch('merge-patch+json', { spec: { selector: { istio: 'x' } } }, gateway.replace('/v1/', '/v1beta1/'));
  expect(through.body).toMatchObject({ apiVersion: 'networking.istio.io/v1beta1', spec: { selector: { istio: 'x' } } });
  expect(server.store.get('Gateway', 'istio-system', 'cross-network-gateway')?.apiVersion).toBe('networking.istio.io/v1');
  expect((await patch('merge-patch+json', {}, `${deployment}x`)).status).toBe(404);
  expect((await patch('unknown+json', {})).status).toBe(415);
});

test('what cannot be changed stays', async () => {
  const patch = async (path: string, body: unknown) => {
    const answer = await server.ask(path, { method: 'PATCH', body, type: 'application/merge-patch+json' });
    return [answer.status, at(answer.body, 'message')];
  };
  expect(await patch(deployment, { spec: { selector: { matchLabels: { app: 'other' } } } })).toEqual([
    422,
    expect.stringContaining(
      'Deployment.apps "abc" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable',
    ),
  ]);
  expect(await patch('/api/v1/namespaces/shop/services/abc', { spec: { clusterIP: '10.96.9.9' } })).toEqual([
    422,
    expect.stringContaining('may not change once set'),
  ]);
  const pod = textIn((await server.ask('/api/v1/namespaces/shop/pods')).body, 'items.0.metadata.name');
  expect((await patch(`/api/v1/namespaces/shop/pods/${pod}`, { spec: { nodeName: 'elsewhere' } }))[0]).toBe(422);
  expect((await patch(`/api/v1/namespaces/shop/pods/${pod}`, { metadata: { uid: 'x' } }))[0]).toBe(409);
  const before = server.store.get('Pod', 'shop', pod);
  expect((await patch(`/api/v1/namespaces/shop/pods/${pod}`, { metadata: { creationTimestamp: '2000-01-01T00:00:00Z' } }))[0]).toBe(200);
  expect(server.store.get('Pod', 'shop', pod)).toEqual(before);
});

test('who wrote a field last owns it', async () => {
  const owners = (body: unknown) =>
    (at(body, 'metadata.managedFields') as { manager: string; fieldsV1: object }[]).map(({ manager, fieldsV1 }) => [manager, fieldsV1]);
  const label = (manager: string, labels: object) =>
    server.ask(`/api/v1/namespaces/shop?fieldManager=${manager}`, {
      method: 'PATCH',
      body: { metadata: { labels } },
      type: 'application/merge-patch+json',
    });
  await label('one', { a: '1', b: '1' });
  await label('two', { a: '2' });
  const field = (...names: string[]) => ({ 'f:metadata': { 'f:labels': Object.fromEntries(names.map((name) => [`f:${name}`, {}])) } });
  expect(owners((await label('wit', { c: '3' })).body)).toEqual([
    ['one', field('b')],
    ['two', field('a')],
    ['wit', field('c')],
  ]);
  expect(owners((await label('four', { a: null })).body)).toEqual([
    ['one', field('b')],
    ['wit', field('c')],
  ]);
});

test('server-side apply: own fields go when they are no longer applied, those of others are conflicts unless forced', async () => {
  const apply = (manager: string, data: object, more = '') =>
    server.ask(`${configMaps}/applied?fieldManager=${manager}${more}`, {
      method: 'PATCH',
      body: configMap('applied', data),
      type: 'application/apply-patch+yaml',
    });
  expect((await apply('one', { a: '1', b: '1' })).status).toBe(201);
  const second = await apply('two', { c: '1' });
  expect([second.status, at(second.body, 'data')]).toEqual([200, { a: '1', b: '1', c: '1' }]);
  expect(at((await apply('one', { a: '1' })).body, 'data')).toEqual({ a: '1', c: '1' });
  const conflict = await apply('two', { a: '2', c: '1' });
  expect(conflict.body).toMatchObject({
    code: 409,
    reason: 'Conflict',
    message: 'Apply failed with 1 conflict: conflict with "one" using v1: .data.a',
    details: { causes: [{ reason: 'FieldManagerConflict', field: '.data.a' }] },
  });
  expect(at((await apply('two', { a: '2', c: '1' }, '&force=true')).body, 'data')).toEqual({ a: '2', c: '1' });
  expect(at((await apply('one', {})).body, 'data')).toEqual({ a: '2', c: '1' });
  const revision = server.store.revision();
  await apply('two', { a: '2', c: '1' });
  expect(server.store.revision()).toBe(revision);
  const nameless = await server.ask(`${configMaps}/x`, { method: 'PATCH', body: {}, type: 'application/apply-patch+yaml' });
  expect(nameless.status).toBe(422);
});

test('scale shows and changes the replicas alone', async () => {
  const shown = await server.ask(`${deployment}/scale`);
  expect(shown.body).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 1 }, status: { selector: 'app=abc' } });
  const scaled = await server.ask(`${deployment}/scale`, { method: 'PUT', body: { ...(shown.body as object), spec: { replicas: 3 } } });
  expect(at(scaled.body, 'spec.replicas')).toBe(3);
  expect(server.store.get('Deployment', 'shop', 'abc')).toMatchObject({ spec: { replicas: 3 } });
  expect((await server.ask(`${deployment}/scale`, { method: 'PUT', body: shown.body })).status).toBe(409);
  const patched = await server.ask(`${deployment}/scale`, {
    method: 'PATCH',
    body: { spec: { replicas: 0 } },
    type: 'application/merge-patch+json',
  });
  expect(at(patched.body, 'spec.replicas')).toBe(0);
});

test('a Service gets an address and node ports that nobody has, and keeps them', async () => {
  const services = '/api/v1/namespaces/shop/services';
  const make = (name: string, spec: object) =>
    server.ask(services, { method: 'POST', body: { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } } });
  const one = await make('one', { type: 'LoadBalancer', selector: { app: 'abc' } });
  const taken = server.store.list('Service').map(({ spec }) => (spec as { clusterIP?: string }).clusterIP);
  const address = textIn(one.body, 'spec.clusterIP');
  expect(taken.filter((other) => other === address)).toHaveLength(1);
  expect(one.body).toMatchObject({
    spec: { clusterIPs: [address], externalTrafficPolicy: 'Cluster', ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }] },
    status: { loadBalancer: {} },
  });
  const port = Number(at(one.body, 'spec.ports.0.nodePort'));
  expect(port).toBeGreaterThanOrEqual(30_000);
  const put = await server.ask(`${services}/one`, {
    method: 'PUT',
    body: { metadata: { name: 'one' }, spec: { type: 'LoadBalancer', ports: [{ port: 80, protocol: 'TCP' }], selector: { app: 'abc' } } },
  });
  expect([at(put.body, 'spec.clusterIP'), at(put.body, 'spec.ports.0.nodePort')]).toEqual([address, port]);
  expect((await make('two', { clusterIP: address })).status).toBe(422);
  expect(at((await make('headless', { clusterIP: 'None' })).body, 'spec.clusterIP')).toBe('None');
});

test('what is deleted takes with it what is in it and what it owns', async () => {
  const gone = await server.ask(deployment, { method: 'DELETE' });
  expect(gone.body).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'abc', group: 'apps', kind: 'deployments' } });
  expect(server.store.list('ReplicaSet').filter(({ metadata }) => metadata.namespace === 'shop')).toEqual([]);
  expect(server.store.list('Pod').filter(({ metadata }) => metadata.namespace === 'shop')).toEqual([]);
  expect((await server.ask(deployment, { method: 'DELETE' })).status).toBe(404);
  await server.ask('/api/v1/namespaces/shop', { method: 'DELETE' });
  expect(server.store.list().filter(({ metadata }) => metadata.namespace === 'shop')).toEqual([]);
  expect((await server.ask('/api/v1/namespaces/shop')).status).toBe(404);
  await server.ask('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gateways.networking.istio.io', { method: 'DELETE' });
  expect(server.store.list('Gateway')).toEqual([]);
});

test('orphans stay, without their owner', async () => {
  const [before] = server.store.list('ReplicaSet').filter(({ metadata }) => metadata.namespace === 'shop');
  await server.ask(deployment, { method: 'DELETE', body: { propagationPolicy: 'Orphan' } });
  const after = server.store.get('ReplicaSet', 'shop', before!.metadata.name);
  expect(after?.metadata).not.toHaveProperty('ownerReferences');
  expect(after?.metadata.uid).toBe(before!.metadata.uid);
});

test('what has finalizers waits for the last of them', async () => {
  const body = { metadata: { name: 'held', finalizers: ['example.com/a'] } };
  await server.ask(configMaps, { method: 'POST', body });
  const marked = await server.ask(`${configMaps}/held`, { method: 'DELETE' });
  expect(marked.body).toMatchObject({ kind: 'ConfigMap', metadata: { deletionTimestamp: created } });
  expect(server.store.get('ConfigMap', 'shop', 'held')).toBeDefined();
  await server.ask(`${configMaps}/held`, {
    method: 'PATCH',
    body: { metadata: { finalizers: null } },
    type: 'application/merge-patch+json',
  });
  expect(server.store.get('ConfigMap', 'shop', 'held')).toBeUndefined();
});

test('preconditions and collections of deletions', async () => {
  await server.ask(configMaps, { method: 'POST', body: { ...configMap('x'), metadata: { name: 'x', labels: { mine: 'yes' } } } });
  const wrong = await server.ask(`${configMaps}/x`, { method: 'DELETE', body: { preconditions: { uid: 'other' } } });
  expect([wrong.status, at(wrong.body, 'message')]).toEqual([
    409,
    expect.stringContaining('Precondition failed: UID in precondition: other'),
  ]);
  const all = await server.ask(`${configMaps}?labelSelector=mine`, { method: 'DELETE' });
  expect(namesIn(all.body)).toEqual(['x']);
  expect(namesIn((await server.ask(configMaps)).body)).not.toContain('x');
  expect((await server.ask('/api/v1/configmaps', { method: 'DELETE' })).status).toBe(405);
});

test('a dry run answers and changes nothing', async () => {
  const revision = server.store.revision();
  const dry = '?dryRun=All';
  expect((await server.ask(`${configMaps}${dry}`, { method: 'POST', body: configMap('dry') })).status).toBe(201);
  const patched = await server.ask(`${deployment}${dry}`, {
    method: 'PATCH',
    body: { spec: { replicas: 9 } },
    type: 'application/merge-patch+json',
  });
  expect(at(patched.body, 'spec.replicas')).toBe(9);
  expect((await server.ask(`${deployment}${dry}`, { method: 'DELETE' })).status).toBe(200);
  expect((await server.ask(`${configMaps}?dryRun=All`, { method: 'DELETE' })).status).toBe(200);
  expect((await server.ask(`${configMaps}?dryRun=Some`, { method: 'POST', body: configMap('dry') })).status).toBe(422);
  const options = { apiVersion: 'v1', kind: 'DeleteOptions' };
  expect((await server.ask(deployment, { method: 'DELETE', body: { ...options, dryRun: ['All'] } })).status).toBe(200);
  expect(server.store.revision()).toBe(revision);
});

test('a deletion that has a body is not read any further: what its query asks for counts for nothing', async () => {
  await server.ask(configMaps, { method: 'POST', body: configMap('meant') });
  const options = { apiVersion: 'v1', kind: 'DeleteOptions' };
  expect((await server.ask(`${configMaps}/meant?dryRun=All`, { method: 'DELETE', body: options })).status).toBe(200);
  expect((await server.ask(`${configMaps}/meant`)).status).toBe(404);
});

test('a definition makes its kind served at once', async () => {
  const body = {
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { kind: 'Thing', plural: 'things' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
        },
      ],
    },
  };
  const definition = await server.ask('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { method: 'POST', body });
  expect(at(definition.body, 'status.conditions.1')).toMatchObject({ type: 'Established', status: 'True' });
  const made = await server.ask('/apis/example.com/v1/namespaces/shop/things', {
    method: 'POST',
    body: { metadata: { name: 'one' }, spec: { size: 3, nothing: null }, status: { ready: true } },
  });
  expect(made.body).toMatchObject({ kind: 'Thing', metadata: { generation: 1 }, spec: { size: 3, nothing: null } });
  expect(made.body).not.toHaveProperty('status');
  const table = await server.ask('/apis/example.com/v1/things', { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
  expect(at(table.body, 'rows.0.cells')).toEqual(['one', 3]);
});

test('Secrets keep texts as other data, tokens of service accounts let them in', async () => {
  const secret = await server.ask('/api/v1/namespaces/shop/secrets', {
    method: 'POST',
    body: { metadata: { name: 's' }, stringData: { a: 'b' } },
  });
  expect(secret.body).toMatchObject({ type: 'Opaque', data: { a: 'Yg==' } });
  expect(secret.body).not.toHaveProperty('stringData');
  const token = await server.ask('/api/v1/namespaces/shop/serviceaccounts/default/token', {
    method: 'POST',
    body: { spec: { expirationSeconds: 600 } },
  });
  expect([token.status, at(token.body, 'status.expirationTimestamp')]).toEqual([201, '2026-11-29T10:30:30Z']);
  const me = await server.ask('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    method: 'POST',
    body: {},
    token: textIn(token.body, 'status.token'),
  });
  expect(at(me.body, 'status.userInfo.username')).toBe('system:serviceaccount:shop:default');
});
