import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { type SecureVersion, connect as startTls } from 'node:tls';
import type { X509Certificate } from 'node:crypto';
import { decode, RECURSION_DESIRED, streamEncode } from 'dns-packet';
import { Agent, request } from 'undici';
import { WebSocket } from 'ws';
import { httpGet } from '../../../src/probe/http-get.ts';
import { openConnection } from '../../../src/kube/connect.ts';
import { seriesIn } from './series.ts';
import { shapeOf } from './shape.ts';

/*
 * One of two meshes that are asked the same: what came back, without what is of the moment.
 */

export interface Side {
  readonly name: string;
  /** API server of a cluster. */
  server(cluster: string): { readonly url: string; readonly ca: string };
  /** Token of a user: `admin`, or one without rights. */
  token(cluster: string, user: User): string;
  /** Where an address that objects name is dialled. */
  dial(host: string, port: number): { readonly host: string; readonly port: number };
}

export type User = 'admin' | 'reader' | 'nobody';

export interface HttpQuestion {
  readonly cluster?: string;
  readonly user?: User | 'none' | 'unknown';
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Headers of the transport: they say nothing that a client goes by. */
const passing = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length']);
/** Headers of which only the presence is the same twice. */
const momentary = new Set(['date', 'audit-id', 'etag', 'x-kubernetes-pf-flowschema-uid', 'x-kubernetes-pf-prioritylevel-uid']);

/** One request to an API server: status, headers, and the form of the body. */
export async function askApi(side: Side, question: HttpQuestion): Promise<unknown> {
  const { answer, json, text } = await callApi(side, question);
  const headers = Object.fromEntries(
    Object.entries(answer.headers)
      .filter(([name]) => !passing.has(name))
      .map(([name, value]) => [name, momentary.has(name) ? 'there' : value]),
  );
  return { status: answer.statusCode, headers, body: json === undefined ? text : isStatus(json) ? json : shapeOf(json) };
}

export async function callApi(
  side: Side,
  { cluster = 'cluster1', user = 'admin', method = 'GET', path, headers = {}, body }: HttpQuestion,
) {
  const { url, ca } = side.server(cluster);
  const agent = new Agent({ connect: { ca } });
  const token = user === 'none' ? undefined : user === 'unknown' ? 'of-nobody-here' : side.token(cluster, user);
  try {
    const answer = await request(`${url}${path}`, {
      method,
      dispatcher: agent,
      headers: {
        accept: 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    const isPacked = answer.headers['content-encoding'] !== undefined;
    const text = isPacked ? '(compressed)' : bytes.toString();
    return { answer, text, json: isPacked ? undefined : parsed(text) };
  } finally {
    await agent.close();
  }
}

/** An upgrade to port-forward by websocket, and what comes on its channels before anything is sent. */
export async function askUpgrade(
  side: Side,
  {
    cluster = 'cluster1',
    user = 'admin',
    path,
    protocols = ['v4.channel.k8s.io'],
  }: HttpQuestion & { readonly protocols?: readonly string[] },
): Promise<unknown> {
  const { url, ca } = side.server(cluster);
  const token = user === 'none' ? undefined : user === 'unknown' ? 'of-nobody-here' : side.token(cluster, user);
  const socket = new WebSocket(`${url.replace('https', 'wss')}${path}`, [...protocols], {
    ca,
    perMessageDeflate: false,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  const frames: string[] = [];
  socket.on('message', (data, isBinary) => {
    const bytes = Buffer.isBuffer(data) ? data : Buffer.alloc(0);
    const rest = bytes.subarray(1);
    const said =
      rest.length <= 2
        ? rest.toString('hex')
        : /connection refused/.test(rest.toString())
          ? 'text with "connection refused"'
          : `${rest.length} bytes`;
    frames.push(`${isBinary ? 'binary' : 'text'} channel ${bytes[0] ?? '?'}: ${said}`);
  });
  return await new Promise((resolve) => {
    let outcome: object = {};
    const finish = (more: object): void => {
      clearTimeout(timer);
      socket.terminate();
      resolve({ ...outcome, ...more, frames: frames.toSorted() });
    };
    const timer = setTimeout(() => finish({ end: 'open' }), settling);
    socket.on('open', () => (outcome = { status: 101, protocol: socket.protocol }));
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        finish({ status: response.statusCode, type: response.headers['content-type'], body: parsed(text) ?? text.trim() }),
      );
    });
    socket.on('error', (error) => (outcome = { ...outcome, error: codeOf(error) }));
    socket.on('close', (code) => finish({ end: `closed ${code}` }));
  });
}

/** Long enough for what comes by itself. */
const settling = 1500;

export interface PodPort {
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** GET over a port-forward: status and form of the body. */
export async function askPod(side: Side, pod: PodPort, path: string): Promise<unknown> {
  return await forwarded(side, pod, async (stream) => {
    const { status, body } = await httpGet(stream, path, 1 << 26);
    const json = parsed(body);
    return { status, body: json === undefined ? body : shapeOf(json) };
  });
}

/** Which series istiod writes of those that are read. */
export async function askSeries(side: Side, pod: PodPort): Promise<unknown> {
  return await forwarded(side, pod, async (stream) => {
    const { status, body } = await httpGet(stream, '/metrics', 1 << 26);
    return { status, series: seriesIn(body) };
  });
}

/** One DNS question over TCP through a port-forward: flags, and every record with its TTL. */
export async function askDns(side: Side, pod: PodPort, type: 'A' | 'AAAA', name: string): Promise<unknown> {
  return await forwarded(side, pod, async (stream) => {
    stream.write(streamEncode({ type: 'query', id: 4711, flags: RECURSION_DESIRED, questions: [{ type, name }] }));
    let bytes: Buffer = Buffer.alloc(0);
    for await (const chunk of stream) {
      if (Buffer.isBuffer(chunk)) bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) break;
    }
    if (bytes.length < 2) return 'closed without an answer';
    const packet = decode(bytes.subarray(2));
    const record = (one: { readonly type: string; readonly name: string }): string =>
      one.type === 'OPT'
        ? 'OPT'
        : `${one.name} ${'ttl' in one ? lifeOf(one.ttl) : ''} ${one.type} ${'data' in one && typeof one.data === 'string' ? one.data : ''}`;
    return {
      flags: { aa: packet.flag_aa, ra: packet.flag_ra, rd: packet.flag_rd, tc: packet.flag_tc, rcode: (packet.flags ?? 0) & 0xf },
      questions: (packet.questions ?? []).map(({ type: asked, name: of }) => `${of} ${asked}`),
      answers: (packet.answers ?? []).map(record),
      authorities: (packet.authorities ?? []).map(record),
      additionals: (packet.additionals ?? []).map(record),
    };
  });
}

/** Seconds count down in the cache of CoreDNS: somebody may have asked before. */
function lifeOf(ttl: unknown): string {
  return typeof ttl === 'number' && ttl > 0 && ttl <= 30 ? 'up to 30' : String(ttl);
}

async function forwarded<T>(
  side: Side,
  { cluster, namespace, name, port }: PodPort,
  use: (stream: Duplex) => Promise<T>,
): Promise<T | string> {
  const { url, ca } = side.server(cluster);
  const connection = openConnection(
    {
      name: cluster,
      server: url,
      certificateAuthority: { pem: ca },
      insecureSkipTlsVerify: false,
      disableCompression: false,
      credential: { kind: 'token', token: side.token(cluster, 'admin') },
    },
    { env: {} },
  );
  try {
    const read = await connection.forward({ namespace, name }, port);
    if (read.status !== 'read') return JSON.stringify(read);
    try {
      return await use(read.value);
    } catch (error) {
      return `failed: ${codeOf(error)}`;
    } finally {
      read.value.destroy();
    }
  } finally {
    await connection.close();
  }
}

export interface TlsQuestion {
  readonly host: string;
  readonly port: number;
  /** Server name; none when it is not given. */
  readonly sni?: string;
  readonly alpn?: readonly string[];
  /** Newest version of TLS that is offered. */
  readonly most?: SecureVersion;
  /** A client certificate. */
  readonly as?: { readonly cert: string; readonly key: string };
}

/** A TLS handshake, as a rule without a client certificate: how far it comes, what is presented, and what is said afterwards. */
export async function askTls(side: Side, { host, port, sni, alpn, most, as }: TlsQuestion): Promise<unknown> {
  const socket = connect(side.dial(host, port));
  const failure = await connected(socket);
  if (failure !== undefined) return { tcp: failure };
  return await new Promise((resolve) => {
    const tls = startTls({
      socket,
      ...(sni === undefined ? {} : { servername: sni }),
      ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
      ...(most === undefined ? {} : { maxVersion: most }),
      ...as,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    let seen: object | undefined;
    const finish = (after: string): void => {
      clearTimeout(timer);
      tls.destroy();
      socket.destroy();
      resolve(seen === undefined ? { before: after, gotBytes: socket.bytesRead > 0 } : { ...seen, after });
    };
    const timer = setTimeout(() => finish('open'), settling);
    tls.on('secureConnect', () => {
      seen = { protocol: tls.getProtocol(), alpn: tls.alpnProtocol, certificate: certificateSeen(tls.getPeerX509Certificate()) };
      tls.resume();
    });
    tls.on('error', (error) => finish(codeOf(error)));
    tls.on('close', () => finish('closed'));
  });
}

function certificateSeen(leaf: X509Certificate | undefined): unknown {
  if (leaf === undefined) return undefined;
  const chain: X509Certificate[] = [];
  for (
    let here: X509Certificate | undefined = leaf;
    here !== undefined && !chain.includes(here) && chain.length < 9;
    here = here.issuerCertificate
  )
    chain.push(here);
  return {
    names: (leaf.subjectAltName ?? '').split(', ').toSorted(),
    subject: leaf.subject ?? '',
    key: leaf.publicKey.asymmetricKeyType,
    presented: chain.map(({ issuer, ca }) => ({
      issuer: issuer
        .split('\n')
        .map((part) => part.split('=')[0])
        .join(' '),
      ca,
    })),
    usages: leaf.keyUsage,
    hours: Math.round((Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)) / 3_600_000),
  };
}

/** GET of plain HTTP at an address that objects name. */
export async function askHttp(side: Side, host: string, port: number, path: string): Promise<unknown> {
  const to = side.dial(host, port);
  const agent = new Agent();
  try {
    const answer = await request(`http://${to.host}:${to.port}${path}`, { dispatcher: agent });
    return { status: answer.statusCode, body: await answer.body.text() };
  } finally {
    await agent.close();
  }
}

async function connected(socket: Socket): Promise<string | undefined> {
  return await new Promise((resolve) => {
    socket.once('connect', () => resolve(undefined));
    socket.once('error', (error) => resolve(codeOf(error)));
  });
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message : String(error);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isStatus(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'kind' in json && json.kind === 'Status';
}
