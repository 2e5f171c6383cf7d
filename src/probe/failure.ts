import { redact } from '../base/text.ts';
import type { FailureCode } from '../model/facts.ts';
import type { Answer } from '../model/observations.ts';

/** The failed half of an `Answer`. */
export type Failure = Extract<Answer<never>, { readonly failed: FailureCode }>;

/** An answer that came and is of no use: what a probe throws when it knows what is wrong itself. */
export class UselessAnswer extends Error {
  readonly failure: Failure;
  constructor(failed: FailureCode, reason: string) {
    super(reason);
    this.name = new.target.name;
    this.failure = { failed, reason };
  }
}

/** Socket errors of Node that have a word of their own, with what is said of them. */
const socketErrors: ReadonlyMap<string, Failure> = new Map([
  ['ECONNREFUSED', { failed: 'refused', reason: 'connection refused' }],
  ['ENOTFOUND', { failed: 'dns', reason: 'the name cannot be resolved' }],
  ['EAI_AGAIN', { failed: 'dns', reason: 'the name server does not answer' }],
  ['ETIMEDOUT', { failed: 'timeout', reason: 'connection timed out' }],
  // No route is what a firewall that rejects looks like from here.
  ['EHOSTUNREACH', { failed: 'refused', reason: 'no route to the host' }],
  ['ENETUNREACH', { failed: 'refused', reason: 'no route to the network' }],
  ['ECONNRESET', { failed: 'reset', reason: 'the connection was reset' }],
  ['ECONNABORTED', { failed: 'reset', reason: 'the connection was reset' }],
  ['EPIPE', { failed: 'reset', reason: 'the connection was closed' }],
  ['ERR_STREAM_PREMATURE_CLOSE', { failed: 'reset', reason: 'the connection was closed' }],
]);

/** Errors of the way to a cluster say in these very words what they are. */
const failureCodes = {
  refused: true,
  dns: true,
  timeout: true,
  reset: true,
  'tls-untrusted': true,
  'tls-name': true,
  'tls-expired': true,
  'tls-unspoken': true,
  unauthorized: true,
  forbidden: true,
  'not-found': true,
  throttled: true,
  'server-error': true,
  proxy: true,
  'exec-plugin': true,
  'unreadable-file': true,
  'contradicting-copies': true,
  interrupted: true,
} as const satisfies Readonly<Record<FailureCode, true>>;

function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(failureCodes, code);
}

/** What an error of a socket, a stream or a parser says, in one plain sentence part. */
export function failureOf(error: unknown): Failure {
  if (error instanceof UselessAnswer) return error.failure;
  const code = codeOf(error);
  const known = code === undefined ? undefined : socketErrors.get(code);
  if (known !== undefined) return known;
  const reason = error instanceof Error ? oneLine(error.message) : '';
  if (code !== undefined && isFailureCode(code)) return { failed: code, reason };
  // A kubelet's own words.
  if (/connection refused/i.test(reason)) return { failed: 'refused', reason };
  if (/timed? ?out/i.test(reason)) return { failed: 'timeout', reason };
  return { failed: 'reset', reason: reason === '' ? 'the connection failed' : reason };
}

/** Milliseconds for people: `5s`, `250ms`. */
export function duration(milliseconds: number): string {
  return milliseconds >= 1000 && milliseconds % 500 === 0 ? `${milliseconds / 1000}s` : `${Math.round(milliseconds)}ms`;
}

/** The first line of a text that somebody else wrote, without full stop, not longer than a line should be, and without credentials. */
export function oneLine(text: string, most = longestReason): string {
  const [line = ''] = redact(text)
    .trim()
    .split(/[\r\n]/, 1);
  const short = line.length > most ? `${line.slice(0, most - 1)}…` : line;
  return short.replace(/\.+$/, '');
}

const longestReason = 200;

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
