import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type SecureVersion, type TlsOptions } from 'node:tls';
import { ports } from '../../istio/labels.ts';
import { mintCertificate } from '../certificates.ts';
import type { Authorities } from './authorities.ts';
import { type ClientHello, peekClientHello } from './client-hello.ts';
import { openHttp } from './http.ts';
import type { Presented } from './identities.ts';

/* Who speaks TLS at the end of a connection, and how connections end without. */

/** How long a gateway waits for a ClientHello (Istio's listener filter timeout). */
const patience = 15_000;

type Newest = SecureVersion | undefined;

/** The certificate of a load balancer itself, of an authority that no mesh knows. */
export async function ofBalancer(authorities: Authorities): Promise<Pick<Presented, 'chain' | 'key'>> {
  const issuer = await authorities.stranger();
  const day = 86_400_000;
  const { cert, key } = await mintCertificate({
    subject: [['CN', 'lb.example.com']],
    dnsNames: ['lb.example.com'],
    usages: ['server'],
    issuer,
    notBefore: new Date(Date.now() - day),
    notAfter: new Date(Date.now() + day),
  });
  return { chain: [cert], key };
}

/** Who ends TLS for everybody, and asks nobody for a certificate. `only`: it takes no other protocol by ALPN. */
export function openEnd(stream: Duplex, { chain, key }: Pick<Presented, 'chain' | 'key'>, most?: Newest, only?: string): void {
  stream.on('error', () => stream.destroy());
  const server = createTlsServer({
    cert: chain.join(''),
    key,
    ...(only === undefined ? {} : { ALPNProtocols: [only] }),
    ...versionsTo(most),
  });
  server.on('tlsClientError', () => stream.destroy());
  server.on('secureConnection', (socket) => socket.on('error', () => stream.destroy()).resume());
  server.emit('connection', stream);
}

function versionsTo(most: Newest): TlsOptions {
  return { minVersion: 'TLSv1.2', ...(most === undefined ? {} : { maxVersion: most }) };
}

/** Reads until the ClientHello is whole, and puts it back. Nothing when it is none, or does not come. */
export function helloOf(stream: Duplex): Promise<ClientHello | undefined> {
  return new Promise((done) => {
    let bytes = Buffer.alloc(0);
    const finish = (hello: ClientHello | undefined): void => {
      clearTimeout(timer);
      stream.removeListener('readable', read);
      stream.removeListener('end', gone);
      stream.removeListener('close', gone);
      if (hello !== undefined) stream.unshift(bytes);
      done(hello);
    };
    const read = (): void => {
      for (let chunk: unknown = stream.read(); chunk !== null; chunk = stream.read()) {
        if (!Buffer.isBuffer(chunk)) return finish(undefined);
        bytes = Buffer.concat([bytes, chunk]);
        const peeked = peekClientHello(bytes);
        if (peeked === 'more') continue;
        return finish(peeked === 'none' ? undefined : peeked);
      }
    };
    const gone = (): void => finish(undefined);
    const timer = setTimeout(gone, patience);
    timer.unref();
    stream.on('readable', read);
    stream.once('end', gone);
    stream.once('close', gone);
  });
}

/** What the inbound listener of a sidecar agrees on, best first. */
const sidecarProtocols = ['istio-peer-exchange', 'h2', 'http/1.1'] as const;

/** How a mesh has its proxies and istiods speak TLS, by COMPLIANCE_POLICY of istiod. */
export function policyOf(env: Readonly<Record<string, string>>): Policy {
  const policy = env['COMPLIANCE_POLICY'];
  if (policy === 'fips-140-2') return { maxVersion: 'TLSv1.2' };
  // A curve that no client offers unasked stands for the group that Node.js does not know everywhere.
  return policy === 'pqc' ? { minVersion: 'TLSv1.3', ecdhCurve: 'brainpoolP512r1' } : {};
}

type Policy = Pick<TlsOptions, 'minVersion' | 'maxVersion' | 'ecdhCurve'>;

/** A sidecar: mTLS is asked for, and whoever has no certificate is told so after the handshake. */
export function sidecarEnd(stream: Duplex, presented: Presented, hello: ClientHello, policy: Policy, most?: Newest): void {
  mutualEnd(stream, presented, hello, sidecarProtocols, { ...versionsTo(most), ...policy });
}

/** The gateway of ambient: mTLS as of a sidecar, which carries tunnels alone and nothing older than TLS 1.3. `most`: it is kept to that. */
export function hboneEnd(stream: Duplex, presented: Presented, hello: ClientHello, policy: Policy, most = policy.maxVersion): void {
  mutualEnd(stream, presented, hello, ['h2'], { ...(most === undefined ? { minVersion: 'TLSv1.3' } : versionsTo(most)), ...policy });
}

function mutualEnd(
  stream: Duplex,
  { chain, key, roots }: Presented,
  { protocols }: ClientHello,
  known: readonly string[],
  versions: TlsOptions,
): void {
  // Envoy goes on without a protocol where none is in common; OpenSSL would end the handshake.
  const common = known.filter((protocol) => protocols.includes(protocol));
  const server = createTlsServer({
    ...(common.length === 0 ? {} : { ALPNProtocols: common }),
    cert: chain.join(''),
    key,
    ca: [...roots],
    requestCert: true,
    rejectUnauthorized: true,
    ...versions,
  });
  server.on('tlsClientError', () => stream.destroy());
  // Behind the sidecar would be an application; there is none.
  server.on('secureConnection', (socket) => socket.on('error', () => stream.destroy()).resume());
  server.emit('connection', stream);
}

/** What a server of HTTP/2 says first (RFC 9113 §6.5): a SETTINGS frame, here without any. */
const emptySettings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

/** istiod: a client certificate is welcome and not needed. 15017 says whether it is ready, by an HTTP status. */
export function istiodEnd(
  stream: Duplex,
  { chain, key }: Presented,
  port: number,
  { ready, hasProtocols, policy }: { readonly ready: number; readonly hasProtocols: boolean; readonly policy: Policy },
): void {
  const server = createTlsServer({
    cert: chain.join(''),
    key,
    ...(hasProtocols ? { ALPNProtocols: port === ports.discovery ? ['h2', 'http/1.1'] : ['http/1.1'] } : {}),
    minVersion: 'TLSv1.2',
    ...policy,
  });
  server.on('tlsClientError', () => stream.destroy());
  server.on('secureConnection', (socket) => {
    socket.on('error', () => stream.destroy());
    if (port === ports.webhook) readiness('/ready', ready).serve(socket);
    // gRPC wants HTTP/2 to be agreed on.
    else if (hasProtocols && socket.alpnProtocol !== 'h2') socket.end();
    else socket.resume().write(emptySettings);
  });
  server.emit('connection', stream);
}

/** Answers on one path. */
export function readiness(ready: string, status = 200): ReturnType<typeof openHttp> {
  return openHttp((path) => (path === ready ? { status, text: '' } : { status: 404, text: '404 page not found\n' }));
}

/** The client sees ECONNRESET and not a single byte. */
export function reset(stream: Duplex): void {
  // One that is ending already cannot be reset, and Node would never close it.
  if (stream instanceof Socket && !stream.readableEnded && !stream.writableEnded) stream.resetAndDestroy();
  else stream.destroy();
}
