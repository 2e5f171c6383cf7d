import { describe, expect, test } from 'vitest';
import { openIntake } from '../collect/snapshot.ts';
import { clusterName } from '../model/ids.ts';
import type { ClusterSnapshot, ReducedObject } from '../model/snapshot.ts';
import { meantBy, removedBy, withoutObjects } from './removal.ts';

const object = (apiVersion: string, kind: string, name: string, namespace: string | undefined, more: object = {}) => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  ...more,
});
const pod = (name: string, kind: string, owner: string, namespace = 'x') => ({
  ...object('v1', 'Pod', name, namespace),
  metadata: { name, namespace, ownerReferences: [{ apiVersion: 'apps/v1', kind, name: owner, controller: true }] },
});
const slice = (name: string, service: string, pods: readonly string[]) => ({
  ...object('discovery.k8s.io/v1', 'EndpointSlice', name, 'x'),
  metadata: { name, namespace: 'x', labels: { 'kubernetes.io/service-name': service } },
  endpoints: pods.map((one, index) => ({ addresses: [`10.0.0.${index + 1}`], targetRef: { kind: 'Pod', name: one } })),
});

const objects = [
  object('v1', 'Namespace', 'x', undefined),
  object('v1', 'Namespace', 'y', undefined),
  object('v1', 'Service', 'a', 'x'),
  object('v1', 'Service', 'a', 'y'),
  object('v1', 'Endpoints', 'a', 'x'),
  object('apps/v1', 'Deployment', 'a', 'x'),
  object('apps/v1', 'Deployment', 'a-b', 'x'),
  pod('a-1-p', 'ReplicaSet', 'a-1'),
  pod('a-b-1-p', 'ReplicaSet', 'a-b-1'),
  pod('a-1-p', 'ReplicaSet', 'a-1', 'y'),
  slice('a-s', 'a', ['a-1-p', 'a-b-1-p']),
  slice('other', 'c', ['a-1-p']),
  object('networking.istio.io/v1', 'Gateway', 'g', 'x'),
  object('gateway.networking.k8s.io/v1', 'Gateway', 'g', 'x'),
];

function cluster(states: Parameters<ReturnType<typeof openIntake>['finish']>[0]['states'] = {}): ClusterSnapshot {
  const intake = openIntake();
  for (const one of objects) intake.add({ object: one });
  return intake.finish({ name: clusterName('west'), complete: true, states });
}

/** `kind namespace/name` of all that is there. */
function held(snapshot: ClusterSnapshot): readonly string[] {
  return Object.values(snapshot.kinds)
    .flatMap((read) => (read.status === 'read' ? read.objects : []))
    .map(({ kind, apiVersion, metadata }: ReducedObject) => `${apiVersion} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
}

function gone(path: string): readonly string[] {
  const whole = cluster();
  const left = new Set(held(withoutObjects(whole, meantBy(whole, path))));
  return held(whole).filter((one) => !left.has(one));
}

describe('what goes with an object', () => {
  test.each([
    ['Service/x/a', ['discovery.k8s.io/v1 EndpointSlice x/a-s', 'v1 Endpoints x/a', 'v1 Service x/a']],
    ['Deployment/x/a', ['apps/v1 Deployment x/a', 'v1 Pod x/a-1-p']],
    ['Namespace/y', ['v1 Namespace /y', 'v1 Pod y/a-1-p', 'v1 Service y/a']],
    ['Gateway.networking.istio.io/x/g', ['networking.istio.io/v1 Gateway x/g']],
    ['Gateway/x/g', ['gateway.networking.k8s.io/v1 Gateway x/g', 'networking.istio.io/v1 Gateway x/g']],
    ['Service/x/nobody', []],
  ])('%s', (path, expected) => {
    expect(gone(path).toSorted()).toEqual(expected);
  });

  test('pods leave the endpoints that they were', () => {
    const whole = cluster();
    const { kinds } = withoutObjects(whole, meantBy(whole, 'Deployment/x/a'));
    const read = kinds['endpointslices.discovery.k8s.io'];
    const pods = read?.status === 'read' ? read.objects.map(({ endpoints }) => (endpoints as { pod: string }[]).map((one) => one.pod)) : [];
    expect(pods).toEqual([['a-b-1-p'], []]);
  });

  test('is nothing of a kind that could not be read', () => {
    const whole = cluster({ services: { status: 'forbidden', verb: 'list', resource: 'services' } });
    expect(meantBy(whole, 'Service/x/a')).toEqual([]);
    expect(withoutObjects(whole, [{ kindId: 'services', namespace: 'x', name: 'a' }]).kinds['services']).toEqual(whole.kinds['services']);
  });
});

test('a document names what it removes as kubectl would read it', () => {
  const removed = (document: object) => removedBy({ ...document, $patch: 'delete' });
  expect(removed(object('v1', 'Service', 'a', undefined))).toEqual({ kindId: 'services', namespace: 'default', name: 'a' });
  expect(removed(object('v1', 'Namespace', 'x', undefined))).toEqual({ kindId: 'namespaces', name: 'x' });
  expect(removed(object('networking.istio.io/v1beta1', 'Gateway', 'g', 'x'))).toMatchObject({ kindId: 'gateways.networking.istio.io' });
  expect(removed(object('batch/v1', 'Job', 'a', 'x'))).toBeUndefined();
});
