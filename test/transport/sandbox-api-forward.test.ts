import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { KubeObject } from '../../src/model/kube.ts';
import { startTestServer, type TestServer } from '../support/api-server.ts';

let server: TestServer;
let pod: KubeObject;
let last: Duplex | undefined;

/** 80 sends back what it gets, 81 says one thing and ends, 82 breaks. */
const ports = (cluster: string, of: KubeObject, port: number) => {
  if (cluster !== 'east' || of.metadata.namespace !== 'shop') return undefined;
  if (port === 80)
    return (stream: Duplex) => {
      last = stream;
      stream.pipe(stream);
    };
  if (port === 81) return (stream: Duplex) => stream.end('bye');
  if (port === 82) return (stream: Duplex) => stream.destroy(new Error('broken'));
  return undefined;
};

beforeEach(async () => {
  last = undefined;
  server = await startTestServer({ ports, minor: 35 });
  pod = server.store.list('Pod').find(({ metadata }) => metadata.namespace === 'shop')!;
});
afterEach(() => server.close());

interface Forwarded {
  /** Everything of a channel so far. */
  text(channel: number): string;
  bytes(channel: number): Buffer;
  readonly closed: Promise<number>;
  readonly socket: WebSocket;
}

type Refused = { readonly status: number; readonly message: string };

function forward(
  query: string,
  options: { protocols?: string[]; token?: string; pod?: string; subresource?: string } = {},
): Promise<Forwarded | Refused> {
  const { protocols = ['v4.channel.k8s.io'], token = server.users.tokens.get('admin') } = options;
  const path = `/api/v1/namespaces/shop/pods/${options.pod ?? pod.metadata.name}/${options.subresource ?? 'portforward'}${query}`;
  const socket = new WebSocket(`${server.api.url.replace('https', 'wss')}${path}`, protocols, {
    ca: server.ca.cert,
    headers: { authorization: `Bearer ${token}` },
  });
  const channels = new Map<number, Buffer>();
  socket.on('message', (data: Buffer) => {
    const channel = data[0] ?? -1;
    channels.set(channel, Buffer.concat([channels.get(channel) ?? Buffer.alloc(0), data.subarray(1)]));
  });
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  const bytes = (channel: number) => channels.get(channel) ?? Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve({ bytes, text: (channel) => bytes(channel).subarray(2).toString(), closed, socket }));
    socket.on('error', reject);
    socket.on('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          message: response.headers['content-type'] === 'application/json' ? (JSON.parse(body) as { message: string }).message : body,
        }),
      );
    });
  });
}

async function forwarded(query: string): Promise<Forwarded> {
  const result = await forward(query);
  if ('status' in result) throw new Error(result.message);
  return result;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

test('bytes go to the port and come back, behind the port on both channels', async () => {
  const { socket, text, bytes, closed } = await forwarded('?ports=80');
  expect(socket.protocol).toBe('v4.channel.k8s.io');
  socket.send(Buffer.from('\0hello '));
  socket.send(Buffer.from('\0world'));
  await until(() => text(0) === 'hello world');
  expect([bytes(0).readUInt16LE(), bytes(1).readUInt16LE(), bytes(1).length]).toEqual([80, 80, 2]);
  expect(server.api.requests.at(-1)).toMatchObject({ method: 'GET', status: 101, user: 'admin' });
  socket.close();
  await closed;
  await until(() => last?.destroyed === true);
});

test('much data in both directions arrives whole and in order', async () => {
  const { socket, text, bytes } = await forwarded('?ports=80');
  const sent = Array.from({ length: 60 }, (_, index) => `${index} ${'x'.repeat(20_000)};`);
  for (const piece of sent) socket.send(Buffer.concat([Buffer.from([0]), Buffer.from(piece)]));
  await until(() => bytes(0).length === 2 + sent.join('').length);
  expect(text(0)).toBe(sent.join(''));
  socket.terminate();
});

test('the connection ends when the port does', async () => {
  const { text, closed } = await forwarded('?ports=81');
  expect(await closed).toBe(1000);
  expect(text(0)).toBe('bye');
});

test('nobody listens: the error channel says so and the connection ends', async () => {
  const { text, closed } = await forwarded('?ports=9999');
  await closed;
  expect(text(0)).toBe('');
  expect(text(1)).toMatch(/^error forwarding port 9999 to pod .*, uid : .*dial tcp4 127\.0\.0\.1:9999: connect: connection refused/);
});

test('several ports have channels of their own', async () => {
  const { socket, text, bytes, closed } = await forwarded('?ports=81&ports=80,9999');
  await until(() => text(0) === 'bye' && text(5) !== '');
  expect([bytes(0), bytes(2), bytes(4)].map((one) => one.readUInt16LE())).toEqual([81, 80, 9999]);
  socket.send(Buffer.from('\u0002still here'));
  await until(() => text(2) === 'still here');
  socket.close();
  await closed;
});

test('a port that breaks ends the connection without a word', async () => {
  const { closed } = await forwarded('?ports=82');
  expect(await closed).toBe(1006);
});

test('what cannot be forwarded is refused by the API server with a Status, and by the kubelet without', async () => {
  const refused = async (query: string, options = {}) => (await forward(query, options)) as Refused;
  expect(await refused('')).toEqual({ status: 400, message: 'query parameter "port" is required' });
  expect(await refused('?ports=0')).toMatchObject({ status: 400 });
  expect(await refused('?ports=80', { pod: 'none' })).toEqual({ status: 404, message: 'pods "none" not found' });
  expect(await refused('?ports=80', { token: 'wrong' })).toEqual({ status: 401, message: 'Unauthorized' });
  expect(await refused('?command=ls', { subresource: 'exec', protocols: ['v5.channel.k8s.io'] })).toMatchObject({ status: 400 });
  expect(await refused('?ports=80', { protocols: ['v9.channel.k8s.io'] })).toEqual({ status: 403, message: '' });
  const { nodeName: _node, ...spec } = pod['spec'] as Record<string, unknown>;
  server.store.put({ ...pod, spec });
  expect(await refused('?ports=80')).toMatchObject({
    status: 400,
    message: expect.stringContaining('does not have a host assigned') as string,
  });
});

test('both verbs are needed from 1.35 on, one of them before', async () => {
  const rights = (...verbs: string[]) => [{ apiGroups: [''], resources: ['pods/portforward'], verbs }];
  const attempt = async (from: TestServer, ...verbs: string[]) => {
    const [before, token] = [server, from.users.add(verbs.join('-'), rights(...verbs))];
    server = from;
    const result = await forward('?ports=80', { token });
    server = before;
    if (!('status' in result)) result.socket.terminate();
    return 'status' in result ? result.message : 'connected';
  };
  const forbidden = (user: string, verb: string) =>
    `pods "${pod.metadata.name}" is forbidden: User "${user}" cannot ${verb} resource "pods/portforward" in API group "" in the namespace "shop"`;
  expect(await attempt(server, 'get')).toBe(forbidden('get', 'create'));
  expect(await attempt(server, 'create')).toBe(forbidden('create', 'get'));
  expect(await attempt(server, 'get', 'create')).toBe('connected');
  const older = await startTestServer({ ports, minor: 34 });
  expect(await attempt(older, 'get')).toBe('connected');
  expect(await attempt(older, 'create')).toBe(forbidden('create', 'get'));
  await older.close();
});

test('faults meet upgrades too, and closing ends what is forwarded', async () => {
  server.api.setFault({ kind: 'status', status: 502, body: '{"message":"bad gateway"}', match: /portforward/, times: 1 });
  expect(await forward('?ports=80')).toEqual({ status: 502, message: 'bad gateway' });
  server.api.setFault({ kind: 'reset', times: 1 });
  await expect(forward('?ports=80')).rejects.toThrow(/ECONNRESET|socket hang up/);
  const open = await forwarded('?ports=80');
  await server.api.close();
  await open.closed;
  server = await startTestServer();
});
