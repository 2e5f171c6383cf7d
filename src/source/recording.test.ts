import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { mesh } from '../builder/mesh.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import { clusterName } from '../model/ids.ts';
import { decodeRecording, encodeRecording, readRecording, type Recording, writeRecording } from './recording.ts';

const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-recording-'));
afterAll(() => rmSync(folder, { recursive: true }));

const built = mesh().primaryRemote('east', 'west', { networks: 2 });
const failed = { status: 'failed', code: 'timeout', reason: 'no answer' } as const;
const recording: Recording = {
  at: '2026-11-24T12:00:00Z',
  version: '0.1.0',
  asked: { probe: 'query', services: [{ namespace: 'shop', name: 'abc', port: 80 }] },
  snapshot: {
    ...snapshotOf(built.objects(), { takenAt: built.takenAt }),
    source: { kind: 'live' },
    intent: { withoutSecret: [{ reader: 'west', read: 'east' }] },
    observations: [
      {
        cluster: clusterName('east'),
        istiods: failed,
        nameAnswers: { status: 'observed', value: [] },
        gatewayHandshakes: { status: 'not-asked', because: 'nothing to probe' },
      },
      { cluster: clusterName('west'), istiods: { status: 'forbidden', verb: 'create', resource: 'pods/portforward' } },
    ],
  },
};
const plain = JSON.parse(JSON.stringify(recording)) as Recording;
const packed = await encodeRecording(recording, 'mesh.json.gz');
const text = gunzipSync(packed).toString('utf8');

describe('a recording', () => {
  test.each(['mesh.json.gz', 'mesh.json', 'MESH.JSON.GZ', 'mesh.tgz', 'mesh.tar.gz'])('is read as it was written: %s', async (name) => {
    const file = join(folder, name);
    await writeRecording(file, recording);
    expect(await readRecording(file)).toMatchObject(plain);
  });

  test('is read whatever its name says of its compression', async () => {
    writeFileSync(join(folder, 'unpacked.json.gz'), text);
    expect(await readRecording(join(folder, 'unpacked.json.gz'))).toMatchObject(plain);
  });

  test('has the same bytes whenever and wherever it is made', async () => {
    expect(await encodeRecording(structuredClone(recording), 'other.json.gz')).toEqual(packed);
    // Time and operating system of RFC 1952: none and unknown.
    expect([...packed.subarray(4, 8), packed[9]]).toEqual([0, 0, 0, 0, 255]);
  });

  test('says first what it is', () => {
    expect(text).toMatch(/^\{"kind":"meshdoctor recording","schema":1,"version":"0\.1\.0","at":"2026-11-24T12:00:00Z",/);
  });
});

const changed = (from: string | RegExp, to: string): Uint8Array => {
  const other = text.replace(from, to);
  if (other === text) throw new Error(`nothing to change: ${String(from)}`);
  return gzipSync(other);
};

describe('what cannot be read is one sentence with the file and the way out', () => {
  const copyAgain = 'Copy it again from where it was recorded, as a binary file; or record again.';
  const whatItIs = 'meshdoctor record -o FILE writes one; manifests are given with --manifests NAME=DIR.';
  const edited = 'Recordings are not made to be edited; record again.';
  test.each<[string, Uint8Array, string, string]>([
    ['nothing in it', Buffer.from(''), 'f is no recording of meshdoctor: it is neither gzip nor JSON.', whatItIs],
    ['a picture', Buffer.from('89504e470d0a1a0a', 'hex'), 'f is no recording of meshdoctor: it is neither gzip nor JSON.', whatItIs],
    ['cut off', packed.subarray(0, 2000), 'f is cut off: its end is missing.', copyAgain],
    ['nothing but the mark of gzip', packed.subarray(0, 2), 'f is cut off: its end is missing.', copyAgain],
    [
      'copied as text',
      Buffer.from(Buffer.from(packed).toString('latin1').replaceAll('\n', '\r\n'), 'latin1'),
      'f is damaged: it cannot be unpacked.',
      copyAgain,
    ],
    ['unpacked and cut off', Buffer.from(text.slice(0, 3000)), 'f is cut off or damaged: it is not JSON to its end.', copyAgain],
    ['packed, and no JSON', gzipSync('hello'), 'f is no recording of meshdoctor: it is neither gzip nor JSON.', whatItIs],
    ['other JSON', Buffer.from('{"apiVersion":"v1","kind":"List","items":[]}'), 'f is no recording of meshdoctor.', whatItIs],
    ['no object', Buffer.from('null'), 'f is no recording of meshdoctor.', whatItIs],
    [
      'of a later form',
      changed('"schema":1,"version":"0.1.0"', '"schema":7,"version":"9.0.0"'),
      'f was recorded by meshdoctor 9.0.0 in form 7; this version reads no later form than 1.',
      'Judge it with meshdoctor 9.0.0 or newer.',
    ],
    [
      'without a time',
      changed('"at":"2026-11-24T12:00:00Z"', '"at":"noon"'),
      'f is damaged: at is not what a recording holds there.',
      edited,
    ],
    [
      'one cluster twice',
      changed('"name":"west","takenAt"', '"name":"east","takenAt"'),
      'f is damaged: snapshot.clusters is not what a recording holds there.',
      edited,
    ],
    [
      'an object without a name',
      changed(/"metadata":\{"name":"[^"]*"/, '"metadata":{"title":"a"'),
      'f is damaged: snapshot.clusters.0.kinds.namespaces.objects.0.metadata.name is not what a recording holds there.',
      edited,
    ],
    [
      'a state that is none',
      changed('"status":"forbidden"', '"status":"fine"'),
      'f is damaged: snapshot.observations.1.istiods.status is not what a recording holds there.',
      edited,
    ],
    ['replayed', changed('"source":{"kind":"live"}', '"source":{"kind":"recorded"}'), 'f is damaged: snapshot.source.kind is not', edited],
  ])('%s', async (_, bytes, message, hint) => {
    await expect(decodeRecording(bytes, 'f')).rejects.toMatchObject({
      name: 'SourceError',
      code: 'ERR_SOURCE_UNREADABLE',
      message: expect.stringContaining(message) as string,
      hint,
    });
  });

  test('no file, and a directory', async () => {
    await expect(readRecording(join(folder, 'nowhere.json'), 'nowhere.json')).rejects.toThrow('There is no recording nowhere.json.');
    await expect(readRecording(folder, 'here')).rejects.toThrow('here cannot be read: it is a directory.');
  });
});
