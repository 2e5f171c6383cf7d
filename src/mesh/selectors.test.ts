import { describe, expect, test } from 'vitest';
import { hasLabels, selects, selectsAny, selectsPods } from './selectors.ts';

const expression = (key: string, operator: string, ...values: string[]) => ({
  matchLabels: {},
  matchExpressions: [{ key, operator, values }],
});

describe('selectors', () => {
  test.each([
    ['In', { a: '1' }, true],
    ['In', {}, false],
    ['NotIn', { a: '1' }, false],
    ['NotIn', {}, true],
    ['Exists', { a: '1' }, true],
    ['Exists', {}, false],
    ['DoesNotExist', { a: '1' }, false],
    ['DoesNotExist', {}, true],
    ['Nonsense', { a: '1' }, false],
  ])('%s on %j is %s', (operator, labels, expected) => expect(selects(expression('a', operator, '1', '2'), labels)).toBe(expected));

  test('labels and expressions must all hold', () => {
    const both = { matchLabels: { b: 'x' }, matchExpressions: [{ key: 'a', operator: 'Exists', values: [] }] };
    expect(selects(both, { a: '1', b: 'x' })).toBe(true);
    expect(selects(both, { a: '1' })).toBe(false);
  });

  test('an empty selector selects everything, but as a Service selector nothing', () => {
    expect(selects({ matchLabels: {}, matchExpressions: [] }, {})).toBe(true);
    expect(hasLabels({}, { a: '1' })).toBe(true);
    expect(selectsPods({}, { a: '1' })).toBe(false);
    expect(selectsPods({ a: '1' }, { a: '1', b: '2' })).toBe(true);
    expect(selectsAny([], {})).toBe(true);
    expect(selectsAny([expression('a', 'Exists')], {})).toBe(false);
  });
});
