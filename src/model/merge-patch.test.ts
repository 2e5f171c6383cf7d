import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyMergePatch, fieldsOfPatch, inversePatch, isRecord } from './merge-patch.ts';

/** JSON objects as API servers give them: without null, and without objects that hold nothing. */
const { object } = fc.letrec<{ object: Record<string, unknown>; value: unknown }>((tie) => ({
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { minKeys: 1, maxKeys: 3 }),
  value: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.boolean(), fc.array(fc.integer(), { maxLength: 2 }), tie('object')),
}));

/** A patch may take away as well. */
const { patch } = fc.letrec<{ patch: Record<string, unknown>; change: unknown }>((tie) => ({
  patch: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('change'), { minKeys: 1, maxKeys: 3 }),
  change: fc.oneof({ maxDepth: 3 }, fc.constant(null), fc.integer(), fc.array(fc.integer(), { maxLength: 2 }), tie('patch')),
}));

describe('the inverse of a patch', () => {
  test('brings back what there was', () => {
    fc.assert(
      fc.property(object, patch, (before, change) => {
        const after = applyMergePatch(before, change);
        expect(applyMergePatch(after, inversePatch(before, change))).toEqual(before);
      }),
    );
  });

  test('names no field that the patch does not touch', () => {
    expect(
      inversePatch({ metadata: { labels: { a: '1', b: '2' } }, data: { token: 'secret' } }, { metadata: { labels: { a: null } } }),
    ).toEqual({
      metadata: { labels: { a: '1' } },
    });
    expect(inversePatch({ spec: {} }, { spec: { replicas: 1 }, metadata: { labels: { a: 'x' } } })).toEqual({
      spec: { replicas: null },
      metadata: null,
    });
  });
});

test('the fields of a patch are those it wrote', () => {
  fc.assert(
    fc.property(object, patch, (before, change) => {
      const after = applyMergePatch(before, change);
      const seen = fieldsOfPatch(after, change);
      expect(isRecord(seen) && Object.keys(seen).sort()).toEqual(Object.keys(change).sort());
      expect(applyMergePatch(after, seen)).toEqual(after);
    }),
  );
});
