import { describe, expect, it } from 'vitest';
import { largeMesh } from './mesh.ts';

describe('a large mesh', () => {
  it('has as many services and pods as were asked for, all of them injected and behind their Service', () => {
    const objects = [...largeMesh({ clusters: 2, services: 60, pods: 150 }).values()]
      .flat()
      .filter((object) => object.metadata.namespace?.startsWith('team-') === true);
    const count = (kind: string) => objects.filter((object) => object.kind === kind).length;
    expect([count('Service'), count('EndpointSlice'), count('Pod')]).toEqual([60, 60, 150]);
    expect(
      objects.filter((object) => object.kind === 'Pod' && object.metadata.annotations?.['sidecar.istio.io/status'] === undefined),
    ).toEqual([]);
    const endpoints = objects.flatMap((object): unknown[] =>
      object.kind === 'EndpointSlice' && Array.isArray(object['endpoints']) ? object['endpoints'] : [],
    );
    expect(endpoints).toHaveLength(150);
  });

  it('is the same every time, in either topology', () => {
    const text = (topology: 'primary-remote' | 'multi-primary') => JSON.stringify([...largeMesh({ services: 4, pods: 8, topology })]);
    expect(text('multi-primary')).toBe(text('multi-primary'));
    expect(text('primary-remote')).not.toBe(text('multi-primary'));
  });

  it('with managed fields a pod is as large as an API server answers it', () => {
    const size = (managedFields: boolean) =>
      JSON.stringify(
        [...largeMesh({ services: 2, pods: 2, managedFields }).values()]
          .flat()
          .find((object) => object.kind === 'Pod' && object.metadata.namespace === 'team-001'),
      ).length;
    expect(size(false)).toBeGreaterThan(8_000);
    expect(size(true)).toBeGreaterThan(12_000);
    expect(size(true)).toBeLessThan(16_000);
  });
});
