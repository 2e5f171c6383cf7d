import type { Socket } from 'node:net';
import { Agent, type buildConnector, type Dispatcher, errors } from 'undici';
import type { Issued } from './credentials.ts';
import { Fault, hostPort } from './classify.ts';
import { dial, isForwarded, proxyAuthorization, type Route } from './dial.ts';
import { proxyOf } from './proxy.ts';
import { type ClusterTarget, type ServerAddress, serverAddress } from './target.ts';
import { tlsSettings } from './tls-settings.ts';

export interface TransportOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For TCP, proxy and TLS together, in milliseconds. */
  readonly connectTimeout: number;
  /** Ends what is being opened. */
  readonly signal: AbortSignal;
}

/** The way to one server with one client certificate. */
export interface Way {
  readonly dispatcher: Dispatcher;
  readonly address: ServerAddress;
  /** Host and port as reasons name them. */
  readonly peer: string;
  /** Put before a path: the server's prefix, and the whole origin where a proxy is asked itself. */
  readonly pathPrefix: string;
  /** What the proxy wants to know where it is asked itself. */
  readonly proxyHeaders: Readonly<Record<string, string>>;
  /**
   * Milliseconds in which TCP, proxy and TLS were done, of the quickest connection so far: several round trips to whoever speaks TLS, whatever
   * tunnel begins on this machine. Infinity before the first, and without TLS.
   */
  quickest(): number;
  /** Passwords that this way knows, for whoever writes reasons. */
  readonly secrets: readonly string[];
  /** The first error of the socket that an error of undici speaks of: of a refused client certificate it would only say that the other side closed. */
  causeOf(error: unknown): unknown;
  /** A socket of its own, for upgrades. @throws Fault */
  dial(signal: AbortSignal): Promise<Socket>;
}

/** Sockets to one server. */
export interface Transport {
  /** The way for a credential. @throws Fault */
  way(issued: Issued): Promise<Way>;
  close(): Promise<void>;
}

/** How many requests to one server are under way at once. */
const connections = 4;
/** How long an idle connection is kept, in milliseconds. */
const keepAlive = 30_000;

export function openTransport(target: ClusterTarget, options: TransportOptions): Transport {
  let open: { readonly certificate: string; readonly way: Promise<OpenWay> } | undefined;
  return {
    way(issued) {
      const certificate = issued.certificate?.certificate ?? '';
      if (open?.certificate === certificate) return open.way;
      const before = open;
      const next = { certificate, way: openWay(target, issued, options) };
      open = next;
      // What could not be read may be readable the next time.
      next.way.catch(() => {
        if (open === next) open = undefined;
      });
      void before?.way.then(
        ({ dispatcher }) => dispatcher.close(),
        () => undefined,
      );
      return next.way;
    },
    async close() {
      const last = open;
      open = undefined;
      const way = await last?.way.catch(() => undefined);
      await way?.dispatcher.destroy();
    },
  };
}

type OpenWay = Way & { readonly dispatcher: Agent };

async function openWay(target: ClusterTarget, issued: Issued, options: TransportOptions): Promise<OpenWay> {
  const route = await routeOf(target, issued, options.env);
  const { address, proxy } = route;
  const firstErrors = new Map<number, Error>();
  let quickest = Number.POSITIVE_INFINITY;
  const dispatcher = new Agent({
    allowH2: false,
    connections,
    pipelining: 1,
    keepAliveTimeout: keepAlive,
    // Limits are set per request, from its first byte to its last.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (_options, done) => {
      const since = performance.now();
      void connect(route, options, firstErrors, (...outcome) => {
        if (outcome[0] === null && route.tls !== undefined) quickest = Math.min(quickest, performance.now() - since);
        done(...outcome);
      });
    },
  });
  const forwarded = isForwarded(route);
  return {
    dispatcher,
    address,
    peer: hostPort(address.host, address.port),
    pathPrefix: `${forwarded ? address.origin : ''}${address.prefix}`,
    proxyHeaders: forwarded && proxy !== undefined ? proxyAuthorization(proxy) : {},
    quickest: () => quickest,
    secrets: proxy?.password === undefined || proxy.password === '' ? [] : [proxy.password],
    causeOf: (error) => {
      const port = error instanceof errors.SocketError ? error.socket?.localPort : undefined;
      return (port === undefined ? undefined : firstErrors.get(port)) ?? error;
    },
    dial: (signal) => dial(route, options.connectTimeout, signal),
  };
}

async function connect(
  route: Route,
  { connectTimeout, signal }: TransportOptions,
  firstErrors: Map<number, Error>,
  done: buildConnector.Callback,
): Promise<void> {
  let socket: Socket;
  try {
    socket = await dial(route, connectTimeout, signal);
  } catch (error) {
    done(error instanceof Error ? error : new Error('not connected'), null);
    return;
  }
  const { localPort = 0 } = socket;
  firstErrors.delete(localPort);
  socket.once('error', (error) => firstErrors.set(localPort, error));
  done(null, socket);
}

async function routeOf(target: ClusterTarget, issued: Issued, env: TransportOptions['env']): Promise<Route> {
  const address = serverAddress(target);
  if (address === undefined)
    throw new Fault('server-error', 'the server of the kubeconfig is neither a URL of http or https nor host:port');
  const proxy = proxyOf(target, address, env);
  if (proxy !== undefined && 'invalid' in proxy) throw new Fault('proxy', `${proxy.invalid} is no URL of a proxy of http, https or socks5`);
  const system = { insecureSkipTlsVerify: false };
  return {
    address,
    ...(proxy === undefined ? {} : { proxy }),
    ...(address.protocol === 'https:' ? { tls: await tlsSettings(target, address.host, issued.certificate, env) } : {}),
    ...(proxy?.kind === 'https' ? { proxyTls: await tlsSettings(system, proxy.host, undefined, env) } : {}),
  };
}
