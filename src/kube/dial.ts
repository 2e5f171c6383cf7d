import { request, STATUS_CODES } from 'node:http';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { abortFault, certificateFault, Fault, hostPort, seconds, type SeenCertificate, socketFault } from './classify.ts';
import type { ProxyAddress } from './proxy.ts';
import { socksTunnel } from './socks.ts';
import type { ServerAddress } from './target.ts';
import type { TlsSettings } from './tls-settings.ts';

/** The way to one server. */
export interface Route {
  readonly address: ServerAddress;
  readonly proxy?: ProxyAddress;
  /** Absent for http. */
  readonly tls?: TlsSettings;
  /** TLS with a proxy of https. */
  readonly proxyTls?: TlsSettings;
}

/** Longest that TCP may stay silent on one address while others are left to try, in milliseconds. */
const attemptTimeout = 1000;

/** A plain http server behind a proxy is asked through the proxy itself, not through a tunnel. */
export const isForwarded = ({ address, proxy }: Route): boolean =>
  address.protocol === 'http:' && (proxy?.kind === 'http' || proxy?.kind === 'https');

/**
 * A socket to a server that has proven who it is: by proxy and TLS as the route says. HTTP requests and upgrades both go this way, so no
 * setting can hold for one and not for the other.
 * @param timeout for all steps together, in milliseconds
 * @throws Fault
 */
export function dial(route: Route, timeout: number, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const trip: Trip = { route, timeout, step: 'connect', open: undefined };
    let settled = false;
    const settle = (): boolean => {
      if (settled) return false;
      settled = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      return true;
    };
    const fail = (error: unknown): void => {
      // What is still to come of a socket given up concerns nobody.
      trip.open?.on('error', () => undefined).destroy();
      if (settle()) reject(faultOf(trip, error));
    };
    const arrived = (socket: Socket): void => {
      if (settle()) resolve(socket);
      else socket.destroy();
    };
    const aborted = (): void => {
      if (signal !== undefined) fail(abortFault(signal));
    };
    const timer = setTimeout(() => fail(timeoutFault(trip)), timeout);
    if (signal?.aborted === true) return aborted();
    signal?.addEventListener('abort', aborted, { once: true });
    void travel(trip).then(arrived, fail);
  });
}

interface Trip {
  readonly route: Route;
  readonly timeout: number;
  step: 'connect' | 'proxy' | 'handshake';
  open: Socket | undefined;
}

const peerOf = ({ address }: Route): string => hostPort(address.host, address.port);
const proxyName = (proxy: ProxyAddress): string => `proxy ${hostPort(proxy.host, proxy.port)} (${proxy.from})`;

function faultOf({ route, step }: Trip, error: unknown): Fault {
  if (step !== 'connect' || route.proxy === undefined) return socketFault(error, peerOf(route));
  const proxy = proxyName(route.proxy);
  return socketFault(error, proxy, proxy);
}

function timeoutFault({ route, timeout, step }: Trip): Fault {
  const after = seconds(timeout);
  switch (step) {
    case 'connect':
      return new Fault('timeout', `no connection to ${route.proxy === undefined ? peerOf(route) : proxyName(route.proxy)} within ${after}`);
    case 'proxy':
      return new Fault('timeout', `no answer from ${route.proxy === undefined ? 'the proxy' : proxyName(route.proxy)} within ${after}`);
    case 'handshake':
      return new Fault('timeout', `TLS handshake timeout after ${after} with ${peerOf(route)}`);
    default:
      return step satisfies never;
  }
}

async function travel(trip: Trip): Promise<Socket> {
  const { address, proxy, tls } = trip.route;
  trip.open = await tcp(trip, proxy ?? address);
  if (proxy !== undefined) {
    if (trip.route.proxyTls !== undefined) trip.open = await handshake(trip, trip.route.proxyTls, hostPort(proxy.host, proxy.port));
    trip.step = 'proxy';
    if (proxy.kind === 'socks5') await socksTunnel(trip.open, proxy, address.host, address.port);
    else if (!isForwarded(trip.route)) trip.open = await httpTunnel(trip.open, proxy, hostPort(address.host, address.port));
  }
  if (tls !== undefined) {
    trip.step = 'handshake';
    trip.open = await handshake(trip, tls, peerOf(trip.route));
  }
  return trip.open;
}

function tcp(trip: Trip, { host, port }: { readonly host: string; readonly port: number }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: attemptTimeout,
    });
    trip.open = socket;
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** TLS over a socket. The certificate is judged here, before anything is sent, because afterwards Node no longer tells whose it was. */
function handshake(trip: Trip, tls: TlsSettings, peer: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      ...(trip.open === undefined ? {} : { socket: trip.open }),
      host: tls.expectedName,
      ...(isIP(tls.expectedName) === 0 ? { servername: tls.expectedName } : {}),
      secureContext: tls.context,
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: false,
    });
    trip.open = socket;
    const closed = (): void => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    socket.once('error', reject).once('close', closed);
    socket.once('secureConnect', () => {
      socket.off('error', reject).off('close', closed);
      if (socket.authorized || !tls.isVerified) return resolve(socket);
      reject(certificateFault(verdictOf(socket), seen(socket), { name: tls.expectedName, store: tls.store, peer }));
    });
  });
}

/** Node gives a code, though its types promise an error. */
function verdictOf(socket: TLSSocket): string {
  const verdict: unknown = socket.authorizationError;
  if (typeof verdict === 'string') return verdict;
  return verdict instanceof Error && 'code' in verdict && typeof verdict.code === 'string' ? verdict.code : '';
}

/** The certificate at fault: of a chain whose authority expired, the authority's. */
function seen(socket: TLSSocket): SeenCertificate | undefined {
  const chain: DetailedPeerCertificate[] = [];
  for (
    let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
    next?.raw !== undefined && !chain.includes(next);
    next = next.issuerCertificate
  )
    chain.push(next);
  const [leaf] = chain;
  if (leaf === undefined) return undefined;
  const now = Date.now();
  const faulty = chain.find(({ valid_from, valid_to }) => !(Date.parse(valid_from) <= now && now <= Date.parse(valid_to))) ?? leaf;
  return {
    subject: nameOf(leaf.subject),
    issuer: nameOf(leaf.issuer),
    names: namesOf(leaf.subjectaltname ?? ''),
    validFrom: Date.parse(faulty.valid_from),
    validTo: Date.parse(faulty.valid_to),
  };
}

const nameOf = (name: { readonly CN?: string | string[] | undefined; readonly O?: string | string[] | undefined } | undefined): string =>
  [name?.CN ?? name?.O ?? ''].flat().join(' ');

/** `DNS:a, IP Address:10.0.0.1` as names alone. */
function namesOf(subjectAltName: string): string[] {
  return subjectAltName
    .split(', ')
    .map((entry) => /^(?:DNS|IP Address):"?([^"]+)/.exec(entry)?.[1] ?? '')
    .filter((name) => name !== '');
}

/** What an http proxy wants to know of its user. */
export function proxyAuthorization({ username, password }: ProxyAddress): Readonly<Record<string, string>> {
  return username === undefined
    ? {}
    : { 'proxy-authorization': `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` };
}

function httpTunnel(socket: Socket, proxy: ProxyAddress, to: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const asked = request({
      method: 'CONNECT',
      path: to,
      headers: { host: to, ...proxyAuthorization(proxy) },
      createConnection: () => socket,
    });
    asked.once('error', reject);
    asked.once('connect', (answer, tunnel: Socket, head) => {
      const status = answer.statusCode ?? 0;
      if (status !== 200)
        return reject(
          new Fault('proxy', `${proxyName(proxy)} has no way to ${to}: it answered ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd()),
        );
      if (head.length > 0) tunnel.unshift(head);
      resolve(tunnel);
    });
    asked.end();
  });
}
