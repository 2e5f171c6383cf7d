import { describe, expect, test } from 'vitest';
import { type KnownFault, knownFaults } from './known-fault-table.ts';
import { faultNamed as fault, faultsOf, fixOf, isAffected } from './known-faults.ts';
import { compareVersions, parseVersion } from './versions.ts';

const rows: readonly KnownFault[] = knownFaults;

describe('known faults', () => {
  test('every row has its own id, a source, and fixes that are versions in ascending order', () => {
    expect(new Set(knownFaults.map(({ id }) => id)).size).toBe(knownFaults.length);
    for (const { id, issues, modes, introduced, fixed } of rows) {
      expect(id).toMatch(/^[a-z]+(-[a-z]+)+$/);
      expect(issues.length).toBeGreaterThan(0);
      for (const mode of modes) expect(mode).toMatch(/^[A-Z]{2,4}-\d\d$/);
      const versions = [introduced, ...fixed].filter((text) => text !== undefined).map((text) => parseVersion(text));
      for (const [index, version] of versions.entries()) {
        const before = versions[index - 1];
        if (version === undefined) throw new Error(`${id}: not a version`);
        if (before !== undefined) expect(compareVersions(before, version)).toBeLessThan(0);
      }
    }
  });

  test.each([
    ['deadlocked-secret-update', '1.29.6', false],
    ['deadlocked-secret-update', '1.30.0', true],
    ['deadlocked-secret-update', '1.30.2', true],
    ['deadlocked-secret-update', '1.30.3', false],
    ['deadlocked-secret-update', '1.31.0-rc.0', false],
    ['lost-gateway-after-rotation', '1.30.3', true],
    ['lost-gateway-after-rotation', '1.30.4', false],
    ['foreign-leader-kept', '1.20.0', true],
    ['foreign-leader-kept', '1.20.1', false],
    ['foreign-leader-kept', '1.17.8', true],
    ['foreign-leader-kept', '1.24.6', false],
    ['empty-trust-domain-of-remote', '1.28.10', false],
    ['empty-trust-domain-of-remote', '1.29.1', true],
    ['empty-trust-domain-of-remote', '1.29.2-asm.1', false],
    ['leaked-collections-of-removed-clusters', '1.27.1', true],
    ['leaked-collections-of-removed-clusters', '1.27.2', false],
    ['leaked-collections-of-removed-clusters', '1.25.3', false],
    ['denied-calls-through-ambient-gateway', '1.28.9', true],
    ['denied-calls-through-ambient-gateway', '1.29.6', false],
    ['denied-calls-through-ambient-gateway', '1.31.0', false],
  ] as const)('%s in %s: %s', (id, version, expected) => expect(isAffected(fault(id), version)).toBe(expected));

  test('what is newer than the table is unknown, unless it is known to be fixed', () => {
    expect(isAffected(fault('early-ambient-sync'), '1.29.8')).toBeUndefined();
    expect(isAffected(fault('unheard-trust-domain-aliases'), '1.31.0')).toBe(true);
    expect(isAffected(fault('unheard-trust-domain-aliases'), '1.31.1')).toBeUndefined();
    expect(isAffected(fault('unheard-trust-domain-aliases'), '1.40.0')).toBeUndefined();
    expect(isAffected(fault('deadlocked-secret-update'), '1.40.0')).toBe(false);
    expect(isAffected(fault('deadlocked-secret-update'), 'latest')).toBeUndefined();
    expect(isAffected(fault('deadlocked-secret-update'), undefined)).toBeUndefined();
    expect(faultsOf('1.40.0')).toEqual([]);
  });

  test('the nearest release without a fault', () => {
    expect(fixOf(fault('denied-calls-through-ambient-gateway'), '1.28.9')).toBe('1.29.6');
    expect(fixOf(fault('denied-calls-through-ambient-gateway'), '1.30.1')).toBe('1.30.3');
    expect(fixOf(fault('unheard-trust-domain-aliases'), '1.31.0')).toBeUndefined();
  });

  test('faults of a release', () => {
    expect(faultsOf('1.30.1').map(({ id }) => id)).toContain('wiped-shards-after-rotation');
    expect(faultsOf('1.24.6').map(({ id }) => id)).not.toContain('wiped-shards-after-rotation');
  });
});
