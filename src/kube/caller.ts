import type { ClusterName } from '../model/ids.ts';
import { protobufType } from '../model/protobuf.ts';
import { abortFault, bodyFault, Fault, type Scrub } from './classify.ts';
import { type ClockReading, readClock } from './clock.ts';
import type { RequestRecord } from './connection.ts';
import type { Credentials, Issued } from './credentials.ts';
import { type Answer, exchange, type Sent } from './exchange.ts';
import type { Headers } from './headers.ts';
import { decodedStatus } from './protobuf.ts';
import type { Transport } from './transport.ts';

/** An answer with what its body says. */
export interface Said {
  readonly answer: Answer;
  /** Parsed; undefined when the body is no JSON. */
  readonly json: unknown;
}

export interface CallerOptions {
  readonly name: ClusterName;
  readonly credentials: Credentials;
  readonly transport: Transport;
  /** Headers of every request: impersonation, user agent. */
  readonly headers: Headers;
  /** Answers may come compressed; they are asked for that way where the server is not near. */
  readonly mayCompress: boolean;
  /** For one request and its answer, in milliseconds. */
  readonly requestTimeout: number;
  /** How often a request is sent again whose answer was cut. */
  readonly maxRetries: number;
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Ends everything that is under way. */
  readonly signal: AbortSignal;
  readonly onRequest?: ((record: RequestRecord) => void) | undefined;
}

/** One API call with everything that is done so that it succeeds. */
export interface Caller {
  /**
   * The last answer, whatever its status.
   * @throws Fault when there was none
   */
  call(sent: Sent, signal?: AbortSignal): Promise<Said>;
  /** The signal that ends a call: the connection's and its own. One for each call, since Node warns of many listeners on one signal. */
  signalOf(signal: AbortSignal | undefined): AbortSignal;
  record(
    sent: { readonly method: string; readonly path: string },
    outcome: Pick<RequestRecord, 'status' | 'bytes' | 'attempt'>,
    since: number,
  ): void;
  clock(): ClockReading | undefined;
  readonly scrub: Scrub;
}

/** Tries after an answer that asks to come again later, as many as client-go makes. */
const mostWaits = 10;
const noBody = Buffer.alloc(0);
/**
 * Milliseconds in which a connection to a near server is there, or in which it has answered something small: that is one round trip where the other is
 * two or three, and does not take the first handshake's time to get going. Over a short way a list travels faster than it is compressed and
 * decompressed, which is most of the work that a large one makes on both sides.
 */
const near = { connected: 25, answered: 10 } as const;
/** Longest time to wait that a server may ask for, in milliseconds. */
const longestWait = 60_000;

export function openCaller(options: CallerOptions): Caller {
  const secrets = new Set<string>();
  const state: { clock: ClockReading | undefined; hasAnswered: boolean; quickest: number } = {
    clock: undefined,
    hasAnswered: false,
    quickest: Number.POSITIVE_INFINITY,
  };

  const attempt = async (sent: Sent, issued: Issued, number: number, signal: AbortSignal): Promise<Said> => {
    const since = performance.now();
    let answer: Answer | undefined;
    try {
      const way = await options.transport.way(issued);
      for (const secret of way.secrets) secrets.add(secret);
      const authorization = issued.authorization === undefined ? {} : { Authorization: issued.authorization };
      const isNear = way.quickest() <= near.connected || state.quickest <= near.answered;
      const coding = options.mayCompress && !isNear ? { 'Accept-Encoding': 'gzip' } : {};
      answer = await exchange(
        way,
        { ...sent, headers: { ...sent.headers, ...options.headers, ...coding, ...authorization } },
        sent.timeout ?? options.requestTimeout,
        signal,
      );
      state.hasAnswered = true;
      state.quickest = Math.min(state.quickest, answer.answeredAt - answer.sentAt);
      const json = parsed(answer, way.peer, sent);
      if (json === undefined) return { answer, json };
      state.clock = readClock(answer, state.clock);
      // The text of a page is as large as its objects: nobody reads it again.
      return { answer: answer.status < 300 ? { ...answer, body: noBody } : answer, json };
    } finally {
      record(sent, { status: answer?.status ?? 0, bytes: answer?.bytes ?? 0, attempt: number }, since);
    }
  };

  const record: Caller['record'] = ({ method, path }, outcome, since) =>
    options.onRequest?.({ cluster: options.name, method, path, milliseconds: performance.now() - since, ...outcome });

  const signalOf: Caller['signalOf'] = (signal) => AbortSignal.any(signal === undefined ? [options.signal] : [options.signal, signal]);

  return {
    record,
    signalOf,
    clock: () => state.clock,
    scrub: (text) => [...secrets].reduce((safe, secret) => safe.replaceAll(secret, '(redacted)'), text),
    async call(sent, own) {
      const signal = signalOf(own);
      const tries = { cut: 0, stalled: false, waits: 0, renewed: false, unavailable: false };
      for (let number = 1; ; number++) {
        if (signal.aborted) throw abortFault(signal);
        const issued = await options.credentials.current();
        for (const secret of secretsOf(issued)) secrets.add(secret);
        let said: Said;
        try {
          // The first contact is made once: a server that never answered is not waited for twice.
          const mayStall = state.hasAnswered;
          said = await attempt(sent, issued, number, signal).catch((error: unknown) => {
            if (error instanceof Fault && error.retry === 'once' && !mayStall) throw new Fault(error.code, error.message);
            throw error;
          });
        } catch (error) {
          if (!(error instanceof Fault) || signal.aborted || !mayRetry(error, tries, options.maxRetries)) throw error;
          if (error.retry === 'again') await options.sleep(pause(tries.cut), signal);
          continue;
        }
        const { answer } = said;
        if (answer.status === 401 && !tries.renewed) {
          tries.renewed = true;
          if (await options.credentials.renew(issued)) continue;
        }
        const wait = waitOf(answer);
        if (wait !== undefined && wait <= longestWait && tries.waits < mostWaits - 1) {
          tries.waits++;
          await options.sleep(wait, signal);
          continue;
        }
        // Without a time to wait it was something in between that had no server to ask: one more try.
        if (wait === undefined && answer.status >= 502 && answer.status <= 504 && !tries.unavailable) {
          tries.unavailable = true;
          await options.sleep(pause(1), signal);
          continue;
        }
        return said;
      }
    },
  };
}

function mayRetry(fault: Fault, tries: { cut: number; stalled: boolean }, most: number): boolean {
  switch (fault.retry) {
    case 'never':
      return false;
    case 'once':
      if (tries.stalled) return false;
      tries.stalled = true;
      return true;
    case 'again':
      tries.cut++;
      return tries.cut <= most;
    default:
      return fault.retry satisfies never;
  }
}

/** 200 ms, then twice as long each time. */
const pause = (tries: number): number => 100 * 2 ** tries;

/** Milliseconds to wait before the next try, where the server asks for that. */
function waitOf({ status, retryAfter }: Answer): number | undefined {
  if ((status !== 429 && status < 500) || retryAfter === undefined) return undefined;
  if (/^\d+$/.test(retryAfter.trim())) return Number(retryAfter) * 1000;
  const until = Date.parse(retryAfter);
  return Number.isNaN(until) ? undefined : Math.max(until - Date.now(), 0);
}

const isJson = ({ contentType }: Answer): boolean => /^application\/(?:[\w.+-]+\+)?json/i.test(contentType);

function parsed(answer: Answer, peer: string, { trim }: Sent): unknown {
  if (answer.read !== undefined) return answer.read;
  const isProtobuf = answer.contentType.startsWith(protobufType);
  if (!isProtobuf && !isJson(answer)) return undefined;
  const less = answer.status < 300 ? trim?.(answer.body) : undefined;
  try {
    if (less !== undefined) return JSON.parse(less.toString('utf8'));
  } catch {
    // It was cut wrongly, or the whole of it is no better.
  }
  try {
    return isProtobuf ? decodedStatus(answer.body) : JSON.parse(answer.body.toString('utf8'));
  } catch (error) {
    // A refusal is one whatever its body: something in between may have left it empty.
    if (answer.status >= 400) return undefined;
    throw bodyFault(error, peer);
  }
}

function secretsOf({ authorization, certificate }: Issued): string[] {
  const value = authorization?.replace(/^\S+ /, '') ?? '';
  const password =
    authorization?.startsWith('Basic ') === true
      ? Buffer.from(value, 'base64')
          .toString('utf8')
          .replace(/^[^:]*:/, '')
      : '';
  return [value, password, certificate?.key ?? ''].filter((secret) => secret.length >= 4);
}
