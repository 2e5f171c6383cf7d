import { describe, expect, test } from 'vitest';
import {
  behaves,
  brokenSteps,
  isBefore,
  isNewerThanTable,
  kubernetesSupport,
  presumedToBehave,
  releaseOf,
  releases,
  supportEndOf,
  supportOf,
} from './releases.ts';
import { minorsBetween } from './versions.ts';

describe('releases', () => {
  test('the table has every minor once, oldest first', () => {
    for (const [index, release] of releases.entries()) {
      if (index > 0) expect(minorsBetween(releases[index - 1]?.minor, release.minor)).toBe(1);
    }
  });

  test('support ends six weeks after the second minor after', () => {
    expect(supportEndOf('1.28.4')).toBe('2026-06-26');
    expect(supportEndOf('1.29.6')).toBeUndefined();
    expect(supportOf('1.28.10', '2026-06-01')).toBe('ended'); // the table itself is younger
    expect(supportOf('1.29.0')).toBe('supported');
    expect(supportOf('1.24.6')).toBe('ended');
    expect(supportOf('1.12.1')).toBe('ended');
  });

  test('what is newer than the table is unknown, not unsupported', () => {
    expect(isNewerThanTable('1.40.0')).toBe(true);
    expect(releaseOf('1.40.0')).toBeUndefined();
    expect(supportOf('1.40.0')).toBe('unknown');
    expect(kubernetesSupport('1.40.0', '1.34')).toBe('unknown');
    expect(behaves('1.40.0', 'emptyNetworkUsesGateway')).toBeUndefined();
    expect(presumedToBehave('1.40.0', 'emptyNetworkUsesGateway')).toBe(true);
  });

  test('Kubernetes ranges', () => {
    expect(kubernetesSupport('1.31.0', 'v1.34.4')).toBe('supported');
    expect(kubernetesSupport('1.31.0', '1.31')).toBe('below-minimum');
    expect(kubernetesSupport('1.24.6', '1.34')).toBe('outside-range');
    expect(kubernetesSupport('1.31.0', '1.37')).toBe('unknown'); // this release's upper bound is assumed
    expect(kubernetesSupport(undefined, '1.37')).toBe('unknown');
  });

  test('steps across which clusters reset each other', () => {
    for (const { from, to } of brokenSteps)
      expect([isBefore(`${from}.6`, to), isBefore(`${to}.0`, to), isBefore('latest', to)]).toEqual([true, false, false]);
  });

  test.each([
    ['1.28.10', 'ignoresGatewayServiceWithoutPort', false],
    ['1.29.0', 'ignoresGatewayServiceWithoutPort', true],
    ['1.26.3', 'readsRemoteConfigMaps', true],
    ['1.27.0', 'readsRemoteConfigMaps', false],
    ['1.29.1', 'readsRemoteConfigMaps', true],
    ['1.28.3', 'restrictsDebugToSystemNamespace', false],
    ['1.27.6', 'restrictsDebugToSystemNamespace', true],
    ['1.24.6', 'createsDefaultTag', false],
    ['1.30.3', 'losesClusterOnSecretRotation', true],
    ['1.30.4', 'losesClusterOnSecretRotation', false],
  ] as const)('%s: %s is %s', (version, behaviour, expected) => expect(behaves(version, behaviour)).toBe(expected));
});
