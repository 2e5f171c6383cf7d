import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { largeMesh } from '../builder/mesh.ts';
import { type KindCollector, reduceObject } from '../collect/kind.ts';
import { kinds } from '../collect/kinds.ts';
import { pods } from '../collect/pods.ts';
import { type Fields, tally } from '../model/decode.ts';
import type { Message } from '../model/protobuf.ts';
import { protobufList } from '../sandbox/server/protobuf-answer.ts';
import { messages } from '../sandbox/server/protobuf-messages.ts';
import { decodedStatus, listReader } from './protobuf.ts';

/** What Kubernetes' own library writes. */
const written = JSON.parse(readFileSync('fixtures/protobuf/lists.json', 'utf8')) as Readonly<
  Record<string, { readonly json: Fields; readonly protobuf: string }>
>;
const bytesOf = (name: string): Buffer => Buffer.from(written[name]?.protobuf ?? '', 'base64');
const streamed = kinds.filter(({ message }) => message !== undefined);

/** Reads bytes that come in pieces of a size. */
function read(bytes: Buffer, { message = {} }: KindCollector, size = bytes.length): { readonly list: unknown; readonly items: Fields[] } {
  const items: Fields[] = [];
  const reader = listReader(message, (item) => void items.push(item));
  for (let at = 0; at < bytes.length; at += size) reader.write(bytes.subarray(at, at + size));
  return { list: reader.end(), items };
}

/** What is kept of an object, and how odd it was. */
function reduced(kind: KindCollector, item: Fields): unknown {
  const odd = tally();
  return [reduceObject(kind, item, odd), odd];
}

describe.each(streamed)('$resource as Kubernetes writes them', (kind) => {
  const json: Fields = written[kind.resource]?.json ?? {};
  const inJson = json['items'] as Fields[];

  test.each([1, 2, 3, 7, 64, 1000, 1_000_000])('reduce to the same as from JSON, in pieces of %i bytes', (size) => {
    const { list, items } = read(bytesOf(kind.resource), kind, size);
    expect(items.length).toBeGreaterThan(1);
    expect(items.map((item) => reduced(kind, item))).toEqual(inJson.map((item) => reduced(kind, item)));
    expect(list).toEqual({ apiVersion: json['apiVersion'], kind: json['kind'], items: [], metadata: { resourceVersion: '77' } });
  });

  test('cut anywhere are no list', () => {
    const bytes = bytesOf(kind.resource);
    for (let length = 0; length < bytes.length - 4; length++)
      expect(() => read(bytes.subarray(0, length), kind), `after ${length} bytes`).toThrow(SyntaxError);
  });

  test('with any byte changed are read or refused', () => {
    const bytes = bytesOf(kind.resource);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        try {
          read(changed, kind, 512);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });
});

test('pods share what is the same in them', () => {
  const both = read(bytesOf('pods'), pods).items.slice(0, 2);
  const [one, other] = both.map(({ spec }) => (spec as { containers: unknown[] }).containers[0]);
  expect(one).toEqual({ name: 'app', image: 'registry.example/app:1' });
  expect(other).toBe(one);
});

test('a pod that was started again reads as from JSON', () => {
  const terminated = { exitCode: 137, reason: 'OOMKilled', finishedAt: '2026-01-02T00:00:01Z' };
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'istiod', namespace: 'istio-system' },
    spec: { containers: [{ name: 'discovery', image: 'pilot:1.31.0' }] },
    status: { phase: 'Running', containerStatuses: [{ state: { running: {} }, lastState: { terminated }, restartCount: 4 }] },
  };
  const bytes = protobufList('Pod', 'v1', { resourceVersion: '1' }, [object], pods.message ?? {});
  const [item] = read(bytes, pods).items.map((one) => reduced(pods, { apiVersion: 'v1', ...one }));
  expect(item).toEqual(reduced(pods, { ...object }));
  expect(JSON.stringify(item)).toContain('"restarts":4,"lastEnd":{"reason":"OOMKilled","at":"2026-01-02T00:00:01Z"}');
});

test('a refusal is read as from JSON', () => {
  expect(decodedStatus(bytesOf('status'))).toEqual({
    apiVersion: 'v1',
    kind: 'Status',
    metadata: { continue: 'rest' },
    status: 'Failure',
    message: 'pods is forbidden',
    reason: 'Forbidden',
    details: { name: 'n', group: 'g', kind: 'pods', retryAfterSeconds: 3 },
    code: 403,
  });
  expect(() => decodedStatus(Buffer.from('<html></html>'))).toThrow(SyntaxError);
});

test.each(streamed)('$resource that a simulated server writes read as its objects', (kind) => {
  for (const objects of largeMesh({ services: 5, pods: 20, managedFields: true }).values()) {
    const all = objects.filter((object) => object.kind === kind.kind);
    expect(all.length).toBeGreaterThan(0);
    const bytes = protobufList(kind.kind, 'v1', { resourceVersion: '1' }, all, kind.message ?? {});
    const items = read(bytes, kind, 4096).items.map((item) => reduced(kind, { apiVersion: all[0]?.apiVersion, ...item }));
    expect(items).toEqual(all.map((object) => reduced(kind, { ...object })));
  }
});

test.each(streamed)('field numbers of $resource are those that Go clients send', ({ kind, message = {} }) => {
  const compared: string[] = [];
  const compare = (name: string, own: Message): void => {
    for (const [number, of, holds] of messages[name] ?? []) {
      const field = own[number];
      if (field === undefined) continue;
      expect(`${name}.${field.name}`).toBe(`${name}.${of}`);
      compared.push(field.name);
      if (typeof field.holds === 'object') compare(holds.replace('[]', ''), field.holds);
    }
  };
  compare(kind, message);
  compare('ObjectMeta', message[1]?.holds as Message);
  compare('PodSpec', (kind === 'Pod' ? message[2]?.holds : {}) as Message);
  expect(compared).toContain('labels');
});
