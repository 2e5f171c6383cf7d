import { describe, expect, test } from 'vitest';
import { applyStrategicMerge } from './strategic-merge.ts';

const deployment = { group: 'apps', kind: 'Deployment' };
const podSpec = (spec: object) => ({ spec: { template: { spec } } });
const merged = (value: object, patch: object) => applyStrategicMerge(deployment, podSpec(value), podSpec(patch));

describe('strategic merge', () => {
  test('items of a list are found by their key, and merged', () => {
    const value = { containers: [{ name: 'a', image: '1', env: [{ name: 'X', value: '1' }] }, { name: 'b' }] };
    const patch = { containers: [{ name: 'a', env: [{ name: 'Y', value: '2' }] }, { name: 'c' }] };
    expect(merged(value, patch)).toEqual(
      podSpec({
        containers: [
          {
            name: 'a',
            image: '1',
            env: [
              { name: 'X', value: '1' },
              { name: 'Y', value: '2' },
            ],
          },
          { name: 'b' },
          { name: 'c' },
        ],
      }),
    );
    expect(value.containers).toHaveLength(2);
  });

  test('items are deleted, lists replaced, fields retained as directives say', () => {
    const value = { volumes: [{ name: 'a', emptyDir: {} }, { name: 'b' }], nodeSelector: { a: '1', b: '2' } };
    expect(merged(value, { volumes: [{ name: 'a', $patch: 'delete' }] })).toEqual(podSpec({ ...value, volumes: [{ name: 'b' }] }));
    expect(merged(value, { volumes: [{ $patch: 'replace' }, { name: 'c' }] })).toEqual(podSpec({ ...value, volumes: [{ name: 'c' }] }));
    expect(merged(value, { volumes: [{ name: 'a', $retainKeys: ['name', 'secret'], secret: { secretName: 's' } }] })).toEqual(
      podSpec({ ...value, volumes: [{ name: 'a', secret: { secretName: 's' } }, { name: 'b' }] }),
    );
    expect(merged(value, { nodeSelector: { $patch: 'replace', c: '3' } })).toEqual(podSpec({ ...value, nodeSelector: { c: '3' } }));
    expect(merged(value, { nodeSelector: { $patch: 'delete' } })).toEqual(podSpec({ volumes: value.volumes }));
    expect(merged(value, { nodeSelector: null, volumes: null })).toEqual(podSpec({}));
  });

  test('the order asked for is kept around what the server has on its own', () => {
    const names = (...all: string[]) => all.map((name) => ({ name }));
    const order = (before: string[], patch: string[], wanted: string[]) => {
      const result = merged(
        { containers: names(...before) },
        { '$setElementOrder/containers': names(...wanted), containers: names(...patch) },
      );
      return (result as { spec: { template: { spec: { containers: { name: string }[] } } } }).spec.template.spec.containers.map(
        ({ name }) => name,
      );
    };
    expect(order(['a', 'b'], [], ['b', 'a'])).toEqual(['b', 'a']);
    expect(order(['a', 'b', 'c'], ['d'], ['a', 'd', 'c'])).toEqual(['a', 'd', 'b', 'c']);
    expect(order(['mine', 'a'], ['b'], ['b', 'a'])).toEqual(['b', 'mine', 'a']);
    expect(order(['a', 'mine'], ['b'], ['a', 'b'])).toEqual(['a', 'b', 'mine']);
  });

  test('sets of texts are united; others are taken out by directive', () => {
    const metadata = (finalizers: string[]) => ({ metadata: { finalizers } });
    expect(applyStrategicMerge(deployment, metadata(['a', 'b']), metadata(['c', 'a']))).toEqual(metadata(['a', 'b', 'c']));
    const patch = { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'], '$setElementOrder/finalizers': ['b'] } };
    expect(applyStrategicMerge(deployment, metadata(['a', 'b']), patch)).toEqual(metadata(['b']));
  });

  test('lists without keys are one value', () => {
    expect(merged({ tolerations: [{ key: 'a' }] }, { tolerations: [{ key: 'b' }] })).toEqual(podSpec({ tolerations: [{ key: 'b' }] }));
    expect(merged({ tolerations: [{ key: 'a' }] }, { '$setElementOrder/tolerations': [] })).toEqual(
      podSpec({ tolerations: [{ key: 'a' }] }),
    );
  });

  test('the same name of a list means another key elsewhere', () => {
    const service = { group: '', kind: 'Service' };
    const value = { spec: { ports: [{ port: 80, name: 'a' }] } };
    expect(applyStrategicMerge(service, value, { spec: { ports: [{ port: 80, name: 'b' }] } })).toEqual({
      spec: { ports: [{ port: 80, name: 'b' }] },
    });
    const containers = [{ name: 'a', ports: [{ containerPort: 80 }] }];
    expect(merged({ containers }, { containers: [{ name: 'a', ports: [{ containerPort: 81 }] }] })).toEqual(
      podSpec({ containers: [{ name: 'a', ports: [{ containerPort: 80 }, { containerPort: 81 }] }] }),
    );
  });

  test('an item without its key is refused', () => {
    expect(() => merged({}, { containers: [{ image: 'x' }] })).toThrow('does not contain declared merge key: name');
  });
});
