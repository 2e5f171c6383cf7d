import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { largeMesh } from '../builder/mesh.ts';
import { withoutManagedFields } from './trim.ts';

const trimmed = (value: unknown): unknown => {
  const body = withoutManagedFields(Buffer.from(JSON.stringify(value)));
  return body === undefined ? undefined : (JSON.parse(body.toString('utf8')) as unknown);
};
/** The same by parsing. */
const without = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, item: unknown) => (key === 'managedFields' ? undefined : item)));

describe('managedFields are cut out of the text', () => {
  test('of every object of a mesh, and nothing else', () => {
    for (const objects of largeMesh({ services: 5, pods: 20, managedFields: true }).values()) {
      const list = { kind: 'PodList', apiVersion: 'v1', metadata: { continue: 'token' }, items: objects };
      expect(JSON.stringify(list)).toContain('"managedFields":[');
      expect(trimmed(list)).toEqual(without(list));
    }
  });

  test.each([
    ['the first of several', { metadata: { managedFields: [{ manager: 'a' }], name: 'x' } }],
    ['the last of several', { metadata: { name: 'x', managedFields: [{ manager: 'a' }] } }],
    ['the only one', { metadata: { managedFields: [{ manager: 'a' }] }, spec: {} }],
    ['empty', { metadata: { managedFields: [], name: 'x' } }],
  ])('%s', (_, value) => {
    expect(trimmed(value)).toEqual(without(value));
  });

  test('what stands in a string is text', () => {
    const annotations = {
      'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ metadata: { managedFields: [{ manager: 'a' }] } }),
    };
    expect(trimmed({ metadata: { annotations } })).toEqual({ metadata: { annotations } });
  });

  test('a bracket in the value of a set ends the cutting, not the reading', () => {
    const fieldsV1 = { 'f:finalizers': { 'v:["a"]': {} } };
    const result = withoutManagedFields(Buffer.from(JSON.stringify({ metadata: { managedFields: [{ fieldsV1 }], name: 'x' } })));
    expect(result).toBeUndefined();
  });

  test('whatever the keys of field sets are, the text is cut right or not at all', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 4 }), fc.string(), (keys, name) => {
        const fieldsV1 = Object.fromEntries(keys.map((one) => [`k:${JSON.stringify({ name: one })}`, {}]));
        const value = { items: [{ metadata: { name, managedFields: [{ manager: name, fieldsV1 }], uid: 'u' } }] };
        const body = withoutManagedFields(Buffer.from(JSON.stringify(value)));
        if (body === undefined) return;
        let cut: unknown;
        try {
          cut = JSON.parse(body.toString('utf8'));
        } catch {
          // The reader takes such a page whole.
          return;
        }
        expect(cut).toEqual(without(value));
      }),
    );
  });
});
