import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openConnection, type ConnectionOptions } from '../../src/kube/connect.ts';
import type { Connection } from '../../src/kube/connection.ts';
import type { ClusterTarget } from '../../src/kube/target.ts';
import { impossibleHost, makeFolder } from '../support/kube-files.ts';
import { type Proxy, startHttpProxy, startSocksProxy } from '../support/kube-proxies.ts';
import { type ApiServer, json, startApiServer } from '../support/kube-server.ts';
import { targetOf } from '../support/kube-target.ts';

const folder = makeFolder();
const open: Connection[] = [];
let server: ApiServer;
let plain: ApiServer;
let proxy: Proxy;
beforeAll(async () => {
  server = await startApiServer({ certificate: { names: ['api.west.test', '10.1.2.3'] } });
  plain = await startApiServer({ plain: true });
  for (const one of [server, plain]) one.handle(({ headers }, response) => json(response, { headers }));
  proxy = await startHttpProxy();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
  proxy.asked.length = 0;
  proxy.answer = undefined;
});
afterAll(async () => {
  await Promise.all([server.close(), plain.close(), proxy.close()]);
  folder.remove();
});

function connect(more: Partial<ClusterTarget>, options: ConnectionOptions = {}): Connection {
  const connection = openConnection(
    { ...targetOf(server), server: `https://api.west.test:${server.port}`, ...more },
    { env: {}, sleep: () => Promise.resolve(), ...options },
  );
  open.push(connection);
  return connection;
}

describe('an http proxy', () => {
  test('of the kubeconfig is a tunnel, and sees no credential of the cluster', async () => {
    const result = await connect({ proxyUrl: proxy.url, credential: { kind: 'token', token: 'abc' } }).get('/a');
    expect(result).toMatchObject({ status: 'read', value: { headers: { authorization: 'Bearer abc' } } });
    expect(result).not.toHaveProperty('value.headers.proxy-authorization');
    expect(proxy.asked).toEqual([`CONNECT api.west.test:${server.port}`]);
  });

  test('is told who asks', async () => {
    await connect({ proxyUrl: proxy.url.replace('//', '//me:p%40ss@') }).get('/a');
    expect(proxy.asked).toEqual([`CONNECT api.west.test:${server.port} as me:p@ss`]);
  });

  // As kubectl: HTTPS_PROXY and NO_PROXY are honoured, with networks, which libraries tend to leave out.
  test('of the environment', async () => {
    const env = { HTTPS_PROXY: proxy.url };
    await connect({}, { env }).get('/a');
    expect(proxy.asked).toEqual([`CONNECT api.west.test:${server.port}`]);
    await connect({ server: `https://10.1.2.3:${server.port}` }, { env: { ...env, NO_PROXY: '10.2.0.0/16' } }).get('/a');
    expect(proxy.asked.at(-1)).toBe(`CONNECT 10.1.2.3:${server.port}`);
    const before = proxy.asked.length;
    for (const NO_PROXY of ['.test', '*']) {
      const direct = connect({ server: `https://${impossibleHost}:${server.port}` }, { env: { ...env, NO_PROXY } });
      expect(await direct.get('/a')).toMatchObject({ status: 'failed', code: 'dns' });
    }
    await connect({ server: `https://127.0.0.1:${server.port}`, tlsServerName: 'api.west.test' }, { env }).get('/a');
    expect(proxy.asked.length).toBe(before);
  });

  test('is asked itself for a server without TLS, and told who asks', async () => {
    const result = await connect({ server: `http://plain.test:${plain.port}`, proxyUrl: proxy.url.replace('//', '//me:pw@') }).get(
      '/a?b=c',
    );
    expect(result).toMatchObject({ status: 'read', value: { headers: { host: `plain.test:${plain.port}` } } });
    expect(proxy.asked).toEqual([`GET http://plain.test:${plain.port}/a?b=c as me:pw`]);
  });

  test('with TLS of its own', async () => {
    const secure = await startHttpProxy({ tls: true });
    const roots = folder.write('proxy.pem', secure.authority?.pem ?? '');
    expect(await connect({ proxyUrl: secure.url }, { env: { SSL_CERT_FILE: roots } }).get('/a')).toMatchObject({ status: 'read' });
    expect(secure.asked).toEqual([`CONNECT api.west.test:${server.port}`]);
    const other = folder.write('other.pem', server.authority.pem);
    expect(await connect({ proxyUrl: secure.url }, { env: { SSL_CERT_FILE: other } }).get('/a')).toMatchObject({
      code: 'tls-untrusted',
      reason: expect.stringContaining(`the certificate of 127.0.0.1:${secure.port}`) as string,
    });
    await secure.close();
  });

  test.each([
    [407, 'Proxy Authentication Required'],
    [403, 'Forbidden'],
    [502, 'Bad Gateway'],
  ])('that refuses: %i', async (status, words) => {
    proxy.answer = status;
    expect(await connect({ proxyUrl: proxy.url.replace('//', '//me:planted-secret@') }).get('/a')).toEqual({
      status: 'failed',
      code: 'proxy',
      reason: `proxy 127.0.0.1:${proxy.port} (proxy-url) has no way to api.west.test:${server.port}: it answered ${status} ${words}`,
    });
  });

  test('that is silent, or not there, or none', async () => {
    proxy.answer = null;
    expect(await connect({ proxyUrl: proxy.url }, { connectTimeout: 400 }).get('/a')).toEqual({
      status: 'failed',
      code: 'timeout',
      reason: `no answer from proxy 127.0.0.1:${proxy.port} (proxy-url) within 400ms`,
    });
    const gone = await startHttpProxy();
    await gone.close();
    expect(await connect({}, { env: { https_proxy: gone.url } }).get('/a')).toEqual({
      status: 'failed',
      code: 'refused',
      reason: `connection refused by proxy 127.0.0.1:${gone.port} (HTTPS_PROXY)`,
    });
    expect(await connect({}, { env: { HTTPS_PROXY: 'ftp://x' } }).get('/a')).toEqual({
      status: 'failed',
      code: 'proxy',
      reason: 'HTTPS_PROXY is no URL of a proxy of http, https or socks5',
    });
  });
});

describe('a SOCKS5 proxy', () => {
  test('resolves the name itself', async () => {
    const socks = await startSocksProxy();
    expect(await connect({ proxyUrl: socks.url }).get('/a')).toMatchObject({ status: 'read' });
    await connect({ server: `https://10.1.2.3:${server.port}`, proxyUrl: socks.url }).get('/a');
    expect(socks.asked).toEqual([`SOCKS api.west.test:${server.port}`, `SOCKS 10.1.2.3:${server.port}`]);
    await socks.close();
  });

  test('is asked for an IPv6 address by its bytes', async () => {
    const socks = await startSocksProxy();
    socks.answer = 4;
    expect(await connect({ server: 'https://[fd00:1::2:3]:6443', proxyUrl: socks.url }).get('/a')).toEqual({
      status: 'failed',
      code: 'proxy',
      reason: `proxy 127.0.0.1:${socks.port} (proxy-url) has no way to [fd00:1::2:3]:6443: host unreachable`,
    });
    expect(socks.asked).toEqual(['SOCKS fd000001000000000000000000020003:6443']);
    await socks.close();
  });

  test('of the environment, with user and password', async () => {
    const socks = await startSocksProxy({ user: 'me', password: 'p:w' });
    const at = (credential: string): Record<string, string> => ({ HTTPS_PROXY: socks.url.replace('//', `//${credential}`) });
    expect(await connect({}, { env: at('me:p%3Aw@') }).get('/a')).toMatchObject({ status: 'read' });
    expect(socks.asked).toEqual([`SOCKS api.west.test:${server.port} as me:p:w`]);
    expect(await connect({}, { env: at('me:wrong@') }).get('/a')).toMatchObject({
      code: 'proxy',
      reason: `proxy 127.0.0.1:${socks.port} (HTTPS_PROXY) did not accept user and password`,
    });
    expect(await connect({}, { env: at('') }).get('/a')).toMatchObject({
      reason: `proxy 127.0.0.1:${socks.port} (HTTPS_PROXY) wants another way to log in`,
    });
    await socks.close();
  });

  test('that is none', async () => {
    expect(await connect({ proxyUrl: `socks5://127.0.0.1:${plain.port}` }).get('/a')).toMatchObject({ status: 'failed', code: 'proxy' });
  });
});
