import { describe, expect, test } from 'vitest';
import { gatewayUnlabelled } from '../builder/edits/east-west.ts';
import { meshNetworksWritten } from '../builder/edits/load-balancer.ts';
import { injectionPath } from '../builder/edits/topology-identity.ts';
import { networkLabelRemoved } from '../builder/edits/topology-networks.ts';
import { mesh, type MeshBuilder } from '../builder/mesh.ts';
import { projectFacts } from '../collect/facts.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import type { ClusterFacts, Fact, FactName } from '../model/facts.ts';
import { type ClusterName, clusterName } from '../model/ids.ts';
import type { DeclaredTopology } from '../model/snapshot.ts';
import { inferTopology, type Mesh, type Topology, topologyFacts } from './topology.ts';

const primaryRemote = mesh().primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' });
const multiPrimary = mesh().multiPrimary('east', 'west', { networks: 2 });

describe('topology of healthy meshes', () => {
  test('primary-remote: the primary serves both, each on its network', () => {
    const only = single(topologyOf(primaryRemote));
    expect(shape(only)).toEqual({
      kind: 'primary-remote',
      networks: ['network1', 'network2'],
      members: { east: 'primary', west: 'remote' },
    });
    expect(servedBy(only, 'west')).toEqual(['east 1-31-0']);
    expect(only.couples.map((couple) => `${couple.kind} ${couple.member}`)).toEqual(['self east', 'remote west']);
  });

  test('multi-primary: each serves itself and reads the other', () => {
    const only = single(topologyOf(multiPrimary));
    expect(shape(only)).toEqual({
      kind: 'multi-primary',
      networks: ['network1', 'network2'],
      members: { east: 'primary', west: 'primary' },
    });
    expect(servedBy(only, 'west')).toEqual(['west default']);
    expect(only.couples.filter((couple) => couple.kind === 'peer')).toHaveLength(2);
  });

  test('networks that only meshNetworks name are networks all the same', () => {
    const unlabelled = ['east', 'west'].reduce(
      (built, cluster) => built.edit(networkLabelRemoved({ cluster })).edit(gatewayUnlabelled({ cluster })),
      multiPrimary,
    );
    expect(single(topologyOf(unlabelled)).networks).toEqual([]);
    const named = ['east', 'west'].reduce(
      (built, cluster) =>
        built.edit(
          meshNetworksWritten({
            cluster,
            yaml: 'networks:\n  one:\n    endpoints:\n    - fromRegistry: east\n  two:\n    endpoints:\n    - fromRegistry: west\n',
          }),
        ),
      unlabelled,
    );
    expect(single(topologyOf(named)).networks).toEqual(['one', 'two']);
  });

  test('clusters without any relation are meshes of their own', () => {
    const apart = mesh().primaryRemote('east', 'west', { networks: 2 }).multiPrimary('north', 'south', { networks: 2 });
    expect(topologyOf(apart).meshes.map((one) => [...one.members.keys()])).toEqual([
      ['east', 'west'],
      ['north', 'south'],
    ]);
  });

  test('two meshes with the same cluster IDs stay two', () => {
    const twins = mesh()
      .primaryRemote('prod-a', 'prod-b', { clusterIds: { 'prod-a': 'a', 'prod-b': 'b' } })
      .primaryRemote('test-a', 'test-b', { clusterIds: { 'test-a': 'a', 'test-b': 'b' } });
    expect(topologyOf(twins).meshes.map((one) => [...one.members.keys()])).toEqual([
      ['prod-a', 'prod-b'],
      ['test-a', 'test-b'],
    ]);
  });

  test('declared: a mesh the objects do not show, a role they do not tell', () => {
    const broken = multiPrimary.break((m) => m.cluster('east').remove('Secret', 'istio-system', 'istio-remote-secret-west'));
    const only = single(topologyOf(broken, { meshes: [{ clusters: ['east', 'west'] }], clusters: { west: { network: 'other' } } }));
    expect(only.isDeclared).toBe(true);
    expect(only.members.get(clusterName('west'))?.network).toMatchObject({ known: 'other' });
  });
});

describe('which secret opens which cluster', () => {
  test('a secret whose credentials are of one cluster does not open another that claims its ID', () => {
    const copied = mesh()
      .primaryRemote('east', ['west', 'north'])
      .edit(injectionPath({ cluster: 'north', primary: 'east', path: { cluster: 'west', network: 'network2' }, since: 'edited' }));
    const opened = (cluster: string): readonly string[] =>
      single(topologyOf(copied))
        .couples.filter((couple) => couple.member === cluster)
        .flatMap((couple) => couple.credentials.map(({ secret }) => secret.name));
    expect(opened('west')).toEqual(['istio-remote-secret-west']);
    expect(opened('north')).toEqual(['istio-remote-secret-north']);
  });
});

describe('a remote keeps its primary with any one link gone', () => {
  const links: readonly [string, (m: MeshBuilder) => MeshBuilder][] = [
    ['remote secret', (m) => m.break((b) => b.cluster('east').remove('Secret', 'istio-system', 'istio-remote-secret-west'))],
    [
      'annotation',
      (m) =>
        m.break((b) =>
          b.cluster('west').annotate('Namespace', undefined, 'istio-system', { 'topology.istio.io/controlPlaneClusters': null }),
        ),
    ],
    ['election', (m) => m.break((b) => b.cluster('west').remove('ConfigMap', 'istio-system', 'istio-namespace-controller-election'))],
    ['address of istiod', (m) => m.break((b) => b.cluster('west').remove('EndpointSlice', 'istio-system', 'istiod-1-31-0'))],
  ];
  test.each(links)('%s', (_, without) => {
    expect(shape(single(topologyOf(without(primaryRemote))))).toMatchObject({
      kind: 'primary-remote',
      members: { east: 'primary', west: 'remote' },
    });
  });

  test('all of them', () => {
    const bare = links.reduce((built, [, without]) => without(built), primaryRemote);
    expect(shape(single(topologyOf(bare)))).toMatchObject({ kind: 'primary-remote' });
  });
});

describe('losing a fact turns what was known into unknown, never into something else', () => {
  test.each([
    ['primary-remote', primaryRemote],
    ['multi-primary', multiPrimary],
  ])('%s', (_, built) => {
    const facts = factsOf(built);
    const whole = inferTopology(facts);
    for (const [name, cluster] of facts) {
      for (const fact of Object.keys(cluster) as FactName[]) {
        for (const state of lost) {
          const less = new Map(facts).set(name, { ...cluster, [fact]: state });
          expectNothingElse(inferTopology(less), whole, `${name} ${fact} ${state.status}`);
        }
      }
    }
  });
});

test('every fact it reads is named, so that it is read of a live cluster whatever checks are selected', () => {
  const asked = new Set<string>();
  const watched = (facts: ReadonlyMap<ClusterName, ClusterFacts>): ReadonlyMap<ClusterName, ClusterFacts> =>
    new Map(
      [...facts].map(([name, own]) => [
        name,
        new Proxy(own, {
          get: (target, key, receiver) => {
            asked.add(String(key));
            return Reflect.get(target, key, receiver) as unknown;
          },
        }),
      ]),
    );
  const meshes = [
    primaryRemote,
    multiPrimary,
    primaryRemote.multiPrimary('north', 'south', { networks: 2 }),
    mesh().externalControlPlane('outside', 'inside', { remotes: ['far'] }),
    mesh().ambient('a', 'b'),
    // Two primaries of one root without any secret between them.
    multiPrimary.edit(
      (objects) => new Map([...objects].map(([name, own]) => [name, own.filter((one) => !one.metadata.name.startsWith('istio-remote'))])),
    ),
  ];
  for (const built of meshes) inferTopology(watched(factsOf(built)));
  expect([...asked].sort()).toEqual([...topologyFacts].sort());
});

const lost: readonly Fact<never>[] = [
  { status: 'forbidden', verb: 'list', resource: 'things' },
  { status: 'failed', code: 'timeout', reason: 'late' },
  { status: 'not-asked', because: 'directory does not say' },
];

function expectNothingElse(less: Topology, whole: Topology, where: string): void {
  for (const one of less.meshes) {
    for (const [name, member] of one.members) {
      const before = whole.meshes.map((other) => other.members.get(name)).find((candidate) => candidate !== undefined);
      if ('known' in member.role) expect(before?.role, `${where}: role of ${name}`).toMatchObject({ known: member.role.known });
      if ('known' in member.network) expect(before?.network, `${where}: network of ${name}`).toMatchObject({ known: member.network.known });
    }
    const pairs = one.couples.map((couple) => ({
      couple,
      before: whole.meshes
        .flatMap((other) => other.couples)
        .find((other) => other.member === couple.member && other.controlPlane.cluster === couple.controlPlane.cluster),
    }));
    for (const { couple, before } of pairs) {
      if (couple.kind !== 'undetermined') expect(couple.kind, `${where}: couple of ${couple.member}`).toBe(before?.kind);
      if ('known' in couple.serves)
        expect(before?.serves, `${where}: serves ${couple.member}`).toMatchObject({ known: couple.serves.known });
    }
  }
}

function factsOf(built: MeshBuilder): Map<ClusterName, ClusterFacts> {
  return new Map(snapshotOf(built.objects(), { takenAt: built.takenAt }).clusters.map((cluster) => [cluster.name, projectFacts(cluster)]));
}

function topologyOf(built: MeshBuilder, declared?: DeclaredTopology): Topology {
  return inferTopology(factsOf(built), declared);
}

function single(topology: Topology): Mesh {
  const [only, ...others] = topology.meshes;
  if (only === undefined || others.length > 0) throw new Error(`${topology.meshes.length} meshes`);
  return only;
}

function shape(one: Mesh) {
  const members = Object.fromEntries(
    [...one.members].map(([name, member]) => [name, 'known' in member.role ? member.role.known : 'unknown']),
  );
  return { kind: 'known' in one.kind ? one.kind.known : 'unknown', networks: one.networks, members };
}

function servedBy(one: Mesh, name: string): string[] {
  const served = one.members.get(clusterName(name))?.servedBy;
  return served !== undefined && 'known' in served
    ? served.known.map((controlPlane) => `${controlPlane.cluster} ${controlPlane.revision}`)
    : ['unknown'];
}
