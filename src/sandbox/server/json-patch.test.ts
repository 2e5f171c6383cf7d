import { describe, expect, test } from 'vitest';
import { applyJsonPatch } from './json-patch.ts';

const value = { a: { b: [1, 2, 3] }, 'x/y': { '~z': 1 } };

describe('JSON patch', () => {
  test('each operation', () => {
    const after = (...operations: object[]) => applyJsonPatch(value, operations);
    expect(after({ op: 'add', path: '/a/c', value: 1 })).toEqual({ ...value, a: { b: [1, 2, 3], c: 1 } });
    expect(after({ op: 'add', path: '/a/b/1', value: 9 })).toEqual({ ...value, a: { b: [1, 9, 2, 3] } });
    expect(after({ op: 'add', path: '/a/b/-', value: 9 })).toEqual({ ...value, a: { b: [1, 2, 3, 9] } });
    expect(after({ op: 'add', path: '/a/b/3', value: 9 })).toEqual({ ...value, a: { b: [1, 2, 3, 9] } });
    expect(after({ op: 'replace', path: '/x~1y/~0z', value: 2 })).toEqual({ ...value, 'x/y': { '~z': 2 } });
    expect(after({ op: 'remove', path: '/a/b/0' })).toEqual({ ...value, a: { b: [2, 3] } });
    expect(after({ op: 'move', from: '/a/b', path: '/m' })).toEqual({ a: {}, m: [1, 2, 3], 'x/y': value['x/y'] });
    expect(after({ op: 'copy', from: '/a/b/0', path: '/n' })).toEqual({ ...value, n: 1 });
    expect(after({ op: 'test', path: '/a', value: { b: [1, 2, 3] } })).toEqual(value);
    expect(after({ op: 'replace', path: '', value: {} })).toEqual({});
    expect(value.a.b).toEqual([1, 2, 3]);
  });

  test('what does not fit is refused', () => {
    const refused = [
      { op: 'remove', path: '/none' },
      { op: 'replace', path: '/none', value: 1 },
      { op: 'add', path: '/none/deeper', value: 1 },
      { op: 'add', path: '/a/b/4', value: 1 },
      { op: 'remove', path: '/a/b/3' },
      { op: 'remove', path: '/a/b/-' },
      { op: 'add', path: '/a/b/01', value: 1 },
      { op: 'test', path: '/a', value: {} },
      { op: 'move', from: '/none', path: '/m' },
      { op: 'remove', path: '' },
    ];
    for (const operation of refused) expect(() => applyJsonPatch(value, [operation])).toThrow('rejected our request');
    for (const odd of [{}, 'x', [1], [{ op: 'fly', path: '/a' }], [{ op: 'add', path: 'a' }]])
      expect(() => applyJsonPatch(value, odd)).toThrow(/decoding patch|Unexpected kind/);
  });
});
