import { count, list, redact } from '../base/text.ts';
import type { FailureCode } from '../model/facts.ts';

/** Why a cluster could not be asked. Thrown inside this layer only; outside it is `failed` of a `Read`. */
export class Fault extends Error {
  readonly code: FailureCode;
  /** What the reader may do: nothing, ask again, or ask again once. */
  readonly retry: 'never' | 'again' | 'once';
  constructor(code: FailureCode, reason: string, retry: 'never' | 'again' | 'once' = 'never', options?: ErrorOptions) {
    super(reason, options);
    this.name = 'Fault';
    this.code = code;
    this.retry = retry;
  }
}

/** `code` of a system, OpenSSL, zlib or undici error. */
export function errorCode(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Why a file cannot be read or a command cannot be run, in words. */
export function fileProblem(error: unknown): string {
  const code = errorCode(error);
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    case 'ELOOP':
      return 'links lead in a circle';
    default:
      return code ?? 'it cannot be read';
  }
}

/** `5s`, `1.5s`, `250ms`. */
export function seconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds}ms` : `${Math.round(milliseconds / 100) / 10}s`;
}

/** `10.0.0.1:6443`, `[fd00::1]:6443`. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The peer's certificate, as far as a reason needs it. */
export interface SeenCertificate {
  readonly subject: string;
  readonly issuer: string;
  /** DNS names and IP addresses it is for. */
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly validFrom: number;
  readonly validTo: number;
}

/** What a handshake was to prove. */
export interface Expected {
  /** Name or IP the certificate has to be for. */
  readonly name: string;
  /** Which store of authorities it was held against: `the system's certificates (/etc/ssl/cert.pem)`. */
  readonly store: string;
  /** The other side: `10.0.0.1:6443`. */
  readonly peer: string;
}

/** Why a certificate was not accepted. `code` is OpenSSL's or Node's. */
export function certificateFault(code: string, seen: SeenCertificate | undefined, expected: Expected): Fault {
  const day = (time: number): string => (Number.isFinite(time) ? new Date(time).toISOString().slice(0, 10) : 'an unknown day');
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return new Fault('tls-expired', `the certificate of ${expected.peer} expired on ${day(seen?.validTo ?? Number.NaN)}`);
    case 'CERT_NOT_YET_VALID':
      return new Fault('tls-expired', `the certificate of ${expected.peer} is not valid before ${day(seen?.validFrom ?? Number.NaN)}`);
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'ERR_TLS_CERT_ALTNAME_FORMAT':
      return new Fault(
        'tls-name',
        `the certificate of ${expected.peer} is not for ${expected.name} but for ${list(seen?.names ?? [], 'no name')}`,
      );
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return new Fault('tls-untrusted', `the certificate of ${expected.peer} is signed by itself and not among ${expected.store}`);
    default:
      return new Fault(
        'tls-untrusted',
        `the certificate of ${expected.peer}${seen === undefined || seen.issuer === '' ? '' : `, issued by ${seen.issuer},`} is not trusted by ${expected.store}`,
      );
  }
}

const untrusted = /CERT|ISSUER|INVALID_CA|INVALID_PURPOSE|VERIFY|CRL|PATH_LENGTH/;

/**
 * What became of a socket before it was of use.
 * @param peer `host:port` as dialled
 * @param by who did not let it in: the address that was tried, where nothing says more
 */
export function socketFault(error: unknown, peer: string, by = addressOf(error) ?? peer): Fault {
  if (error instanceof Fault) return error;
  const code = errorCode(error) ?? '';
  switch (code) {
    case 'ECONNREFUSED':
      return new Fault('refused', `connection refused by ${by}`);
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return new Fault('refused', `there is no route to ${by}`);
    case 'ENOTFOUND':
    case 'EAI_NONAME':
      return new Fault('dns', `${nameIn(error) ?? `the name of ${peer}`} has no address`);
    case 'EAI_AGAIN':
      return new Fault('dns', `${nameIn(error) ?? `the name of ${peer}`} could not be resolved`);
    case 'ETIMEDOUT':
      return new Fault('timeout', `no connection to ${peer}: timed out`);
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
    case 'UND_ERR_SOCKET':
    case 'UND_ERR_DESTROYED':
      return new Fault('reset', `the connection was closed by ${peer}`, 'again');
    case 'UND_ERR_INVALID_ARG':
    case 'ERR_INVALID_CHAR':
      return new Fault('unauthorized', 'the credential, or whom it is to stand for, holds characters that no header may have');
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'ERR_SSL_HTTP_REQUEST':
      return new Fault('server-error', `${peer} does not speak TLS`);
    default:
      break;
  }
  const alert = /^ERR_SSL_(?:TLS|SSL)V\d+_ALERT_(.+)$/.exec(code)?.[1]?.toLowerCase().replaceAll('_', ' ');
  if (alert !== undefined) {
    // What a server says of the certificate that it was shown, or missed.
    return /certificate|unknown ca|access denied/.test(alert)
      ? new Fault('unauthorized', `${peer} did not accept the client certificate (${alert})`)
      : new Fault('server-error', `${peer} ended the TLS handshake (${alert})`);
  }
  if (untrusted.test(code)) return certificateFault(code, undefined, { name: peer, store: 'the certificates known here', peer });
  return new Fault('reset', `the connection to ${peer} failed${code === '' ? '' : ` (${code})`}`, 'again');
}

/** The name that a failed look-up was for. */
function nameIn(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'hostname' in error && typeof error.hostname === 'string'
    ? `the name ${error.hostname}`
    : undefined;
}

/** Of an error that stands for several attempts (one per address), the address of the last. */
function addressOf(error: unknown): string | undefined {
  if (error instanceof AggregateError) {
    const found = error.errors.map((one: unknown) => addressOf(one)).filter((one) => one !== undefined);
    return found.length === 0 ? undefined : list([...new Set(found)]);
  }
  if (typeof error !== 'object' || error === null || !('address' in error) || !('port' in error)) return undefined;
  return typeof error.address === 'string' && typeof error.port === 'number' ? hostPort(error.address, error.port) : undefined;
}

/** Why a body did not arrive whole or cannot be read; most of it is worth another try. What has no code is a fault of this program, and thrown on. */
export function bodyFault(error: unknown, peer: string): Fault {
  if (error instanceof Fault) return error;
  const code = errorCode(error) ?? '';
  if (code === 'ERR_BUFFER_TOO_LARGE' || code === 'ERR_STRING_TOO_LONG')
    return new Fault('server-error', `the answer of ${peer} is too large to be read`);
  if (code.startsWith('Z_')) return new Fault('reset', `the compressed answer of ${peer} was cut`, 'again');
  if (error instanceof SyntaxError) return new Fault('reset', `the answer of ${peer} was cut`, 'again');
  if (code === '') throw error;
  if (code.startsWith('HPE_') || code.startsWith('UND_ERR_RES')) return new Fault('server-error', `the answer of ${peer} is not HTTP`);
  return socketFault(error, peer);
}

/** Why a run was given up: its signal says whether somebody ended it or its time was over. */
export function abortFault(signal: AbortSignal): Fault {
  const reason: unknown = signal.reason;
  if (reason instanceof Fault) return reason;
  return reason instanceof Error && reason.name === 'TimeoutError'
    ? new Fault('timeout', 'the time for the whole run was over')
    : new Fault('interrupted', 'the run was interrupted');
}

/** A Kubernetes `Status`, as far as it explains a refusal. */
export interface KubeStatus {
  readonly reason: string;
  readonly message: string;
  /** `metadata.continue` of a 410. */
  readonly continueToken: string;
}

/** A parsed body as a Status; undefined when it is something else. */
export function statusOf(body: unknown): KubeStatus | undefined {
  const fields = fieldsOf(body);
  if (fields?.['kind'] !== 'Status') return undefined;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    reason: text(fields['reason']),
    message: text(fields['message']),
    continueToken: text(fieldsOf(fields['metadata'])?.['continue']),
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

/** Verb and resource that a Forbidden message names: `pods is forbidden: User "x" cannot list resource "pods" in API group "apps" …`. */
export function missingRight(
  message: string,
  asked: { readonly verb: string; readonly resource: string },
): { readonly verb: string; readonly resource: string } {
  const right = /cannot (\S+) resource "([^"]+)"(?: in API group "([^"]*)")?/.exec(message);
  if (right?.[1] !== undefined && right[2] !== undefined)
    return { verb: right[1], resource: right[3] ? `${right[2]}.${right[3]}` : right[2] };
  const path = /cannot (\S+) path "([^"]+)"/.exec(message);
  return path?.[1] !== undefined && path[2] !== undefined ? { verb: path[1], resource: path[2] } : asked;
}

/** What an answer that is no success means, when nothing more can be done about it. */
export function answerFault(
  answer: { readonly status: number; readonly contentType: string; readonly location?: string | undefined },
  body: string,
  peer: string,
  scrub: Scrub,
): Fault {
  const { status, contentType } = answer;
  if (status >= 300 && status < 400)
    return new Fault(
      'proxy',
      `${peer} answered ${status} and sends clients to ${hostOf(answer.location)}, which no API server does: a proxy or a login page is in between`,
    );
  if (status === 401) return new Fault('unauthorized', `${peer} did not accept the credentials (401)`);
  if (isPage(contentType))
    return new Fault(
      'proxy',
      `${peer} answered ${status} with a web page, which no API server does: a proxy or a login page is in between`,
    );
  const said = saying(body, scrub);
  const what = `${peer} answered ${status}${said === '' ? '' : `: ${said}`}`;
  if (status === 403) return new Fault('forbidden', what);
  if (status === 429) return new Fault('throttled', what);
  if (status === 407) return new Fault('proxy', what);
  return new Fault('server-error', what);
}

export const isPage = (contentType: string): boolean => /^(?:text\/html|application\/xhtml)/i.test(contentType);

function hostOf(location: string | undefined): string {
  try {
    return new URL(location ?? '').host || 'another place';
  } catch {
    return 'another place';
  }
}

/** Takes out of a text what a connection's credential is made of. Done before anything is cut: half a token is still a secret. */
export type Scrub = (text: string) => string;

/** What a server said in an error body, in one short line without anything secret. */
export function saying(body: string, scrub: Scrub): string {
  let text = body;
  try {
    const message = statusOf(JSON.parse(body))?.message;
    if (message !== undefined) text = message;
  } catch {
    // Not JSON: plain text says it itself.
  }
  const line = redact(scrub(text)).replace(/\s+/g, ' ').trim().replace(/\.$/, '');
  return line.length > 200 ? `${line.slice(0, 200)}… (${count(line.length, 'character')})` : line;
}
