import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { builtin } from '../../checks/index.ts';
import { annotatedTooLate, controlPlaneClusters } from '../../src/builder/edits/topology-leadership.ts';
import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';
import { guidanceText } from '../../src/cli/guidance.ts';
import { guidanceOf } from '../../src/guide/follow.ts';
import { idFrom, planOf, type Wishes } from '../../src/guide/plan.ts';
import { steps } from '../../src/guide/steps.ts';
import type { Guidance, World } from '../../src/guide/types.ts';
import type { ClusterFacts } from '../../src/model/facts.ts';
import { clusterName } from '../../src/model/ids.ts';
import type { KubeObject, MeshObjects } from '../../src/model/kube.ts';
import { factsOf, run, snapshotAt } from '../corpus/corpus.ts';

const [east, west] = [clusterName('east'), clusterName('west')];

const wishes: Wishes = {
  primaries: [east],
  remotes: [west],
  namespace: 'istio-system',
  networks: new Map(),
  clusterIds: new Map(),
  services: [],
};

async function worldOf(objects: MeshObjects, takenAt: string | undefined): Promise<World> {
  const snapshot = snapshotAt(objects, takenAt ?? '2026-11-24T12:00:00Z');
  return { facts: factsOf(snapshot), report: (await run(snapshot)).report };
}

async function guided(objects: MeshObjects, takenAt: string | undefined, wanted: Wishes = wishes): Promise<Guidance> {
  const world = await worldOf(objects, takenAt);
  return guidanceOf(planOf(wanted, world), world);
}

const withShop = (built: MeshBuilder): MeshBuilder => built.namespace('shop', { injected: true }).service('abc.shop');

const meshes = {
  'primary-remote': withShop(mesh().primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })),
  'primary-remote on one network': withShop(mesh().primaryRemote('east', 'west', { networks: 1 })),
  'multi-primary': withShop(mesh().multiPrimary('east', 'west', { networks: 2 })),
  'multi-primary on one network': withShop(mesh().multiPrimary('east', 'west', { networks: 1 })),
};

const nothing: readonly KubeObject[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system' } },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'kube-system' } },
];

const empty: MeshObjects = new Map([
  ['east', nothing],
  ['west', nothing],
]);

test('without probes nobody knows whether a name resolves', async () => {
  const guidance = await guided(meshes['multi-primary'].objects(), meshes['multi-primary'].takenAt);
  const names = guidance.steps.filter(({ step }) => step === 'name-resolves');
  expect(names.map(({ state }) => state)).toEqual(['unknown', 'unknown']);
  expect(guidance.exit).toBe(3);
});

/** Names can only be told by probes, which a snapshot of objects alone has none of. */
const configured = ({ steps: results }: Guidance): Guidance['steps'] => results.filter(({ step }) => step !== 'name-resolves');

test('every check that a step leaves the verdict to exists', () => {
  const known = new Set(builtin.map(({ check }) => check.id));
  expect(steps.flatMap(({ checks, tooLate = [] }) => [...checks, ...tooLate]).filter((id) => !known.has(id))).toEqual([]);
});

describe.each(Object.entries(meshes))('%s, healthy', (name, built) => {
  test('has every step done, and the names it has', async () => {
    const guidance = await guided(built.objects(), built.takenAt);
    expect(configured(guidance).filter(({ state }) => state !== 'done')).toEqual([]);
    expect(guidance.topology).toBe(name.startsWith('multi') ? 'multi-primary' : 'primary-remote');
    expect(guidance.names.meshId).toBe('mesh1');
    expect(guidance.others).toEqual([]);
  });
});

describe('two empty clusters', () => {
  test.each(['primary-remote', 'multi-primary'] as const)('have everything of %s to do, from the network on', async (topology) => {
    const guidance = await guided(empty, '2026-11-24T12:00:00Z', { ...wishes, topology, release: '1.31.0' });
    expect(new Set(guidance.steps.map(({ state }) => state))).toEqual(new Set(['undone']));
    expect(guidance).toMatchObject({ exit: 1, next: 0, names: { revision: 'default', meshId: 'mesh1', release: '1.31.0' } });
    expect(guidance.steps[0]?.commands.join('\n')).toContain(
      'kubectl --context east label namespace istio-system topology.istio.io/network=network1',
    );
  });

  test('the remote waits for the address of the gateway', async () => {
    const guidance = await guided(empty, undefined, { ...wishes, topology: 'primary-remote' });
    expect(guidance.steps.find(({ step }) => step === 'remote-profile')).toMatchObject({ commands: [], waitsFor: 'gateway' });
  });

  test('what is printed can be pasted: heredocs stand flush left and hold YAML', async () => {
    const guidance = await guided(empty, undefined, { ...wishes, topology: 'multi-primary', revision: '1-31-0' });
    const text = guidanceText(guidance, { width: 60, colour: false, unicode: true, verbosity: 1 });
    const documents = [...text.matchAll(/^.* <<'EOF'\n([\s\S]*?)^EOF$/gmu)].map(([, yaml]) => yaml ?? '');
    expect(documents.length).toBe(8);
    for (const yaml of documents)
      for (const document of parseAllDocuments(yaml))
        expect([document.get('kind'), document.getIn(['metadata', 'name'])].map((word) => typeof word)).toEqual(['string', 'string']);
    const operator: unknown = parseAllDocuments(documents.find((yaml) => yaml.includes('profile: minimal')) ?? '')[0]?.toJS();
    expect(operator).toMatchObject({
      kind: 'IstioOperator',
      spec: { revision: '1-31-0', values: { global: { meshID: 'mesh1', network: 'network1', multiCluster: { clusterName: 'east' } } } },
    });
  });
});

describe('one thing taken away is one step undone', () => {
  const without = (cluster: string, isGone: (object: KubeObject) => boolean): MeshObjects => {
    const objects = meshes['primary-remote'].objects();
    return new Map(objects).set(
      cluster,
      (objects.get(cluster) ?? []).filter((object) => !isGone(object)),
    );
  };
  const unlabelled = (cluster: string, field: 'labels' | 'annotations'): MeshObjects => {
    const objects = meshes['primary-remote'].objects();
    return new Map(objects).set(
      cluster,
      (objects.get(cluster) ?? []).map((object) =>
        object.kind === 'Namespace' && object.metadata.name === 'istio-system'
          ? { ...object, metadata: { ...object.metadata, [field]: {} } }
          : object,
      ),
    );
  };
  const named =
    (kind: string, name: string) =>
    (object: KubeObject): boolean =>
      object.kind === kind && object.metadata.name === name;

  test.each<[step: string, cluster: string, MeshObjects]>([
    ['network-label', 'east', unlabelled('east', 'labels')],
    ['network-label', 'west', unlabelled('west', 'labels')],
    ['control-plane-clusters', 'west', unlabelled('west', 'annotations')],
    ['gateway', 'east', without('east', named('Service', 'istio-eastwestgateway'))],
    ['gateway', 'west', without('west', named('Service', 'istio-eastwestgateway'))],
    ['exposed-istiod', 'east', without('east', named('Gateway', 'istiod-gateway'))],
    ['exposed-istiod', 'east', without('east', ({ kind }) => kind === 'VirtualService')],
    ['remote-profile', 'west', without('west', ({ kind }) => kind === 'MutatingWebhookConfiguration')],
    ['remote-secret', 'east', without('east', named('Secret', 'istio-remote-secret-west'))],
    ['exposed-services', 'east', without('east', named('Gateway', 'cross-network-gateway'))],
    ['control-plane', 'east', without('east', named('Deployment', 'istiod-1-31-0'))],
  ])('%s in %s', async (step, cluster, objects) => {
    const guidance = await guided(objects, meshes['primary-remote'].takenAt, { ...wishes, topology: 'primary-remote', revision: '1-31-0' });
    const result = guidance.steps.find((one) => one.step === step && one.cluster === cluster);
    expect(result?.state).toBe('undone');
    expect(result?.commands.join('\n')).toContain(`--context ${cluster}`);
    // What follows from it is not blamed on others.
    expect(guidance.others).toEqual([]);
    expect(guidance.exit).toBe(1);
  });
});

test('what was annotated after istiod had looked is too late, and says so with the restart', async () => {
  const built = meshes['primary-remote'];
  const guidance = await guided(annotatedTooLate({ cluster: 'west', primary: 'east', leader: 'never' })(built.objects()), built.takenAt);
  const step = guidance.steps[guidance.next ?? -1];
  expect(step).toMatchObject({ step: 'control-plane-clusters', cluster: 'west', state: 'too-late' });
  expect(step?.commands).toEqual(['kubectl --context east -n istio-system rollout restart deployment istiod-1-31-0']);
});

test('what is there and not right is wrong, with the remedy of the check', async () => {
  const built = meshes['primary-remote'];
  const guidance = await guided(
    controlPlaneClusters({ cluster: 'west', primary: 'east', value: 'Kubernetes', leader: 'lives' })(built.objects()),
    built.takenAt,
  );
  const step = guidance.steps[guidance.next ?? -1];
  expect(step).toMatchObject({
    step: 'control-plane-clusters',
    state: 'wrong',
    findings: [{ code: 'unmatched-control-plane-clusters/unmatched' }],
  });
  expect(step?.commands.join()).toContain('kubectl --context west annotate namespace istio-system');
});

test('what may not be listed is unknown, never done and never undone', async () => {
  const built = meshes['primary-remote'];
  const world = await worldOf(built.objects(), built.takenAt);
  const names = Object.keys(world.facts.get(east) ?? {});
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), fc.constantFrom(east, west), async (fact, cluster) => {
      const own = world.facts.get(cluster);
      if (own === undefined) throw new Error('no facts');
      const facts: ClusterFacts = { ...own, [fact]: { status: 'forbidden', verb: 'list', resource: 'things' } };
      const guidance = guidanceOf(planOf({ ...wishes, topology: 'primary-remote', revision: '1-31-0' }, world), {
        ...world,
        facts: new Map(world.facts).set(cluster, facts),
      });
      expect(configured(guidance).filter(({ state }) => state !== 'done' && state !== 'unknown')).toEqual([]);
      return await Promise.resolve();
    }),
    { numRuns: 60 },
  );
});

describe('names', () => {
  test('are those of the user before those of the clusters before those of the guides', async () => {
    const world = await worldOf(empty, undefined);
    const plan = planOf(
      {
        ...wishes,
        primaries: [clusterName('gke_acme_eu-west1_East')],
        remotes: [clusterName('arn:aws:eks:us-east-1:1234:cluster/west')],
        networks: new Map([['gke_acme_eu-west1_East', 'network2']]),
      },
      world,
    );
    expect(plan.primaries).toMatchObject([{ clusterId: 'gke-acme-eu-west1-east', network: 'network2' }]);
    expect(plan.remotes).toMatchObject([{ clusterId: 'west', network: 'network1' }]);
  });

  test('of clusters differ', async () => {
    const world = await worldOf(empty, undefined);
    expect(() => planOf({ ...wishes, clusterIds: new Map([['west', 'east']]) }, world)).toThrow('east and west would both be called east');
  });

  test('of contexts become names that Secrets and addresses can carry', () => {
    fc.assert(
      fc.property(fc.string(), (context) => /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(idFrom(context)) && idFrom(context).length <= 40),
    );
  });
});
