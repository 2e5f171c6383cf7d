import type { X509Certificate } from 'node:crypto';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as startTls, type TLSSocket } from 'node:tls';
import type { HandshakeOutcome } from '../model/observations.ts';
import { duration, type Failure, failureOf, oneLine } from './failure.ts';
import { type Limits, within } from './pace.ts';
import { type CertificateSeen, certificateSeen } from './presented-chain.ts';

/** How a handshake begins. */
export interface Greeting {
  readonly sni: string;
  /** Offered by ALPN, best first. */
  readonly protocols: readonly string[];
  /**
   * Called once TLS stands; what it makes of the connection takes the place of waiting for what comes by itself. Without it that is
   * waited for, since Istio's sidecars say only then that they want a certificate.
   */
  readonly afterwards?: (tls: Duplex) => Promise<void>;
}

/** Opens the connection that TLS is spoken on. Rejects, or says why, when there is none. */
export type Opening = (signal: AbortSignal) => Promise<{ readonly stream: Duplex } | Failure>;

/**
 * One TLS handshake without a client certificate. Nothing is verified on the way; which of `roots` the chain leads to is part of the
 * outcome. Never rejects; takes `limits.timeout` at most for everything.
 */
export async function shakeHands(
  greeting: Greeting,
  open: Opening,
  roots: readonly X509Certificate[],
  now: () => number,
  limits: Limits,
): Promise<HandshakeOutcome> {
  // How far it came is told by what was seen, whichever way it ends.
  const seen: Seen = { heard: () => false };
  const outcome = await within<HandshakeOutcome>(
    limits,
    async (signal) => {
      const opened = await open(signal);
      if (!('stream' in opened)) return tcp(opened);
      const { stream } = opened;
      seen.since = now();
      seen.stream = stream;
      stream.on('error', () => undefined);
      seen.heard = listening(stream);
      if (signal.aborted) stream.destroy();
      signal.addEventListener('abort', () => stream.destroy(), { once: true });
      return await talk(stream, greeting, {
        isSilent: () => !seen.heard(),
        onCertificate: (leaf, terms) => {
          seen.certificate = { ...certificateSeen(leaf, roots), ...terms };
          return seen.certificate;
        },
        milliseconds: () => Math.round(now() - (seen.since ?? 0)),
        settle: Math.min(limits.timeout, longestSettling),
      });
    },
    (failure) => ended(failure, seen, limits, now),
  );
  seen.stream?.destroy();
  return outcome;
}

/** What the other side settled beside its certificate. */
interface Terms {
  readonly version?: string;
  readonly asksForCertificate: boolean;
  /** Agreed on by ALPN, where the handshake came that far. */
  readonly protocol?: string;
}

type Presented = CertificateSeen & Terms;

interface Seen {
  since?: number;
  stream?: Duplex;
  certificate?: Presented;
  /** Whether the other side said anything. */
  heard: () => boolean;
}

/** Milliseconds to wait for what a server says to a client without certificate: one round trip, and it may be a long one. */
const longestSettling = 2000;

interface Observer {
  readonly isSilent: () => boolean;
  readonly onCertificate: (leaf: X509Certificate, terms: Terms) => Presented;
  /** Since the connection stood. */
  readonly milliseconds: () => number;
  /** Milliseconds to wait after the handshake. */
  readonly settle: number;
}

/** TLS takes over the handle of a socket, which counts what it reads; of any other stream the pieces are seen as they come. */
function listening(stream: Duplex): () => boolean {
  if (stream instanceof Socket) return () => stream.bytesRead > 0;
  let heard = false;
  stream.once('data', () => (heard = true));
  return () => heard;
}

/** How a line of key material begins in TLS 1.2; what follows is never looked at. */
const keysBefore13 = 'CLIENT_RANDOM ';

/** From ClientHello to what comes after the handshake. */
function talk(stream: Duplex, { sni, protocols, afterwards }: Greeting, observer: Observer): Promise<HandshakeOutcome> {
  return new Promise((resolve, reject) => {
    const tls = startTls({
      socket: stream,
      servername: sni,
      ALPNProtocols: [...protocols],
      // Sidecars choose 1.3. What else may stand in front and knows only 1.2 gets to show its certificate too.
      minVersion: 'TLSv1.2',
      // No roots: the chain is then as it was presented, without what this machine would add.
      ca: [],
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    let certificate: Presented | undefined;
    let early: { readonly leaf: X509Certificate; readonly terms: Terms } | undefined;
    let settling: NodeJS.Timeout | undefined;
    const finish = (then: 'certificate-required' | 'open' | 'closed') => {
      clearTimeout(settling);
      if (certificate !== undefined) resolve({ ...certificate, afterwards: then });
    };
    const cut = (error?: Error): void => {
      if (certificate === undefined && early !== undefined && !observer.isSilent())
        certificate = observer.onCertificate(early.leaf, early.terms);
      if (certificate !== undefined) return finish(error !== undefined && isCertificateRequired(error) ? 'certificate-required' : 'closed');
      resolve(observer.isSilent() ? ofNothing(error, observer.milliseconds()) : brokenOff(error));
    };
    // Before 1.3 whoever wants a certificate of ours ends the handshake without it. Its own has come by the time that keys are made.
    tls.on('keylog', (line: Buffer) => {
      if (line.subarray(0, keysBefore13.length).toString('latin1') !== keysBefore13) return;
      const leaf = tls.getPeerX509Certificate();
      if (leaf !== undefined) early = { leaf, terms: termsOf(tls) };
    });
    tls.once('secureConnect', () => {
      // Reading it takes it out of the chain that Node keeps: it is read once.
      const leaf = early?.leaf ?? tls.getPeerX509Certificate();
      if (leaf === undefined) return reject(new Error('the other side presented no certificate'));
      certificate = observer.onCertificate(leaf, {
        ...termsOf(tls),
        protocol: tls.alpnProtocol === false ? '' : (tls.alpnProtocol ?? ''),
      });
      if (afterwards !== undefined) return void afterwards(tls).then(() => finish('open'), reject);
      settling = setTimeout(() => finish('open'), observer.settle);
      tls.on('data', () => finish('open'));
    });
    tls.once('error', cut);
    tls.once('close', () => cut());
  });
}

/** Whoever asks for a certificate says which signatures it takes: a client has some in common with the server only then. */
function termsOf(tls: TLSSocket): Terms {
  const version = tls.getProtocol();
  return { ...(version === null ? {} : { version }), asksForCertificate: tls.getSharedSigalgs().length > 0 };
}

/** Nothing was said. Of a port-forward it is only known afterwards that nobody listens where it leads. */
function ofNothing(error: Error | undefined, milliseconds: number): HandshakeOutcome {
  const failure = error === undefined ? undefined : failureOf(error);
  return failure?.failed === 'refused' ? tcp(failure) : { stage: 'reset', milliseconds };
}

function tcp({ failed, reason }: Failure): HandshakeOutcome {
  return { stage: 'tcp', code: failed, reason };
}

/** What it was when it could not come to its end: interrupted, no connection, silence, or a certificate and nothing after it. */
function ended(failure: Failure, seen: Seen, limits: Limits, now: () => number): HandshakeOutcome {
  if (failure.failed === 'interrupted') return tcp(failure);
  if (seen.certificate !== undefined) return { ...seen.certificate, afterwards: 'open' };
  const isLate = failure.failed === 'timeout';
  if (seen.since === undefined) return tcp(isLate ? { ...failure, reason: `no connection within ${duration(limits.timeout)}` } : failure);
  if (!isLate) return { stage: 'tls', reason: failure.reason };
  return seen.heard()
    ? { stage: 'tls', reason: `the handshake was not over after ${duration(limits.timeout)}` }
    : { stage: 'silence', milliseconds: Math.round(now() - seen.since) };
}

function brokenOff(error?: Error): HandshakeOutcome {
  const code = error === undefined ? '' : codeOf(error);
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG')
    return { stage: 'tls', reason: 'the other side does not speak TLS' };
  const alert = alertOf(error);
  if (alert !== undefined) return { stage: 'tls', reason: `TLS alert ${alert.toLowerCase()}` };
  if (error === undefined || code === '' || (failureOf(error).failed === 'reset' && !code.startsWith('ERR_SSL_')))
    return { stage: 'tls', reason: 'the connection ended in the middle of the handshake' };
  // OpenSSL writes `<thread>:error:<number>:SSL routines:<function>:<reason>:<file>:<line>:`.
  return { stage: 'tls', reason: oneLine(/SSL routines:[^:]*:([^:]+)/.exec(error.message)?.[1] ?? error.message) };
}

/** How the other side says that it wants a certificate of ours: TLS 1.3 has an alert for it; before, BoringSSL and OpenSSL say handshake_failure, and Go bad_certificate. */
const wantsCertificate: ReadonlySet<string | undefined> = new Set(['CERTIFICATE_REQUIRED', 'HANDSHAKE_FAILURE', 'BAD_CERTIFICATE']);

function isCertificateRequired(error: Error): boolean {
  return wantsCertificate.has(alertOf(error));
}

/** The alert of the other side. What stands before its name depends on the version of OpenSSL: `SSLV3`, `TLSV1`, `TLSV13`, `SSL/TLS`. */
function alertOf(error: Error | undefined): string | undefined {
  return error === undefined ? undefined : /^ERR_SSL_.*ALERT_(\w+)$/.exec(codeOf(error))?.[1];
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
