import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  defined,
  fields,
  filled,
  flag,
  isTrue,
  json,
  list,
  objects,
  parsedFields,
  port,
  scalarText,
  sharedTextMap,
  tally,
  text,
  textMap,
  texts,
  time,
  whole,
} from './decode.ts';

const decoders = { fields, filled, flag, json, list, objects, port, scalarText, sharedTextMap, text, textMap, texts, time, whole };

describe('decoding', () => {
  test.each(Object.entries(decoders))('%s: absent values are not odd', (_name, decode) => {
    const odd = tally();
    decode(odd, undefined);
    if (decode !== json) decode(odd, null);
    expect(odd.odd).toBe(0);
  });

  test.each([
    ['a number for a text', text, 5],
    ['a text for a number', whole, '5'],
    ['half a replica', whole, 0.5],
    ['fewer than none', whole, -1],
    ['no number at all', whole, Number.NaN],
    ['port 0', port, 0],
    ['a port too high', port, 70_000],
    ['a text for a truth value', flag, 'true'],
    ['a list for an object', fields, []],
    ['an object for a list', list, {}],
    ['a time of no calendar', time, '2026-13-45T99:00:00Z'],
    ['a date without time', time, '2026-01-01'],
    ['one text among objects', objects, ['x']],
    ['one number among texts', texts, ['a', 1]],
    ['a number as label', textMap, { a: 'x', b: 1 }],
    ['a function', json, () => 1],
    ['a date', json, new Date(0)],
    ['infinity', json, Number.POSITIVE_INFINITY],
  ])('%s is counted once and dropped', (_what, decode, value) => {
    const odd = tally();
    decode(odd, value);
    expect(odd.odd).toBe(1);
  });

  test('what is not odd is kept', () => {
    const odd = tally();
    expect(texts(odd, ['a', 1, 'b'])).toEqual(['a', 'b']);
    expect(textMap(odd, { a: 'x', b: 1 })).toEqual({ a: 'x' });
    expect(objects(odd, [{ a: 1 }, 'x', null])).toEqual([{ a: 1 }]);
    expect(odd.odd).toBe(4);
    expect(time(odd, '2026-11-22T21:27:43.123456Z')).toBe('2026-11-22T21:27:43.123456Z');
    expect(scalarText(odd, 8080)).toBe('8080');
    expect(filled(odd, '')).toBeUndefined();
    expect(odd.odd).toBe(4);
  });

  test('a copy of labels cannot change what was read', () => {
    const labels = { a: 'x' };
    expect(textMap(tally(), labels)).not.toBe(labels);
    expect(sharedTextMap(tally(), labels)).toBe(labels);
  });

  test('JSON nested absurdly deep ends somewhere, and no key changes a prototype', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    const odd = tally();
    json(odd, deep);
    expect(odd.odd).toBe(1);
    const polluted = json(odd, JSON.parse('{"__proto__":{"polluted":true},"a":1}'));
    expect(polluted).toEqual({ a: 1 });
    expect(Object.getPrototypeOf(polluted)).toBe(Object.prototype);
  });

  test('JSON inside a text', () => {
    const odd = tally();
    expect(parsedFields(odd, '{"a":1}')).toEqual({ a: 1 });
    expect(parsedFields(odd, undefined)).toBeUndefined();
    expect(odd.odd).toBe(0);
    expect(parsedFields(odd, '{')).toBeUndefined();
    expect(parsedFields(odd, '[]')).toBeUndefined();
    expect(odd.odd).toBe(2);
  });

  test('properties that are undefined are left out', () => {
    expect(Object.keys(defined({ a: 1, b: undefined, c: null }))).toEqual(['a', 'c']);
  });

  test.each(['true', '1', 'T', 'True'])('%s is true', (value) => expect(isTrue(value)).toBe(true));
  test.each(['false', 'yes', '', undefined])('%s is not', (value) => expect(isTrue(value)).toBe(false));

  test('nothing throws, whatever the value', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        for (const decode of Object.values(decoders)) decode(tally(), value);
      }),
    );
  });
});
