import { createServer as createHttpServer, request, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { mintAuthority, type Authority } from './kube-certificates.ts';
import { listening } from './kube-server.ts';

/** A proxy on loopback. Names that end in `.test` are taken for loopback, so that a test can have hosts that are not. */
export interface Proxy {
  readonly url: string;
  readonly port: number;
  readonly authority?: Authority;
  /** What it was asked for: `CONNECT host:port`, `GET http://…`, `SOCKS host:port`, each with the credential shown. */
  readonly asked: string[];
  /** Statuses to answer with instead of a tunnel; null: never answer. */
  answer: number | null | undefined;
  close(): Promise<void>;
}

const loopback = (host: string): string => (host.endsWith('.test') || host.startsWith('10.') ? '127.0.0.1' : host);

export async function startHttpProxy(options: { readonly tls?: true; readonly names?: readonly string[] } = {}): Promise<Proxy> {
  const authority = await mintAuthority('proxy-ca');
  const sockets = new Set<Duplex>();
  const state: { answer: number | null | undefined } = { answer: undefined };
  const asked: string[] = [];
  const shown = (head: IncomingMessage): string => {
    const credential = head.headers['proxy-authorization'];
    return credential === undefined ? '' : ` as ${Buffer.from(credential.replace('Basic ', ''), 'base64').toString('utf8')}`;
  };
  const server =
    options.tls === true ? createHttpsServer(await authority.issue({ names: options.names ?? ['127.0.0.1'] })) : createHttpServer();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
  server.on('request', (incoming: IncomingMessage, response) => {
    asked.push(`${incoming.method ?? ''} ${incoming.url ?? ''}${shown(incoming)}`);
    const url = new URL(incoming.url ?? '');
    const onward = request(
      {
        host: loopback(url.hostname),
        port: url.port,
        path: url.pathname + url.search,
        method: incoming.method ?? '',
        headers: incoming.headers,
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    incoming.pipe(onward);
  });
  server.on('connect', (incoming: IncomingMessage, socket: Duplex) => {
    asked.push(`CONNECT ${incoming.url ?? ''}${shown(incoming)}`);
    if (state.answer === null) return;
    if (state.answer !== undefined) {
      socket.end(`HTTP/1.1 ${state.answer} Refused\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const { hostname, port } = new URL(`http://${incoming.url ?? ''}`);
    join(socket, connect(Number(port || 80), loopback(hostname)), sockets, () =>
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n'),
    );
  });
  const port = await listening(server);
  return {
    url: `${options.tls === true ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    authority,
    asked,
    get answer() {
      return state.answer;
    },
    set answer(next) {
      state.answer = next;
    },
    close: () => closing(server, sockets),
  };
}

export async function startSocksProxy(credential?: { readonly user: string; readonly password: string }): Promise<Proxy> {
  const sockets = new Set<Duplex>();
  const asked: string[] = [];
  const state: { answer: number | null | undefined } = { answer: undefined };
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    void negotiate(socket).catch(() => socket.destroy());
  });
  async function negotiate(socket: Socket): Promise<void> {
    const take = taker(socket);
    const [, count = 0] = await take(2);
    const methods = await take(count);
    const method = credential === undefined ? 0 : 2;
    if (!methods.includes(method)) return void socket.end(Buffer.of(5, 0xff));
    socket.write(Buffer.of(5, method));
    let who = '';
    if (credential !== undefined) {
      const [, length = 0] = await take(2);
      const user = (await take(length)).toString('utf8');
      const password = (await take((await take(1))[0] ?? 0)).toString('utf8');
      who = ` as ${user}:${password}`;
      const isRight = user === credential.user && password === credential.password;
      socket.write(Buffer.of(1, isRight ? 0 : 1));
      if (!isRight) return;
    }
    const [, , , type] = await take(4);
    const address =
      type === 1
        ? [...(await take(4))].join('.')
        : type === 4
          ? (await take(16)).toString('hex')
          : (await take((await take(1))[0] ?? 0)).toString('utf8');
    const port = (await take(2)).readUInt16BE();
    asked.push(`SOCKS ${address}:${port}${who}`);
    if (state.answer !== undefined) return void socket.end(Buffer.of(5, state.answer ?? 1, 0, 1, 0, 0, 0, 0, 0, 0));
    join(socket, connect(port, loopback(address)), sockets, () => socket.write(Buffer.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 0)));
  }
  const port = await listening(server);
  return {
    url: `socks5://127.0.0.1:${port}`,
    port,
    asked,
    get answer() {
      return state.answer;
    },
    set answer(next) {
      state.answer = next;
    },
    close: () => closing(server, sockets),
  };
}

function join(near: Duplex, far: Socket, sockets: Set<Duplex>, opened: () => void): void {
  sockets.add(far);
  far.once('connect', () => {
    opened();
    near.pipe(far).pipe(near);
  });
  far.on('error', () => near.destroy()).on('close', () => near.destroy());
  near.on('error', () => far.destroy()).on('close', () => far.destroy());
}

function taker(socket: Socket): (length: number) => Promise<Buffer> {
  return (length) =>
    new Promise((resolve, reject) => {
      const attempt = (): void => {
        const found: unknown = length === 0 ? Buffer.alloc(0) : socket.read(length);
        if (!Buffer.isBuffer(found)) return;
        socket.off('readable', attempt).off('close', reject);
        resolve(found);
      };
      socket.on('readable', attempt).once('close', reject);
      attempt();
    });
}

async function closing(server: { close(done: () => void): unknown }, sockets: ReadonlySet<Duplex>): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await new Promise<void>((done) => server.close(done));
}
