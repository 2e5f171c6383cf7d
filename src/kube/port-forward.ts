import { Duplex } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type RawData, WebSocket } from 'ws';
import type { FailureCode } from '../model/facts.ts';
import type { Caller, Said } from './caller.ts';
import { abortFault, errorCode, Fault, saying, type Scrub, seconds, socketFault } from './classify.ts';
import type { Read } from './connection.ts';
import type { Credentials, Issued } from './credentials.ts';
import type { Headers } from './headers.ts';
import type { Transport, Way } from './transport.ts';

/** The form of port-forward that a client can speak without SPDY: channels in binary frames. */
const protocol = 'v4.channel.k8s.io';
/** How long a pod has to answer when a stream is closed, in milliseconds. */
const closePatience = 500;
/** Most that is read of the body of a refusal, in bytes. */
const mostRefusal = 1 << 16;

export interface Forwarding {
  readonly caller: Caller;
  readonly credentials: Credentials;
  readonly transport: Transport;
  readonly headers: Headers;
  /** For the upgrade, in milliseconds. */
  readonly timeout: number;
  /** Ends streams that are open. */
  readonly ending: AbortSignal;
  readonly refused: (said: Said, asked: { readonly verb: string; readonly resource: string }) => Exclude<Read<never>, { status: 'read' }>;
}

/** What a forwarded stream ends with when the pod's side fails. */
export class ForwardError extends Error {
  readonly code: FailureCode;
  constructor(code: FailureCode, message: string) {
    super(message);
    this.name = 'ForwardError';
    this.code = code;
  }
}

/**
 * Opens a stream to a port of a pod. `create` is the verb since Kubernetes 1.35 (before: `get`); a refusal of the server names its own.
 * @throws Fault
 */
export async function openForward(
  forwarding: Forwarding,
  pod: { readonly namespace: string; readonly name: string },
  port: number,
  signal: AbortSignal,
): Promise<Read<Duplex>> {
  const path = `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/pods/${encodeURIComponent(pod.name)}/portforward?ports=${port}`;
  const issued = await forwarding.credentials.current();
  const first = await upgrade(forwarding, path, issued, signal, 1);
  const last =
    'refused' in first && first.refused.answer.status === 401 && (await forwarding.credentials.renew(issued))
      ? await upgrade(forwarding, path, await forwarding.credentials.current(), signal, 2)
      : first;
  if ('refused' in last) return forwarding.refused(last.refused, { verb: 'create', resource: 'pods/portforward' });
  return { status: 'read', value: streamOver(last.socket, port, AbortSignal.any([forwarding.ending]), forwarding.caller.scrub) };
}

type Upgrade = { readonly socket: WebSocket } | { readonly refused: Said };

async function upgrade(
  { caller, transport, headers, timeout }: Forwarding,
  path: string,
  issued: Issued,
  signal: AbortSignal,
  attempt: number,
): Promise<Upgrade> {
  const since = performance.now();
  const outcome = { status: 0, bytes: 0, attempt };
  try {
    const way = await transport.way(issued);
    const open = await way.dial(signal);
    const socket = asked(way, open, path, requestHeaders(headers, way, issued));
    const result = await settled(socket, way.peer, timeout, signal);
    outcome.status = 'refused' in result ? result.refused.answer.status : 101;
    outcome.bytes = 'refused' in result ? result.refused.answer.bytes : 0;
    return result;
  } finally {
    caller.record({ method: 'GET', path }, outcome, since);
  }
}

function requestHeaders(headers: Headers, way: Way, { authorization }: Issued): Headers {
  return {
    ...headers,
    ...way.proxyHeaders,
    'User-Agent': 'meshdoctor',
    ...(authorization === undefined ? {} : { Authorization: authorization }),
  };
}

/** TLS and proxy are behind the socket already: what is left to be said is plain HTTP. */
function asked(way: Way, open: Socket, path: string, headers: Headers): WebSocket {
  try {
    return new WebSocket(`ws://${way.address.origin.replace(/^https?:\/\//, '')}${way.address.prefix}${path}`, [protocol], {
      createConnection: () => open,
      headers: { ...headers },
      perMessageDeflate: false,
      followRedirects: false,
    });
  } catch (error) {
    open.destroy();
    throw socketFault(error, way.peer);
  }
}

function settled(socket: WebSocket, peer: string, timeout: number, signal: AbortSignal): Promise<Upgrade> {
  return new Promise((resolve, reject) => {
    // ws leaves the clock to a socket that it opened itself.
    const timer = setTimeout(() => broke(new Fault('timeout', `no answer from ${peer} within ${seconds(timeout)}`)), timeout);
    const finish = (act: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      socket.off('open', opened).off('error', broke).off('unexpected-response', answered);
      // ws tells of its own end even when nobody waits for it any more.
      socket.on('error', () => undefined);
      act();
    };
    const aborted = (): void =>
      finish(() => {
        socket.terminate();
        reject(abortFault(signal));
      });
    const opened = (): void =>
      finish(() => {
        socket.pause();
        resolve({ socket });
      });
    const broke = (error: Error): void =>
      finish(() => {
        socket.terminate();
        reject(upgradeFault(error, peer));
      });
    const answered = (_request: unknown, response: IncomingMessage): void => {
      refusalIn(response).then(
        (refused) =>
          finish(() => {
            socket.terminate();
            resolve({ refused });
          }),
        broke,
      );
    };
    signal.addEventListener('abort', aborted, { once: true });
    socket.once('open', opened).once('error', broke).once('unexpected-response', answered);
    if (signal.aborted) aborted();
  });
}

function upgradeFault(error: Error, peer: string): Fault {
  // What ws itself finds wrong has no code: a server that speaks another protocol.
  return errorCode(error) === undefined && !(error instanceof Fault)
    ? new Fault('server-error', `${peer} does not offer port-forward by websocket`)
    : socketFault(error, peer);
}

async function refusalIn(response: IncomingMessage): Promise<Said> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    chunks.push(chunk);
    length += chunk.length;
    if (length > mostRefusal) break;
  }
  const body = Buffer.concat(chunks);
  const { headers, statusCode = 0 } = response;
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    json = undefined;
  }
  const now = Date.now();
  return {
    json,
    answer: {
      status: statusCode,
      contentType: headers['content-type'] ?? '',
      retryAfter: headers['retry-after'],
      location: headers.location,
      date: headers.date,
      body,
      bytes: body.length,
      sentAt: now,
      answeredAt: now,
    },
  };
}

/**
 * The data channel (0) as a stream; the error channel (1) ends it with its text. The first frame of each channel repeats the port. The
 * protocol has no half close: ending the writable side only says that nothing more comes from here, and the pod ends the stream.
 */
function streamOver(socket: WebSocket, port: number, ending: AbortSignal, scrub: Scrub): Duplex {
  const started = new Set<number>();
  const stream = new Duplex({
    read: () => socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      if (socket.readyState !== WebSocket.OPEN) return done(new ForwardError('reset', 'the port-forward was closed'));
      socket.send(Buffer.concat([Buffer.of(0), chunk]), (error) =>
        done(error ? new ForwardError('reset', 'the port-forward was cut') : null),
      );
    },
    destroy(error, done) {
      ending.removeEventListener('abort', end);
      socket.off('message', received).off('close', closed);
      release(socket);
      done(error);
    },
  });
  const end = (): unknown => stream.destroy();
  const received = (data: RawData): void => {
    const frame = bytesOf(data);
    const channel = frame[0];
    if (channel !== 0 && channel !== 1) return;
    const payload = frame.subarray(1);
    if (!started.has(channel)) started.add(channel);
    else if (channel === 1) stream.destroy(forwardError(payload.toString('utf8'), port, scrub));
    else if (payload.length > 0 && !stream.push(payload)) socket.pause();
  };
  const closed = (code: number): void => {
    if (code === 1000 || code === 1005) stream.push(null);
    else stream.destroy(new ForwardError('reset', 'the port-forward was cut'));
  };
  socket.on('message', received).on('close', closed);
  if (ending.aborted) end();
  ending.addEventListener('abort', end, { once: true });
  return stream;
}

/** Closes politely; a pod that does not answer must not keep the process. */
function release(socket: WebSocket): void {
  if (socket.readyState === WebSocket.CLOSED) return;
  const timer = setTimeout(() => socket.terminate(), closePatience);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
  socket.close(1000);
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

/** What the kubelet says on the error channel, shortly. */
function forwardError(text: string, port: number, scrub: Scrub): ForwardError {
  if (/connection refused/i.test(text)) return new ForwardError('refused', `the pod does not listen on port ${port}`);
  return new ForwardError(
    /timed? ?out/i.test(text) ? 'timeout' : 'reset',
    `port ${port} of the pod cannot be reached: ${saying(text, scrub)}`,
  );
}
