import { describe, expect, it } from 'vitest';
import { applyMergePatch, applyPatch } from './patch.ts';

describe('a JSON merge patch', () => {
  // The examples of RFC 7396, appendix A.
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (value, patch, expected) => {
    const before = JSON.stringify(value);
    expect(applyMergePatch(value, patch)).toEqual(expected);
    expect(JSON.stringify(value)).toBe(before);
  });
});

describe('a patch of a mesh', () => {
  const objects = new Map([
    [
      'east',
      [
        { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: 'b' } },
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } },
      ],
    ],
    ['west', []],
  ]);

  it('changes the one object that it names', () => {
    const next = applyPatch(objects, {
      cluster: 'east',
      ref: { kind: 'Service', namespace: 'b', name: 'a' },
      patch: { metadata: { labels: { x: 'y' } } },
    });
    expect(next.get('east')).toEqual([
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: 'b', labels: { x: 'y' } } },
      objects.get('east')?.[1],
    ]);
    expect(next.get('west')).toBe(objects.get('west'));
  });

  it('refuses what is not there, and what would be no object', () => {
    expect(() => applyPatch(objects, { cluster: 'west', ref: { kind: 'Namespace', name: 'a' }, patch: {} })).toThrow(
      'There is no Namespace a in west.',
    );
    expect(() => applyPatch(objects, { cluster: 'east', ref: { kind: 'Namespace', name: 'a' }, patch: { metadata: null } })).toThrow(
      'After the change, Namespace a in east would be no Kubernetes object.',
    );
  });
});
