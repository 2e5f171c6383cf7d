import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect as startTls, type TLSSocket } from 'node:tls';
import { distinct } from '../base/sort.ts';
import type { GatewayHandshake, HandshakeOutcome } from '../model/observations.ts';
import { duration, type Failure, failureOf, oneLine } from './failure.ts';
import { type Limits, within } from './pace.ts';
import { alternativeNames, chainOf, distinguishedName, fingerprintOf, leadsTo } from './presented-chain.ts';
import type { ProbeIo } from './probe.ts';

/** Whom to call, and which name to ask for. */
export type HandshakeAddress = Pick<GatewayHandshake, 'host' | 'port' | 'sni'>;

/** What came of it. `connectedTo` only where it is not the address itself. */
export type Handshake = Pick<GatewayHandshake, 'connectedTo' | 'outcome'>;

/**
 * One TLS handshake as a sidecar begins it, without a client certificate: server name as given, ALPN `istio`. Nothing is verified on
 * the way; which of `roots` the chain leads to is part of the outcome. Never rejects; takes `limits.timeout` at most for everything.
 */
export async function shakeHands(
  address: HandshakeAddress,
  roots: readonly X509Certificate[],
  io: Pick<ProbeIo, 'connect' | 'now'>,
  limits: Limits,
): Promise<Handshake> {
  // How far it came is told by what was seen, whichever way it ends.
  const seen: { connectedTo?: string; since?: number; socket?: Socket; certificate?: CertificateSeen } = {};
  const outcome = await within<HandshakeOutcome>(
    limits,
    async (signal) => {
      const { socket, connectedTo } = await io.connect({ host: address.host, port: address.port }, signal);
      seen.since = io.now();
      seen.socket = socket;
      if (connectedTo !== address.host) seen.connectedTo = connectedTo;
      socket.on('error', () => undefined);
      if (signal.aborted) socket.destroy();
      signal.addEventListener('abort', () => socket.destroy(), { once: true });
      return await talk(socket, address.sni, {
        onCertificate: (leaf) => {
          seen.certificate = certificateSeen(leaf, roots);
          return seen.certificate;
        },
        milliseconds: () => io.now() - (seen.since ?? 0),
        settle: Math.min(limits.timeout, longestSettling),
      });
    },
    (failure) => ended(failure, seen, limits),
  );
  seen.socket?.destroy();
  return seen.connectedTo === undefined ? { outcome } : { connectedTo: seen.connectedTo, outcome };
}

type CertificateSeen = Omit<Extract<HandshakeOutcome, { readonly stage: 'certificate' }>, 'afterwards'>;

/** Milliseconds to wait for what a server says to a client without certificate: one round trip, and it may be a long one. */
const longestSettling = 2000;

interface Observer {
  readonly onCertificate: (leaf: X509Certificate) => CertificateSeen;
  /** Since the connection stood. */
  readonly milliseconds: () => number;
  /** Milliseconds to wait after the handshake. */
  readonly settle: number;
}

/** From ClientHello to what comes after the handshake. */
function talk(socket: Socket, sni: string, observer: Observer): Promise<HandshakeOutcome> {
  return new Promise((resolve, reject) => {
    const tls = startTls({
      socket,
      servername: sni,
      ALPNProtocols: ['istio'],
      // Sidecars choose 1.3. What else may stand in front and knows only 1.2 gets to show its certificate too.
      minVersion: 'TLSv1.2',
      // No roots: the chain is then as it was presented, without what this machine would add.
      ca: [],
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    let certificate: CertificateSeen | undefined;
    let settling: NodeJS.Timeout | undefined;
    const finish = (afterwards: 'certificate-required' | 'open' | 'closed') => {
      clearTimeout(settling);
      if (certificate !== undefined) resolve({ ...certificate, afterwards });
    };
    tls.once('secureConnect', () => {
      const leaf = leafOf(tls);
      if (leaf === undefined) return reject(new Error('the other side presented no certificate'));
      certificate = observer.onCertificate(leaf);
      settling = setTimeout(() => finish('open'), observer.settle);
      tls.on('data', () => finish('open'));
    });
    tls.once('error', (error: Error) => {
      if (certificate !== undefined) return finish(isCertificateRequired(error) ? 'certificate-required' : 'closed');
      resolve(socket.bytesRead === 0 ? { stage: 'reset', milliseconds: Math.round(observer.milliseconds()) } : brokenOff(error));
    });
    tls.once('close', () => {
      if (certificate !== undefined) return finish('closed');
      resolve(socket.bytesRead === 0 ? { stage: 'reset', milliseconds: Math.round(observer.milliseconds()) } : brokenOff());
    });
  });
}

function leafOf(tls: TLSSocket): X509Certificate | undefined {
  return tls.getPeerX509Certificate();
}

function certificateSeen(leaf: X509Certificate, roots: readonly X509Certificate[]): CertificateSeen {
  const chain = chainOf(leaf);
  const now = Date.now();
  return {
    stage: 'certificate',
    ...alternativeNames(leaf),
    subject: distinguishedName(leaf.subject),
    issuer: distinguishedName(leaf.issuer),
    chain: chain.map(fingerprintOf),
    verifiedBy: distinct(roots.filter((root) => leadsTo(chain, root, now)).map(fingerprintOf)),
    rootsTried: distinct(roots.map(fingerprintOf)),
  };
}

/** What it was when it could not come to its end: interrupted, no connection, silence, or a certificate and nothing after it. */
function ended(
  failure: Failure,
  seen: { readonly since?: number; readonly certificate?: CertificateSeen },
  limits: Limits,
): HandshakeOutcome {
  if (failure.failed === 'interrupted') return { stage: 'tcp', code: 'interrupted', reason: failure.reason };
  if (seen.certificate !== undefined) return { ...seen.certificate, afterwards: 'open' };
  if (seen.since === undefined) return { stage: 'tcp', code: failure.failed, reason: withoutAnswer(failure, limits) };
  return { stage: 'tls', reason: failure.failed === 'timeout' ? `nothing came back within ${duration(limits.timeout)}` : failure.reason };
}

function withoutAnswer(failure: Failure, limits: Limits): string {
  return failure.failed === 'timeout' ? `no connection within ${duration(limits.timeout)}` : failure.reason;
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

function isCertificateRequired(error: Error): boolean {
  return alertOf(error) === 'CERTIFICATE_REQUIRED';
}

/** The alert of the other side. What stands before its name depends on the version of OpenSSL: `SSLV3`, `TLSV1`, `TLSV13`, `SSL/TLS`. */
function alertOf(error: Error | undefined): string | undefined {
  return error === undefined ? undefined : /^ERR_SSL_.*ALERT_(\w+)$/.exec(codeOf(error))?.[1];
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
