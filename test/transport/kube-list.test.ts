import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { openConnection, type ConnectionOptions } from '../../src/kube/connect.ts';
import type { Connection, ListRequest, RequestRecord } from '../../src/kube/connection.ts';
import type { ClusterTarget } from '../../src/kube/target.ts';
import { clusterName } from '../../src/model/ids.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import { protobufType } from '../../src/model/protobuf.ts';
import { protobufList, protobufStatus } from '../../src/sandbox/server/protobuf-answer.ts';
import { type ApiServer, type Handler, json, startApiServer, statusBody } from '../support/kube-server.ts';
import { patient } from '../support/kube-files.ts';
import { keepingSink, targetOf } from '../support/kube-target.ts';

let server: ApiServer;
const open: Connection[] = [];
const waits: number[] = [];
beforeAll(async () => {
  server = await startApiServer();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
  waits.length = 0;
});
afterAll(() => server.close());

function connect(options: ConnectionOptions = {}, more: Partial<ClusterTarget> = {}): Connection {
  const connection = openConnection(targetOf(server, more), {
    env: {},
    sleep: (milliseconds) => {
      waits.push(milliseconds);
      return Promise.resolve();
    },
    ...options,
  });
  open.push(connection);
  return connection;
}

const pods: ListRequest = { group: '', version: 'v1', resource: 'pods', kind: 'Pod' };
const pod = (name: string): Record<string, unknown> => ({ metadata: { name } });
const page = (names: readonly string[], next?: string): Record<string, unknown> => ({
  kind: 'PodList',
  apiVersion: 'v1',
  metadata: { resourceVersion: '1', ...(next === undefined ? {} : { continue: next }) },
  items: names.map(pod),
});
const namesOf = (items: readonly Readonly<Record<string, unknown>>[]): string[] =>
  items.map((item) => (item['metadata'] as { name: string }).name);

/** Answers one request after the other; the last answer again and again. Gives the requests of this script. */
function script(...handlers: Handler[]): { readonly paths: () => string[] } {
  let next = 0;
  const before = server.requests.length;
  server.handle((arrived, response) => {
    const handler = handlers[Math.min(next++, handlers.length - 1)];
    if (handler === undefined) throw new Error('no answer');
    handler(arrived, response);
  });
  return { paths: () => server.requests.slice(before).map(({ path }) => path) };
}

const answers =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    json(response, body, status, headers);
const says =
  (status: number, contentType: string, body: string, headers: Record<string, string> = {}): Handler =>
  (_, response) => {
    response.writeHead(status, { 'content-type': contentType, ...headers });
    response.end(body);
  };

/** Answers that never come whole. */
const whole = JSON.stringify(page(['a', 'b']));
const head = (response: ServerResponse, headers: Record<string, string> = {}): void => {
  response.writeHead(200, { 'content-type': 'application/json', ...headers });
};
const faults: Readonly<Record<string, Handler>> = {
  'cut by a reset': (_, response) => {
    head(response, { 'content-length': String(whole.length) });
    response.write(whole.slice(0, 40), () => server.reset(response));
  },
  'cut by a close': (_, response) => {
    head(response, { 'content-length': String(whole.length) });
    response.write(whole.slice(0, 40), () => response.socket?.end());
  },
  'cut in the middle of a chunked body': (_, response) => {
    head(response);
    response.write(whole.slice(0, 40), () => response.socket?.destroy());
  },
  'ended early but cleanly': (_, response) => {
    head(response);
    response.end(whole.slice(0, 40));
  },
  'gzip cut': (_, response) => {
    head(response, { 'content-encoding': 'gzip' });
    response.end(gzipSync(whole).subarray(0, -12));
  },
  'reset without an answer': (_, response) => {
    server.reset(response);
  },
};

describe('pages', () => {
  test('all of them, by token, with selectors', async () => {
    const asked = script(answers(page(['a', 'b'], 'to/ken=')), answers(page(['c'], 'second')), answers(page([])));
    const sink = keepingSink();
    const request = { ...pods, namespace: 'istio-system', labelSelector: 'app=istiod', fieldSelector: 'metadata.name=x' };
    expect(await connect().list(request, sink)).toEqual({ status: 'read', value: { items: 3, pages: 3 } });
    expect(namesOf(sink.items)).toEqual(['a', 'b', 'c']);
    const query = 'limit=500&labelSelector=app%3Distiod&fieldSelector=metadata.name%3Dx';
    expect(asked.paths()).toEqual([
      `/api/v1/namespaces/istio-system/pods?${query}`,
      `/api/v1/namespaces/istio-system/pods?${query}&continue=to%2Fken%3D`,
      `/api/v1/namespaces/istio-system/pods?${query}&continue=second`,
    ]);
  });

  test('items of built-in kinds are given what they leave out; custom ones keep what they say', async () => {
    script(answers({ metadata: {}, items: [pod('a'), { ...pod('b'), apiVersion: 'x/v9', kind: 'Own' }, 'nonsense', null] }));
    const sink = keepingSink();
    await connect().list({ group: 'apps', version: 'v1', resource: 'deployments', kind: 'Deployment' }, sink);
    expect(sink.items).toEqual([
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } },
      { apiVersion: 'x/v9', kind: 'Own', metadata: { name: 'b' } },
    ]);
  });

  test('an empty list may be null', async () => {
    script(answers({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: null }));
    expect(await connect().list(pods, keepingSink())).toEqual({ status: 'read', value: { items: 0, pages: 1 } });
  });

  test('the next page is asked for before this one is handed over', async () => {
    const order: string[] = [];
    server.handle(({ path }, response) => {
      order.push(path.includes('continue') ? 'second asked' : 'first asked');
      json(response, path.includes('continue') ? page(['b']) : page(['a'], 't'));
    });
    const connection = connect({ onRequest: ({ path }) => void order.push(path.includes('continue') ? 'second there' : 'first there') });
    await connection.list(pods, { item: (item) => void order.push(namesOf([item])[0] ?? ''), restart: () => undefined });
    expect(order.indexOf('a')).toBeLessThan(order.indexOf('second there'));
    expect(order.slice(0, 2)).toEqual(['first asked', 'first there']);
  });

  test('below a path, as a proxy for clusters serves them', async () => {
    const asked = script(answers(page(['a'])));
    await connect({}, { server: `${server.url}/k8s/clusters/c-1/` }).list(pods, keepingSink());
    expect(asked.paths()).toEqual(['/k8s/clusters/c-1/api/v1/pods?limit=500']);
  });
});

describe('metadata only', () => {
  const asMetadata = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a' } };
  const request = { ...pods, metadataOnly: true };

  test('items keep the kind of the resource', async () => {
    const before = server.requests.length;
    script(answers({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata: {}, items: [asMetadata] }));
    const sink = keepingSink();
    await connect().list(request, sink);
    expect(sink.items).toEqual([{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } }]);
    expect(server.requests[before]?.headers.accept).toBe(
      'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
    );
  });

  test('a server that does not know that form is asked for whole objects', async () => {
    const before = server.requests.length;
    script(answers(statusBody(406, 'NotAcceptable', 'only application/json'), 406), answers(page(['a'])));
    expect(await connect().list(request, keepingSink())).toMatchObject({ status: 'read' });
    expect(server.requests.slice(before).map(({ headers }) => headers.accept)[1]).toBe('application/json');
  });
});

describe('a list in protobuf', () => {
  const message = { 1: { name: 'metadata', holds: { 1: { name: 'name', holds: 'text' } } } } as const;
  const request: ListRequest = { ...pods, message };
  const objects = (names: readonly string[]): KubeObject[] => names.map((name) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name } }));
  const bytes = protobufList('Pod', 'v1', { resourceVersion: '1' }, objects(['a', 'b']), message);
  const inProtobuf =
    (body: Buffer, headers: Record<string, string> = {}): Handler =>
    (_, response) => {
      response.writeHead(200, { 'content-type': protobufType, ...headers });
      response.end(body);
    };

  test('is one answer', async () => {
    const asked = script(inProtobuf(bytes));
    const sink = keepingSink();
    expect(await connect().list(request, sink)).toEqual({ status: 'read', value: { items: 2, pages: 1 } });
    expect(sink.items).toEqual(['a', 'b'].map((name) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name } })));
    expect([asked.paths(), server.requests.at(-1)?.headers.accept]).toEqual([['/api/v1/pods'], protobufType]);
  });

  test('may come compressed', async () => {
    script(inProtobuf(gzipSync(bytes), { 'content-encoding': 'gzip' }));
    const sink = keepingSink();
    expect(await connect().list(request, sink)).toMatchObject({ status: 'read', value: { items: 2 } });
    expect(namesOf(sink.items)).toEqual(['a', 'b']);
  });

  test.each([
    ['cut between items', inProtobuf(bytes.subarray(0, -6))],
    ['cut and compressed', inProtobuf(gzipSync(bytes).subarray(0, -9), { 'content-encoding': 'gzip' })],
    ['something else', inProtobuf(Buffer.from('{"items":[]}'))],
  ])('begins again when it was %s', async (_, handler) => {
    script(handler, inProtobuf(bytes));
    const sink = keepingSink();
    expect(await connect().list(request, sink)).toMatchObject({ status: 'read', value: { items: 2 } });
    expect(namesOf(sink.items)).toEqual(['a', 'b']);
  });

  test('that never comes whole is a failure', async () => {
    script(inProtobuf(bytes.subarray(0, -6)));
    expect(await connect().list(request, keepingSink())).toMatchObject({ status: 'failed', code: 'reset' });
  });

  test('is read in pages of JSON where the server has none', async () => {
    const refusal = answers(statusBody(406, 'NotAcceptable', 'only application/json'), 406);
    const asked = script(refusal, answers(page(['a'], 't')), answers(page(['b'])));
    const sink = keepingSink();
    expect(await connect().list(request, sink)).toMatchObject({ status: 'read', value: { items: 2, pages: 2 } });
    expect(asked.paths().slice(1)).toEqual(['/api/v1/pods?limit=500', '/api/v1/pods?limit=500&continue=t']);
  });

  test('is taken in JSON where that comes although nobody asked for it', async () => {
    script(answers(page(['a', 'b'])));
    const sink = keepingSink();
    expect(await connect().list(request, sink)).toMatchObject({ status: 'read', value: { items: 2 } });
    expect(namesOf(sink.items)).toEqual(['a', 'b']);
  });

  test('is refused in protobuf, too', async () => {
    const status = statusBody(
      403,
      'Forbidden',
      'pods is forbidden: User "u" cannot list resource "pods" in API group "" at the cluster scope',
    );
    const { body } = protobufStatus({ code: 403, contentType: 'application/json', body: JSON.stringify(status) });
    script((_, response) => {
      response.writeHead(403, { 'content-type': protobufType });
      response.end(body);
    });
    expect(await connect().list(request, keepingSink())).toEqual({ status: 'forbidden', verb: 'list', resource: 'pods' });
  });

  test('what goes wrong with an item is not laid at the door of the server', async () => {
    script(inProtobuf(bytes));
    const sink = {
      item: () => {
        throw new TypeError('no room');
      },
      restart: () => undefined,
    };
    await expect(connect().list(request, sink)).rejects.toThrow('no room');
  });
});

describe('compression is work on both sides, worth it over a long way', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test.each([
    ['a connection that takes 3 ms', 3, 40, ['gzip', undefined]],
    ['a connection that takes 40 ms, and answers as late', 40, 40, ['gzip', 'gzip']],
    // The first handshake of a busy machine takes long whatever the way.
    ['a connection that takes 40 ms, and an answer after 4 ms', 40, 4, ['gzip', undefined]],
  ])('%s', async (_, milliseconds, toAnswer, codings) => {
    let now = 0;
    let today = Date.now();
    // Once as a connection begins, once when it is there.
    vi.spyOn(performance, 'now').mockImplementation(() => (now += milliseconds));
    // Once as a request leaves, once when it is answered.
    vi.spyOn(Date, 'now').mockImplementation(() => (today += toAnswer));
    script(answers(page(['a'], 't')), answers(page(['b'])));
    const before = server.requests.length;
    expect(await connect().list(pods, keepingSink())).toMatchObject({ status: 'read', value: { pages: 2 } });
    expect(server.requests.slice(before).map(({ headers }) => headers['accept-encoding'])).toEqual(codings);
  });
});

describe('compression', () => {
  const zipped: Handler = ({ headers }, response) => {
    const isWanted = headers['accept-encoding'] === 'gzip';
    response.writeHead(200, { 'content-type': 'application/json', ...(isWanted ? { 'content-encoding': 'gzip' } : {}) });
    response.end(isWanted ? gzipSync(whole) : whole);
  };
  test('is asked for, and its bytes are those of the wire', async () => {
    script(zipped);
    const records: RequestRecord[] = [];
    const sink = keepingSink();
    await connect({ onRequest: (record) => void records.push(record) }).list(pods, sink);
    expect(namesOf(sink.items)).toEqual(['a', 'b']);
    expect(records[0]?.bytes).toBe(gzipSync(whole).length);
  });

  // As kubectl: disable-compression is honoured.
  test('is not asked for where the kubeconfig does not want it', async () => {
    script(zipped);
    const records: RequestRecord[] = [];
    await connect({ onRequest: (record) => void records.push(record) }, { disableCompression: true }).list(pods, keepingSink());
    expect([server.requests.at(-1)?.headers['accept-encoding'], records[0]?.bytes]).toEqual([undefined, whole.length]);
  });
});

describe('an answer that does not come whole is asked for again, the page alone', () => {
  test.each(Object.entries(faults))('%s', async (_, fault) => {
    const asked = script(answers(page(['first'], 't')), fault, fault, answers(page(['a', 'b'])));
    const sink = keepingSink();
    expect(await connect().list(pods, sink)).toEqual({ status: 'read', value: { items: 3, pages: 2 } });
    expect(namesOf(sink.items)).toEqual(['first', 'a', 'b']);
    expect(asked.paths().map((path) => path.includes('continue=t'))).toEqual([false, true, true, true]);
    expect(server.requests.at(-1)?.headers.range).toBeUndefined();
    expect(waits).toEqual([200, 400]);
  });

  test.each(Object.entries(faults))('and given up at last: %s', async (_, fault) => {
    const asked = script(fault);
    const result = await connect().list(pods, keepingSink());
    expect(result).toMatchObject({ status: 'failed', code: 'reset' });
    expect(result).toHaveProperty(
      'reason',
      expect.stringMatching(/^the (?:connection was closed by|(?:compressed )?answer of) 127\.0\.0\.1:\d+( was cut)?$/),
    );
    expect(asked.paths()).toHaveLength(3);
  });
});

describe('a server that is silent', () => {
  const silent: Handler = () => undefined;
  const stalled: Handler = (_, response) => {
    head(response, { 'content-length': String(whole.length) });
    response.write(whole.slice(0, 40));
  };
  test.each([
    ['without an answer', silent, /^no answer from 127\.0\.0\.1:\d+ within 400ms$/],
    ['in the middle of one', stalled, /^the answer of 127\.0\.0\.1:\d+ was not complete after 400ms \(1 KiB of it\)$/],
  ])('%s: once more, when it has answered before', async (_, fault, reason) => {
    script(answers({}), fault, answers(page(['a'])));
    const connection = connect({ requestTimeout: 400 });
    await connection.get('/version');
    expect(await connection.list(pods, keepingSink())).toMatchObject({ status: 'read' });
    const asked = script(fault);
    expect(await connection.list(pods, keepingSink())).toEqual({
      status: 'failed',
      code: 'timeout',
      reason: expect.stringMatching(reason) as string,
    });
    expect(asked.paths()).toHaveLength(2);
  });

  test('at first contact it is waited for once only', async () => {
    const asked = script(silent);
    expect(await connect({ requestTimeout: 400 }).get('/version')).toMatchObject({ status: 'failed', code: 'timeout' });
    expect(asked.paths()).toHaveLength(1);
  });
});

describe('a server that asks to come later', () => {
  const busy = says(429, 'text/plain', 'Too many requests, please try again later.\n', { 'retry-after': '1' });

  test('is asked again after the time it says', async () => {
    script(
      busy,
      says(503, 'application/json', JSON.stringify(statusBody(503, 'ServiceUnavailable', 'shutting down')), { 'retry-after': '5' }),
      answers(page(['a'])),
    );
    expect(await connect().list(pods, keepingSink())).toMatchObject({ status: 'read' });
    expect(waits).toEqual([1000, 5000]);
  });

  test('ten times', async () => {
    const asked = script(busy);
    expect(await connect().list(pods, keepingSink())).toEqual({
      status: 'failed',
      code: 'throttled',
      reason: '127.0.0.1 answered 429: Too many requests, please try again later',
    });
    expect(asked.paths()).toHaveLength(10);
  });

  test('but not for an hour, and not without a time', async () => {
    const hour = script(says(429, 'text/plain', 'later', { 'retry-after': '3600' }));
    expect(await connect().get('/a')).toMatchObject({ code: 'throttled' });
    expect(hour.paths()).toHaveLength(1);
    const untimed = script(says(429, 'text/plain', 'later'));
    expect(await connect().get('/a')).toMatchObject({ code: 'throttled' });
    expect(untimed.paths()).toHaveLength(1);
  });

  test('the end of the run ends the waiting', async () => {
    script(busy);
    const patient = openConnection(targetOf(server), { env: {}, signal: AbortSignal.timeout(50) });
    open.push(patient);
    expect(await patient.get('/a')).toEqual({ status: 'failed', code: 'timeout', reason: 'the time for the whole run was over' });
  });

  test('5xx without a time: once more when it came from in between', async () => {
    const between = script(says(502, 'text/html', '<html>Bad gateway</html>'), answers({ ok: true }));
    expect(await connect().get('/a')).toMatchObject({ status: 'read' });
    expect(between.paths()).toHaveLength(2);
    const own = script(answers(statusBody(500, 'InternalError', 'etcd'), 500));
    expect(await connect().get('/a')).toEqual({ status: 'failed', code: 'server-error', reason: '127.0.0.1 answered 500: etcd' });
    expect(own.paths()).toHaveLength(1);
  });
});

describe('an expired continue token', () => {
  const expired = (token?: string): Handler =>
    answers(statusBody(410, 'Expired', 'The provided continue parameter is too old', token === undefined ? {} : { continue: token }), 410);

  test('is exchanged for the rest as it is now', async () => {
    const asked = script(answers(page(['a'], 'old')), expired('rest'), answers(page(['b'])));
    const sink = keepingSink();
    expect(await connect().list(pods, sink)).toEqual({ status: 'read', value: { items: 2, pages: 2 } });
    expect([namesOf(sink.items), sink.restarts()]).toEqual([['a', 'b'], 0]);
    expect(asked.paths()[2]).toContain('continue=rest');
  });

  test('without an offer the list begins again, and what was given is forgotten', async () => {
    script(answers(page(['a'], 'old')), expired(), answers(page(['a', 'b'], 'new')), answers(page(['c'])));
    const sink = keepingSink();
    expect(await connect().list(pods, sink)).toEqual({ status: 'read', value: { items: 3, pages: 2 } });
    expect([namesOf(sink.items), sink.restarts()]).toEqual([['a', 'b', 'c'], 1]);
  });

  test('twice is too often', async () => {
    script(answers(page(['a'], 'old')), expired(), answers(page(['a'], 'new')), expired());
    const sink = keepingSink();
    expect(await connect().list(pods, sink)).toEqual({
      status: 'failed',
      code: 'server-error',
      reason: 'the list changed faster than it could be read: its continue token expired again',
    });
    expect(sink.restarts()).toBe(1);
  });
});

describe('a list without end', () => {
  test('a token that leads to itself', async () => {
    const asked = script(answers(page(['a'], 'same')));
    expect(await connect().list(pods, keepingSink())).toEqual({
      status: 'failed',
      code: 'server-error',
      reason: 'the list has no end: its continue token leads to itself',
    });
    expect(asked.paths()).toHaveLength(2);
  });

  test('a token that is exchanged for ever', async () => {
    const asked = script(answers(statusBody(410, 'Expired', 'old', { continue: 'next' }), 410));
    expect(await connect().list(pods, keepingSink())).toMatchObject({ status: 'failed', code: 'server-error' });
    expect(asked.paths()).toHaveLength(6);
  });
});

describe('what is not there, and what is not allowed', () => {
  const deployments: ListRequest = { group: 'apps', version: 'v1', resource: 'deployments', kind: 'Deployment' };

  test('404 as text or as Status is absence', async () => {
    script(says(404, 'text/plain; charset=utf-8', '404 page not found\n'), answers(statusBody(404, 'NotFound', 'no'), 404));
    expect(await connect().list(pods, keepingSink())).toEqual({ status: 'absent' });
    expect(await connect().get('/apis/x')).toEqual({ status: 'absent' });
  });

  test('404 as a web page is not: some other server said that', async () => {
    script(says(404, 'text/html', '<h1>Not found</h1>'));
    expect(await connect().get('/apis/x')).toMatchObject({ status: 'failed', code: 'proxy' });
  });

  test('403 names the right that is missing', async () => {
    script(
      answers(
        statusBody(
          403,
          'Forbidden',
          'deployments.apps is forbidden: User "x" cannot list resource "deployments" in API group "apps" at the cluster scope',
        ),
        403,
      ),
    );
    expect(await connect().list(deployments, keepingSink())).toEqual({ status: 'forbidden', verb: 'list', resource: 'deployments.apps' });
    script(answers(statusBody(403, 'Forbidden', 'no'), 403));
    expect(await connect().list(deployments, keepingSink())).toEqual({ status: 'forbidden', verb: 'list', resource: 'deployments.apps' });
    expect(await connect().get('/api/v1/namespaces/a/pods/b', { resource: 'pods' })).toEqual({
      status: 'forbidden',
      verb: 'get',
      resource: 'pods',
    });
    expect(await connect().get('/version')).toEqual({ status: 'forbidden', verb: 'get', resource: '/version' });
  });

  test('403 of something else than an API server is no missing right', async () => {
    script(says(403, 'text/plain', 'blocked by policy'));
    expect(await connect().get('/version')).toEqual({
      status: 'failed',
      code: 'forbidden',
      reason: '127.0.0.1 answered 403: blocked by policy',
    });
  });

  test('401 is a failure', async () => {
    script(answers(statusBody(401, 'Unauthorized', 'Unauthorized'), 401));
    expect(await connect().list(pods, keepingSink())).toEqual({
      status: 'failed',
      code: 'unauthorized',
      reason: '127.0.0.1 did not accept the credentials (401)',
    });
  });
});

describe('something in between answers', () => {
  test.each([
    ['a login page', says(200, 'text/html; charset=utf-8', '<html>Log in</html>'), 'proxy', /answered 200 with a web page/],
    [
      'a redirect',
      says(302, 'text/plain', '', { location: 'https://login.corp/x?token=abc' }),
      'proxy',
      /answered 302 and sends clients to login\.corp, /,
    ],
    ['text', says(200, 'text/plain', 'ok'), 'server-error', /answered with text\/plain instead of JSON/],
    ['nothing', says(204, '', ''), 'server-error', /answered with no content type instead of JSON/],
    ['JSON that is no list', answers({ ok: true }), 'server-error', /^the answer to a list is no list$/],
    ['a list of JSON', answers([1]), 'server-error', /^the answer to a list is no list$/],
  ])('%s', async (_, answer, code, reason) => {
    script(answer);
    expect(await connect().list(pods, keepingSink())).toEqual({ status: 'failed', code, reason: expect.stringMatching(reason) as string });
  });
});

describe('access reviews', () => {
  test('the question, and its answer', async () => {
    script(({ body }, response) => json(response, { status: { allowed: body.includes('"verb":"list"') } }, 201));
    const connection = connect();
    const right = { verb: 'list', group: 'apps', resource: 'deployments', namespace: 'n' };
    expect(await connection.mayI(right)).toEqual({ status: 'read', value: true });
    expect(await connection.mayI({ verb: 'create', resource: 'pods', subresource: 'portforward' })).toEqual({
      status: 'read',
      value: false,
    });
    const [first] = server.requests.slice(-2);
    expect([first?.method, first?.path, first?.headers['content-type']]).toEqual([
      'POST',
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      'application/json',
    ]);
    expect(JSON.parse(first?.body ?? '')).toEqual({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: right },
    });
  });

  test('refused, or answered with something else', async () => {
    script(answers(statusBody(403, 'Forbidden', 'no'), 403), answers({ ok: true }, 201));
    const connection = connect();
    expect(await connection.mayI({ verb: 'list', resource: 'pods' })).toEqual({
      status: 'forbidden',
      verb: 'create',
      resource: 'selfsubjectaccessreviews.authorization.k8s.io',
    });
    expect(await connection.mayI({ verb: 'list', resource: 'pods' })).toMatchObject({ status: 'failed', code: 'server-error' });
  });
});

describe('the clock of the server', () => {
  test('is what its newest answer says', async () => {
    const ahead = new Date(Date.now() - 90_000).toUTCString();
    script(answers({}, 200, { date: ahead }));
    const connection = connect();
    expect(connection.clock()).toBeUndefined();
    await connection.get('/version');
    expect(connection.clock()?.now).toBe(new Date(Date.parse(ahead)).toISOString().replace('.000Z', 'Z'));
    expect([89, 90, 91]).toContain(connection.clock()?.aheadSeconds);
  });

  test('is not what a login page says', async () => {
    script(says(200, 'text/html', 'x'));
    const connection = connect();
    await connection.get('/version');
    expect(connection.clock()).toBeUndefined();
  });
});

describe('records', () => {
  test('one for each request, without headers and bodies', async () => {
    script(faults['reset without an answer'] as Handler, answers({ a: 1 }));
    const records: RequestRecord[] = [];
    const connection = connect(
      { name: clusterName('east'), onRequest: (record) => void records.push(record) },
      { credential: { kind: 'token', token: 'planted-secret' } },
    );
    await connection.get('/version?x=y');
    expect(records.map(({ milliseconds, ...record }) => ({ ...record, isTimed: milliseconds >= 0 }))).toEqual([
      { cluster: 'east', method: 'GET', path: '/version?x=y', status: 0, bytes: 0, attempt: 1, isTimed: true },
      { cluster: 'east', method: 'GET', path: '/version?x=y', status: 200, bytes: 7, attempt: 2, isTimed: true },
    ]);
    expect(JSON.stringify(records)).not.toContain('planted-secret');
  });
});

describe('the end of a run', () => {
  const never: Handler = () => undefined;
  test('somebody ends it', async () => {
    script(never);
    const controller = new AbortController();
    const result = connect({ signal: controller.signal }).list(pods, keepingSink());
    await expect.poll(() => server.requests.at(-1)?.path, patient).toBe('/api/v1/pods?limit=500');
    controller.abort();
    expect(await result).toEqual({ status: 'failed', code: 'interrupted', reason: 'the run was interrupted' });
  });

  test('its time is over', async () => {
    script(never);
    expect(await connect({ signal: AbortSignal.timeout(40) }).get('/a')).toEqual({
      status: 'failed',
      code: 'timeout',
      reason: 'the time for the whole run was over',
    });
  });

  test('the signal of one call ends that call', async () => {
    server.handle(({ path }, response) => {
      if (path === '/b') json(response, {});
    });
    const connection = connect();
    const controller = new AbortController();
    const [ended, other] = [connection.get('/a', { signal: controller.signal }), connection.get('/b')];
    expect(await other).toMatchObject({ status: 'read' });
    controller.abort();
    expect(await ended).toMatchObject({ status: 'failed', code: 'interrupted' });
  });

  test('a connection that is closed', async () => {
    script(never);
    const connection = connect();
    const result = connection.get('/a');
    await expect.poll(() => server.requests.at(-1)?.path, patient).toBe('/a');
    await connection.close();
    expect(await result).toEqual({ status: 'failed', code: 'interrupted', reason: 'the connection was closed' });
    expect(await connection.get('/b')).toMatchObject({ status: 'failed', code: 'interrupted' });
  });
});

test('a token that no header can hold is refused before anything is sent', async () => {
  const before = server.requests.length;
  const credential = { kind: 'token', token: 'planted\nsecret' } as const;
  const expected = {
    status: 'failed',
    code: 'unauthorized',
    reason: 'the credential, or whom it is to stand for, holds characters that no header may have',
  };
  expect(await connect({}, { credential }).get('/a')).toEqual(expected);
  expect(await connect({}, { credential }).forward({ namespace: 'n', name: 'p' }, 1)).toEqual(expected);
  expect(server.requests.length).toBe(before);
});

test('few connections for many requests', async () => {
  script(answers({}));
  const before = server.connections();
  const connection = connect();
  await Promise.all(Array.from({ length: 40 }, (_, index) => connection.get(`/${index}`)));
  expect(server.connections() - before).toBeLessThanOrEqual(4);
});
