import { describe, expect, test } from 'vitest';
import { admitsControlPlane, nearMisses, withControlPlane } from './control-plane-clusters.ts';

describe('controlPlaneClusters', () => {
  test.each([
    ['cluster1', true],
    ['*', true],
    ['a,cluster1', true],
    ['a, cluster1', false],
    ['cluster1 ', false],
    ['Cluster1', false],
    ['Kubernetes', false],
    ['', false],
    [undefined, false],
  ])('%j admits cluster1: %s', (value, expected) => expect(admitsControlPlane(value, 'cluster1')).toBe(expected));

  test('a space or a capital is named as what was meant', () => {
    expect(nearMisses('a, cluster1,CLUSTER1', 'cluster1')).toEqual([' cluster1', 'CLUSTER1']);
    expect(nearMisses('a,b', 'cluster1')).toEqual([]);
  });

  test('the value that would admit it keeps the others', () => {
    expect(withControlPlane('a, cluster1', 'cluster1')).toBe('a,cluster1');
    expect(withControlPlane(undefined, 'cluster1')).toBe('cluster1');
    expect(withControlPlane('*', 'cluster1')).toBe('*');
  });
});
