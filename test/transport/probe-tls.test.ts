import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Opening, shakeHands } from '../../src/probe/tls-handshake.ts';
import type { Certificate } from '../../src/sandbox/certificates.ts';
import { authority, fingerprint, publicCertificate, read, sidecarCertificate } from '../support/probe-certificates.ts';
import { servers, worldIo } from '../support/probe-servers.ts';

const loopback = servers();
afterAll(() => loopback.close());

const sni = 'outbound_.80_._.abc.shop.svc.cluster.local';
const identity = 'spiffe://cluster.local/ns/shop/sa/default';
const greeting = { sni, protocols: ['istio'] };

let root: Certificate;
let other: Certificate;
let intermediate: Certificate;
let sidecar: Certificate;

beforeAll(async () => {
  root = await authority('Root CA');
  other = await authority('Root CA');
  intermediate = await authority('Intermediate CA', root);
  sidecar = await sidecarCertificate(identity, intermediate);
});

/** What a run records of the gateway, when its address leads to this port. */
async function handshake(
  port: number | undefined,
  options: { readonly roots?: readonly X509Certificate[]; readonly timeout?: number; readonly signal?: AbortSignal } = {},
) {
  const { roots = [read(root)], timeout = 5000, signal = new AbortController().signal } = options;
  const io = worldIo({ addresses: port === undefined ? {} : { '198.51.100.1:15443': port } });
  const open: Opening = async (until) => ({ stream: (await io.connect({ host: '198.51.100.1', port: 15443 }, until)).socket });
  return { outcome: await shakeHands(greeting, open, roots, io.now, { timeout, signal }) };
}

/** A sidecar behind the gateway: its chain, and nobody gets in without a certificate. */
const asSidecar = (leaf: Certificate, above: readonly Certificate[], more: TlsOptions = {}): TlsOptions => ({
  cert: [leaf, ...above].map(({ cert }) => cert).join(''),
  key: leaf.key,
  requestCert: true,
  rejectUnauthorized: true,
  minVersion: 'TLSv1.2',
  ...more,
});

const onHello = (answer: (socket: Socket) => void) => loopback.tcp((socket) => socket.once('data', () => answer(socket)));

describe('a certificate is presented', () => {
  test('by a healthy sidecar, which then asks for ours', async () => {
    expect(await handshake(await loopback.tls(asSidecar(sidecar, [intermediate])))).toEqual({
      outcome: {
        stage: 'certificate',
        uris: [identity],
        dnsNames: [],
        subject: '',
        issuer: 'CN=Intermediate CA',
        notBefore: new Date(read(sidecar).validFrom).toISOString(),
        notAfter: new Date(read(sidecar).validTo).toISOString(),
        chain: [fingerprint(sidecar), fingerprint(intermediate)],
        verifiedBy: [fingerprint(root)],
        rootsTried: [fingerprint(root)],
        protocol: '',
        version: 'TLSv1.3',
        asksForCertificate: true,
        afterwards: 'certificate-required',
      },
    });
  });

  test('with the name and the protocols that a sidecar offers', async () => {
    const asked = new Promise<unknown>((resolve) => {
      void loopback
        .tls({
          cert: sidecar.cert,
          key: sidecar.key,
          ALPNCallback: ({ servername, protocols }) => (resolve([servername, protocols]), undefined),
        })
        .then(handshake);
    });
    expect(await asked).toEqual([sni, ['istio']]);
  });

  test('of another root with the same name', async () => {
    const { outcome } = await handshake(await loopback.tls(asSidecar(sidecar, [intermediate])), { roots: [read(other)] });
    expect(outcome).toMatchObject({ verifiedBy: [], rootsTried: [fingerprint(other)], afterwards: 'certificate-required' });
  });

  test('of one of several roots, each tried once', async () => {
    const { outcome } = await handshake(await loopback.tls(asSidecar(sidecar, [intermediate])), {
      roots: [read(other), read(root), read(other)],
    });
    expect(outcome).toMatchObject({ verifiedBy: [fingerprint(root)], rootsTried: [fingerprint(other), fingerprint(root)].sort() });
  });

  test('without its intermediate', async () => {
    const { outcome } = await handshake(await loopback.tls(asSidecar(sidecar, [])));
    expect(outcome).toMatchObject({ chain: [fingerprint(sidecar)], verifiedBy: [] });
  });

  test('with the root itself', async () => {
    const { outcome } = await handshake(await loopback.tls(asSidecar(sidecar, [intermediate, root])));
    expect(outcome).toMatchObject({ chain: [sidecar, intermediate, root].map(fingerprint), verifiedBy: [fingerprint(root)] });
  });

  test('that has expired', async () => {
    const expired = await sidecarCertificate(identity, intermediate, new Date(Date.now() - 60_000));
    const { outcome } = await handshake(await loopback.tls(asSidecar(expired, [intermediate])));
    expect(outcome).toMatchObject({ stage: 'certificate', verifiedBy: [] });
  });

  test('by a load balancer that terminates TLS and keeps the connection, 1.3 or 1.2', async () => {
    const vendor = await authority('Vendor CA');
    const balancer = await publicCertificate('lb.example.com', vendor);
    for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
      const port = await loopback.tls({ cert: balancer.cert, key: balancer.key, minVersion: version, maxVersion: version });
      const { outcome } = await handshake(port, { timeout: 300 });
      expect(outcome).toMatchObject({
        stage: 'certificate',
        uris: [],
        dnsNames: ['lb.example.com'],
        subject: 'CN=lb.example.com',
        issuer: 'CN=Vendor CA',
        verifiedBy: [],
        version,
        asksForCertificate: false,
        afterwards: 'open',
      });
    }
  });

  test('by a sidecar that speaks TLS 1.2 at most, which ends the handshake of whoever has no certificate', async () => {
    const { outcome } = await handshake(await loopback.tls(asSidecar(sidecar, [intermediate], { maxVersion: 'TLSv1.2' })));
    expect(outcome).toMatchObject({
      stage: 'certificate',
      uris: [identity],
      chain: [fingerprint(sidecar), fingerprint(intermediate)],
      verifiedBy: [fingerprint(root)],
      version: 'TLSv1.2',
      asksForCertificate: true,
      afterwards: 'certificate-required',
    });
  });

  test('with the protocol that was agreed on, or without one', async () => {
    const options = { cert: sidecar.cert, key: sidecar.key };
    const without = await handshake(await loopback.tls(options));
    expect(without.outcome).toMatchObject({ stage: 'certificate', protocol: '' });
    const agreed = await handshake(await loopback.tls({ ...options, ALPNProtocols: ['istio', 'h2'] }));
    expect(agreed.outcome).toMatchObject({ stage: 'certificate', protocol: 'istio' });
    const strict = await handshake(await loopback.tls({ ...options, ALPNProtocols: ['http/1.1'] }));
    expect(strict.outcome).toEqual({ stage: 'tls', reason: 'TLS alert no_application_protocol' });
  });

  test('and something is said, or the connection closed', async () => {
    const options = { cert: sidecar.cert, key: sidecar.key };
    const speaking = await loopback.tls(options, (socket) => void socket.write('hello'));
    expect((await handshake(speaking)).outcome).toMatchObject({ stage: 'certificate', afterwards: 'open' });
    const closing = await loopback.tls(options, (socket) => void socket.end());
    expect((await handshake(closing)).outcome).toMatchObject({ stage: 'certificate', afterwards: 'closed' });
    const resetting = await loopback.tls(options, (socket) => void socket.destroy());
    expect((await handshake(resetting)).outcome).toMatchObject({ stage: 'certificate', afterwards: 'closed' });
  });
});

describe('no certificate is presented', () => {
  test('nobody listens', async () => {
    expect(await handshake(await loopback.unused())).toEqual({
      outcome: { stage: 'tcp', code: 'refused', reason: 'connection refused' },
    });
  });

  test('packets are dropped', async () => {
    expect(await handshake(undefined, { timeout: 40 })).toEqual({
      outcome: { stage: 'tcp', code: 'timeout', reason: 'no connection within 40ms' },
    });
  });

  test('the connection is reset or ended at the ClientHello', async () => {
    const milliseconds = expect.any(Number) as number;
    const reset = await handshake(await onHello((socket) => socket.resetAndDestroy()));
    expect(reset.outcome).toEqual({ stage: 'reset', milliseconds });
    const ended = await handshake(await onHello((socket) => void socket.end()));
    expect(ended.outcome).toEqual({ stage: 'reset', milliseconds });
  });

  test('late: the time tells it from a gateway that knows no such name', async () => {
    const { outcome } = await handshake(await onHello((socket) => setTimeout(() => socket.end(), 60)));
    expect(outcome.stage === 'reset' && outcome.milliseconds).toBeGreaterThanOrEqual(50);
  });

  test('an alert', async () => {
    const alert = Buffer.from([0x15, 3, 3, 0, 2, 2, 40]);
    const { outcome } = await handshake(await onHello((socket) => void socket.end(alert)));
    expect(outcome).toEqual({ stage: 'tls', reason: 'TLS alert handshake_failure' });
  });

  test('half a ServerHello', async () => {
    const { outcome } = await handshake(await onHello((socket) => void socket.end(Buffer.from([0x16, 3, 3, 0, 90, 2]))));
    expect(outcome).toEqual({ stage: 'tls', reason: 'the connection ended in the middle of the handshake' });
  });

  test('plain text', async () => {
    const { outcome } = await handshake(await onHello((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    expect(outcome).toEqual({ stage: 'tls', reason: 'the other side does not speak TLS' });
  });

  test('silence after the ClientHello', async () => {
    const { outcome } = await handshake(await onHello(() => undefined), { timeout: 60 });
    expect(outcome).toEqual({ stage: 'silence', milliseconds: expect.any(Number) as number });
  });

  test('half a ServerHello, and silence', async () => {
    const { outcome } = await handshake(await onHello((socket) => void socket.write(Buffer.from([0x16, 3, 3, 0, 90, 2]))), {
      timeout: 1000,
    });
    expect(outcome).toEqual({ stage: 'tls', reason: 'the handshake was not over after 1s' });
  });

  test('the run ends first', async () => {
    const run = new AbortController();
    const port = await onHello(() => run.abort());
    expect((await handshake(port, { signal: run.signal })).outcome).toMatchObject({ stage: 'tcp', code: 'interrupted' });
  });
});

test('every connection is let go', async () => {
  const closed: Promise<unknown>[] = [];
  const port = await loopback.tcp((socket) => {
    closed.push(new Promise((resolve) => socket.resume().once('close', () => resolve('closed'))));
  });
  await handshake(port, { timeout: 40 });
  expect(await Promise.all(closed)).toEqual(['closed']);
});
