import { createServer, Socket, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { labels, ports } from '../../istio/labels.ts';
import { textAt } from '../../builder/edits/json.ts';
import type { Authorities } from './authorities.ts';
import { pemBlocks } from './authorities.ts';
import { peekClientHello, type ClientHello } from './client-hello.ts';
import { type FrontDoor, frontDoors, readyPods } from './front-doors.ts';
import { openHttp } from './http.ts';
import type { Identities, Presented } from './identities.ts';
import { passThrough } from './pass-through.ts';
import { reachThrough } from './reach.ts';
import type { World } from './world.ts';

/** Where the listener of a documented address is. */
export interface Resolution {
  readonly from: { readonly host: string; readonly port: number };
  readonly to: { readonly host: string; readonly port: number };
}

/** Listeners on loopback that stand for the addresses of gateways. */
export interface Listeners {
  /** Live: addresses that come later are added, those that go are taken out. */
  readonly resolve: readonly Resolution[];
  /** Opens and closes what the objects ask for now. */
  update(): Promise<void>;
  /** Serves one port of a gateway on a stream that is there already. */
  serve(door: FrontDoor, stream: Duplex): void;
  close(): Promise<void>;
}

interface Listener {
  door: FrontDoor;
  server: Server | undefined;
  /** Kept when the server is closed and opened again. */
  port: number;
}

/** How long a gateway waits for a ClientHello (Istio's listener filter timeout). */
const patience = 15_000;

export function openListeners(world: World, identities: Identities, authorities: Authorities): Listeners {
  const listeners = new Map<string, Listener>();
  const sockets = new Set<Socket>();
  const resolve: Resolution[] = [];
  let isClosed = false;

  const serve = (door: FrontDoor, stream: Duplex): void => {
    void handle(door, stream, world, identities, authorities).catch(() => reset(stream));
  };
  const open = async (listener: Listener): Promise<void> => {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      serve(listener.door, socket);
    });
    listener.port = await listen(server, listener.port);
    listener.server = server;
  };
  const shut = async (listener: Listener): Promise<void> => {
    const { server } = listener;
    listener.server = undefined;
    if (server !== undefined) await new Promise<void>((done) => server.close(() => done()));
  };
  const update = async (): Promise<void> => {
    if (isClosed) return;
    const wanted = new Map(frontDoors(world.now().state).map((door) => [`${door.host} ${door.port}`, door]));
    for (const [key, listener] of listeners) {
      if (wanted.has(key)) continue;
      listeners.delete(key);
      void shut(listener);
    }
    for (const [key, door] of wanted) {
      const listener = listeners.get(key) ?? { door, server: undefined, port: 0 };
      listeners.set(key, listener);
      listener.door = door;
      // Nobody answers for a Service without a ready pod: connections are refused.
      const isAnswering = readyPods(door.cluster, door.service).length > 0;
      if (listener.port === 0 || (isAnswering && listener.server === undefined)) await open(listener);
      if (!isAnswering) void shut(listener);
    }
    const now = [...listeners.values()].map(({ door, port }) => ({
      from: { host: door.host, port: door.port },
      to: { host: '127.0.0.1', port },
    }));
    resolve.splice(0, resolve.length, ...now);
  };
  return {
    resolve,
    update,
    serve,
    close: async () => {
      isClosed = true;
      for (const socket of sockets) socket.destroy();
      await Promise.all([...listeners.values()].map(shut));
      listeners.clear();
      resolve.length = 0;
    },
  };
}

/** Port it listens on: the one it had, where that is still free. */
async function listen(server: Server, port: number): Promise<number> {
  const attempt = (wanted: number): Promise<number> =>
    new Promise((done, failed) => {
      server.once('error', failed);
      server.listen(wanted, '127.0.0.1', () => {
        server.removeListener('error', failed);
        const address = server.address();
        done(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  server.unref();
  return await attempt(port).catch(() => attempt(0));
}

async function handle(door: FrontDoor, stream: Duplex, world: World, identities: Identities, authorities: Authorities): Promise<void> {
  stream.on('error', () => stream.destroy());
  const current = frontDoors(world.now().state).find((one) => one.host === door.host && one.port === door.port) ?? door;
  const pods = readyPods(current.cluster, current.service);
  if (pods.length === 0) return reset(stream);
  if (current.targetPort === ports.status) return readiness('/healthz/ready').serve(stream);
  const hello = await helloOf(stream);
  if (hello === undefined) return reset(stream);
  const knowledge = world.now();
  const { targetPort } = current;
  if (targetPort === ports.discovery || targetPort === ports.webhook) {
    const reached = reachThrough(current, hello.serverName ?? '', knowledge);
    if (!('process' in reached)) return reset(stream);
    const presented =
      reached.presents === 'istiod'
        ? await identities.ofIstiod(reached.process, knowledge)
        : await credentialOf(current, reached.presents.credential, authorities);
    return presented === undefined ? reset(stream) : istiodEnd(stream, presented, targetPort);
  }
  const [gateway] = pods;
  const isAmbient = targetPort === ports.hbone && gateway?.labels[labels.gatewayManaged] !== undefined;
  const passed = isAmbient ? { pod: gateway, cluster: current.cluster.name } : passThrough(current, hello, knowledge, world.predict);
  if (!('pod' in passed)) return reset(stream);
  const cluster = knowledge.state.clusters.get(passed.cluster);
  const process = cluster === undefined ? undefined : world.servedBy(passed.pod, cluster);
  const presented = process === undefined ? undefined : await identities.ofPod(passed.pod, process, knowledge);
  return presented === undefined ? reset(stream) : sidecarEnd(stream, presented, hello);
}

/** Reads until the ClientHello is whole, and puts it back. Nothing when it is none, or does not come. */
function helloOf(stream: Duplex): Promise<ClientHello | undefined> {
  return new Promise((done) => {
    let bytes = Buffer.alloc(0);
    const finish = (hello: ClientHello | undefined): void => {
      clearTimeout(timer);
      stream.removeListener('readable', read);
      stream.removeListener('end', gone);
      stream.removeListener('close', gone);
      if (hello !== undefined) stream.unshift(bytes);
      done(hello);
    };
    const read = (): void => {
      for (let chunk: unknown = stream.read(); chunk !== null; chunk = stream.read()) {
        if (!Buffer.isBuffer(chunk)) return finish(undefined);
        bytes = Buffer.concat([bytes, chunk]);
        const peeked = peekClientHello(bytes);
        if (peeked === 'more') continue;
        return finish(peeked === 'none' ? undefined : peeked);
      }
    };
    const gone = (): void => finish(undefined);
    const timer = setTimeout(gone, patience);
    timer.unref();
    stream.on('readable', read);
    stream.once('end', gone);
    stream.once('close', gone);
  });
}

/** What the inbound listener of a sidecar agrees on, best first. */
const sidecarProtocols = ['istio-peer-exchange', 'h2', 'http/1.1'] as const;

/** A sidecar: mTLS is asked for, and whoever has no certificate is told so after the handshake. */
function sidecarEnd(stream: Duplex, { chain, key, roots }: Presented, { protocols }: ClientHello): void {
  // Envoy goes on without a protocol where none is in common; OpenSSL would end the handshake.
  const common = sidecarProtocols.filter((protocol) => protocols.includes(protocol));
  const server = createTlsServer({
    ...(common.length === 0 ? {} : { ALPNProtocols: common }),
    cert: chain.join(''),
    key,
    ca: [...roots],
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  });
  server.on('tlsClientError', () => stream.destroy());
  // Behind the sidecar would be an application; there is none.
  server.on('secureConnection', (socket) => socket.on('error', () => stream.destroy()).resume());
  server.emit('connection', stream);
}

/** istiod: a client certificate is welcome and not needed. 15017 says whether it is ready. */
function istiodEnd(stream: Duplex, { chain, key }: Presented, port: number): void {
  const server = createTlsServer({
    cert: chain.join(''),
    key,
    ALPNProtocols: port === ports.discovery ? ['h2', 'http/1.1'] : ['http/1.1'],
    minVersion: 'TLSv1.2',
  });
  server.on('tlsClientError', () => stream.destroy());
  server.on('secureConnection', (socket) => {
    socket.on('error', () => stream.destroy());
    if (port === ports.webhook) readiness('/ready').serve(socket);
    // gRPC wants HTTP/2 to be agreed on.
    else if (socket.alpnProtocol !== 'h2') socket.end();
    else socket.resume();
  });
  server.emit('connection', stream);
}

/** The certificate of a gateway that ends TLS itself: a Secret beside its pods. */
async function credentialOf(door: FrontDoor, name: string, authorities: Authorities): Promise<Presented | undefined> {
  const secret = door.cluster.objects.get('Secret', door.service.namespace, name);
  const pem = Buffer.from(textAt(secret, 'data', 'tls.crt') ?? textAt(secret, 'data', 'cert') ?? '', 'base64').toString('latin1');
  const [leaf, ...chain] = pemBlocks(pem);
  if (leaf === undefined) return undefined;
  const authority = await authorities.of(leaf);
  return { chain: [authority.cert, ...chain.map((block) => `${block}\n`)], key: authority.key, roots: [] };
}

/** Answers 200 on one path. */
function readiness(ready: string): ReturnType<typeof openHttp> {
  return openHttp((path) => (path === ready ? { status: 200, text: '' } : { status: 404, text: '404 page not found\n' }));
}

/** The client sees ECONNRESET and not a single byte. */
function reset(stream: Duplex): void {
  if (stream instanceof Socket) stream.resetAndDestroy();
  else stream.destroy();
}
