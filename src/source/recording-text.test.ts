import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recordingReader } from './recording-text.ts';

const text = gunzipSync(readFileSync('fixtures/recorded/annotation-left-out.json.gz')).toString('utf8');

function read(bytes: Buffer, ...cuts: readonly number[]): unknown {
  const reader = recordingReader();
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    reader.write(bytes.subarray(from, cut));
    from = cut;
  }
  reader.write(bytes.subarray(from));
  return reader.end();
}

const recordingOf = (objects: string, more = ''): string => `{"snapshot":{"clusters":[{"kinds":{"pods":{"objects":${objects}}}}]${more}}}`;

describe('a recording that comes in pieces is what JSON.parse makes of it', () => {
  test('a real one, wherever it is cut', () => {
    const bytes = Buffer.from(text);
    const whole = JSON.stringify(JSON.parse(text));
    const places = fc.array(fc.nat(bytes.length), { maxLength: 200 });
    fc.assert(
      fc.property(places, (cuts) => JSON.stringify(read(bytes, ...cuts)) === whole),
      { numRuns: 10 },
    );
  });

  test.each([
    ['with line breaks', JSON.stringify(JSON.parse(text), null, 2)],
    ['one byte at a time', recordingOf('[{"a":"\\"],\\\\","b":[{"c":"}"},"é€"]},{"a":"x"}]', ',"observations":[{"objects":["]"]}]')],
    ['nothing in a list', recordingOf('[ ]')],
    [
      'no objects but of that name',
      '{"objects":[1,2],"a":{"objects":"objects"},"snapshot":{"clusters":[{"kinds":{"x":{"objects":"["}}}]}}',
    ],
    ['null', 'null'],
  ])('%s', (_, own) => {
    const bytes = Buffer.from(own);
    const cuts = own.length > 10_000 ? [] : [...bytes.keys()];
    expect(JSON.stringify(read(bytes, ...cuts))).toBe(JSON.stringify(JSON.parse(own)));
  });

  test.each([
    ['a comma at the end', recordingOf('[{"a":1},]')],
    ['a comma at the beginning', recordingOf('[,{"a":1}]')],
    ['nothing between commas', recordingOf('[{"a":1},,{"a":1}]')],
    ['a wrong bracket', recordingOf('[{"a":1}}')],
    ['no end', recordingOf('[{"a":1}').slice(0, -6)],
    ['an object without end', recordingOf('[{"a":1}]').slice(0, -9)],
    ['objects where none can be', '{"a":{"b":[{"c":{"d":{"objects":[{}]}}}]}}'],
  ])('%s is refused', (_, own) => {
    expect(() => read(Buffer.from(own))).toThrow(SyntaxError);
  });

  test('what is not UTF-8 is refused', () => {
    const [before = '', after = ''] = recordingOf('[{"a":"x"}]').split('x');
    expect(() => read(Buffer.concat([Buffer.from(before), Buffer.from([0xff]), Buffer.from(after)]))).toThrow(SyntaxError);
  });
});
