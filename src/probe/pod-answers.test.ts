import { describe, expect, test } from 'vitest';
import { addressesIn, callIn, handshakeIn } from './pod-answers.ts';
import { argumentsOf, podScript, readLog, type Said } from './pod-script.ts';

/* What the tools of the script write, as OpenSSL 3, curl 7 and glibc do. */

const said = (status: number, ...lines: readonly string[]): Said => ({ status, lines });
const now = Date.parse('2026-11-29T18:00:00Z');

describe('readLog', () => {
  test('answers in their order, what an image lacks, and whether the script came to its end', () => {
    const log = '=missing curl\n=begin 0\n10.96.0.9       STREAM abc\n=end 0 0\n=begin 1\n=end 1 124\n';
    expect(readLog(log)).toEqual({
      said: [said(0, '10.96.0.9       STREAM abc'), said(124)],
      missing: ['curl'],
      isDone: false,
    });
    expect(readLog(`${log}=done\n`).isDone).toBe(true);
    expect(readLog('').said).toEqual([]);
  });

  test('questions are arguments, never part of the script', () => {
    const args = argumentsOf([
      { is: 'name', asked: 'abc.shop.svc.cluster.local' },
      { is: 'handshake', host: 'fd00::1', port: 15443, sni: 'outbound_.80_._.abc.shop.svc.cluster.local' },
      { is: 'call', url: 'http://abc.shop.svc.cluster.local:80/' },
    ]);
    expect(args.slice(2, 5)).toEqual(['handshake', '[fd00::1]:15443', 'outbound_.80_._.abc.shop.svc.cluster.local']);
    for (const word of args.slice(1, 2)) expect(podScript).not.toContain(word);
  });
});

test('addresses of getent, each once', () => {
  expect(addressesIn(said(0, '10.96.0.9       STREAM abc', '10.96.0.9       DGRAM  ', 'fd00::9         STREAM '))).toEqual([
    '10.96.0.9',
    'fd00::9',
  ]);
  expect(addressesIn(said(2))).toEqual([]);
});

test('statuses of curl, and why there is none', () => {
  expect(callIn(said(0, '=status 503'))).toEqual({ status: 503, reason: '' });
  expect(callIn(said(7, "curl: (7) Failed to connect to abc port 80 after 0 ms: Couldn't connect to server", '=status 000'))).toEqual({
    status: 0,
    reason: "Failed to connect to abc port 80 after 0 ms: Couldn't connect to server",
  });
  expect(callIn(said(124))).toEqual({ status: 0, reason: 'no answer' });
});

describe('handshakes of openssl', () => {
  const outcome = (...lines: readonly string[]) => handshakeIn(said(1, ...lines), [], now);

  test('no connection', () => {
    expect(
      outcome('40D7:error:8000006F:system library:BIO_connect:Connection refused:calling connect()', 'connect:errno=111'),
    ).toMatchObject({
      stage: 'tcp',
      code: 'refused',
    });
    expect(outcome('4057:error:10080002:BIO routines:BIO_lookup_ex:system lib:Name or service not known')).toMatchObject({ code: 'dns' });
    expect(outcome()).toEqual({ stage: 'tcp', code: 'timeout', reason: 'nothing came back within 5s' });
  });

  test('a connection, and then nothing', () => {
    expect(handshakeIn(said(124, 'CONNECTED(00000003)'), [], now)).toEqual({ stage: 'silence', milliseconds: 5000 });
  });

  test('a connection that is cut, and one that is refused in words', () => {
    expect(outcome('write:errno=104', 'CONNECTED(00000003)', 'no peer certificate available')).toMatchObject({ stage: 'reset' });
    expect(outcome('CONNECTED(00000003)', '40:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:s3.c:1')).toEqual({
      stage: 'tls',
      reason: 'TLS alert handshake failure',
    });
  });
});
