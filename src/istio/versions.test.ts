import { describe, expect, test } from 'vitest';
import { compareVersions, isAtLeast, minorOf, minorsBetween, parseVersion } from './versions.ts';

describe('versions', () => {
  test.each([
    ['1.31.0', '1.31'],
    ['v1.34.4', '1.34'],
    ['1.31', '1.31'],
    ['1.31.0-rc.0', '1.31'],
    ['1.27.3-asm.1', '1.27'],
    ['1.33-alpha.4f00ba', '1.33'],
    ['v1.33.4-gke.1134000', '1.33'],
  ])('%s has minor %s', (text, minor) => expect(minorOf(text)).toBe(minor));

  test.each(['unknown', 'latest', '', 'sha256:abc', 'auto', undefined])('%s is no version', (text) =>
    expect(parseVersion(text)).toBeUndefined(),
  );

  test('a vendor suffix is no pre-release, and neither changes the order', () => {
    expect(parseVersion('1.27.3-asm.1')).toEqual({ major: 1, minor: 27, patch: 3 });
    expect(parseVersion('1.31.0-rc.0')?.preRelease).toBe('rc.0');
    expect(isAtLeast('1.30.3-distroless', '1.30.3')).toBe(true);
    expect(isAtLeast('1.31.0-rc.0', '1.31')).toBe(true);
    expect(isAtLeast('unknown', '1.31')).toBeUndefined();
  });

  test('numbers are compared as numbers', () => {
    const [a, b] = [parseVersion('1.9.10'), parseVersion('1.10.2')];
    expect(compareVersions(a!, b!)).toBeLessThan(0);
    expect(minorsBetween('1.31.0', '1.24.6')).toBe(-7);
    expect(minorsBetween('1.31.0', '2.0.0')).toBeUndefined();
  });
});
