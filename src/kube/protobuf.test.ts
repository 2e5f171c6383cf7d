import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { largeMesh } from '../builder/mesh.ts';
import { reduceObject } from '../collect/kind.ts';
import { podMessage } from '../collect/pod-message.ts';
import { pods } from '../collect/pods.ts';
import { type Fields, tally } from '../model/decode.ts';
import type { KubeObject } from '../model/kube.ts';
import { protobufList } from '../sandbox/server/protobuf-answer.ts';
import { messages } from '../sandbox/server/protobuf-messages.ts';
import { decodedStatus, listReader } from './protobuf.ts';

/** What Kubernetes' own library writes. */
const written = JSON.parse(readFileSync('fixtures/protobuf/pods.json', 'utf8')) as {
  readonly [name in 'pods' | 'status']: { readonly json: Fields; readonly protobuf: string };
};
const bytesOf = (name: keyof typeof written): Buffer => Buffer.from(written[name].protobuf, 'base64');

/** Reads bytes that come in pieces of a size. */
function read(bytes: Buffer, size = bytes.length): { readonly list: unknown; readonly items: Fields[] } {
  const items: Fields[] = [];
  const reader = listReader(podMessage, (item) => void items.push(item));
  for (let at = 0; at < bytes.length; at += size) reader.write(bytes.subarray(at, at + size));
  return { list: reader.end(), items };
}

/** What is kept of a pod, and how odd it was. */
function reduced(item: Fields): unknown {
  const odd = tally();
  return [reduceObject(pods, item, odd), odd];
}

describe('pods as Kubernetes writes them', () => {
  const inJson = written.pods.json['items'] as Fields[];

  test.each([1, 2, 3, 7, 64, 1000, 1_000_000])('reduce to the same as from JSON, in pieces of %i bytes', (size) => {
    const { list, items } = read(bytesOf('pods'), size);
    expect(items.map(reduced)).toEqual(inJson.map(reduced));
    expect(list).toEqual({ apiVersion: 'v1', kind: 'PodList', items: [], metadata: { resourceVersion: '77' } });
  });

  test('share what is the same in them', () => {
    const [one, other] = read(bytesOf('pods'))
      .items.slice(0, 2)
      .map(({ spec }) => (spec as { containers: unknown[] }).containers[0]);
    expect(one).toEqual({ name: 'app', image: 'registry.example/app:1' });
    expect(other).toBe(one);
  });

  test('cut anywhere are no list', () => {
    const bytes = bytesOf('pods');
    for (let length = 0; length < bytes.length - 4; length++)
      expect(() => read(bytes.subarray(0, length)), `after ${length} bytes`).toThrow(SyntaxError);
  });

  test('with any byte changed are read or refused', () => {
    const bytes = bytesOf('pods');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        try {
          read(changed, 512);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });
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

test('what a simulated server writes reads as its objects', () => {
  for (const objects of largeMesh({ services: 5, pods: 20 }).values()) {
    const all = objects.filter(({ kind }) => kind === 'Pod');
    expect(all.length).toBeGreaterThan(0);
    const bytes = protobufList('Pod', 'v1', { resourceVersion: '1' }, all, podMessage);
    expect(read(bytes, 4096).items.map(reduced)).toEqual(all.map((object: KubeObject) => reduced({ ...object })));
  }
});

test.each([
  ['ObjectMeta', podMessage[1]],
  ['PodSpec', podMessage[2]],
])('numbers of %s are those that Go clients send', (name, field) => {
  const known = new Map(messages[name]?.map(([number, of]) => [number, of]));
  const own = typeof field?.holds === 'object' ? Object.entries({ ...field.holds }) : [];
  expect(own.length).toBeGreaterThan(0);
  for (const [number, { name: of }] of own) if (known.has(Number(number))) expect(known.get(Number(number))).toBe(of);
});
