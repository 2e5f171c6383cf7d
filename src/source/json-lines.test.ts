import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { brokenLine, itemLines } from './json-lines.ts';

describe('lines of the elements of a list', () => {
  test('as an API server answers', () => {
    const text = JSON.stringify(
      { apiVersion: 'v1', items: [{ a: [{ b: 1 }] }, { a: '"items": [{' }, {}], kind: 'List', metadata: { items: [{}] } },
      undefined,
      2,
    );
    expect(itemLines(text).map((line) => text.split('\n')[line - 1]?.trim())).toEqual(['{', '{', '{}']);
  });

  test('on one line there is nothing to find', () => expect(itemLines('{"items":[{},{}]}')).toEqual([]));

  test('of a bare array', () => {
    expect(itemLines('[\n{"items": [{}]},\n[{}],\n{}\n]')).toEqual([2, 4]);
  });

  test('a value that reads like the key is none', () => {
    const text = '{\n"kind": "items",\n"x": [\n{}\n],\n"items": [\n{},\n{}\n]\n}';
    expect(itemLines(text)).toEqual([7, 8]);
  });

  test('whatever is inside, each element begins on the line that is found', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1 }), fc.string(), (items, other) => {
        const text = JSON.stringify({ other, items: items.map((item, i) => ({ ...item, mark: i })), after: [{}] }, undefined, 1);
        const lines = text.split('\n');
        const found = itemLines(text);
        expect(found).toHaveLength(items.length);
        for (const [i, line] of found.entries())
          expect(lines.slice(line - 1, found[i + 1] === undefined ? undefined : (found[i + 1] ?? 0) - 1).join('\n')).toContain(
            `"mark": ${i}`,
          );
      }),
    );
  });
});

describe('where a text stops being JSON', () => {
  test.each([
    ['{\n"a": 1,\n}', 3],
    ['{\n"a": 1\n"b": 2\n}', 3],
    ['{\n"a": {\n"b": [1,\n2', 4],
    ['[1,\n,2]', 2],
    ["{\n'a': 1}", 2],
    ['{"a": 1}\n{"b": 2}', 2],
    ['// remark\n{}', 1],
    ['{"a": "x\ny"}', 1],
    ['{"a": 01}', 1],
    ['{"a":\ntru}', 2],
  ])('%j: line %i', (text, line) => {
    expect(() => void JSON.parse(text)).toThrow(SyntaxError);
    expect(brokenLine(text)).toBe(line);
  });

  test('what is JSON is read to its end', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(brokenLine(`${text}\n!`)).toBe(2 + text.split('\n').length - 1);
      }),
    );
  });
});
