import { describe, expect, test } from 'vitest';
import { type Sieve, sifted as siftedWhole, sifting } from './json-sieve.ts';

/** The same text whole, and in pieces of every length up to 7. */
function sifted(text: string, sieve: Sieve): string {
  const results = [text.length || 1, 1, 2, 3, 5, 7].map((size) => {
    const bytes = Buffer.from(text);
    const sift = sifting(sieve);
    for (let at = 0; at < bytes.length; at += size) sift.push(Buffer.from(bytes.subarray(at, at + size)));
    return sift.end();
  });
  expect(new Set(results).size, results.join('\n')).toBe(1);
  return results[0] ?? '';
}

const parsed = (text: string, sieve: Sieve): unknown => {
  const value: unknown = JSON.parse(sifted(text, sieve));
  expect(JSON.parse(siftedWhole(text, sieve))).toEqual(value);
  return value;
};

describe('of an object', () => {
  const wanted: Sieve = { members: new Set(['b', 'ü"x']) };

  test('the members that are named are kept, whatever is in them', () => {
    const value = {
      a: { b: 'not this one', c: ['}', '{"b":1}'] },
      b: { deep: [{ text: 'a "quoted\\" } , ] brace' }], n: null },
      'ü"x': [1, 2],
    };
    expect(parsed(JSON.stringify(value), wanted)).toEqual({ b: value.b, 'ü"x': [1, 2] });
    expect(parsed(JSON.stringify(value, null, 2), wanted)).toEqual({ b: value.b, 'ü"x': [1, 2] });
  });

  test('numbers, words and texts are members, too', () => {
    expect(parsed('{"a":1,"b":-2.5e3}', wanted)).toEqual({ b: -2500 });
    expect(parsed('{"b":true , "a":null}', wanted)).toEqual({ b: true });
    expect(parsed('{"b":"\\u00fc\\\\"}', wanted)).toEqual({ b: 'ü\\' });
  });

  test('nothing is left of one without them', () => {
    expect(parsed('{"a":1}', wanted)).toEqual({});
    expect(parsed(' {} \n', wanted)).toEqual({});
  });
});

describe('of a list', () => {
  const names: Sieve = { element: (value) => (typeof value === 'object' && value !== null && 'name' in value ? value.name : undefined) };

  test('what is made of each element is kept, in order', () => {
    expect(parsed('[{"name":"a","rest":[1,{"name":"x"}]}, 3 ,{"other":1},\n{"name":"b"}]', names)).toEqual(['a', 'b']);
    expect(parsed('[]', names)).toEqual([]);
    expect(parsed('[ ]', names)).toEqual([]);
  });

  test('nothing, where nobody wants its elements', () => {
    expect(parsed('[1,{"a":2}]', { members: new Set(['a']) })).toEqual([]);
  });
});

describe('a text that is none', () => {
  test.each(['', '{', '{"b"', '{"b":', '{"b":{"x":1}', '[{"name":"a"}', '{"a":1]', '{"a":1}{', '{a:1}'])(
    '%j is none afterwards',
    (text) => {
      const sieve = { members: new Set(['b']), element: (value: unknown) => value };
      expect(() => JSON.parse(sifted(text, sieve)) as unknown).toThrow(SyntaxError);
      expect(() => JSON.parse(siftedWhole(text, sieve)) as unknown).toThrow(SyntaxError);
    },
  );

  test('an element that is no JSON spoils the list', () => {
    expect(() => JSON.parse(sifted('[{"name":a}]', { element: (value) => value })) as unknown).toThrow(SyntaxError);
  });

  test('what is neither list nor object stays as it is', () => {
    for (const text of ['null', '<html>']) expect([sifted(text, {}), siftedWhole(text, {})]).toEqual([text, text]);
  });
});
