import { spawn, spawnSync } from 'node:child_process';
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openConnection, type ConnectionOptions } from '../../src/kube/connect.ts';
import type { Connection } from '../../src/kube/connection.ts';
import { systemRoots } from '../../src/kube/roots.ts';
import type { ClusterTarget } from '../../src/kube/target.ts';
import { type Authority, type CertificateWish, mintAuthority, type Pair } from '../support/kube-certificates.ts';
import { impossibleHost, makeFolder, patient } from '../support/kube-files.ts';
import { type ApiServer, json, listening, startApiServer } from '../support/kube-server.ts';
import { targetOf } from '../support/kube-target.ts';

const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;
const folder = makeFolder();
const open: Connection[] = [];
const servers: ApiServer[] = [];
let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer();
});
afterEach(async () => {
  await Promise.all([...open.splice(0).map((connection) => connection.close()), ...servers.splice(0).map((one) => one.close())]);
});
afterAll(async () => {
  await server.close();
  folder.remove();
});

function connect(target: ClusterTarget, options: ConnectionOptions = {}): Connection {
  const connection = openConnection(target, { env: {}, sleep: () => Promise.resolve(), ...options });
  open.push(connection);
  return connection;
}

async function start(certificate: CertificateWish, more: Parameters<typeof startApiServer>[0] = {}): Promise<ApiServer> {
  const started = await startApiServer({ certificate, ...more });
  servers.push(started);
  return started;
}

const day = 86_400_000;
const dayOf = (date: Date): string => date.toISOString().slice(0, 10);

describe('the certificate of the server', () => {
  test('of another authority: which store was asked', async () => {
    const other = await mintAuthority('other-ca');
    expect(await connect({ ...targetOf(server), certificateAuthority: { pem: other.pem } }).get('/a')).toEqual({
      status: 'failed',
      code: 'tls-untrusted',
      reason: `the certificate of 127.0.0.1:${server.port}, issued by kube-ca, is not trusted by the kubeconfig's certificate authority`,
    });
    expect(server.requests).toEqual([]);
  });

  test('for another name: which names', async () => {
    const misnamed = await start({ names: ['api.east.example', '10.0.0.9'] });
    expect(await connect(targetOf(misnamed)).get('/a')).toEqual({
      status: 'failed',
      code: 'tls-name',
      reason: `the certificate of 127.0.0.1:${misnamed.port} is not for 127.0.0.1 but for api.east.example and 10.0.0.9`,
    });
  });

  test('for another name, which tls-server-name expects', async () => {
    const misnamed = await start({ names: ['api.east.example'] });
    expect(await connect({ ...targetOf(misnamed), tlsServerName: 'api.east.example' }).get('/a')).toMatchObject({ status: 'read' });
    expect(await connect({ ...targetOf(misnamed), tlsServerName: 'api.west.example' }).get('/a')).toMatchObject({ code: 'tls-name' });
  });

  test('expired, and not yet valid: when', async () => {
    const past = new Date(Date.now() - day);
    const expired = await start({ names: ['127.0.0.1'], notBefore: new Date(Date.now() - 2 * day), notAfter: past });
    expect(await connect(targetOf(expired)).get('/a')).toEqual({
      status: 'failed',
      code: 'tls-expired',
      reason: `the certificate of 127.0.0.1:${expired.port} expired on ${dayOf(past)}`,
    });
    const soon = new Date(Date.now() + day);
    const early = await start({ names: ['127.0.0.1'], notBefore: soon, notAfter: new Date(Date.now() + 2 * day) });
    expect(await connect(targetOf(early)).get('/a')).toEqual({
      status: 'failed',
      code: 'tls-expired',
      reason: `the certificate of 127.0.0.1:${early.port} is not valid before ${dayOf(soon)}`,
    });
  });

  test('none of it matters without verification', async () => {
    const misnamed = await start({ names: ['api.east.example'] });
    const { certificateAuthority: _, ...target } = targetOf(misnamed);
    expect(await connect({ ...target, insecureSkipTlsVerify: true }).get('/a')).toMatchObject({ status: 'read' });
  });

  test('nothing of it is asked again', async () => {
    const misnamed = await start({ names: ['api.east.example'] });
    const records: number[] = [];
    await connect(targetOf(misnamed), { onRequest: ({ attempt }) => void records.push(attempt) }).get('/a');
    expect(records).toEqual([1]);
  });
});

describe('authorities where the kubeconfig names none', () => {
  const withoutAuthority = (at: ApiServer): ClusterTarget => {
    const { certificateAuthority: _, ...target } = targetOf(at);
    return target;
  };

  test('SSL_CERT_FILE is trusted', async () => {
    const file = folder.write('roots.pem', server.authority.pem);
    expect(await connect(withoutAuthority(server), { env: { SSL_CERT_FILE: file } }).get('/a')).toMatchObject({ status: 'read' });
  });

  test('and named where it does not help, or is not there', async () => {
    const file = folder.write('other.pem', (await mintAuthority('other')).pem);
    expect(await connect(withoutAuthority(server), { env: { SSL_CERT_FILE: file } }).get('/a')).toMatchObject({
      code: 'tls-untrusted',
      reason: expect.stringContaining(`is not trusted by the certificates of SSL_CERT_FILE (${file})`) as string,
    });
    expect(await connect(withoutAuthority(server), { env: { SSL_CERT_FILE: '/gone.pem' } }).get('/a')).toEqual({
      status: 'failed',
      code: 'unreadable-file',
      reason: 'SSL_CERT_FILE names /gone.pem, which cannot be read: there is no such file',
    });
  });

  test("the system's own, as Node tells them or as the distribution keeps them, else Node's", async () => {
    const bundle = folder.write('bundle.crt', 'x\n-----BEGIN CERTIFICATE-----\n');
    expect(await systemRoots({}, [bundle], () => ['PEM'])).toEqual({ authorities: ['PEM'], store: "the system's certificates" });
    expect(await systemRoots({}, ['/gone', bundle], () => [])).toEqual({
      authorities: ['x\n-----BEGIN CERTIFICATE-----\n'],
      store: `the system's certificates (${bundle})`,
    });
    expect(await systemRoots({}, ['/gone'], () => [])).toEqual({ store: `the certificates that Node.js ${process.version} brings` });
  });

  test('a server of nobody known is not trusted', async () => {
    expect(await connect(withoutAuthority(server)).get('/a')).toMatchObject({ status: 'failed', code: 'tls-untrusted' });
  });
});

describe('client certificates', () => {
  let clients: Authority;
  let jane: Pair;
  let strict: ApiServer;
  beforeAll(async () => {
    clients = await mintAuthority('clients');
    jane = await clients.issue({ commonName: 'jane', organization: 'admins' });
    strict = await startApiServer({ clients: { pem: clients.pem, mustHave: true } });
    strict.handle(({ certificate }, response) => json(response, { certificate }));
  });
  afterAll(() => strict.close());
  const withFiles = (certificate: string, key: string): ClusterTarget =>
    targetOf(strict, { clientCertificate: { certificate: { file: certificate }, key: { file: key } } });

  test('as data and as files', async () => {
    const data = targetOf(strict, { clientCertificate: { certificate: { pem: jane.cert }, key: { pem: jane.key } } });
    expect(await connect(data).get('/a')).toEqual({ status: 'read', value: { certificate: 'jane' } });
    const files = withFiles(folder.write('jane.pem', jane.cert), folder.write('jane.key', jane.key));
    expect(await connect(files).get('/a')).toEqual({ status: 'read', value: { certificate: 'jane' } });
  });

  // Node's server closes without a word; OpenSSL's says why, after the handshake is over for the client.
  test.skipIf(!hasOpenssl)('missing where one is wanted', async () => {
    const own = await server.authority.issue({ names: ['127.0.0.1'] });
    const [cert, key, ca] = [folder.write('s.pem', own.cert), folder.write('s.key', own.key), folder.write('ca.pem', clients.pem)];
    const args = [
      's_server',
      '-accept',
      '127.0.0.1:0',
      '-cert',
      cert,
      '-key',
      key,
      '-CAfile',
      ca,
      '-Verify',
      '1',
      '-verify_return_error',
      '-www',
    ];
    const openssl = spawn('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let said = '';
    openssl.stdout.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    await expect.poll(() => said, patient).toMatch(/ACCEPT 127\.0\.0\.1:\d+/);
    const port = /ACCEPT \S+:(\d+)/.exec(said)?.[1] ?? '';
    const target = { ...targetOf(server), server: `https://127.0.0.1:${port}` };
    expect(await connect(target, { maxRetries: 0 }).get('/a')).toEqual({
      status: 'failed',
      code: 'unauthorized',
      reason: `127.0.0.1:${port} did not accept the client certificate (certificate required)`,
    });
    openssl.kill();
  });

  test('files that are not there, or hold something else, or do not belong together', async () => {
    const cert = folder.write('c.pem', jane.cert);
    expect(await connect(withFiles('/gone.pem', '/gone.key')).get('/a')).toEqual({
      status: 'failed',
      code: 'unreadable-file',
      reason: 'client-certificate /gone.pem cannot be read: there is no such file',
    });
    const nonsense = await connect(withFiles(cert, folder.write('n.key', 'planted-secret'))).get('/a');
    expect(nonsense).toMatchObject({
      status: 'failed',
      code: 'unreadable-file',
      reason: expect.stringMatching(/^the client certificate or its key cannot be read/) as string,
    });
    expect(JSON.stringify(nonsense)).not.toContain('planted-secret');
    const other = await clients.issue({ commonName: 'other' });
    expect(await connect(withFiles(cert, folder.write('o.key', other.key))).get('/a')).toMatchObject({
      reason: 'the client key does not belong to the client certificate',
    });
    const target = targetOf(strict);
    expect(await connect({ ...target, certificateAuthority: { pem: 'no PEM' } }).get('/a')).toMatchObject({
      code: 'unreadable-file',
      reason: 'certificate-authority-data holds no certificate',
    });
    expect(await connect({ ...target, certificateAuthority: { file: cert.replace('c.pem', 'n.key') } }).get('/a')).toMatchObject({
      reason: `certificate-authority ${folder.path}/n.key holds no certificate`,
    });
  });

  test('a file that was not there is looked for again', async () => {
    const target = withFiles(`${folder.path}/late.pem`, folder.write('late.key', jane.key));
    const connection = connect(target);
    expect(await connection.get('/a')).toMatchObject({ code: 'unreadable-file' });
    folder.write('late.pem', jane.cert);
    expect(await connection.get('/a')).toMatchObject({ status: 'read' });
  });
});

// As kubectl: http works as it is written, which is what kubectl proxy serves.
test('a server without TLS', async () => {
  const plain = await start({}, { plain: true });
  plain.handle((_, response) => json(response, { ok: true }));
  expect(await connect(targetOf(plain)).get('/a')).toEqual({ status: 'read', value: { ok: true } });
});

describe('servers that are not there', () => {
  const silent: Socket[] = [];
  let blackHole: Server;
  let port: number;
  beforeAll(async () => {
    blackHole = createServer((socket) => void silent.push(socket.on('error', () => undefined).resume()));
    port = await listening(blackHole);
  });
  afterAll(async () => {
    for (const socket of silent) socket.destroy();
    await new Promise((done) => blackHole.close(done));
  });
  const at = (url: string): ClusterTarget => ({ ...targetOf(server), server: url });

  test('nobody listens', async () => {
    const gone = await startApiServer();
    await gone.close();
    expect(await connect(at(gone.url)).get('/a')).toEqual({
      status: 'failed',
      code: 'refused',
      reason: `connection refused by 127.0.0.1:${gone.port}`,
    });
  });

  test('a name without address', async () => {
    expect(await connect(at(`https://${impossibleHost}:6443`)).get('/a')).toMatchObject({
      status: 'failed',
      code: 'dns',
      reason: expect.stringMatching(/^the name a+\.test (has no address|could not be resolved)$/) as string,
    });
  });

  test('TLS that never comes about', async () => {
    expect(await connect(at(`https://127.0.0.1:${port}`), { connectTimeout: 400 }).get('/a')).toEqual({
      status: 'failed',
      code: 'timeout',
      reason: `TLS handshake timeout after 400ms with 127.0.0.1:${port}`,
    });
  });

  test('the end of the run ends the handshake', async () => {
    const before = silent.length;
    const result = await connect(at(`https://127.0.0.1:${port}`), { signal: AbortSignal.timeout(40) }).get('/a');
    expect(result).toEqual({ status: 'failed', code: 'timeout', reason: 'the time for the whole run was over' });
    await expect.poll(() => silent.slice(before).every((socket) => socket.readyState !== 'open'), patient).toBe(true);
  });

  test('something that does not speak TLS', async () => {
    const plain = await start({}, { plain: true });
    expect(await connect(at(`https://127.0.0.1:${plain.port}`)).get('/a')).toEqual({
      status: 'failed',
      code: 'server-error',
      reason: `127.0.0.1:${plain.port} does not speak TLS`,
    });
  });

  test('a server that only speaks TLS, asked without', async () => {
    expect(await connect(at(`http://127.0.0.1:${server.port}`)).get('/a')).toMatchObject({
      status: 'failed',
      code: expect.stringMatching(/reset|server-error/) as string,
    });
  });

  test('a text that leads nowhere', async () => {
    expect(await connect(at('ftp://x')).get('/a')).toMatchObject({ status: 'failed', code: 'server-error' });
  });
});
