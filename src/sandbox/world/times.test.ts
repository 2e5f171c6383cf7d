import { describe, expect, it } from 'vitest';
import { at, textAt } from '../../builder/edits/json.ts';
import { tokenExpires } from '../../builder/edits/remote-secret.ts';
import { mesh } from '../../builder/mesh.ts';
import { takenAt } from '../../builder/timeline.ts';
import type { MeshObjects } from '../../model/kube.ts';
import { lagOf, moved, movedTime } from './times.ts';

const hour = 3_600_000;
const built = mesh().primaryRemote('east', 'west');

function find(objects: MeshObjects, cluster: string, kind: string, name: string): unknown {
  return objects.get(cluster)?.find((object) => object.kind === kind && object.metadata.name === name);
}

function expiryOf(objects: MeshObjects): number {
  const kubeconfig = atob(textAt(find(objects, 'east', 'Secret', 'istio-remote-secret-west'), 'data', 'west') ?? '');
  const payload = /token: [^.]+\.([^.]+)\./.exec(kubeconfig)?.[1] ?? '';
  return Number(at(JSON.parse(Buffer.from(payload, 'base64url').toString()), 'exp'));
}

describe('times of a mesh', () => {
  it('are moved by whole seconds, fractions and all', () => {
    expect(movedTime('2026-11-22T21:27:43Z', hour)).toBe('2026-11-22T22:27:43Z');
    expect(movedTime('2026-11-22T21:27:43.123456Z', hour)).toBe('2026-11-22T22:27:43.123456Z');
    expect(movedTime('2026-11-22T22:27:43+01:00', hour)).toBe('2026-11-22T22:27:43Z');
    expect(lagOf(built.objects(), takenAt, Date.parse(takenAt) + 5400)).toBe(5000);
    expect(lagOf(built.objects(), undefined, Date.parse(takenAt))).toBeLessThan(10_000);
  });

  it('are as long ago as they were: creation, locks, leases, and nothing that only looks like one', () => {
    const later = moved(built.objects(), hour);
    const election = find(later, 'west', 'ConfigMap', 'istio-namespace-controller-election');
    expect(JSON.parse(textAt(election, 'metadata', 'annotations', 'control-plane.alpha.kubernetes.io/leader') ?? '{}')).toMatchObject({
      acquireTime: '2026-11-20T09:23:40Z',
      renewTime: '2026-11-22T22:27:40Z',
    });
    expect(textAt(election, 'metadata', 'creationTimestamp')).toBe('2026-11-20T09:23:40Z');
    const lease = textAt(find(later, 'east', 'Lease', 'istio-gateway-deployment-default'), 'spec', 'renewTime');
    expect(lease).toMatch(/^2026-11-22T22:27:42\.\d{6}Z$/);
    expect(find(later, 'east', 'ConfigMap', 'istio')).toEqual({
      ...(find(built.objects(), 'east', 'ConfigMap', 'istio') as object),
      metadata: expect.objectContaining({ creationTimestamp: '2026-11-20T09:10:14Z' }) as unknown,
    });
    expect(moved(built.objects(), 0)).toBe(built.objects());
  });

  it('a token with an end ends as much later, and equal ones stay equal', () => {
    const objects = tokenExpires({ cluster: 'east', of: 'west', minutes: 30 })(built.objects());
    expect(expiryOf(moved(objects, hour)) - expiryOf(objects)).toBe(3600);
    const secret = (mesh_: MeshObjects, cluster: string, name: string, key: string) =>
      textAt(find(mesh_, cluster, 'Secret', name), 'data', key);
    const reader = 'istio-reader-service-account-istio-remote-secret-token';
    expect(secret(moved(objects, hour), 'west', reader, 'token')).toBe(secret(objects, 'west', reader, 'token'));
  });
});
