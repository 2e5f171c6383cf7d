import { describe, expect, test } from 'vitest';
import { changedFields } from './fields.ts';

describe('fields that differ', () => {
  test('are leaves, with the paths of findings', () => {
    const before = { metadata: { labels: { a: '1', 'b.c/d': 'x' } }, spec: { replicas: 1 } };
    const after = { metadata: { labels: { a: '2' } }, spec: { replicas: 1, more: { deep: [1] } } };
    expect(changedFields(before, after)).toEqual([
      { path: '.metadata.labels.a', before: '1', after: '2' },
      { path: '.metadata.labels["b.c/d"]', before: 'x' },
      { path: '.spec.more', after: '{"deep":[1]}' },
    ]);
  });

  test('of lists are matched by name where all have one', () => {
    expect(
      changedFields(
        {
          ports: [
            { name: 'a', port: 1 },
            { name: 'b', port: 2 },
          ],
        },
        {
          ports: [
            { name: 'b', port: 3 },
            { name: 'a', port: 1 },
          ],
        },
      ),
    ).toEqual([{ path: '.ports[name=b].port', before: '2', after: '3' }]);
    expect(changedFields([1, 2], [1, 3])).toEqual([{ path: '[1]', before: '2', after: '3' }]);
  });

  test('are not those that every write and every clock changes', () => {
    const at = (n: number) => ({
      origin: { resourceVersion: `${n}` },
      metadata: { resourceVersion: `${n}`, uid: `${n}`, managers: [{ time: `${n}` }], annotations: { renewTime: `${n}` } },
      leader: { renewTime: `${n}` },
    });
    expect(changedFields(at(1), at(2))).toEqual([]);
  });

  test('show nothing that looks like a credential, and no page of text', () => {
    const [secret, long] = changedFields({ z: 1 }, { z: 1, a: 'https://user:password@host', b: 'x'.repeat(500) });
    expect(secret?.after).not.toContain('password');
    expect(long?.after).toHaveLength(121);
  });
});
