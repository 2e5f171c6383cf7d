import { afterEach, beforeEach, expect, test } from 'vitest';
import { Agent, request } from 'undici';
import type { KubeObject } from '../../src/model/kube.ts';
import { at, startTestServer, type TestServer } from '../support/api-server.ts';

let server: TestServer;
let dispatcher: Agent;
beforeEach(async () => {
  server = await startTestServer();
  dispatcher = new Agent({ connect: { ca: server.ca.cert } });
});
afterEach(async () => {
  await dispatcher.destroy();
  await server.close();
});

interface Watch {
  readonly status: number;
  /** The next event; undefined when the stream ended. */
  next(): Promise<{ readonly type: string; readonly object: KubeObject } | undefined>;
  close(): void;
}

async function watch(path: string, accept = 'application/json'): Promise<Watch> {
  const headers = { authorization: `Bearer ${server.users.tokens.get('admin')}`, accept };
  const answer = await request(`${server.api.url}${path}`, { dispatcher, headers });
  const lines = eachLine(answer.body);
  return {
    status: answer.statusCode,
    next: async () => {
      const line = await lines.next();
      return line.done === true ? undefined : (JSON.parse(line.value) as { type: string; object: KubeObject });
    },
    close: () => answer.body.on('error', () => undefined).destroy(),
  };
}

async function* eachLine(stream: AsyncIterable<Buffer>): AsyncGenerator<string, undefined> {
  let rest = '';
  for await (const chunk of stream) {
    const lines = `${rest}${chunk.toString()}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  return undefined;
}

const configMap = (name: string, labels: Record<string, string> = {}, data = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'shop', labels },
  data,
});
const told = (event: { type: string; object: KubeObject } | undefined) => [event?.type, event?.object.metadata.name];

test('changes after a revision are told, those made meanwhile included', async () => {
  const revision = server.store.revision();
  server.store.put(configMap('one'));
  const stream = await watch(`/api/v1/namespaces/shop/configmaps?watch=1&resourceVersion=${revision}`);
  const first = await stream.next();
  expect(told(first)).toEqual(['ADDED', 'one']);
  expect(first?.object).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1' });
  server.store.put(configMap('one', {}, { a: 'b' }));
  server.store.put({ ...configMap('elsewhere'), metadata: { name: 'elsewhere', namespace: 'default' } });
  server.store.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'other', namespace: 'shop' } });
  server.store.remove('ConfigMap', 'shop', 'one');
  expect(told(await stream.next())).toEqual(['MODIFIED', 'one']);
  const last = await stream.next();
  expect(told(last)).toEqual(['DELETED', 'one']);
  expect(Number(last?.object.metadata.resourceVersion)).toBe(server.store.revision());
  stream.close();
});

test('without a revision everything there is comes first', async () => {
  const stream = await watch('/api/v1/namespaces?watch=true');
  const names = new Set<string | undefined>();
  for (const _namespace of server.store.list('Namespace')) names.add(told(await stream.next())[1]);
  expect([...names]).toEqual(server.store.list('Namespace').map(({ metadata }) => metadata.name));
  server.store.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'later' } });
  expect(told(await stream.next())).toEqual(['ADDED', 'later']);
  stream.close();
});

test('an object that begins or ceases to match is added or deleted', async () => {
  const stream = await watch(`/api/v1/configmaps?watch=1&labelSelector=mine&resourceVersion=${server.store.revision()}`);
  server.store.put(configMap('one'));
  server.store.put(configMap('one', { mine: '' }));
  server.store.put(configMap('one', { mine: 'x' }));
  server.store.put(configMap('one'));
  server.store.put(configMap('two'));
  server.store.remove('ConfigMap', 'shop', 'two');
  server.store.put(configMap('three', { mine: '' }));
  const events = [await stream.next(), await stream.next(), await stream.next(), await stream.next()];
  expect(events.map(told)).toEqual([
    ['ADDED', 'one'],
    ['MODIFIED', 'one'],
    ['DELETED', 'one'],
    ['ADDED', 'three'],
  ]);
  stream.close();
});

test('a revision that is too old is an error inside the stream', async () => {
  const stream = await watch('/api/v1/pods?watch=1&resourceVersion=1');
  expect(stream.status).toBe(200);
  const event = await stream.next();
  expect(event?.type).toBe('ERROR');
  expect(event?.object).toMatchObject({ kind: 'Status', code: 410, reason: 'Expired' });
  expect(await stream.next()).toBeUndefined();
});

test('the stream ends cleanly when its time is over, with a bookmark for who wants one', async () => {
  const stream = await watch(`/api/v1/pods?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion=${server.store.revision()}`);
  const bookmark = await stream.next();
  expect(bookmark).toMatchObject({
    type: 'BOOKMARK',
    object: { kind: 'Pod', apiVersion: 'v1', metadata: { resourceVersion: String(server.store.revision()) } },
  });
  expect(await stream.next()).toBeUndefined();
});

test('a list as a stream ends with its bookmark', async () => {
  const stream = await watch(
    '/api/v1/namespaces/shop/services?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
  );
  expect(told(await stream.next())).toEqual(['ADDED', 'abc']);
  expect(at(await stream.next(), 'object.metadata.annotations')).toEqual({ 'k8s.io/initial-events-end': 'true' });
  stream.close();
});

test('events come in the form that was asked for', async () => {
  const path = '/api/v1/namespaces/shop/services?watch=1&resourceVersion=0';
  const metadata = await watch(path, 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1');
  expect(Object.keys((await metadata.next())?.object ?? {})).toEqual(['kind', 'apiVersion', 'metadata']);
  metadata.close();
  const table = await watch(path, 'application/json;as=Table;g=meta.k8s.io;v=v1');
  const first = await table.next();
  expect(at(first?.object, 'columnDefinitions.0.name')).toBe('Name');
  server.store.put({ ...server.store.get('Service', 'shop', 'abc')!, metadata: { name: 'abc', namespace: 'shop' } });
  const second = await table.next();
  expect([at(second?.object, 'columnDefinitions'), at(second?.object, 'rows.0.cells.0')]).toEqual([null, 'abc']);
  table.close();
});

test('listeners of the store are told once for all changes of a turn', async () => {
  let calls = 0;
  server.store.onChange(() => {
    calls += 1;
  });
  server.store.put(configMap('one'));
  server.store.put(configMap('two'));
  server.store.put(configMap('two'));
  expect(calls).toBe(0);
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toBe(1);
  server.store.put(configMap('two'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toBe(1);
});

test('closing the server ends what is watched', async () => {
  const local = await startTestServer();
  const agent = new Agent({ connect: { ca: local.ca.cert } });
  const headers = { authorization: `Bearer ${local.users.tokens.get('admin')}` };
  const answer = await request(`${local.api.url}/api/v1/pods?watch=1`, { dispatcher: agent, headers });
  await local.close();
  await answer.body.text().catch(() => undefined);
  expect(answer.body.readableEnded || answer.body.destroyed).toBe(true);
  await agent.destroy();
});
