import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { constants, createGunzip, gunzipSync } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { protobufType } from '../model/protobuf.ts';
import { abortFault, bodyFault, Fault, seconds } from './classify.ts';
import type { Headers } from './headers.ts';
import type { Way } from './transport.ts';

/** Longest body that can become a string; what is longer is no page of a list. */
const mostBytes = 0x1fff_ffe8;

/** One request as it is sent. */
export interface Sent {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the server's prefix, with query. */
  readonly path: string;
  readonly headers: Headers;
  readonly body?: string;
  /** Milliseconds that this request may take, instead of what all others may. */
  readonly timeout?: number | undefined;
  /** Makes less of a body before it is parsed; undefined when it has to be taken whole. */
  readonly trim?: ((body: Buffer) => Buffer | undefined) | undefined;
  /** Reads a success in protobuf while it comes; called anew for every answer. */
  readonly stream?: (() => BodyReader) | undefined;
}

/** Takes a body piece by piece. */
export interface BodyReader {
  /** A promise where the next piece should not come before it is kept. @throws SyntaxError when it is not what was asked for */
  write(piece: Buffer): Promise<void> | undefined;
  /** What all of it comes to, as JSON would have it. @throws SyntaxError when the end is missing */
  end(): unknown;
  /** Nothing more comes and nobody waits for what it would have come to: the answer was cut. */
  abandon?(): void;
}

/** One answer, whole. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly retryAfter: string | undefined;
  readonly location: string | undefined;
  /** Value of the Date header. */
  readonly date: string | undefined;
  /** Decompressed; empty where it was read while it came. */
  readonly body: Buffer;
  /** What a reader of the body made of it. */
  readonly read?: unknown;
  /** Bytes of the body as they came over the wire. */
  readonly bytes: number;
  /** Milliseconds since 1970 by this machine's clock: when the request left, and when the headers were there. */
  readonly sentAt: number;
  readonly answeredAt: number;
}

/**
 * Sends one request and reads its answer to the end. Redirects are not followed.
 * @param timeout from the first byte to the last, in milliseconds; of an answer that is read while it comes, to its next piece
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
    return await answered(way, sent, controller.signal, progress, () => timer.refresh());
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

async function answered(
  way: Way,
  sent: Sent,
  signal: AbortSignal,
  progress: { received: number; hasHeaders: boolean },
  onPiece: () => void,
): Promise<Answer> {
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
  const isCompressed = one(response.headers['content-encoding'])?.toLowerCase() === 'gzip';
  const contentType = one(response.headers['content-type']) ?? '';
  const seen = {
    status: response.statusCode,
    contentType,
    retryAfter: one(response.headers['retry-after']),
    location: one(response.headers['location']),
    date: one(response.headers['date']),
    sentAt,
    answeredAt,
  };
  if (sent.stream !== undefined && response.statusCode === 200 && contentType.startsWith(protobufType)) {
    const reader = sent.stream();
    try {
      await taken(response.body, isCompressed, progress, (piece) => {
        // It takes as long as it is large: what comes is no stall.
        onPiece();
        return reader.write(piece);
      });
      return { ...seen, body: Buffer.alloc(0), read: await reader.end(), bytes: progress.received };
    } catch (error) {
      reader.abandon?.();
      throw error;
    }
  }
  const raw = await whole(response.body, progress);
  return {
    ...seen,
    // A flush that does not insist on the end would pass a cut body off as whole.
    body: isCompressed ? gunzipSync(raw, { finishFlush: constants.Z_FINISH, maxOutputLength: mostBytes }) : raw,
    bytes: raw.length,
  };
}

/**
 * Gives a body piece by piece as it comes: a large one has thousands of pieces, and each is given at once, without a turn of its own. A body that
 * was cut is an error at its end.
 */
async function taken(
  body: Dispatcher.ResponseData['body'],
  isCompressed: boolean,
  progress: { received: number },
  take: (piece: Buffer) => Promise<void> | undefined,
): Promise<void> {
  const from: Readable = isCompressed ? inflated(body) : body;
  body.on('data', (chunk: Buffer) => {
    progress.received += chunk.length;
  });
  from.on('data', (piece: Buffer) => {
    try {
      const room = take(piece);
      if (room === undefined) return;
      from.pause();
      void room.then(() => from.resume());
    } catch (error) {
      from.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  });
  await finished(from, { writable: false });
}

/** The same, decompressed. Never holds the other side up: what is told to wait is copied again and again, and compressed there is not much of it. */
function inflated(body: Dispatcher.ResponseData['body']): Readable {
  const unzip = createGunzip({ chunkSize: 1 << 16 });
  // Whichever of the two goes wrong, the other ends with it.
  body.on('data', (chunk: Buffer) => unzip.write(chunk));
  body.once('end', () => unzip.end());
  body.once('error', (error) => unzip.destroy(error));
  unzip.once('close', () => body.destroy());
  return unzip;
}

async function whole(body: Dispatcher.ResponseData['body'], progress: { received: number }): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await taken(body, false, progress, (chunk) => {
    if (progress.received > mostBytes) throw new Fault('server-error', 'the answer is too large to be read');
    chunks.push(chunk);
    return undefined;
  });
  return Buffer.concat(chunks, progress.received);
}

const one = (header: string | string[] | undefined): string | undefined => (Array.isArray(header) ? header[0] : header);
