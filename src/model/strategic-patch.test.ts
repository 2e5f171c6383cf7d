import { describe, expect, test } from 'vitest';
import { compareText } from '../base/sort.ts';
import { isRecord } from './merge-patch.ts';
import { applyStrategicPatch, fieldsOfStrategicPatch, inverseStrategicPatch } from './strategic-patch.ts';

const deployment = {
  spec: {
    replicas: 2,
    template: {
      spec: {
        containers: [
          { name: 'proxy', image: 'a' },
          {
            name: 'discovery',
            image: 'b',
            args: ['one', 'two'],
            env: [
              { name: 'OLD', value: '1' },
              { name: 'REF', valueFrom: { x: 1 } },
            ],
          },
        ],
      },
    },
  },
};
const env = (...variables: readonly unknown[]): unknown => ({
  spec: { template: { spec: { containers: [{ name: 'discovery', env: variables }] } } },
});

function sorted(value: unknown): unknown {
  if (!Array.isArray(value))
    return isRecord(value)
      ? Object.fromEntries(Object.entries(value).flatMap(([key, one]) => (key === 'other' ? [] : [[key, sorted(one)]])))
      : value;
  return value.map(sorted).toSorted((a, b) => compareText(JSON.stringify(a), JSON.stringify(b)));
}

function after(patch: unknown): unknown {
  return applyStrategicPatch(deployment, patch);
}

describe('a strategic merge patch', () => {
  test.each([
    ['a variable more', env({ name: 'NEW', value: '2', valueFrom: null })],
    ['a variable changed', env({ name: 'OLD', value: '2', valueFrom: null })],
    ['a variable that came from elsewhere', env({ name: 'REF', value: '2', valueFrom: null })],
    ['a variable less', env({ name: 'OLD', $patch: 'delete' })],
    ['none less where there is none', env({ name: 'NONE', $patch: 'delete' })],
    ['a list without names', { spec: { template: { spec: { containers: [{ name: 'discovery', args: ['three'] }] } } } }],
    ['a member more', { spec: { template: { spec: { containers: [{ name: 'third', image: 'c' }] } } } }],
    ['a field', { spec: { replicas: null, other: { deep: 1 } } }],
  ])('%s is undone by its inverse', (_what, patch) => {
    const undone = applyStrategicPatch(after(patch), inverseStrategicPatch(deployment, patch));
    // A member that was taken away comes back as the last one; a record that was made stays, empty.
    expect(sorted(undone)).toEqual(sorted(deployment));
  });

  test('touches what it names, and keeps the order of the rest', () => {
    expect(after(env({ name: 'OLD', value: '2', valueFrom: null }))).toEqual({
      spec: {
        ...deployment.spec,
        template: {
          spec: {
            containers: [
              deployment.spec.template.spec.containers[0],
              {
                ...deployment.spec.template.spec.containers[1],
                env: [
                  { name: 'OLD', value: '2' },
                  { name: 'REF', valueFrom: { x: 1 } },
                ],
              },
            ],
          },
        },
      },
    });
  });

  test('tells whether its fields are as it left them, whatever became of others', () => {
    const patch = env({ name: 'NEW', value: '2', valueFrom: null });
    const left = fieldsOfStrategicPatch(after(patch), patch);
    const elsewhere = applyStrategicPatch(after(patch), env({ name: 'OLD', value: '9' }));
    const here = applyStrategicPatch(after(patch), env({ name: 'NEW', value: '9' }));
    expect(fieldsOfStrategicPatch(elsewhere, left)).toEqual(left);
    expect(fieldsOfStrategicPatch(here, left)).not.toEqual(left);
    expect(fieldsOfStrategicPatch(deployment, left)).not.toEqual(left);
  });

  test('changes nothing that was given', () => {
    const copy = structuredClone(deployment);
    after(env({ name: 'OLD', $patch: 'delete' }));
    expect(deployment).toEqual(copy);
  });
});
