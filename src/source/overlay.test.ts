import { describe, expect, test } from 'vitest';
import { openIntake } from '../collect/snapshot.ts';
import { clusterName } from '../model/ids.ts';
import { refKey } from '../model/refs.ts';
import type { ClusterSnapshot, ReducedObject } from '../model/snapshot.ts';
import { laidOver } from './overlay.ts';

const west = clusterName('west');

function cluster(objects: readonly object[], complete = true): ClusterSnapshot {
  const intake = openIntake();
  for (const object of objects) intake.add({ object: object as never });
  return intake.finish({ name: west, complete });
}

const none = { texts: new Map(), traces: new Map() };
const read = (snapshot: ClusterSnapshot, kind: string): readonly ReducedObject[] => {
  const state = snapshot.kinds[kind];
  return state?.status === 'read' ? state.objects : [];
};

const service = (spec: object, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'a', namespace: 'x', labels: { app: 'a' } },
  spec,
  ...more,
});

describe('what is laid over a cluster', () => {
  test('replaces a spec, and leaves what a server and others wrote', () => {
    const under = cluster([
      service(
        { clusterIP: '10.0.0.1', ports: [{ name: 'tls', port: 15443 }], type: 'LoadBalancer' },
        { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } },
      ),
    ]);
    const over = cluster(
      [{ ...service({ ports: [{ name: 'tls', port: 443 }] }), metadata: { name: 'a', namespace: 'x', labels: { team: 'b' } } }],
      false,
    );
    const [laid] = read(laidOver(under, over, none), 'services');
    expect(laid).toMatchObject({
      metadata: { labels: { app: 'a', team: 'b' } },
      spec: { clusterIP: '10.0.0.1', ports: [{ port: 443 }] },
      status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
    });
    expect(laid?.['spec']).not.toHaveProperty('type');
  });

  test('adds objects, and takes none away', () => {
    const laid = laidOver(cluster([service({})]), cluster([{ ...service({}), metadata: { name: 'b', namespace: 'x' } }], false), none);
    expect(read(laid, 'services').map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
    expect(laid.kinds['services']).toMatchObject({ complete: true });
  });

  test('says nothing of what could not be read', () => {
    const forbidden = { ...cluster([]), kinds: { services: { status: 'forbidden', verb: 'list', resource: 'services' } as const } };
    expect(laidOver(forbidden, cluster([service({})], false), none).kinds['services']).toEqual(forbidden.kinds.services);
  });

  test('that is only described changes no more than it says', () => {
    const deployment = (env: object[], more: object = {}) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'istiod', namespace: 'x', labels: { app: 'istiod' } },
      spec: { template: { spec: { containers: [{ name: 'discovery', env, ...more }] } } },
    });
    const under = cluster([
      deployment(
        [
          { name: 'REVISION', value: 'r1' },
          { name: 'CLUSTER_ID', value: 'west' },
        ],
        { image: 'pilot:1.24.3' },
      ),
    ]);
    const over = cluster([deployment([{ name: 'CLUSTER_ID', value: 'other' }])], false);
    const traces = new Map([[refKey({ cluster: west, kind: 'Deployment', namespace: 'x', name: 'istiod' }), { root: [], fields: [] }]]);
    const [laid] = read(laidOver(under, over, { ...none, traces }), 'deployments.apps');
    expect(JSON.stringify(laid?.['spec'])).toContain('pilot:1.24.3');
    expect(JSON.stringify(laid?.['spec'])).toMatch(/"REVISION".*"r1".*"CLUSTER_ID".*"other"/);
  });
});
