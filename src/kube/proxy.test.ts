import { describe, expect, test } from 'vitest';
import { isProxied, proxyAddress, proxyOf } from './proxy.ts';
import { serverAddress } from './target.ts';

describe('as Go reads NO_PROXY: whether host:port goes through the proxy', () => {
  test.each([
    // loopback never does
    ['localhost', 6443, '', false],
    ['127.0.0.1', 6443, '', false],
    ['127.3.4.5', 6443, '', false],
    ['::1', 6443, '', false],
    ['::ffff:127.0.0.1', 6443, '', false],
    ['api.example', 6443, '', true],
    ['10.1.2.3', 6443, '', true],
    // everything
    ['api.example', 6443, '*', false],
    ['10.1.2.3', 6443, 'other, *', false],
    // CIDRs
    ['10.1.2.3', 6443, '10.0.0.0/8', false],
    ['10.1.2.3', 6443, '10.1.2.0/24,192.168.0.0/16', false],
    ['11.1.2.3', 6443, '10.0.0.0/8', true],
    ['10.1.2.3', 6443, '10.0.0.0/33', true],
    ['fd00::12', 6443, 'fd00::/8', false],
    ['fe00::12', 6443, 'fd00::/8', true],
    ['10.1.2.3', 6443, 'fd00::/8', true],
    ['10.example', 6443, '10.0.0.0/8', true],
    // addresses, with ports
    ['10.1.2.3', 6443, '10.1.2.3', false],
    ['10.1.2.3', 6443, '10.1.2.3:6443', false],
    ['10.1.2.3', 6443, '10.1.2.3:443', true],
    ['fd00::12', 6443, 'fd00:0:0::12', false],
    ['fd00::12', 6443, '[fd00::12]:6443', false],
    ['fd00::12', 6443, '[fd00::12]:443', true],
    // domains: with a dot in front only below, else the name itself as well
    ['api.example', 6443, 'example', false],
    ['example', 6443, 'example', false],
    ['api.example', 6443, '.example', false],
    ['example', 6443, '.example', true],
    ['api.example', 6443, '*.example', false],
    ['example', 6443, '*.example', true],
    ['badexample', 6443, 'example', true],
    ['api.example', 6443, 'example:6443', false],
    ['api.example', 6443, 'example:443', true],
    ['API.Example', 6443, 'EXAMPLE', false],
    // what is no entry
    ['api.example', 6443, ' , ,', true],
    ['api.example', 6443, ':6443', true],
    ['api.example', 6443, ' example ', false],
  ])('%s:%i with %j: %s', (host, port, noProxy, expected) => {
    expect(isProxied(host, port, noProxy)).toBe(expected);
  });
});

describe('which proxy', () => {
  const server = (text: string) => {
    const address = serverAddress({ server: text, insecureSkipTlsVerify: false });
    if (address === undefined) throw new Error(text);
    return address;
  };
  const west = server('https://api.west:6443');

  test('the one for the scheme of the server, in either case, upper case first', () => {
    expect(proxyOf({}, west, { HTTPS_PROXY: 'http://up:1', https_proxy: 'http://low:1' })).toMatchObject({
      host: 'up',
      from: 'HTTPS_PROXY',
    });
    expect(proxyOf({}, west, { https_proxy: 'http://low:1' })).toMatchObject({ host: 'low', from: 'HTTPS_PROXY' });
    expect(proxyOf({}, west, { HTTPS_PROXY: '', https_proxy: 'http://low:1' })).toMatchObject({ host: 'low' });
    expect(proxyOf({}, west, { HTTP_PROXY: 'http://plain:1' })).toBeUndefined();
    expect(proxyOf({}, server('http://api.west:80'), { HTTP_PROXY: 'http://plain:1' })).toMatchObject({
      host: 'plain',
      from: 'HTTP_PROXY',
    });
    expect(proxyOf({}, west, {})).toBeUndefined();
    expect(proxyOf({}, west, { HTTPS_PROXY: 'http://up:1', no_proxy: 'west' })).toBeUndefined();
  });

  test('as kubectl: proxy-url comes before the environment, and loopback and NO_PROXY are no exception to it', () => {
    const env = { HTTPS_PROXY: 'http://up:1', NO_PROXY: '*' };
    expect(proxyOf({ proxyUrl: 'http://mine:3128' }, server('https://127.0.0.1:6443'), env)).toMatchObject({
      host: 'mine',
      port: 3128,
      from: 'proxy-url',
    });
  });

  test('a proxy without scheme is one of http', () => {
    expect(proxyOf({}, west, { HTTPS_PROXY: 'proxy.corp:3128' })).toMatchObject({ kind: 'http', host: 'proxy.corp', port: 3128 });
  });

  test('what is no proxy stops everything', () => {
    expect(proxyOf({}, west, { HTTPS_PROXY: 'ftp://proxy' })).toEqual({ invalid: 'HTTPS_PROXY' });
    expect(proxyOf({ proxyUrl: 'nonsense' }, west, {})).toEqual({ invalid: 'proxy-url' });
  });

  test.each([
    ['http://proxy', { kind: 'http', host: 'proxy', port: 80 }],
    ['https://proxy', { kind: 'https', host: 'proxy', port: 443 }],
    ['socks5://proxy', { kind: 'socks5', host: 'proxy', port: 1080 }],
    ['socks5h://proxy:9', { kind: 'socks5', host: 'proxy', port: 9 }],
    ['http://me:p%40ss@proxy:8080', { kind: 'http', host: 'proxy', port: 8080, username: 'me', password: 'p@ss' }],
    ['http://[fd00::1]:8080', { kind: 'http', host: 'fd00::1', port: 8080 }],
  ])('%s', (text, expected) => {
    expect(proxyAddress(text)).toEqual({ ...expected, from: 'proxy-url' });
  });
});
