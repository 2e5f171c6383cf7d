import { describe, expect, test } from 'vitest';
import type { AnyCheck } from '../api/check.ts';
import type { RegisteredCheck } from '../engine/types.ts';
import { select, type Selection } from './select.ts';

const registered = (id: string, area: string, more: Partial<AnyCheck> = {}): RegisteredCheck => ({
  area,
  origin: 'built-in',
  check: { id, ...more } as AnyCheck,
});
const checks = [
  registered('missing-network-label', 'topology', { catalogue: ['ID-01'] }),
  registered('shared-network', 'topology', { catalogue: ['ID-02'] }),
  registered('unresolvable-service', 'dns', { catalogue: ['DNS-01', 'DNS-02'] }),
  registered('lonely-gateway', 'east-west', { advice: true }),
  registered('acme/odd-name', 'acme'),
];
const ids = (selection: Partial<Selection>): string[] =>
  select(checks, { only: [], skip: [], advice: false, ...selection }).map(({ check }) => check.id);

describe('what is selected', () => {
  test('everything but advice', () => {
    expect(ids({})).toEqual(['missing-network-label', 'shared-network', 'unresolvable-service', 'acme/odd-name']);
    expect(ids({ advice: true })).toHaveLength(5);
  });

  test.each([
    ['missing-network-label', ['missing-network-label']],
    ['topology', ['missing-network-label', 'shared-network']],
    ['*-network*', ['missing-network-label', 'shared-network']],
    ['dns-02', ['unresolvable-service']],
    ['acme/*', ['acme/odd-name']],
    ['lonely-gateway', ['lonely-gateway']],
  ])('--only %s', (word, expected) => {
    expect(ids({ only: [word] })).toEqual(expected);
  });

  test('--skip takes away from --only', () => {
    expect(ids({ only: ['topology'], skip: ['ID-01'] })).toEqual(['shared-network']);
  });
});

describe('a word that names nothing is an error', () => {
  test.each([
    [{ only: ['missing-network-lable'] }, 'There is no check, area or failure mode "missing-network-lable".'],
    [{ skip: ['nothing-*'] }, 'There is no check, area or failure mode "nothing-*".'],
    [{ only: ['a.*'] }, 'There is no check, area or failure mode "a.*".'],
    [{ only: ['dns'], skip: ['dns'] }, 'No check is left after --only and --skip.'],
    [{ only: ['east-west'] }, 'No check is left after --only and --skip.'],
  ])('%j', (selection, message) => {
    expect(() => ids(selection)).toThrow(message);
  });
});
