import { expect, test } from 'vitest';
import type { KubeObject } from '../model/kube.ts';
import { openStore } from './store.ts';

const clock = () => '2026-11-29T10:20:30.400Z';
const configMap = (name: string, data: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'a' },
  data,
});
const gateway = (apiVersion: string): KubeObject => ({ apiVersion, kind: 'Gateway', metadata: { name: 'g', namespace: 'a' }, spec: {} });

test('objects keep what they have and get what they lack', () => {
  const known = {
    ...configMap('known'),
    metadata: { name: 'known', namespace: 'a', uid: 'u', resourceVersion: '70', creationTimestamp: '2020-01-01T00:00:00Z' },
  };
  const store = openStore('east', [known, configMap('bare'), { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'nowhere' } }], {
    clock,
  });
  expect(store.get('ConfigMap', 'a', 'known')).toEqual(known);
  expect(store.get('ConfigMap', 'a', 'bare')?.metadata).toMatchObject({ creationTimestamp: '2026-11-29T10:20:30Z', resourceVersion: '71' });
  expect(store.get('ConfigMap', 'default', 'nowhere')).toBeDefined();
  expect(store.revision()).toBe(72);
});

test('a write gets a higher resourceVersion than anything before; nothing is written when nothing changes', () => {
  const store = openStore('east', [], { clock });
  const first = store.put(configMap('one', { a: '1' }));
  expect(store.put(configMap('one', { a: '1' }))).toBe(first);
  const second = store.put(configMap('one', { a: '2' }));
  expect(Number(second.metadata.resourceVersion)).toBeGreaterThan(Number(first.metadata.resourceVersion));
  expect([second.metadata.uid, second.metadata.creationTimestamp]).toEqual([first.metadata.uid, first.metadata.creationTimestamp]);
  expect(store.since(Number(first.metadata.resourceVersion))).toEqual([
    { revision: store.revision(), type: 'MODIFIED', object: second, previous: first },
  ]);
  expect(Object.isFrozen(second['data'])).toBe(true);
});

test('generation counts the changes of a specification, where a kind has one', () => {
  const store = openStore('east', [], { clock });
  const deployment = (spec: object, status: object): KubeObject => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd', namespace: 'a' },
    spec,
    status,
  });
  expect(store.put(deployment({ replicas: 1 }, {})).metadata['generation']).toBe(1);
  expect(store.put(deployment({ replicas: 1 }, { replicas: 1 })).metadata['generation']).toBe(1);
  expect(store.put(deployment({ replicas: 2 }, { replicas: 1 })).metadata['generation']).toBe(2);
  expect(store.put(configMap('c')).metadata).not.toHaveProperty('generation');
});

test('kinds of one name in two groups are told apart by their group', () => {
  const [istio, gatewayApi] = [gateway('networking.istio.io/v1'), gateway('gateway.networking.k8s.io/v1')];
  const store = openStore('east', [istio, gatewayApi], { clock });
  expect(store.list('Gateway')).toHaveLength(2);
  expect(store.list('Gateway.networking.istio.io').map(({ apiVersion }) => apiVersion)).toEqual(['networking.istio.io/v1']);
  expect(store.get('Gateway.gateway.networking.k8s.io', 'a', 'g')?.apiVersion).toBe('gateway.networking.k8s.io/v1');
  expect(store.remove('Gateway.gateway.networking.k8s.io', 'a', 'g')).toBe(true);
  expect(store.list('Gateway')).toHaveLength(1);
  expect(store.remove('Gateway.gateway.networking.k8s.io', 'a', 'g')).toBe(false);
  store.put(gateway('networking.istio.io/v1beta1'));
  expect(store.list('Gateway').map(({ apiVersion }) => apiVersion)).toEqual(['networking.istio.io/v1beta1']);
});

test('a list does not change when its objects do', () => {
  const store = openStore('east', [configMap('b'), configMap('a')], { clock });
  const type = { group: '', kind: 'ConfigMap' };
  const before = store.all(type);
  const held = store.hold(type);
  store.put(configMap('c'));
  store.remove('ConfigMap', 'a', 'a');
  expect(before.map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
  expect(store.heldAt(type, held)).toBe(before);
  expect(store.all(type).map(({ metadata }) => metadata.name)).toEqual(['b', 'c']);
  expect(store.heldAt(type, held + 1)).toBeUndefined();
});

test('what happened long ago is forgotten', () => {
  const store = openStore('east', [], { clock });
  const start = store.revision();
  for (let index = 0; index < 20_001; index++) store.write(configMap('one', { index: String(index) }));
  expect(store.since(start)).toBeUndefined();
  expect(store.since(store.revision() - 5)).toHaveLength(5);
  expect(store.since(store.revision())).toEqual([]);
});
