import { setTimeout as pause } from 'node:timers/promises';
import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { reduceObject } from '../../src/collect/kind.ts';
import { pods } from '../../src/collect/pods.ts';
import { openConnection } from '../../src/kube/connect.ts';
import type { Aside, Connection, ListRequest } from '../../src/kube/connection.ts';
import { type Fields, tally } from '../../src/model/decode.ts';
import { protobufType } from '../../src/model/protobuf.ts';
import type { ReducedObject } from '../../src/model/snapshot.ts';
import { protobufList } from '../../src/sandbox/server/protobuf-answer.ts';
import { openAside } from '../../src/source/aside.ts';
import { originOf } from '../../src/source/origin.ts';
import { type ApiServer, startApiServer } from '../support/kube-server.ts';
import { targetOf } from '../support/kube-target.ts';

/* The rest of a long list, read by the built thread beside the one that asked for it. Without a second core nothing is read aside. */

const thread = pathToFileURL('dist/aside-thread.js');
const request: ListRequest = {
  group: '',
  version: 'v1',
  resource: 'pods',
  kind: 'Pod',
  ...(pods.message === undefined ? {} : { message: pods.message }),
};
const objects = Array.from({ length: 900 }, (_, number) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `p${number}`, namespace: 'n', labels: { app: 'a' }, annotations: { 'sidecar.istio.io/status': 'x'.repeat(12_000) } },
  spec: { nodeName: `node${number % 7}`, containers: [{ name: 'app', image: 'registry.example/app:1' }] },
  status: { phase: 'Running', podIP: `10.0.0.${number % 250}`, conditions: [{ type: 'Ready', status: 'True' }] },
}));
const bytes = protobufList('Pod', 'v1', { resourceVersion: '9' }, objects, pods.message ?? {});
/** Where the list is long enough for somebody else. */
const half = 5 << 20;

let server: ApiServer;
const open: Connection[] = [];
beforeAll(async () => {
  server = await startApiServer();
});
afterEach(async () => await Promise.all(open.splice(0).map((connection) => connection.close())));
afterAll(() => server.close());

function connect(): Connection {
  const connection = openConnection(targetOf(server), { env: {}, maxRetries: 0, sleep: () => Promise.resolve() });
  open.push(connection);
  return connection;
}

/** A sink that has the rest read aside, and what came to it from both sides. */
function sinkAside() {
  const here: Fields[] = [];
  const there: ReducedObject[] = [];
  const helpers: Aside[] = [];
  return {
    here,
    there,
    /** Whether whoever was asked has come. */
    isReady: () => helpers.at(-1)?.isReady() === true,
    item: (object: Fields) => void here.push(object),
    restart() {
      here.length = 0;
      there.length = 0;
    },
    aside() {
      const helper = openAside(pods, request, (found) => void there.push(...found), thread);
      if (helper !== undefined) helpers.push(helper);
      return helper;
    },
  };
}

/** Gives the first part of the list, and the rest of what it has once somebody aside is there for it. */
function answerInTwo(sink: ReturnType<typeof sinkAside>, body: Buffer, end: 'whole' | 'cut' = 'whole'): void {
  server.handle((_, response) => {
    void (async () => {
      response.writeHead(200, { 'content-type': protobufType });
      response.write(body.subarray(0, half));
      while (!sink.isReady() && !response.destroyed) await pause(5);
      response.write(body.subarray(half));
      if (end === 'whole') response.end();
      else response.socket?.end();
    })();
  });
}

test.skipIf(availableParallelism() < 2)('comes to what it comes to in one thread', async () => {
  const sink = sinkAside();
  answerInTwo(sink, bytes);
  expect(await connect().list(request, sink)).toEqual({ status: 'read', value: { items: objects.length, pages: 1 } });
  expect(sink.here.length).toBeGreaterThan(300);
  expect(sink.there.length).toBeGreaterThan(300);
  const reduced = sink.here.map((item) => reduceObject(pods, item, tally(), originOf(item)));
  expect([...reduced, ...sink.there]).toEqual(objects.map((object) => reduceObject(pods, { ...object }, tally(), originOf(object))));
  const [one, other] = sink.there;
  expect(one?.metadata.labels).toBe(other?.metadata.labels);
});

test.skipIf(availableParallelism() < 2)('a cut list is none, and its thread makes room for the next', async () => {
  for (let round = 0; round < 6; round++) {
    const sink = sinkAside();
    answerInTwo(sink, bytes, 'cut');
    expect(await connect().list(request, sink)).toMatchObject({ status: 'failed' });
  }
  const sink = sinkAside();
  answerInTwo(sink, bytes);
  expect(await connect().list(request, sink)).toMatchObject({ status: 'read' });
  expect(sink.there.length).toBeGreaterThan(300);
});

test.skipIf(availableParallelism() < 2)('what is no list in the part that is read aside is said as from one thread', async () => {
  const spoilt = Buffer.from(bytes);
  spoilt.fill(0xff, bytes.length - 40);
  const sink = sinkAside();
  answerInTwo(sink, spoilt);
  const aside = await connect().list(request, sink);
  const { aside: _, ...alone } = sinkAside();
  answerInTwo({ ...sink, isReady: () => true }, spoilt);
  expect(aside).toEqual(await connect().list(request, alone));
  expect(aside).toMatchObject({ status: 'failed', code: 'reset' });
});

test.skipIf(availableParallelism() < 2)('whoever is far ahead of the thread is told to wait for it', async () => {
  const helper = openAside(pods, request, () => undefined, thread);
  let room: Promise<void> | undefined;
  try {
    const piece = Buffer.alloc(1 << 20);
    for (let sent = 0; sent < 64 && room === undefined; sent++) room = helper?.write(piece);
    expect(room).toBeInstanceOf(Promise);
  } finally {
    helper?.close();
  }
  await room;
});
