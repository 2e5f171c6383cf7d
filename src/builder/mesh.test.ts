import { describe, expect, it } from 'vitest';
import { mesh } from './mesh.ts';

const healthy = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('sample', { injected: true })
  .service('abc.sample', { in: ['east'], port: 5000 })
  .workload('client.sample', { in: ['west'] });

describe('a mesh', () => {
  it('is a value: a change gives another one', () => {
    const before = JSON.stringify([...healthy.objects()]);
    const broken = healthy.break((m) => m.cluster('west').withoutNetworkLabel());
    expect(JSON.stringify([...healthy.objects()])).toBe(before);
    expect(JSON.stringify([...broken.objects()])).not.toBe(before);
  });

  it('is deeply frozen', () => {
    const objects = healthy.objects().get('east')!;
    expect(Object.isFrozen(objects)).toBe(true);
    expect(objects.every((object) => Object.isFrozen(object) && Object.isFrozen(object.metadata))).toBe(true);
  });
});
