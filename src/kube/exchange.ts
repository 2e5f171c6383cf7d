import { constants, gunzipSync } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { abortFault, bodyFault, Fault, seconds } from './classify.ts';
import type { Headers } from './headers.ts';
import type { Way } from './transport.ts';

/** Longest body that can become a string; what is longer is no page of a list. */
const mostBytes = 0x1fff_ffe8;

/** One request as it is sent. */
export interface Sent {
  readonly method: 'GET' | 'POST';
  /** Below the server's prefix, with query. */
  readonly path: string;
  readonly headers: Headers;
  readonly body?: string;
  /** Makes less of a body before it is parsed; undefined when it has to be taken whole. */
  readonly trim?: ((body: Buffer) => Buffer | undefined) | undefined;
}

/** One answer, whole. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string | undefined;
  readonly location: string | undefined;
  /** Value of the Date header. */
  readonly date: string | undefined;
  /** Decompressed. */
  readonly body: Buffer;
  /** Bytes of the body as they came over the wire. */
  readonly bytes: number;
  /** Milliseconds since 1970 by this machine's clock: when the request left, and when the headers were there. */
  readonly sentAt: number;
  readonly answeredAt: number;
}

/**
 * Sends one request and reads its answer to the end. Redirects are not followed.
 * @param timeout from the first byte to the last, in milliseconds
 * @throws Fault
 */
export async function exchange(way: Way, sent: Sent, timeout: number, signal: AbortSignal): Promise<Answer> {
  const controller = new AbortController();
  const progress = { received: 0, hasHeaders: false };
  const timer = setTimeout(() => controller.abort(lateFault(way.peer, timeout, progress)), timeout);
  const stop = (): void => controller.abort(abortFault(signal));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await answered(way, sent, controller.signal, progress);
  } catch (error) {
    throw controller.signal.aborted ? abortFault(controller.signal) : bodyFault(way.causeOf(error), way.peer);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

function lateFault(
  peer: string,
  timeout: number,
  { received, hasHeaders }: { readonly received: number; readonly hasHeaders: boolean },
): Fault {
  const within = seconds(timeout);
  return hasHeaders
    ? new Fault('timeout', `the answer of ${peer} was not complete after ${within} (${Math.ceil(received / 1024)} KiB of it)`, 'once')
    : new Fault('timeout', `no answer from ${peer} within ${within}`, 'once');
}

async function answered(way: Way, sent: Sent, signal: AbortSignal, progress: { received: number; hasHeaders: boolean }): Promise<Answer> {
  const sentAt = Date.now();
  const response = await way.dispatcher.request({
    origin: way.address.origin,
    path: `${way.pathPrefix}${sent.path}`,
    method: sent.method,
    headers: { ...sent.headers, ...way.proxyHeaders },
    body: sent.body ?? null,
    signal,
  });
  const answeredAt = Date.now();
  progress.hasHeaders = true;
  const raw = await whole(response.body, progress);
  const isCompressed = one(response.headers['content-encoding'])?.toLowerCase() === 'gzip';
  return {
    status: response.statusCode,
    contentType: one(response.headers['content-type']) ?? '',
    retryAfter: one(response.headers['retry-after']),
    location: one(response.headers['location']),
    date: one(response.headers['date']),
    // A flush that does not insist on the end would pass a cut body off as whole.
    body: isCompressed ? gunzipSync(raw, { finishFlush: constants.Z_FINISH, maxOutputLength: mostBytes }) : raw,
    bytes: raw.length,
    sentAt,
    answeredAt,
  };
}

async function whole(body: Dispatcher.ResponseData['body'], progress: { received: number }): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) {
    if (!Buffer.isBuffer(chunk)) continue;
    progress.received += chunk.length;
    if (progress.received > mostBytes) throw new Fault('server-error', 'the answer is too large to be read');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, progress.received);
}

const one = (header: string | string[] | undefined): string | undefined => (Array.isArray(header) ? header[0] : header);
