import { connect } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Agent, request } from 'undici';
import type { Fault } from '../../src/sandbox/sandbox.ts';
import { at, namesIn, startTestServer, type TestServer, textIn } from '../support/api-server.ts';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.close());

/** What a client sees of a fault: a status and what reading the body gave, or the code of an error. */
async function seen(path: string, timeouts: { headersTimeout?: number; bodyTimeout?: number } = {}): Promise<string> {
  const dispatcher = new Agent({ connect: { ca: server.ca.cert }, ...timeouts });
  try {
    const headers = { authorization: `Bearer ${server.users.tokens.get('admin')}` };
    const answer = await request(`${server.api.url}${path}`, { dispatcher, headers });
    const text = await answer.body.text().catch((error: { code?: string }) => `error ${error.code}`);
    return text.startsWith('error') ? `${answer.statusCode} ${text}` : `${answer.statusCode} ${isJson(text) ? 'JSON' : 'no JSON'}`;
  } catch (error) {
    return `error ${(error as { code?: string }).code}`;
  } finally {
    await dispatcher.destroy();
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('each fault, as a client meets it, and that it ends', async () => {
  const faults: readonly (readonly [Fault, string | RegExp])[] = [
    [{ kind: 'status', status: 503, body: '{}' }, '503 JSON'],
    [{ kind: 'status', status: 200, body: '<html>', contentType: 'text/html' }, '200 no JSON'],
    [{ kind: 'cut', by: 'reset' }, /200 error (?:ECONNRESET|UND_ERR_SOCKET)/],
    [{ kind: 'cut', by: 'close' }, '200 error UND_ERR_SOCKET'],
    [{ kind: 'cut', by: 'chunk-end' }, '200 no JSON'],
    [{ kind: 'reset' }, 'error ECONNRESET'],
  ];
  for (const [fault, expected] of faults) {
    server.api.setFault(fault);
    expect([fault, await seen('/api/v1/pods')]).toEqual([fault, typeof expected === 'string' ? expected : expect.stringMatching(expected)]);
    server.api.setFault(null);
    expect(await seen('/api/v1/pods')).toBe('200 JSON');
  }
});

test('a stall ends in the client’s patience, or after its time in an answer', async () => {
  server.api.setFault({ kind: 'stall', milliseconds: 60_000, phase: 'headers' });
  expect(await seen('/api/v1/pods', { headersTimeout: 50 })).toBe('error UND_ERR_HEADERS_TIMEOUT');
  server.api.setFault({ kind: 'stall', milliseconds: 60_000, phase: 'body' });
  expect(await seen('/api/v1/pods', { bodyTimeout: 50 })).toBe('200 error UND_ERR_BODY_TIMEOUT');
  server.api.setFault({ kind: 'stall', milliseconds: 20, phase: 'headers' });
  expect(await seen('/api/v1/pods')).toBe('200 JSON');
  server.api.setFault({ kind: 'stall', milliseconds: 20, phase: 'body' });
  expect(await seen('/api/v1/pods')).toBe('200 JSON');
});

test('a fault meets the paths it matches, so often as it says', async () => {
  server.api.setFault({
    kind: 'status',
    status: 429,
    body: 'Too many requests',
    contentType: 'text/plain',
    headers: { 'Retry-After': '1' },
    match: /^\/api\/v1\/pods/g,
    times: 2,
  });
  expect((await server.ask('/api/v1/services')).status).toBe(200);
  const first = await server.ask('/api/v1/pods?limit=1');
  expect([first.status, first.headers['retry-after'], first.headers['content-type'], first.text]).toEqual([
    429,
    '1',
    'text/plain',
    'Too many requests',
  ]);
  expect((await server.ask('/api/v1/pods')).status).toBe(429);
  expect((await server.ask('/api/v1/pods')).status).toBe(200);
  expect(server.api.requests.map(({ status }) => status)).toEqual([200, 429, 429, 200]);
});

test('continue tokens expire, with or without a way on', async () => {
  const token = textIn((await server.ask('/api/v1/serviceaccounts?limit=3')).body, 'metadata.continue');
  const path = `/api/v1/serviceaccounts?limit=500&continue=${token}`;
  server.api.setFault({ kind: 'expired', resumable: false, times: 1 });
  expect((await server.ask('/api/v1/serviceaccounts?limit=3')).status).toBe(200);
  const dead = await server.ask(path);
  expect(dead.body).toMatchObject({ code: 410, reason: 'Expired', metadata: {} });
  expect(at(dead.body, 'metadata')).not.toHaveProperty('continue');
  server.api.setFault({ kind: 'expired', resumable: true, times: 1 });
  const expired = await server.ask(path);
  expect(expired.status).toBe(410);
  const rest = await server.ask(`/api/v1/serviceaccounts?limit=500&continue=${textIn(expired.body, 'metadata.continue')}`);
  expect(namesIn(rest.body)).toHaveLength(server.store.list('ServiceAccount').length - 3);
});

test('a watch is cut in the middle of a line', async () => {
  for (const by of ['reset', 'close', 'chunk-end'] as const) {
    server.api.setFault({ kind: 'cut', by, times: 1 });
    const dispatcher = new Agent({ connect: { ca: server.ca.cert } });
    const headers = { authorization: `Bearer ${server.users.tokens.get('admin')}` };
    const answer = await request(`${server.api.url}/api/v1/pods?watch=1`, { dispatcher, headers });
    let text = '';
    const outcome = await (async () => {
      for await (const chunk of answer.body) text += String(chunk);
      return 'end';
    })().catch(() => 'error');
    expect([answer.statusCode, outcome]).toEqual([200, by === 'chunk-end' ? 'end' : 'error']);
    if (by !== 'reset') expect(isJson(text.split('\n').at(-1) ?? '')).toBe(false);
    await dispatcher.destroy();
  }
});

test('a client that does not trust the server is counted out, and the server lives on', async () => {
  const { port } = new URL(server.api.url);
  const error = await new Promise<Error>((resolve) => {
    connect({ host: '127.0.0.1', port: Number(port) }).on('error', resolve);
  });
  expect((error as { code?: string }).code).toBe('SELF_SIGNED_CERT_IN_CHAIN');
  expect((await server.ask('/version')).status).toBe(200);
});
