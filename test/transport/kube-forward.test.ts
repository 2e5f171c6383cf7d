import { request, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openConnection, type ConnectionOptions } from '../../src/kube/connect.ts';
import type { Connection, Read, RequestRecord } from '../../src/kube/connection.ts';
import type { ClusterTarget } from '../../src/kube/target.ts';
import { mintAuthority } from '../support/kube-certificates.ts';
import { makeFolder, patient } from '../support/kube-files.ts';
import { type PodSide, podForwarder, refuseUpgrade } from '../support/kube-pods.ts';
import { startHttpProxy, startSocksProxy } from '../support/kube-proxies.ts';
import { type ApiServer, startApiServer, statusBody } from '../support/kube-server.ts';
import { targetOf } from '../support/kube-target.ts';

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const folder = makeFolder();
const open: Connection[] = [];
const istiod = { namespace: 'istio-system', name: 'istiod-1' };
let upgrade: Upgrade = () => undefined;
let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer({ onUpgrade: (...all) => upgrade(...all) });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
});
afterAll(async () => {
  await server.close();
  folder.remove();
});

function connect(more: Partial<ClusterTarget> = {}, options: ConnectionOptions = {}): Connection {
  const connection = openConnection(targetOf(server, more), { env: {}, sleep: () => Promise.resolve(), ...options });
  open.push(connection);
  return connection;
}

function opened(read: Read<Duplex>): Duplex {
  if (read.status !== 'read') throw new Error(JSON.stringify(read));
  return read.value;
}

/** Pods that answer what they are told with it. */
function echoing(): readonly PodSide[] {
  const forwarder = podForwarder(
    () => undefined,
    (pod, data) => pod.send(data),
  );
  upgrade = forwarder.onUpgrade;
  return forwarder.pods;
}

describe('a stream to a port', () => {
  test('carries bytes both ways, and the port that each channel begins with is no part of them', async () => {
    const pods = echoing();
    const stream = opened(await connect().forward(istiod, 15014));
    expect(pods[0]?.path).toBe('/api/v1/namespaces/istio-system/pods/istiod-1/portforward?ports=15014');
    const first = new Promise<Buffer>((resolve) => stream.once('data', resolve));
    stream.write('hello');
    expect((await first).toString()).toBe('hello');
    stream.destroy();
    await expect.poll(() => pods[0]?.socket.readyState, patient).toBe(3);
  });

  test('is what an HTTP request can be sent over', async () => {
    const forwarder = podForwarder(
      () => undefined,
      (pod, data) => {
        if (!data.toString().endsWith('\r\n\r\n')) return;
        pod.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        pod.socket.close(1000);
      },
    );
    upgrade = forwarder.onUpgrade;
    const stream = opened(await connect().forward(istiod, 15014));
    const body = await new Promise<string>((resolve, reject) => {
      request({ path: '/debug/clusterz', createConnection: () => stream }, (response) => resolve(textOf(response)))
        .on('error', reject)
        .end();
    });
    expect(body).toBe('ok');
    expect(Buffer.concat(forwarder.pods[0]?.received ?? []).toString()).toContain('GET /debug/clusterz HTTP/1.1');
  });

  test('ends when the pod ends it, after everything that came', async () => {
    const forwarder = podForwarder((pod) => {
      for (let index = 0; index < 50; index++) pod.send(Buffer.alloc(10_000, index));
      pod.socket.close(1000);
    });
    upgrade = forwarder.onUpgrade;
    const stream = opened(await connect().forward(istiod, 1));
    let length = 0;
    for await (const chunk of stream) length += (chunk as Buffer).length;
    expect(length).toBe(500_000);
  });

  test('what is not taken is not sent: the pod has to wait', async () => {
    const forwarder = podForwarder((pod) => {
      for (let index = 0; index < 400; index++) pod.send(Buffer.alloc(65_536));
    });
    upgrade = forwarder.onUpgrade;
    const stream = opened(await connect().forward(istiod, 1));
    stream.once('readable', () => undefined);
    await expect.poll(() => stream.readableLength, patient).toBeGreaterThan(0);
    const pod = forwarder.pods[0];
    await expect.poll(() => (pod?.socket.bufferedAmount ?? 0) > 0 && stream.readableLength < 1_000_000, patient).toBe(true);
    let length = 0;
    for await (const chunk of stream) {
      length += (chunk as Buffer).length;
      if (length === 400 * 65_536) break;
    }
    expect(length).toBe(400 * 65_536);
  });

  test('a large write arrives whole and in order', async () => {
    const pods = echoing();
    const stream = opened(await connect().forward(istiod, 1));
    const sent = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
    for (let at = 0; at < sent.length; at += 30_000) stream.write(sent.subarray(at, at + 30_000));
    await expect.poll(() => Buffer.concat(pods[0]?.received ?? []).equals(sent), patient).toBe(true);
    stream.destroy();
  });
});

describe('a stream that fails', () => {
  const complaint = (port: number, why: string): string => `error forwarding port ${port} to pod abc, uid : ${why}`;
  async function failing(onPod: (pod: PodSide) => void): Promise<unknown> {
    upgrade = podForwarder(onPod).onUpgrade;
    const stream = opened(await connect().forward(istiod, 15014));
    stream.resume();
    return await new Promise((resolve) => stream.once('error', resolve));
  }

  test('nobody listens on the port', async () => {
    const error = await failing((pod) => {
      pod.complain(
        complaint(
          15014,
          'failed to connect to localhost:15014 inside namespace "x": dial tcp4 127.0.0.1:15014: connect: connection refused',
        ),
      );
      pod.socket.close(1000);
    });
    expect(error).toMatchObject({ code: 'refused', message: 'the pod does not listen on port 15014' });
  });

  test('something else', async () => {
    expect(await failing((pod) => pod.complain(complaint(15014, 'sandbox  not\nfound')))).toMatchObject({
      code: 'reset',
      message: 'port 15014 of the pod cannot be reached: error forwarding port 15014 to pod abc, uid : sandbox not found',
    });
  });

  test('it is cut', async () => {
    expect(await failing((pod) => pod.socket.terminate())).toMatchObject({ code: 'reset', message: 'the port-forward was cut' });
  });
});

describe('an upgrade that is refused', () => {
  const answering =
    (status: number, body: unknown, contentType?: string, more?: string): Upgrade =>
    (_, socket) =>
      refuseUpgrade(socket, status, typeof body === 'string' ? body : JSON.stringify(body), contentType, more);

  test.each([
    [
      'for want of a right, as servers say since 1.35',
      answering(
        403,
        statusBody(
          403,
          'Forbidden',
          'pods "istiod-1" is forbidden: User "x" cannot create resource "pods/portforward" in API group "" in the namespace "istio-system"',
        ),
      ),
      { status: 'forbidden', verb: 'create', resource: 'pods/portforward' },
    ],
    [
      'for want of a right, as servers said before',
      answering(
        403,
        statusBody(
          403,
          'Forbidden',
          'pods "istiod-1" is forbidden: User "x" cannot get resource "pods/portforward" in API group "" in the namespace "istio-system"',
        ),
      ),
      { status: 'forbidden', verb: 'get', resource: 'pods/portforward' },
    ],
    [
      'without saying which right',
      answering(403, statusBody(403, 'Forbidden', 'no')),
      { status: 'forbidden', verb: 'create', resource: 'pods/portforward' },
    ],
    ['for want of a pod', answering(404, statusBody(404, 'NotFound', 'pods "istiod-1" not found')), { status: 'absent' }],
    [
      'because the pod does not run',
      answering(400, statusBody(400, 'BadRequest', 'pod istiod-1 does not have a host assigned')),
      { status: 'failed', code: 'server-error', reason: '127.0.0.1 answered 400: pod istiod-1 does not have a host assigned' },
    ],
    [
      'because the kubelet cannot be reached',
      answering(500, 'error dialing backend: dial tcp 10.0.0.5:10250: connect: connection refused', 'text/plain'),
      {
        status: 'failed',
        code: 'server-error',
        reason: '127.0.0.1 answered 500: error dialing backend: dial tcp 10.0.0.5:10250: connect: connection refused',
      },
    ],
    [
      'for want of a credential',
      answering(401, statusBody(401, 'Unauthorized', 'Unauthorized')),
      { status: 'failed', code: 'unauthorized', reason: '127.0.0.1 did not accept the credentials (401)' },
    ],
    [
      'with a redirect',
      answering(302, '', 'text/plain', 'location: https://login.corp/?t=secret\r\n'),
      {
        status: 'failed',
        code: 'proxy',
        reason: '127.0.0.1 answered 302 and sends clients to login.corp, which no API server does: a proxy or a login page is in between',
      },
    ],
    [
      'with a page',
      answering(200, '<html>', 'text/html'),
      {
        status: 'failed',
        code: 'proxy',
        reason: '127.0.0.1 answered 200 with a web page, which no API server does: a proxy or a login page is in between',
      },
    ],
  ])('%s', async (_, answer, expected) => {
    upgrade = answer;
    expect(await connect().forward(istiod, 15014)).toEqual(expected);
  });

  test('by a closed connection, and by silence', async () => {
    upgrade = (_, socket) => socket.destroy();
    expect(await connect().forward(istiod, 1)).toEqual({
      status: 'failed',
      code: 'reset',
      reason: `the connection was closed by 127.0.0.1:${server.port}`,
    });
    upgrade = () => undefined;
    expect(await connect({}, { requestTimeout: 400 }).forward(istiod, 1)).toEqual({
      status: 'failed',
      code: 'timeout',
      reason: `no answer from 127.0.0.1:${server.port} within 400ms`,
    });
  });

  test('by another protocol', async () => {
    upgrade = (incoming, socket) => {
      const key = incoming.headers['sec-websocket-key'] ?? '';
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${key}\r\n\r\n`);
    };
    expect(await connect().forward(istiod, 1)).toEqual({
      status: 'failed',
      code: 'server-error',
      reason: `127.0.0.1:${server.port} does not offer port-forward by websocket`,
    });
  });

  test('a credential is obtained anew once', async () => {
    const file = folder.write('token', 'old');
    const forwarder = podForwarder(() => undefined);
    upgrade = (incoming, socket, head) => {
      if (incoming.headers.authorization === 'Bearer new') return forwarder.onUpgrade(incoming, socket, head);
      folder.write('token', 'new');
      return refuseUpgrade(socket, 401, JSON.stringify(statusBody(401, 'Unauthorized', 'Unauthorized')));
    };
    const records: RequestRecord[] = [];
    const connection = connect({ credential: { kind: 'token-file', file } }, { onRequest: (record) => void records.push(record) });
    opened(await connection.forward(istiod, 1)).destroy();
    expect(records.map(({ method, status, attempt }) => [method, status, attempt])).toEqual([
      ['GET', 401, 1],
      ['GET', 101, 2],
    ]);
  });
});

describe('the same way as every other request', () => {
  test('with credential, impersonation and path prefix', async () => {
    const pods = echoing();
    const before = server.requests.length;
    const target = {
      server: `${server.url}/k8s/clusters/c-1`,
      credential: { kind: 'token', token: 'abc' },
      impersonate: { user: 'jane', groups: ['a'], extra: {} },
    } as const;
    opened(await connect(target).forward(istiod, 7)).destroy();
    expect(pods[0]?.path).toBe('/k8s/clusters/c-1/api/v1/namespaces/istio-system/pods/istiod-1/portforward?ports=7');
    expect(server.requests[before]?.headers).toMatchObject({
      host: `127.0.0.1:${server.port}`,
      authorization: 'Bearer abc',
      'impersonate-user': 'jane',
      'sec-websocket-protocol': 'v4.channel.k8s.io',
    });
  });

  test('with a client certificate', async () => {
    const clients = await mintAuthority('clients');
    const jane = await clients.issue({ commonName: 'jane' });
    const forwarder = podForwarder(() => undefined);
    const strict = await startApiServer({ clients: { pem: clients.pem, mustHave: true }, onUpgrade: forwarder.onUpgrade });
    const connection = openConnection(
      targetOf(strict, { clientCertificate: { certificate: { pem: jane.cert }, key: { pem: jane.key } } }),
      { env: {} },
    );
    opened(await connection.forward(istiod, 7)).destroy();
    expect(strict.requests[0]?.certificate).toBe('jane');
    await connection.close();
    await strict.close();
  });

  test('through proxies', async () => {
    echoing();
    for (const proxy of [await startHttpProxy(), await startSocksProxy()]) {
      const stream = opened(await connect({ proxyUrl: proxy.url }).forward(istiod, 7));
      const answer = new Promise<Buffer>((resolve) => stream.once('data', resolve));
      stream.write('through');
      expect((await answer).toString()).toBe('through');
      expect(proxy.asked).toHaveLength(1);
      stream.destroy();
      await proxy.close();
    }
  });

  test('with the certificate judged before anything is sent', async () => {
    const other = await mintAuthority('other');
    const before = server.requests.length;
    expect(await connect({ certificateAuthority: { pem: other.pem } }).forward(istiod, 7)).toMatchObject({
      status: 'failed',
      code: 'tls-untrusted',
    });
    expect(server.requests.length).toBe(before);
  });

  test('without TLS', async () => {
    const forwarder = podForwarder((pod) => pod.send('plain'));
    const plain = await startApiServer({ plain: true, onUpgrade: forwarder.onUpgrade });
    const connection = openConnection(targetOf(plain), { env: {} });
    const stream = opened(await connection.forward(istiod, 7));
    expect(String(await new Promise((resolve) => stream.once('data', resolve)))).toBe('plain');
    await connection.close();
    await plain.close();
  });
});

describe('the end', () => {
  test('a run that is over while the upgrade is under way', async () => {
    upgrade = () => undefined;
    expect(await connect({}, { signal: AbortSignal.timeout(50) }).forward(istiod, 1)).toMatchObject({ status: 'failed', code: 'timeout' });
    const controller = new AbortController();
    const result = connect().forward(istiod, 1, controller.signal);
    controller.abort();
    expect(await result).toMatchObject({ status: 'failed', code: 'interrupted' });
  });

  test('closing the connection ends its streams, without an error that nobody would hear', async () => {
    const pods = echoing();
    const connection = connect();
    const stream = opened(await connection.forward(istiod, 1));
    const closed = new Promise((resolve) => stream.once('close', resolve));
    await connection.close();
    await closed;
    await expect.poll(() => pods[0]?.socket.readyState, patient).toBe(3);
  });
});
