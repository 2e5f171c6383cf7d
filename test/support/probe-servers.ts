import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls';
import { type Answer, decode, type Packet, streamEncode } from 'dns-packet';
import type { Read } from '../../src/kube/connection.ts';
import type { ClusterName } from '../../src/model/ids.ts';
import type { ProbeIo } from '../../src/probe/probe.ts';

/** Servers on loopback that answer probes, well or badly, until `close`. */
export interface Servers {
  /** Each gives the port it listens on. */
  tcp(onConnection: (socket: Socket) => void): Promise<number>;
  http(answer: RequestListener): Promise<number>;
  https(options: TlsOptions, answer: RequestListener): Promise<number>;
  tls(options: TlsOptions, onConnection?: (socket: TLSSocket) => void): Promise<number>;
  dns(answer: (question: DnsQuestion) => Packet | Buffer | undefined): Promise<number>;
  /** A port that nobody listens on. */
  unused(): Promise<number>;
  close(): Promise<void>;
}

export interface DnsQuestion {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly socket: Socket;
}

export function servers(): Servers {
  const open: Server[] = [];
  const sockets = new Set<Socket>();
  const listening = async (server: Server): Promise<number> => {
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(server);
    return (server.address() as AddressInfo).port;
  };
  return {
    tcp: (onConnection) => listening(createServer(onConnection)),
    http: (answer) => listening(createHttpServer(answer)),
    https: (options, answer) => listening(createHttpsServer(options, answer)),
    tls: (options, onConnection) => {
      const server = createTlsServer(options, onConnection);
      server.on('tlsClientError', () => undefined);
      server.on('secureConnection', (socket) => socket.on('error', () => undefined));
      return listening(server);
    },
    dns: (answer) =>
      listening(
        createServer((socket) => {
          socket.on('data', (data: Buffer) => {
            // Small questions over loopback come whole, one at a time.
            const { id = 0, questions: [question] = [] } = decode(data.subarray(2));
            if (question === undefined) return;
            const given = answer({ id, name: question.name, type: question.type, socket });
            if (given !== undefined) socket.write(Buffer.isBuffer(given) ? given : streamEncode(given));
          });
        }),
      ),
    unused: async () => {
      const server = createServer();
      const port = await listening(server);
      server.close();
      await once(server, 'close');
      return port;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(open.filter((server) => server.listening).map((server) => once(server.close(), 'close')));
    },
  };
}

/** An answer to a question, as a DNS server gives it. */
export function dnsAnswer({ id, name, type }: DnsQuestion, answers: readonly Answer[], rcode = 0): Packet {
  // 0x0400: authoritative, as the agent of a sidecar answers.
  return { type: 'response', id, flags: 0x0400 | rcode, questions: [{ name, type: type as 'A' }], answers: [...answers] };
}

export interface World {
  /** `CLUSTER NAMESPACE/POD:PORT` → a port on loopback, or what a request for a port-forward gives instead. */
  readonly pods?: Readonly<Record<string, number | Exclude<Read<never>, { readonly status: 'read' }>>>;
  /** `HOST:PORT` → a port on loopback. */
  readonly addresses?: Readonly<Record<string, number>>;
  /** `CLUSTER PATH` → the object. */
  readonly objects?: Readonly<Record<string, unknown>>;
}

/** Probes' way to these servers, and what went through it. A pod or address that is not there never answers. */
export function worldIo(world: World): ProbeIo & { readonly forwards: string[]; readonly dialled: string[]; readonly gets: string[] } {
  const forwards: string[] = [];
  const dialled: string[] = [];
  const gets: string[] = [];
  return {
    forwards,
    dialled,
    gets,
    forward: async (cluster: ClusterName, pod, port) => {
      const key = `${cluster} ${pod.namespace}/${pod.name}:${port}`;
      forwards.push(key);
      const to = world.pods?.[key];
      if (to === undefined) return new Promise(() => undefined);
      // A port-forward stands before it is known whether the pod listens.
      return typeof to === 'number' ? { status: 'read', value: connect(to, '127.0.0.1') } : to;
    },
    connect: async ({ host, port }) => {
      dialled.push(`${host}:${port}`);
      const to = world.addresses?.[`${host}:${port}`];
      if (to === undefined) return new Promise(() => undefined);
      const socket = connect(to, '127.0.0.1');
      await once(socket, 'connect');
      return { socket, connectedTo: '127.0.0.1' };
    },
    get: async (cluster, path) => {
      gets.push(`${cluster} ${path}`);
      const object = world.objects?.[`${cluster} ${path}`];
      return object === undefined ? { status: 'absent' } : { status: 'read', value: object };
    },
    now: () => performance.now(),
  };
}
