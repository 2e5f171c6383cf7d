import { describe, expect, test } from 'vitest';
import { withAskedEndpoints } from '../../test/support/asked-endpoints.ts';
import { fakeConnection } from '../../test/support/fake-connection.ts';
import { mesh } from '../builder/mesh.ts';
import { factCollectors, projectFacts, readsFor } from '../collect/facts.ts';
import { kinds } from '../collect/kinds.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import type { ListRequest } from '../kube/connection.ts';
import type { ClusterFacts, FactName } from '../model/facts.ts';
import { openLive, withoutCopies } from './live.ts';

const built = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop');
const reads = readsFor(Object.keys(factCollectors) as FactName[]);
const external = mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] });

/** Facts without where each object was read, and without the Endpoints that a live cluster is not asked for. */
function compared(facts: ClusterFacts): unknown {
  return JSON.parse(JSON.stringify(withAskedEndpoints(facts), (key, value: unknown) => (key === 'origin' ? undefined : value)));
}

describe('a mesh that is asked gives the facts of the same mesh in a directory', () => {
  test.each([
    ['primary-remote', built],
    ['multi-primary', mesh().multiPrimary('east', 'west', { networks: 2 })],
    ['external control plane: its namespace in the config cluster is only known from elsewhere', external],
    ['ambient', mesh().ambient('east', 'west')],
    ['canary', mesh().canary('east', 'west', { from: '1-24-6', to: '1-31-0', stage: 'remote' })],
  ])('%s', async (_, one) => {
    const { takenAt } = one;
    const connections = [...one.objects()].map(([name, objects]) => fakeConnection(name, objects, { now: takenAt }));
    const live = await openLive({ connections, reads });
    const version = { major: '1', minor: '34', gitVersion: 'v1.34.4' };
    const read = snapshotOf(one.objects(), { takenAt, version });
    for (const [index, cluster] of live.entries())
      expect(compared(projectFacts(cluster))).toEqual(compared(projectFacts(read.clusters[index]!)));
  });
});

describe('what is asked', () => {
  const asked: ListRequest[] = [];
  const connections = [...built.objects()].map(([name, objects]) =>
    fakeConnection(name, objects, { onList: (request) => asked.push(request) }),
  );

  test('is little of what applications keep: no ConfigMap and no Secret without selector or namespace', async () => {
    await openLive({ connections, reads });
    const whole = asked.filter(
      ({ resource, namespace, labelSelector, fieldSelector }) =>
        (resource === 'configmaps' || resource === 'secrets') &&
        namespace === undefined &&
        labelSelector === undefined &&
        fieldSelector === undefined,
    );
    expect(whole).toEqual([]);
    expect(asked.filter(({ resource }) => resource === 'customresourcedefinitions').every(({ metadataOnly }) => metadataOnly)).toBe(true);
  });

  test('does not grow with services', async () => {
    const count = async (services: number): Promise<number> => {
      let lists = 0;
      const large = mesh().multiPrimary('a', 'b').load({ services, pods: services });
      await openLive({
        connections: [...large.objects()].map(([name, objects]) => fakeConnection(name, objects, { onList: () => lists++ })),
        reads,
      });
      return lists;
    };
    expect(await count(40)).toBe(await count(4));
  });
});

describe('what could not be read', () => {
  const west = built.objects().get('west')!;

  test('a forbidden list is forbidden, and nothing else is touched by it', async () => {
    const right = { status: 'forbidden', verb: 'list', resource: 'secrets' } as const;
    const [snapshot] = await openLive({
      connections: [fakeConnection('west', west, { refuse: ({ resource }) => (resource === 'secrets' ? right : undefined) })],
      reads,
    });
    const facts = projectFacts(snapshot!);
    expect(facts.remoteSecrets).toEqual(right);
    expect(facts.caSecrets).toEqual(right);
    expect(facts.services.status).toBe('collected');
  });

  test('one of several lists of a kind is enough to make it unknown', async () => {
    const failed = { status: 'failed', code: 'timeout', reason: 'no answer within 10s' } as const;
    const [snapshot] = await openLive({
      connections: [
        fakeConnection('west', west, {
          refuse: ({ resource, labelSelector }) => (resource === 'configmaps' && labelSelector !== undefined ? failed : undefined),
        }),
      ],
      reads,
    });
    expect(projectFacts(snapshot!).rootConfigMaps).toEqual(failed);
  });

  test('who may not ask as somebody else is told of that right, not of those that the other lacks', async () => {
    const right = { status: 'forbidden', verb: 'impersonate', resource: 'users' } as const;
    const [snapshot] = await openLive({ connections: [fakeConnection('west', west, { get: () => right, refuse: () => right })], reads });
    expect(snapshot?.unreached).toMatchObject({
      code: 'forbidden',
      reason: 'forbidden: needs "impersonate" on users to ask as somebody else',
    });
  });

  test('a cluster that does not answer has every kind failed, and the others are whole', async () => {
    const dead = fakeConnection('dead', [], {
      get: () => ({ status: 'failed', code: 'timeout', reason: 'TLS handshake timeout after 5s' }),
    });
    const [gone, alive] = await openLive({ connections: [dead, fakeConnection('west', west)], reads });
    expect(gone?.unreached).toEqual({ server: 'https://dead.invalid', code: 'timeout', reason: 'TLS handshake timeout after 5s' });
    expect(kinds.every((kind) => gone?.kinds[kind.id]?.status === 'failed')).toBe(true);
    expect(alive?.kinds['services']).toMatchObject({ status: 'read', complete: true });
  });

  test('an API that is not served is absent without being asked for', async () => {
    const asked: string[] = [];
    const bare = west.filter(({ kind }) => kind !== 'CustomResourceDefinition');
    const [snapshot] = await openLive({ connections: [fakeConnection('west', bare, { onList: ({ group }) => asked.push(group) })], reads });
    expect(snapshot?.kinds['virtualservices.networking.istio.io']).toEqual({ status: 'absent' });
    expect(asked).not.toContain('networking.istio.io');
  });

  test('what was not asked for is not known to be empty', async () => {
    const [snapshot] = await openLive({
      connections: [fakeConnection('west', west)],
      reads: reads.filter(({ resource }) => resource !== 'services'),
    });
    expect(snapshot?.kinds['services']).toEqual({ status: 'not-asked', because: 'deselected' });
    expect(projectFacts(snapshot!).services).toEqual({ status: 'not-asked', because: 'deselected' });
  });

  test('an empty list that came to its end is evidence of absence', async () => {
    const [snapshot] = await openLive({ connections: [fakeConnection('empty', [])], reads });
    expect(snapshot?.kinds['secrets']).toEqual({ status: 'read', objects: [], complete: true });
    expect(snapshot?.kinds['pods']).toEqual({ status: 'read', objects: [], complete: true });
  });
});

test('two contexts that reach one cluster are one', async () => {
  const east = built.objects().get('east')!;
  const clusters = await openLive({
    connections: [fakeConnection('a', east), fakeConnection('b', east), fakeConnection('west', built.objects().get('west')!)],
    reads,
  });
  expect(withoutCopies(clusters)).toMatchObject({ clusters: [{ name: 'a' }, { name: 'west' }], copies: [{ of: 'a', copy: 'b' }] });
});
