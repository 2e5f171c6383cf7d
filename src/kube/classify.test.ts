import { describe, expect, test } from 'vitest';
import { abortFault, answerFault, bodyFault, certificateFault, missingRight, saying, seconds, socketFault, statusOf } from './classify.ts';

const coded = (code: string, more: object = {}): Error => Object.assign(new Error('some words of a library'), { code, ...more });
const peer = 'api.west:6443';

describe('sockets', () => {
  test.each([
    [coded('ECONNREFUSED', { address: '10.0.0.1', port: 6443 }), 'refused', 'connection refused by 10.0.0.1:6443', 'never'],
    [coded('ECONNREFUSED'), 'refused', 'connection refused by api.west:6443', 'never'],
    [
      Object.assign(
        new AggregateError([coded('ECONNREFUSED', { address: '::1', port: 1 }), coded('ECONNREFUSED', { address: '127.0.0.1', port: 1 })]),
        { code: 'ECONNREFUSED' },
      ),
      'refused',
      'connection refused by [::1]:1 and 127.0.0.1:1',
      'never',
    ],
    [coded('EHOSTUNREACH'), 'refused', 'there is no route to api.west:6443', 'never'],
    [coded('ENOTFOUND'), 'dns', 'the name of api.west:6443 has no address', 'never'],
    [coded('ENOTFOUND', { hostname: 'api.west' }), 'dns', 'the name api.west has no address', 'never'],
    [coded('EAI_AGAIN'), 'dns', 'the name of api.west:6443 could not be resolved', 'never'],
    [coded('ETIMEDOUT'), 'timeout', 'no connection to api.west:6443: timed out', 'never'],
    [coded('ECONNRESET'), 'reset', 'the connection was closed by api.west:6443', 'again'],
    [coded('UND_ERR_SOCKET'), 'reset', 'the connection was closed by api.west:6443', 'again'],
    [coded('ERR_SSL_WRONG_VERSION_NUMBER'), 'server-error', 'api.west:6443 does not speak TLS', 'never'],
    [
      coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'),
      'unauthorized',
      'api.west:6443 did not accept the client certificate (certificate required)',
      'never',
    ],
    [
      coded('ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE'),
      'unauthorized',
      'api.west:6443 did not accept the client certificate (bad certificate)',
      'never',
    ],
    [coded('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'), 'server-error', 'api.west:6443 ended the TLS handshake (protocol version)', 'never'],
    [
      coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
      'tls-untrusted',
      'the certificate of api.west:6443 is not trusted by the certificates known here',
      'never',
    ],
  ])('%s', (error, code, reason, retry) => {
    const fault = socketFault(error, peer);
    expect([fault.code, fault.message, fault.retry]).toEqual([code, reason, retry]);
  });

  test('what is not known is told by its code, never by its words', () => {
    expect(socketFault(coded('ESOMETHING'), peer).message).toBe('the connection to api.west:6443 failed (ESOMETHING)');
  });
});

describe('bodies', () => {
  test.each([
    [coded('Z_BUF_ERROR'), 'reset', 'the compressed answer of api.west:6443 was cut', 'again'],
    [new SyntaxError('Unexpected end of JSON input'), 'reset', 'the answer of api.west:6443 was cut', 'again'],
    [coded('HPE_INVALID_CONSTANT'), 'server-error', 'the answer of api.west:6443 is not HTTP', 'never'],
    [coded('ERR_STRING_TOO_LONG'), 'server-error', 'the answer of api.west:6443 is too large to be read', 'never'],
  ])('%s', (error, code, reason, retry) => {
    const fault = bodyFault(error, peer);
    expect([fault.code, fault.message, fault.retry]).toEqual([code, reason, retry]);
  });
});

describe('certificates', () => {
  const seen = {
    subject: 'kube-apiserver',
    issuer: 'kube-ca',
    names: ['api.east', '10.0.0.2'],
    validFrom: Date.parse('2027-01-01'),
    validTo: Date.parse('2026-01-01'),
  };
  const expected = { name: 'api.west', store: "the kubeconfig's certificate authority", peer };
  test.each([
    [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'tls-untrusted',
      "the certificate of api.west:6443, issued by kube-ca, is not trusted by the kubeconfig's certificate authority",
    ],
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'tls-untrusted',
      "the certificate of api.west:6443 is signed by itself and not among the kubeconfig's certificate authority",
    ],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls-name', 'the certificate of api.west:6443 is not for api.west but for api.east and 10.0.0.2'],
    ['CERT_HAS_EXPIRED', 'tls-expired', 'the certificate of api.west:6443 expired on 2026-01-01'],
    ['CERT_NOT_YET_VALID', 'tls-expired', 'the certificate of api.west:6443 is not valid before 2027-01-01'],
  ])('%s', (code, kind, reason) => {
    const fault = certificateFault(code, seen, expected);
    expect([fault.code, fault.message, fault.retry]).toEqual([kind, reason, 'never']);
  });
});

describe('answers', () => {
  const answer = (status: number, contentType = 'application/json', location?: string) => ({ status, contentType, location });
  test.each([
    [answer(401), '', 'unauthorized', 'api.west:6443 did not accept the credentials (401)'],
    [
      answer(429, 'text/plain'),
      'Too many requests, please try again later.',
      'throttled',
      'api.west:6443 answered 429: Too many requests, please try again later',
    ],
    [
      answer(500),
      JSON.stringify({ kind: 'Status', message: 'etcd is\n away' }),
      'server-error',
      'api.west:6443 answered 500: etcd is away',
    ],
    [answer(503), '', 'server-error', 'api.west:6443 answered 503'],
    [answer(407, 'text/plain'), '', 'proxy', 'api.west:6443 answered 407'],
    [answer(403, 'text/plain'), 'no', 'forbidden', 'api.west:6443 answered 403: no'],
    [
      answer(302, 'text/plain', 'https://login.corp/start?secret=x'),
      '',
      'proxy',
      'api.west:6443 answered 302 and sends clients to login.corp, which no API server does: a proxy or a login page is in between',
    ],
    [
      answer(200, 'text/html; charset=utf-8'),
      '<html>',
      'proxy',
      'api.west:6443 answered 200 with a web page, which no API server does: a proxy or a login page is in between',
    ],
  ])('%o', (given, body, code, reason) => {
    const fault = answerFault(given, body, peer, (text) => text);
    expect([fault.code, fault.message]).toEqual([code, reason]);
  });

  test('a long answer is cut, and tokens are left out', () => {
    expect(saying(`bad token eyJhbGciOiJ.eyJzdWIiOiJ4.abc ${'x'.repeat(300)}`, (text) => text)).toMatch(
      /^bad token \(redacted\) x{150,}… \(\d+ characters\)$/,
    );
  });
});

describe('what a refusal names', () => {
  const asked = { verb: 'list', resource: 'things' };
  test.each([
    ['pods is forbidden: User "x" cannot list resource "pods" in API group "" at the cluster scope', { verb: 'list', resource: 'pods' }],
    [
      'x is forbidden: User "x" cannot list resource "deployments" in API group "apps" in the namespace "n"',
      { verb: 'list', resource: 'deployments.apps' },
    ],
    [
      'pods "p" is forbidden: User "x" cannot create resource "pods/portforward" in API group "" in the namespace "n"',
      { verb: 'create', resource: 'pods/portforward' },
    ],
    ['forbidden: User "x" cannot get path "/version"', { verb: 'get', resource: '/version' }],
    ['no', asked],
  ])('%s', (message, expected) => expect(missingRight(message, asked)).toEqual(expected));

  test('only a Status is one', () => {
    expect(statusOf({ kind: 'Status', reason: 'Expired', message: 'm', metadata: { continue: 't' } })).toEqual({
      reason: 'Expired',
      message: 'm',
      continueToken: 't',
    });
    for (const other of [undefined, null, 'x', [], { kind: 'PodList' }]) expect(statusOf(other)).toBeUndefined();
  });
});

test('who ended a run', () => {
  const ended = (reason: unknown) => abortFault(AbortSignal.abort(reason));
  expect(ended(new DOMException('x', 'TimeoutError')).code).toBe('timeout');
  expect(ended(undefined).code).toBe('interrupted');
  expect(ended(new Error('SIGINT')).code).toBe('interrupted');
});

test('what a connection knows to be secret is taken out before a text is cut', () => {
  const scrub = (text: string): string => text.replaceAll('opaque', '(redacted)');
  expect(saying(`${'x'.repeat(196)}opaque`, scrub)).not.toContain('opa');
});

test('times', () => expect([250, 1000, 1500, 30_000].map(seconds)).toEqual(['250ms', '1s', '1.5s', '30s']));
