import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Fault, PodLogs, PodPorts, Admission, SandboxRequest } from '../sandbox.ts';
import type { ObjectStore } from '../store.ts';
import { openAuthorizer } from './authorize.ts';
import { type Answer, catalogueOfStore, type Context } from './context.ts';
import { cutWatch, openFaults, sendCut, stalled } from './faults.ts';
import { admitted, answerTo, forwardingTo, targetOf } from './handle.ts';
import { formOf, wantsProtobuf } from './negotiate.ts';
import { protobufStatus } from './protobuf-answer.ts';
import { openPortForwarder } from './port-forward.ts';
import { expiredAnswer } from './read.ts';
import { type Call, callOf } from './request.ts';
import { errorAnswer, prepare, refuseUpgrade, setHeaders, yamlAnswer } from './respond.ts';
import { badRequest } from './status.ts';
import { textAt } from './json-path.ts';
import type { Users } from './users.ts';
import { watchObjects } from './watch.ts';

export interface ApiServerOptions {
  readonly cluster: string;
  readonly store: ObjectStore;
  /** PEM: the server's certificate (for 127.0.0.1 and localhost) and key, and the authority that client certificates must come from. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string };
  /** RFC 3339: the present of this server. */
  readonly clock: () => string;
  readonly users: Users;
  /** What port-forward leads to; default: nobody listens anywhere. */
  readonly ports?: PodPorts;
  readonly admission?: Admission;
  readonly logs?: PodLogs;
  /** Of Kubernetes: 1.`minor`; default: as the kubelet of the first node, else 34. */
  readonly minor?: number;
}

export interface ApiServer {
  /** https://127.0.0.1:PORT */
  readonly url: string;
  /** Every request so far, in order. */
  readonly requests: readonly SandboxRequest[];
  /** TLS handshakes so far. */
  readonly handshakes: () => number;
  /** What clients have open. */
  readonly open: () => { readonly connections: number; readonly forwards: number };
  setFault(fault: Fault | null): void;
  /** Ends every connection, watches and forwarded ports included. */
  close(): Promise<void>;
}

type Recorded = { -readonly [Key in keyof SandboxRequest]: SandboxRequest[Key] };

const usualMinor = 34;

/**
 * A Kubernetes API server over a store, on a port of 127.0.0.1: HTTPS with HTTP/1.1 (HTTP/2 is never agreed on, as behind many load
 * balancers), tokens or client certificates, RBAC, reads, watches, writes, reviews and port-forward over websockets.
 */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, users, cluster, clock } = options;
  const context: Context = {
    cluster,
    store,
    users,
    clock,
    authorizer: openAuthorizer(store, users),
    ports: options.ports ?? (() => undefined),
    admission: options.admission ?? ((_, pod) => ({ pod })),
    logs: options.logs ?? (async () => await Promise.resolve('')),
    minor: options.minor ?? kubeletMinor(store) ?? usualMinor,
    catalogue: catalogueOfStore(store),
  };
  const requests: Recorded[] = [];
  const faults = openFaults();
  const forwarder = openPortForwarder(context);
  const connections = openConnections();
  const watches = new Set<() => void>();
  let handshakes = 0;

  const record = (message: IncomingMessage): Recorded => {
    const recorded = { method: message.method ?? '', path: message.url ?? '', headers: message.headers, user: '', status: 0 };
    requests.push(recorded);
    return recorded;
  };

  const answerOf = async (call: Call, recorded: Recorded, fault: Fault | undefined): Promise<Answer> => {
    try {
      if (fault?.kind === 'status') return faultAnswer(fault);
      const user = admitted(context, call, ({ name }) => {
        recorded.user = name;
      });
      if (fault?.kind === 'expired') throw expiredAnswer(call.query.get('continue') ?? '', fault.resumable);
      const { answer, isYaml } = await answerTo(context, call, user);
      return isYaml ? yamlAnswer(answer) : answer;
    } catch (error) {
      const refused = errorAnswer(error);
      const isStatus = refused.contentType === 'application/json' && call.info.kind === 'resource';
      return isStatus && wantsProtobuf(call.message.headers.accept) ? protobufStatus(refused) : refused;
    }
  };

  /** Whether the request was a watch that is being answered now. */
  const isWatched = (call: Call, recorded: Recorded, response: ServerResponse): boolean => {
    const { info, message, query } = call;
    if (info.kind !== 'resource' || info.verb !== 'watch') return false;
    admitted(context, call, ({ name }) => {
      recorded.user = name;
    });
    const form = formOf(message.headers.accept, false);
    const end = watchObjects(context, targetOf(context, info), form, query, response, () => {
      setHeaders(response, clock(), 'application/json');
      response.statusCode = 200;
      recorded.status = 200;
    });
    watches.add(end);
    response.on('close', () => watches.delete(end));
    return true;
  };

  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const recorded = record(message);
    const call = callOf(message);
    const fault = faults.take(recorded.path, call?.query.has('continue') === true);
    if (fault?.kind === 'reset') return connections.reset(message.socket);
    if (fault?.kind === 'stall' && fault.phase === 'headers' && !(await stalled(response, fault.milliseconds))) return undefined;
    const answer = call === undefined ? errorAnswer(badRequest('the request has no path')) : await answered(call);
    if (answer === undefined) return undefined;
    const body = await prepare(answer, message, response, clock());
    recorded.status = answer.code;
    if (fault?.kind === 'cut') return sendCut(response, fault.by, body, () => connections.reset(message.socket));
    if (fault?.kind === 'stall' && fault.phase === 'body') {
      response.flushHeaders();
      if (!(await stalled(response, fault.milliseconds))) return undefined;
    }
    response.end(body);
    return undefined;

    async function answered(asked: Call): Promise<Answer | undefined> {
      try {
        if (fault?.kind !== 'status' && isWatched(asked, recorded, response)) {
          if (fault?.kind === 'cut') cutWatch(response, fault.by, () => connections.reset(message.socket));
          return undefined;
        }
      } catch (error) {
        return errorAnswer(error);
      }
      return answerOf(asked, recorded, fault);
    }
  };

  const upgrade = async (message: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const recorded = record(message);
    const call = callOf(message);
    const fault = faults.take(recorded.path, false);
    socket.on('error', () => socket.destroy());
    if (fault?.kind === 'reset') return connections.reset(message.socket);
    if (fault?.kind === 'stall') await new Promise((resolve) => setTimeout(resolve, fault.milliseconds).unref());
    try {
      if (call === undefined) throw badRequest('the request has no path');
      if (fault?.kind === 'status') return refuse(faultAnswer(fault));
      const user = admitted(context, call, ({ name }) => {
        recorded.user = name;
      });
      const forwarding = forwardingTo(context, call, user);
      recorded.status = 101;
      return forwarder.accept(forwarding, message, socket, head);
    } catch (error) {
      return refuse(errorAnswer(error));
    }

    function refuse(answer: Answer): void {
      recorded.status = answer.code;
      refuseUpgrade(socket, answer, clock());
    }
  };

  const server = createServer({
    cert: options.tls.cert,
    key: options.tls.key,
    ca: options.tls.ca,
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    keepAliveTimeout: 180_000,
  });
  server.on('connection', connections.add);
  server.on('secureConnection', () => {
    handshakes += 1;
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('request', (message: IncomingMessage, response: ServerResponse) => {
    handle(message, response).catch(() => message.socket.destroy());
  });
  server.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrade(message, socket, head).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `https://127.0.0.1:${port}`,
    requests,
    handshakes: () => handshakes,
    open: () => ({ connections: connections.count(), forwards: forwarder.count() }),
    setFault: faults.set,
    close: () =>
      new Promise((resolve) => {
        for (const end of watches) end();
        forwarder.close();
        server.close(() => resolve());
        server.closeAllConnections();
        connections.destroy();
      }),
  };
}

function faultAnswer(fault: Extract<Fault, { kind: 'status' }>): Answer {
  const { status, body = '', contentType = 'application/json', headers = {} } = fault;
  return { code: status, contentType, body, headers };
}

function kubeletMinor(store: ObjectStore): number | undefined {
  const [node] = store.all({ group: '', kind: 'Node' });
  const match = /^v1\.(\d+)\./.exec(textAt(node, 'status', 'nodeInfo', 'kubeletVersion'));
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** TCP connections by the client's port: what TLS hides, and what alone can be reset. */
function openConnections() {
  const byPort = new Map<number, Socket>();
  return {
    add: (socket: Socket): void => {
      const port = socket.remotePort ?? 0;
      byPort.set(port, socket);
      socket.on('close', () => byPort.delete(port));
    },
    reset: ({ remotePort }: Pick<Socket, 'remotePort'>): void => {
      byPort.get(remotePort ?? 0)?.resetAndDestroy();
    },
    count: (): number => byPort.size,
    destroy: (): void => {
      for (const socket of byPort.values()) socket.destroy();
    },
  };
}
