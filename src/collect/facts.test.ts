import { describe, expect, test } from 'vitest';
import { factsOf, type Raw, read, valueOf } from '../../test/support/read-objects.ts';
import { compareText } from '../base/sort.ts';
import type { KindRead } from '../model/snapshot.ts';
import { refKey } from '../model/refs.ts';
import { factCollectors, projectFacts, readsFor, systemNamespaces } from './facts.ts';
import { kinds } from './kinds.ts';

const partial = { complete: false };

function object(kind: string, name: string, namespace: string | undefined, more: Raw = {}, apiVersion = 'v1', metadata: Raw = {}): Raw {
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...metadata }, ...more };
}

const istiod = (namespace: string): Raw =>
  object('Deployment', 'istiod', namespace, { spec: { template: { spec: { containers: [{ name: 'discovery' }] } } } }, 'apps/v1', {
    labels: { app: 'istiod' },
  });

const injector = (clientConfig: Raw): Raw =>
  object(
    'MutatingWebhookConfiguration',
    'a',
    undefined,
    { webhooks: [{ name: 'x.sidecar-injector.istio.io', clientConfig }] },
    'admissionregistration.k8s.io/v1',
  );

const election = (namespace: string): Raw =>
  object('ConfigMap', 'istio-namespace-controller-election', namespace, {}, 'v1', {
    annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' },
  });

describe('the state of a fact follows from the lists it is made of', () => {
  test('complete lists: collected, also when empty', () => {
    expect(factsOf([]).services).toEqual({ status: 'collected', value: [] });
    expect(factsOf([object('Service', 'a', 'x')]).services).toMatchObject({ status: 'collected' });
    expect(factsOf([object('Service', 'a', 'x')]).services).not.toHaveProperty('partial');
  });

  test('a directory that does not claim to be complete: what it holds is partial, what it does not hold was not asked', () => {
    const facts = factsOf([object('Service', 'a', 'x')], partial);
    expect(facts.services).toMatchObject({ status: 'collected', partial: true });
    expect(facts.pods).toEqual({ status: 'not-asked', because: 'directory does not say' });
  });

  test('one kind of several is enough to go by, and leaves the fact partial', () => {
    expect(factsOf([object('Deployment', 'a', 'x', {}, 'apps/v1')], partial).workloads).toMatchObject({
      status: 'collected',
      partial: true,
    });
    const rule = object('DestinationRule', 'a', 'x', { spec: {} }, 'networking.istio.io/v1');
    expect(factsOf([rule], partial).istioResources).toMatchObject({ status: 'collected', partial: true });
  });

  test('objects outside the system namespaces say nothing about what belongs there', () => {
    const elsewhere = object('Secret', 'password', 'shop');
    expect(factsOf([elsewhere], partial).remoteSecrets).toEqual({ status: 'not-asked', because: 'directory does not say' });
    expect(factsOf([elsewhere]).remoteSecrets).toEqual({ status: 'collected', value: [] });
    expect(factsOf([elsewhere, object('Secret', 'any', 'istio-system')], partial).remoteSecrets).toEqual({
      status: 'collected',
      value: [],
      partial: true,
    });
    const misplaced = object('Secret', 'istio-remote-secret-a', 'shop', { data: { a: '' } });
    expect(factsOf([misplaced], partial).remoteSecrets).toMatchObject({
      status: 'collected',
      partial: true,
      value: [{ namespace: 'shop' }],
    });
  });

  const forbidden = { status: 'forbidden', verb: 'list', resource: 'secrets' } as const satisfies KindRead;
  const failed = { status: 'failed', code: 'timeout', reason: 'no answer' } as const satisfies KindRead;

  test('what could not be read passes through', () => {
    expect(factsOf([], { states: { secrets: forbidden } }).remoteSecrets).toEqual(forbidden);
    expect(factsOf([], { states: { secrets: failed } }).caSecrets).toEqual(failed);
    expect(factsOf([], { states: { pods: { status: 'absent' } } }).pods).toEqual({ status: 'absent' });
  });

  test('of several kinds the worst decides', () => {
    const daemons = object('DaemonSet', 'a', 'x', {}, 'apps/v1');
    expect(factsOf([daemons], { states: { 'deployments.apps': failed } }).workloads).toEqual(failed);
    expect(factsOf([daemons], { ...partial, states: { 'deployments.apps': forbidden } }).workloads).toEqual(forbidden);
  });

  test('an API that is not served holds no objects', () => {
    const states = Object.fromEntries(
      kinds
        .filter((kind) => kind.group.endsWith('istio.io') || kind.group.startsWith('gateway.'))
        .map((kind) => [kind.id, { status: 'absent' } as const]),
    );
    const facts = factsOf([], { states });
    for (const fact of [facts.gateways, facts.virtualServices, facts.istioResources, facts.kubeGateways])
      expect(fact).toEqual({ status: 'collected', value: [] });
  });

  test('a kind that merely sharpens a fact does not take it away', () => {
    expect(factsOf([istiod('istio-system')], { states: { secrets: forbidden } }).controlPlanes).toMatchObject({ status: 'collected' });
  });

  test('kinds that were never selected were not asked for', () => {
    const kinds = { services: { status: 'not-asked', because: 'deselected' } } as const;
    expect(projectFacts({ ...read([]), kinds }).services).toEqual({ status: 'not-asked', because: 'deselected' });
  });

  test('of a kind that a recording has no word about its version knew nothing', () => {
    expect(projectFacts({ ...read([]), kinds: {} }).networkPolicies).toEqual({ status: 'not-asked', because: 'older recording' });
  });
});

describe('clock and version', () => {
  test('a source without present has no clock; expiry falls back to the clock of the run', () => {
    const now = '2026-12-01T00:00:00Z';
    const without = projectFacts(read([]), now);
    expect(without.clock).toEqual({ status: 'not-asked', because: 'no clock' });
    expect(without.today).toEqual({ status: 'collected', value: { takenAt: now } });
    const takenAt = '2026-11-22T21:27:43Z';
    const dated = projectFacts(read([], { takenAt }), now);
    expect(dated.clock).toEqual({ status: 'collected', value: { takenAt } });
    expect(dated.today).toEqual({ status: 'collected', value: { takenAt } });
  });

  test.each([
    [
      { major: '1', minor: '34', gitVersion: 'v1.34.4' },
      { status: 'collected', value: { major: 1, minor: 34, gitVersion: 'v1.34.4' } },
    ],
    [
      { major: '1', minor: '33+', gitVersion: 'v1.33.1-gke.100' },
      { status: 'collected', value: { major: 1, minor: 33, gitVersion: 'v1.33.1-gke.100' } },
    ],
    [
      { major: '', minor: '', gitVersion: 'v0' },
      { status: 'not-asked', because: 'directory does not say' },
    ],
  ])('a server of %j', (version, expected) => expect(factsOf([], { version }).kubeVersion).toEqual(expected));

  test('no answer', () => expect(factsOf([]).kubeVersion).toEqual({ status: 'not-asked', because: 'directory does not say' }));
});

describe('system namespaces', () => {
  const service = { service: { namespace: 'b', name: 'istiod', path: '/inject' } };
  test.each([
    ['where istiod runs', [istiod('a'), istiod('c'), injector(service), election('d')], ['a', 'c']],
    ['where pods of istiod run', [object('Pod', 'istiod-1', 'e', {}, 'v1', { labels: { app: 'istiod' } }), injector(service)], ['e']],
    ['else whom the injectors call', [injector(service), election('d')], ['b']],
    ['else where an istiod leads', [injector({ url: 'https://a.example/inject' }), election('d')], ['d']],
    ['else where it usually is', [], ['istio-system']],
  ])('%s', (_what, objects, expected) => expect([...systemNamespaces(read(objects))]).toEqual(expected));
});

describe('what has to be read', () => {
  test('each list once, with the facts it is for', () => {
    const reads = readsFor(['remoteSecrets', 'controlPlanes', 'caSecrets', 'clock', 'workloads']);
    expect(reads.map((entry) => [entry.kind.id, entry.facts, entry.optional])).toEqual([
      ['secrets', ['caSecrets', 'controlPlanes', 'remoteSecrets'], false],
      ['deployments.apps', ['controlPlanes', 'workloads'], false],
      ['daemonsets.apps', ['workloads'], false],
    ]);
    expect(readsFor(['controlPlanes']).map((entry) => [entry.kind.id, entry.optional])).toEqual([
      ['deployments.apps', false],
      ['secrets', true],
    ]);
    expect(reads[1]).toMatchObject({ group: 'apps', resource: 'deployments', verbs: ['list'], place: 'all' });
  });

  test('every kind is read for some fact, and no id occurs twice', () => {
    const needed = new Set(Object.values(factCollectors).flatMap((collector) => collector.reads.map((kind) => kind.id)));
    expect(kinds.map((kind) => kind.id).filter((id) => !needed.has(id))).toEqual([]);
    expect(new Set(kinds.map((kind) => kind.id)).size).toBe(kinds.length);
    for (const [name, collector] of Object.entries(factCollectors)) expect(collector.fact).toBe(name);
  });
});

test('lists are sorted by reference, whatever the order of objects', () => {
  const objects = ['b/a', 'a-b/x', 'a/z', 'a/b'].map((path) => {
    const [namespace, name = ''] = path.split('/');
    return object('Service', name, namespace);
  });
  const keys = valueOf(factsOf(objects).services).map((service) => refKey(service.ref));
  expect(keys).toEqual([...keys].sort(compareText));
  expect(factsOf([...objects].reverse())).toEqual(factsOf(objects));
});
