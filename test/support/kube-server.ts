import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { type Authority, type CertificateWish, mintAuthority } from './kube-certificates.ts';

/** A request as it arrived. */
export interface Arrived {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Common name of the client certificate. */
  readonly certificate: string | undefined;
}

export type Handler = (arrived: Arrived, response: ServerResponse) => void;

export interface ApiServerOptions {
  readonly handler?: Handler;
  readonly certificate?: CertificateWish;
  readonly authority?: Authority;
  /** Client certificates of this authority are asked for; `mustHave`: nobody comes in without. */
  readonly clients?: { readonly pem: string; readonly mustHave?: boolean };
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Without TLS. */
  readonly plain?: true;
}

export interface ApiServer {
  readonly url: string;
  readonly port: number;
  readonly authority: Authority;
  readonly requests: readonly Arrived[];
  /** Connections so far. */
  readonly connections: () => number;
  handle(handler: Handler): void;
  /** Resets the TCP connection that an answer would go over. */
  reset(response: ServerResponse): void;
  close(): Promise<void>;
}

/** An API server as far as a test makes it one: what it answers is the test's handler. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const authority = options.authority ?? (await mintAuthority('kube-ca'));
  const requests: Arrived[] = [];
  const sockets = new Set<Socket>();
  let handler: Handler = options.handler ?? ((_, response) => json(response, {}));
  let connections = 0;

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const arrived = arrivedOf(request, Buffer.concat(chunks).toString('utf8'));
      requests.push(arrived);
      handler(arrived, response);
    });
    request.on('error', () => undefined);
  };
  const server: Server =
    options.plain === true
      ? createHttpServer(listener)
      : createHttpsServer(
          {
            ...(await authority.issue(options.certificate ?? { names: ['127.0.0.1'] })),
            ...(options.clients === undefined
              ? {}
              : { ca: options.clients.pem, requestCert: true, rejectUnauthorized: options.clients.mustHave === true }),
          },
          listener,
        );
  server.on(options.plain === true ? 'connection' : 'secureConnection', () => connections++);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    requests.push(arrivedOf(request, ''));
    if (options.onUpgrade === undefined) socket.destroy();
    else options.onUpgrade(request, socket, head);
  });
  const port = await listening(server);
  return {
    url: `${options.plain === true ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    authority,
    requests,
    connections: () => connections,
    handle: (next) => (handler = next),
    reset(response) {
      for (const socket of sockets) if (socket.remotePort === response.socket?.remotePort) socket.resetAndDestroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

function arrivedOf(request: IncomingMessage, body: string): Arrived {
  const socket = request.socket as Partial<TLSSocket>;
  const certificate = socket.getPeerCertificate?.();
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    body,
    certificate: [certificate?.subject?.CN].flat()[0],
  };
}

export async function listening(server: {
  listen(port: number, host: string, done: () => void): unknown;
  address(): AddressInfo | string | null;
}): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

export function json(response: ServerResponse, body: unknown, status = 200, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** A refusal as API servers write it. */
export function statusBody(code: number, reason: string, message: string, metadata: Record<string, unknown> = {}): Record<string, unknown> {
  return { kind: 'Status', apiVersion: 'v1', metadata, status: 'Failure', message, reason, code };
}
