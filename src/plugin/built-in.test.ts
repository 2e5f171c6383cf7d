import { expect, test } from 'vitest';
import { areas, builtin } from '../../checks/index.ts';
import type { Explains } from '../api/check.ts';
import { knownFacts } from '../run/check.ts';
import { isPlugin } from './validate.ts';

test.each(areas.map(({ id }) => id))('the built-in checks of %s keep the contract that plug-ins are held to', (area) => {
  const checks = builtin.filter((registered) => registered.area === area).map(({ check }) => check);
  expect(isPlugin({ name: area, api: 1, checks }, area, knownFacts)).toBe(true);
});

test('every way to match is known to the contract', () => {
  const ways = {
    cluster: true,
    'same-cluster': true,
    'other-cluster': true,
    within: true,
    object: true,
    pair: true,
    mesh: true,
  } satisfies Record<Explains['match'], true>;
  const [{ check } = { check: undefined }] = builtin;
  for (const match of Object.keys(ways)) {
    expect(isPlugin({ name: 'a', api: 1, checks: [{ ...check, explains: [{ code: 'x', match }] }] }, 'a', knownFacts)).toBe(true);
  }
});
