import { expect, test } from 'vitest';
import { messages } from './protobuf-messages.ts';
import { protobufObject } from './protobuf.ts';

/** A field with a whole number (below 128) or with bytes. */
const field = (number: number, value: number | string | Buffer): Buffer => {
  if (typeof value === 'number') return Buffer.from([number << 3, value]);
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
};
const all = (...parts: readonly Buffer[]): Buffer => Buffer.concat(parts);
const wrapped = (kind: string, ...raw: readonly Buffer[]): Buffer =>
  all(Buffer.from('k8s\0'), field(1, all(field(1, 'v1'), field(2, kind))), field(2, all(...raw)), field(3, ''), field(4, ''));
const metadata = field(1, all(field(1, 'a'), field(2, ''), field(7, 0), field(8, ''), field(11, all(field(1, 'x'), field(2, 'y')))));

test('an object as Go clients write it', () => {
  const port = all(field(1, 'http'), field(2, ''), field(3, 80), field(4, all(field(1, 1), field(2, 0), field(3, 'web'))), field(5, 0));
  const spec = all(
    field(1, port),
    field(2, all(field(1, 'app'), field(2, 'a'))),
    field(5, '192.0.2.1'),
    field(5, '192.0.2.2'),
    field(13, 0),
  );
  expect(protobufObject(wrapped('Service', metadata, field(2, spec), field(3, field(1, ''))))).toEqual({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'a', labels: { x: 'y' } },
    spec: { ports: [{ name: 'http', port: 80, targetPort: 'web' }], selector: { app: 'a' }, externalIPs: ['192.0.2.1', '192.0.2.2'] },
  });
});

test('data of Secrets is base64, pointers are kept when they point at nothing', () => {
  const data = field(2, all(field(1, 'k'), field(2, Buffer.from([0, 255]))));
  expect(protobufObject(wrapped('Secret', metadata, data, field(3, 'Opaque'), field(5, 0)))).toMatchObject({
    data: { k: 'AP8=' },
    type: 'Opaque',
    immutable: false,
  });
  expect(protobufObject(wrapped('Deployment', field(2, field(1, 0))))).toMatchObject({ spec: { replicas: 0 } });
});

test('what would be lost is not read', () => {
  expect(protobufObject(Buffer.from('{"kind":"Namespace"}'))).toBeUndefined();
  expect(protobufObject(wrapped('Unheard', metadata))).toBeUndefined();
  // An empty field of no meaning here loses nothing; a filled one would.
  expect(protobufObject(wrapped('Namespace', metadata, field(15, '')))).toMatchObject({ kind: 'Namespace' });
  expect(protobufObject(wrapped('Namespace', metadata, field(15, 'x')))).toBeUndefined();
  const whole = wrapped('Namespace', metadata);
  expect(protobufObject(whole.subarray(0, whole.length - 12))).toBeUndefined();
  expect(protobufObject(Buffer.from('k8s\0\xff\xff\xff', 'latin1'))).toBeUndefined();
});

test('messages name fields once, and messages that there are', () => {
  const plain = new Set(['text', 'number', 'number?', 'flag', 'flag?', 'texts', 'map', 'bytes', 'intOrString', 'time', 'ignored']);
  for (const [name, fields] of Object.entries(messages)) {
    expect([name, new Set(fields.map(([number]) => number)).size]).toEqual([name, fields.length]);
    const inner = fields.map(([, , holds]) => holds).filter((holds) => !plain.has(holds));
    for (const holds of inner) expect(Object.keys(messages)).toContain(holds.replace('[]', ''));
  }
});
