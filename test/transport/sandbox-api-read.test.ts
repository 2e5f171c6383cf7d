import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { request, Agent } from 'undici';
import { at, clientCertificate, eastObjects, keysIn, namesIn, startTestServer, type TestServer, textIn } from '../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

test('every answer tells the time of the server, errors as well', async () => {
  for (const path of ['/version', '/api/v1/pods', '/nothing', '/api/v1/namespaces/none'])
    expect((await server.ask(path)).headers['date']).toBe('Sun, 29 Nov 2026 10:20:30 GMT');
  expect((await server.ask('/api/v1/pods', { token: null })).headers['date']).toBe('Sun, 29 Nov 2026 10:20:30 GMT');
});

test('nobody without a token that is known is answered', async () => {
  for (const token of [null, 'wrong', ''])
    expect((await server.ask('/api/v1/pods', { token })).body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'Unauthorized',
      reason: 'Unauthorized',
      code: 401,
    });
  expect(server.api.requests.at(-1)).toMatchObject({ method: 'GET', path: '/api/v1/pods', user: '', status: 401 });
});

test('a client certificate is a user in its groups; one of another authority is nobody', async () => {
  const other = await startTestServer();
  const ask = async (certificate: { cert: string; key: string }): Promise<{ status: number; body: unknown }> => {
    const dispatcher = new Agent({ connect: { ca: server.ca.cert, cert: certificate.cert, key: certificate.key } });
    const answer = await request(`${server.api.url}/api/v1/namespaces`, { dispatcher });
    const body = await answer.body.json();
    await dispatcher.destroy();
    return { status: answer.statusCode, body };
  };
  expect((await ask(await clientCertificate(server, 'root', ['system:masters']))).status).toBe(200);
  expect(at((await ask(await clientCertificate(server, 'someone', ['a', 'b']))).body, 'message')).toBe(
    'namespaces is forbidden: User "someone" cannot list resource "namespaces" in API group "" at the cluster scope',
  );
  expect((await ask(await clientCertificate(other, 'root', ['system:masters']))).status).toBe(401);
  await other.close();
});

test('a refusal says who may not do what where, as Kubernetes says it', async () => {
  const token = server.users.add('dev', [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }]);
  expect((await server.ask('/api/v1/pods', { token })).status).toBe(200);
  const refused = async (path: string, method?: 'POST' | 'DELETE') =>
    (await server.ask(path, { token, ...(method === undefined ? {} : { method, body: {} }) })).body;
  expect(await refused('/api/v1/namespaces/shop/services')).toMatchObject({
    message: 'services is forbidden: User "dev" cannot list resource "services" in API group "" in the namespace "shop"',
    reason: 'Forbidden',
    details: { kind: 'services' },
    code: 403,
  });
  expect(await refused('/apis/apps/v1/namespaces/shop/deployments/abc')).toMatchObject({
    message:
      'deployments.apps "abc" is forbidden: User "dev" cannot get resource "deployments" in API group "apps" in the namespace "shop"',
    details: { name: 'abc', group: 'apps', kind: 'deployments' },
  });
  expect(at(await refused('/api/v1/pods?watch=1'), 'message')).toContain('cannot watch resource "pods"');
  expect(at(await refused('/api/v1/namespaces/shop/pods', 'DELETE'), 'message')).toContain('cannot deletecollection resource "pods"');
  expect(at(await refused('/apis/apps/v1/namespaces/shop/deployments/abc/scale'), 'message')).toContain('resource "deployments/scale"');
  expect(at(await refused('/metrics'), 'message')).toBe('forbidden: User "dev" cannot get path "/metrics"');
  // Whether a group is served is nobody's business who may not read it.
  expect(at(await refused('/apis/nothing.io/v1/things'), 'message')).toContain('cannot list resource "things" in API group "nothing.io"');
});

test('rights come from roles and bindings in the cluster too, in their namespace only', async () => {
  const token = server.users.add('bound', []);
  const rbac = 'rbac.authorization.k8s.io';
  server.store.put({
    apiVersion: `${rbac}/v1`,
    kind: 'Role',
    metadata: { name: 'read', namespace: 'shop' },
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'], resourceNames: [] }],
  });
  server.store.put({
    apiVersion: `${rbac}/v1`,
    kind: 'RoleBinding',
    metadata: { name: 'read', namespace: 'shop' },
    roleRef: { apiGroup: rbac, kind: 'Role', name: 'read' },
    subjects: [{ kind: 'User', name: 'bound' }],
  });
  expect((await server.ask('/api/v1/namespaces/shop/pods', { token })).status).toBe(200);
  expect((await server.ask('/api/v1/namespaces/default/pods', { token })).status).toBe(403);
  expect((await server.ask('/api/v1/pods', { token })).status).toBe(403);
});

test('the token of a service account is good while its Secret is there', async () => {
  const objects = eastObjects();
  const local = await startTestServer({
    objects: [
      ...objects,
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot', namespace: 'shop' } },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        type: 'kubernetes.io/service-account-token',
        metadata: { name: 'robot', namespace: 'shop', annotations: { 'kubernetes.io/service-account.name': 'robot' } },
        data: { token: Buffer.from('a-token').toString('base64') },
      },
    ],
  });
  const whoami = () => local.ask('/apis/authentication.k8s.io/v1/selfsubjectreviews', { method: 'POST', body: {}, token: 'a-token' });
  expect(at((await whoami()).body, 'status.userInfo')).toEqual({
    username: 'system:serviceaccount:shop:robot',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
  });
  expect(local.store.remove('Secret', 'shop', 'robot')).toBe(true);
  expect((await whoami()).status).toBe(401);
  await local.close();
});

test('a user may be treated as another one by who has the right to', async () => {
  const headers = { 'Impersonate-User': 'jane', 'Impersonate-Group': ['devs', 'ops'] };
  const whoami = (token?: string) =>
    server.ask('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      method: 'POST',
      body: {},
      headers,
      ...(token === undefined ? {} : { token }),
    });
  expect(at((await whoami()).body, 'status.userInfo')).toEqual({ username: 'jane', groups: ['devs', 'ops', 'system:authenticated'] });
  expect(at((await whoami(server.users.add('weak', []))).body, 'message')).toBe(
    'users "jane" is forbidden: User "weak" cannot impersonate resource "users" in API group "" at the cluster scope',
  );
});

test('what is not there is a Status, as is what a built-in group has not; what is not served at all is plain text', async () => {
  expect((await server.ask('/apis/apps/v1/namespaces/shop/deployments/none')).body).toMatchObject({
    message: 'deployments.apps "none" not found',
    reason: 'NotFound',
    details: { name: 'none', group: 'apps', kind: 'deployments' },
    code: 404,
  });
  for (const path of ['/apis/apps/v1beta1/deployments', '/api/v1/things'])
    expect((await server.ask(path)).body).toMatchObject({ message: 'the server could not find the requested resource', code: 404 });
  for (const path of ['/apis/nothing.io/v1/things', '/apis/networking.istio.io/v1/things', '/apis/nothing.io', '/api/v2']) {
    const answer = await server.ask(path);
    expect([answer.status, answer.text, answer.headers['content-type']]).toEqual([
      404,
      '404 page not found\n',
      'text/plain; charset=utf-8',
    ]);
  }
});

test('kinds of definitions are served in all their versions while the definition is there', async () => {
  const local = await startTestServer();
  for (const version of ['v1', 'v1beta1', 'v1alpha3']) {
    const { body } = await local.ask(`/apis/networking.istio.io/${version}/gateways`);
    expect(body).toMatchObject({ kind: 'GatewayList', apiVersion: `networking.istio.io/${version}` });
    expect(at(body, 'items.0')).toMatchObject({ kind: 'Gateway', apiVersion: `networking.istio.io/${version}` });
  }
  expect((await local.ask('/apis/gateway.networking.k8s.io/v1/gateways')).status).toBe(404);
  local.store.remove('CustomResourceDefinition', undefined, 'gateways.networking.istio.io');
  expect((await local.ask('/apis/networking.istio.io/v1/gateways')).text).toBe('404 page not found\n');
  await local.close();
});

test('items of built-in lists do not say what they are', async () => {
  const { body } = await server.ask('/api/v1/namespaces/shop/services');
  expect(body).toMatchObject({ kind: 'ServiceList', apiVersion: 'v1' });
  expect(Object.keys(at(body, 'items.0') as object)).toEqual(['metadata', 'spec', 'status']);
  const one = await server.ask('/api/v1/namespaces/shop/services/abc');
  expect(one.body).toMatchObject({ kind: 'Service', apiVersion: 'v1', metadata: { name: 'abc' } });
});

test('pages are of the list as it was at the first, whatever happens meanwhile', async () => {
  const local = await startTestServer();
  const all = namesIn((await local.ask('/api/v1/serviceaccounts')).body);
  const first = await local.ask('/api/v1/serviceaccounts?limit=10');
  expect(at(first.body, 'metadata.remainingItemCount')).toBe(all.length - 10);
  local.store.put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'new', namespace: 'kube-system' } });
  local.store.remove('ServiceAccount', 'kube-system', all.at(-1)!);
  const seen = [...namesIn(first.body)];
  let token = at(first.body, 'metadata.continue');
  while (typeof token === 'string') {
    const page = await local.ask(`/api/v1/serviceaccounts?limit=10&continue=${token}`);
    expect(at(page.body, 'metadata.resourceVersion')).toBe(at(first.body, 'metadata.resourceVersion'));
    seen.push(...namesIn(page.body));
    token = at(page.body, 'metadata.continue');
  }
  expect(seen).toEqual(all);
  expect(namesIn((await local.ask('/api/v1/serviceaccounts')).body)).toContain('new');
  await local.close();
});

test('selectors hide how many items remain; the newest revision of all is never cut', async () => {
  const selected = await server.ask('/api/v1/serviceaccounts?limit=1&fieldSelector=metadata.namespace=kube-system');
  expect(at(selected.body, 'metadata')).not.toHaveProperty('remainingItemCount');
  expect(at(selected.body, 'metadata')).toHaveProperty('continue');
  expect(at((await server.ask('/api/v1/serviceaccounts?limit=1&resourceVersion=0')).body, 'metadata')).not.toHaveProperty('continue');
  expect((await server.ask('/api/v1/serviceaccounts?continue=nonsense')).status).toBe(400);
  expect(at((await server.ask('/api/v1/pods?resourceVersion=999999999')).body, 'reason')).toBe('Timeout');
});

test('a forgotten page is 410, with a token for the rest as it is now', async () => {
  const local = await startTestServer();
  const first = await local.ask('/api/v1/serviceaccounts?limit=20');
  // Only so many lists are kept.
  for (let index = 0; index < 100; index++) {
    local.store.put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: `sa-${index}`, namespace: 'default' } });
    await local.ask('/api/v1/serviceaccounts?limit=1');
  }
  const late = await local.ask(`/api/v1/serviceaccounts?limit=500&continue=${textIn(first.body, 'metadata.continue')}`);
  expect([late.status, at(late.body, 'reason')]).toEqual([410, 'Expired']);
  const rest = await local.ask(`/api/v1/serviceaccounts?limit=500&continue=${textIn(late.body, 'metadata.continue')}`);
  expect(rest.status).toBe(200);
  const all = keysIn((await local.ask('/api/v1/serviceaccounts')).body);
  const last = keysIn(first.body).at(-1) ?? '';
  expect(keysIn(rest.body)).toEqual(all.slice(all.indexOf(last) + 1));
  expect(keysIn(rest.body)).not.toContain('default/sa-0');
  local.store.put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'late', namespace: 'shop' } });
  const again = await local.ask(`/api/v1/serviceaccounts?continue=${textIn(late.body, 'metadata.continue')}`);
  expect(keysIn(again.body)).toContain('shop/late');
  await local.close();
});

test('labels and fields select', async () => {
  const names = async (path: string) => namesIn((await server.ask(path)).body);
  const services = '/api/v1/services?labelSelector=';
  expect(await names(`${services}${encodeURIComponent('istio=eastwestgateway')}`)).toEqual(['istio-eastwestgateway']);
  expect(await names(`${services}${encodeURIComponent('istio in (eastwestgateway, ingressgateway),istio!=ingressgateway')}`)).toEqual([
    'istio-eastwestgateway',
  ]);
  expect(await names(`${services}topology.istio.io/network`)).toEqual(['istio-eastwestgateway']);
  expect(await names(`${services}${encodeURIComponent('istio notin (eastwestgateway,ingressgateway,pilot),!component')}`)).toContain('abc');
  expect((await server.ask(`${services}${encodeURIComponent('a in b')}`)).status).toBe(400);
  expect(await names('/api/v1/pods?fieldSelector=metadata.namespace=shop,status.phase=Running')).toHaveLength(1);
  expect(await names('/api/v1/pods?fieldSelector=status.phase!=Running')).toEqual([]);
  expect(await names('/api/v1/secrets?fieldSelector=type!=istio.io/ca-root,metadata.name=cacerts')).toEqual(
    (await names('/api/v1/secrets')).filter((name) => name === 'cacerts'),
  );
  expect((await server.ask('/api/v1/pods?fieldSelector=spec.containers=x')).body).toMatchObject({
    code: 400,
    reason: 'BadRequest',
    message: 'field label not supported: spec.containers',
  });
  expect((await server.ask('/api/v1/services?fieldSelector=status.phase=Running')).status).toBe(400);
});

test('the first acceptable form is given', async () => {
  const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
  const list = await server.ask('/api/v1/namespaces/shop/pods', { accept });
  expect(list.body).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' });
  expect(Object.keys(at(list.body, 'items.0') as object)).toEqual(['kind', 'apiVersion', 'metadata']);
  const one = await server.ask('/api/v1/namespaces/shop', { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' });
  expect(one.body).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'shop' } });
  const table = await server.ask('/api/v1/namespaces/shop/pods', {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
  });
  expect(table.body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
  expect(at(table.body, 'rows.0.cells.1')).toBe('2/2');
  const yaml = await server.ask('/api/v1/namespaces/shop', { accept: 'application/yaml' });
  expect(yaml.headers['content-type']).toBe('application/yaml');
  expect(yaml.text).toContain('kind: Namespace\n');
  // In protobuf there is only what this program reads of kinds with many objects: who takes JSON as well gets that.
  const either = await server.ask('/api/v1/pods', { accept: 'application/vnd.kubernetes.protobuf, application/json' });
  expect([either.status, either.headers['content-type']]).toEqual([200, 'application/json']);
  const protobuf = await server.ask('/api/v1/pods', { accept: 'application/vnd.kubernetes.protobuf' });
  expect([protobuf.status, protobuf.headers['content-type']]).toEqual([200, 'application/vnd.kubernetes.protobuf']);
  expect((await server.ask('/api/v1/configmaps', { accept: 'application/vnd.kubernetes.protobuf' })).status).toBe(406);
});

test('only large bodies are compressed, for who takes that', async () => {
  const encoded = async (path: string, encoding: string) => {
    const dispatcher = new Agent({ connect: { ca: server.ca.cert } });
    const headers = { authorization: `Bearer ${server.users.tokens.get('admin')}`, 'accept-encoding': encoding };
    const answer = await request(`${server.api.url}${path}`, { dispatcher, headers });
    const body = Buffer.from(await answer.body.arrayBuffer());
    await dispatcher.destroy();
    return { coding: answer.headers['content-encoding'], body };
  };
  const many = Array.from({ length: 300 }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `large-${index}`, namespace: 'default' },
    data: { text: 'x'.repeat(500) },
  }));
  for (const object of many) server.store.put(object);
  const large = await encoded('/api/v1/configmaps', 'gzip');
  expect(large.coding).toBe('gzip');
  expect(JSON.parse(gunzipSync(large.body).toString())).toMatchObject({ kind: 'ConfigMapList' });
  expect((await encoded('/api/v1/configmaps', 'identity')).coding).toBeUndefined();
  expect((await encoded('/api/v1/configmaps', 'br, gzip;q=0')).coding).toBeUndefined();
  expect((await encoded('/version', 'gzip')).coding).toBeUndefined();
});

test('discovery in both forms names the same', async () => {
  const aggregated = await server.ask('/apis', { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' });
  expect(aggregated.headers['content-type']).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
  expect(aggregated.body).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' });
  const groups = at((await server.ask('/apis')).body, 'groups') as { name: string; versions: { version: string }[] }[];
  expect(groups.map(({ name }) => name)).toEqual(
    (at(aggregated.body, 'items') as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name),
  );
  expect(groups.find(({ name }) => name === 'networking.istio.io')?.versions.map(({ version }) => version)).toEqual([
    'v1',
    'v1beta1',
    'v1alpha3',
  ]);
  for (const { name, versions } of groups)
    for (const { version } of versions) {
      const listed = at((await server.ask(`/apis/${name}/${version}`)).body, 'resources') as { name: string }[];
      const item = (at(aggregated.body, 'items') as { metadata: { name: string }; versions: { version: string; resources: object[] }[] }[])
        .find(({ metadata }) => metadata.name === name)
        ?.versions.find((one) => one.version === version);
      expect(item?.resources).toHaveLength(listed.filter((one) => !one.name.includes('/')).length);
    }
  expect((await server.ask('/api')).body).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
});

test('questions about oneself are answered with 201', async () => {
  const token = server.users.add('asker', [{ apiGroups: [''], resources: ['pods', 'pods/portforward'], verbs: ['get', 'create'] }]);
  const may = async (attributes: object) => {
    const body = { spec: { resourceAttributes: attributes } };
    const answer = await server.ask('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { method: 'POST', body, token });
    expect(answer.status).toBe(201);
    return at(answer.body, 'status.allowed');
  };
  expect(await may({ verb: 'create', resource: 'pods', subresource: 'portforward' })).toBe(true);
  expect(await may({ verb: 'list', resource: 'pods' })).toBe(false);
  expect(await may({ verb: 'get', group: 'apps', resource: 'pods' })).toBe(false);
  const rules = await server.ask('/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
    method: 'POST',
    body: { spec: { namespace: 'shop' } },
    token,
  });
  expect(rules.body).toMatchObject({ status: { incomplete: true } });
  expect(at(rules.body, 'status.resourceRules')).toContainEqual({
    verbs: ['get', 'create'],
    apiGroups: [''],
    resources: ['pods', 'pods/portforward'],
  });
});

test('connections are kept, and handshakes counted', async () => {
  const local = await startTestServer();
  for (let index = 0; index < 5; index++) await local.ask('/version');
  expect(local.api.handshakes()).toBe(1);
  expect(local.api.requests.map(({ path, status, user }) => [path, status, user])).toEqual(
    Array.from({ length: 5 }, () => ['/version', 200, 'admin']),
  );
  await local.close();
});
