import { expect, test } from 'vitest';
import { defineCheck } from '../api/check.ts';
import { mesh } from '../builder/mesh.ts';
import { clusterName } from '../model/ids.ts';
import { observedIn } from '../testkit/observed.ts';
import { factsOf, snapshotIn } from '../testkit/suite.ts';
import { inferTopology } from '../mesh/topology.ts';
import type { FactName } from '../model/facts.ts';
import type { ObservedFactName } from '../model/observations.ts';
import { judge, judgeUnmeasured } from './judge.ts';
import type { RegisteredCheck } from './types.ts';

test('one fault seen through two subjects is one finding that keeps what each of them saw', async () => {
  const check = defineCheck({
    id: 'test-fault',
    title: 'nothing',
    severity: 'error',
    certainty: 'certain',
    scope: 'managed',
    needs: { primary: ['controlPlanes'], member: ['namespaces'] },
    docs: { why: '', confirm: '', fix: '' },
    messages: { wrong: (a: { what: string }) => ({ text: `${a.what} is wrong.` }) },
    *run({ controlPlane, couple, member, finding }) {
      if (couple.kind === 'remote')
        yield finding('wrong', { what: 'It' }, { at: controlPlane.ref, related: [controlPlane.ref, member.ref] });
    },
  });
  const snapshot = snapshotIn(mesh().primaryRemote('east', ['west', 'north']).objects(), {});
  const { findings } = await judge(snapshot, factsOf(snapshot), [{ check, area: 'test', origin: 'test' }], {});
  expect(findings.map(({ concerns, related }) => ({ concerns, related: related.map(({ name }) => name) }))).toEqual([
    { concerns: ['north', 'west'], related: ['istiod', 'north', 'west'] },
  ]);
});

test('a service that is named is asked of the mesh that has it, and of every mesh where none does', async () => {
  const check = defineCheck({
    id: 'test-names',
    title: 'nothing',
    severity: 'error',
    certainty: 'certain',
    scope: 'service',
    needs: ['services'],
    docs: { why: '', confirm: '', fix: '' },
    messages: { asked: (a: { name: string }) => ({ text: `${a.name} was asked.` }) },
    *run({ service, named, mesh: { controlPlanes }, finding }) {
      const [home] = controlPlanes;
      if (named !== undefined && home !== undefined) yield finding('asked', { name: service.name }, { at: home.ref });
    },
  });
  const two = mesh()
    .primaryRemote('east', 'west')
    .multiPrimary('north', 'south')
    .namespace('shop')
    .service('cart.shop', { in: ['east'] });
  const snapshot = snapshotIn(two.objects(), {});
  const asked = async (name: string): Promise<string[]> => {
    const services = [{ namespace: 'shop', name }];
    const { findings } = await judge(snapshot, factsOf(snapshot), [{ check, area: 'test', origin: 'test' }], { services });
    return findings.map(({ at }) => at.cluster);
  };
  expect(await asked('cart')).toEqual(['east']);
  expect(await asked('nothing')).toEqual(['east', 'north']);
});

test('what a check says it lacks is told only where it was not read whole', async () => {
  const check = defineCheck({
    id: 'test-open',
    title: 'nothing',
    severity: 'error',
    certainty: 'certain',
    scope: 'cluster',
    needs: ['namespaces'],
    docs: { why: '', confirm: '', fix: '' },
    messages: {},
    *run({ cluster, undecided }) {
      if (cluster.namespaces.length > 0)
        yield undecided('it depends', {
          missing: [
            { cluster: cluster.name, fact: 'pods' },
            { cluster: cluster.name, fact: 'nodes' },
          ],
        });
    },
  });
  const snapshot = snapshotIn(mesh().primaryRemote('east', 'west').objects(), {});
  const facts = factsOf(snapshot);
  const less = new Map([...facts].map(([name, own]) => [name, { ...own, nodes: { status: 'absent' as const } }]));
  const { outcomes } = await judge(snapshot, less, [{ check, area: 'test', origin: 'test' }], {});
  expect(outcomes.map((outcome) => (outcome.kind === 'inconclusive' ? outcome.missing.map(({ fact }) => fact) : outcome.kind))).toEqual([
    ['nodes'],
    ['nodes'],
  ]);
});

test('what cannot be judged because a control plane could not be read names what would have told', async () => {
  const check = defineCheck({
    id: 'test-couple',
    title: 'nothing',
    severity: 'error',
    certainty: 'certain',
    scope: 'managed',
    needs: { primary: ['controlPlanes'], member: ['namespaces'] },
    applies: { topology: ['primary-remote'] },
    docs: { why: '', confirm: '', fix: '' },
    messages: {},
    *run() {},
  });
  const registered = [
    { check, area: 'test', origin: 'test' },
    { check: { ...check, id: 'test-anywhere', applies: {} }, area: 'test', origin: 'test' },
  ];
  const snapshot = snapshotIn(mesh().primaryRemote('east', 'west').objects(), {});
  const refused = { status: 'forbidden', verb: 'list', resource: 'deployments.apps' } as const;
  const facts = new Map([...factsOf(snapshot)].map(([name, own]) => [name, name === 'east' ? { ...own, controlPlanes: refused } : own]));
  const { outcomes } = await judge(snapshot, facts, registered, {});
  const missing = outcomes.map((outcome) =>
    outcome.kind === 'inconclusive' ? outcome.missing.map(({ cluster, fact }) => `${cluster} ${fact}`) : outcome.kind,
  );
  expect(missing.length).toBeGreaterThan(1);
  for (const one of missing) expect(one).toContain('east controlPlanes');
});

test('checks that read no measurement run once, while probes wait, and the judgement is the same', async () => {
  const asked: string[] = [];
  const made = (id: string, uses: readonly FactName[], probed: readonly ObservedFactName[]): RegisteredCheck => ({
    area: 'test',
    origin: 'test',
    check: defineCheck({
      id,
      title: 'nothing',
      severity: 'error',
      certainty: 'certain',
      scope: 'cluster',
      needs: ['namespaces'],
      uses,
      applies: { probed },
      docs: { why: '', confirm: '', fix: '' },
      messages: { seen: (a: { cluster: string }) => ({ text: `${a.cluster} was seen.` }) },
      *run({ cluster, finding }) {
        asked.push(`${id} ${cluster.name}`);
        yield finding('seen', { cluster: cluster.name }, { at: cluster.ref });
      },
    }),
  });
  const checks = [
    made('test-seen', ['istiods'], []),
    made('test-read', ['services'], []),
    made('test-only-seen', ['sidecars'], ['sidecars']),
  ];
  const snapshot = snapshotIn(mesh().primaryRemote('east', 'west').objects(), {});
  const facts = factsOf(snapshot);
  const unmeasured = await judgeUnmeasured(facts, inferTopology(facts), checks);
  expect(asked).toEqual(['test-read east', 'test-read west']);
  const seen = new Map([...facts].map(([name, own]) => [name, { ...own, sidecars: { status: 'collected' as const, value: [] } }]));
  const whole = await judge(snapshot, seen, checks, { unmeasured });
  expect(asked.filter((one) => one.startsWith('test-read'))).toHaveLength(2);
  expect(whole).toEqual(await judge(snapshot, seen, checks));
});

test('what found nobody to ask is not named beside what was really lacking, and is no gap by itself', async () => {
  const check = defineCheck({
    id: 'test-measured',
    title: 'nothing',
    severity: 'error',
    certainty: 'certain',
    scope: 'cluster',
    needs: ['meshConfigs', 'istiodStates'],
    applies: { probed: ['istiodStates'] },
    docs: { why: '', confirm: '', fix: '' },
    messages: {},
    *run() {},
  });
  const snapshot = snapshotIn(mesh().primaryRemote('east', 'west').objects(), { observed: observedIn });
  const facts = factsOf(snapshot);
  const told = async (of: typeof facts): Promise<string[]> => {
    const { outcomes } = await judge(snapshot, of, [{ check, area: 'test', origin: 'test' }], {});
    return outcomes.flatMap((outcome) =>
      outcome.clusters.includes(clusterName('west'))
        ? [`${outcome.kind} ${outcome.kind === 'inconclusive' ? outcome.missing.map(({ fact }) => fact).join() : ''}`.trim()]
        : [],
    );
  };
  expect(await told(facts)).toEqual(['not-applicable']);
  const refused = { status: 'forbidden', verb: 'list', resource: 'configmaps' } as const;
  const less = new Map([...facts].map(([cluster, own]) => [cluster, { ...own, meshConfigs: refused }]));
  expect(await told(less)).toEqual(['inconclusive meshConfigs']);
});

test('nobody to ask is no answer where lists that name whom to ask were not read: those are what is lacking', async () => {
  const made = (id: string, scope: 'managed' | 'cluster', needs: unknown, probed: readonly ObservedFactName[]): RegisteredCheck => ({
    area: 'test',
    origin: 'test',
    check: {
      id,
      title: 'nothing',
      severity: 'error',
      certainty: 'certain',
      scope,
      needs: needs as never,
      applies: { probed },
      docs: { why: '', confirm: '', fix: '' },
      messages: {},
      *run() {},
    },
  });
  const called = made('test-called', 'managed', { primary: ['istiodHandshakes'], member: [] }, ['istiodHandshakes']);
  const held = made('test-held', 'cluster', ['sidecars'], ['sidecars']);
  const built = mesh()
    .primaryRemote('east', ['west', 'north'], { networks: 2 })
    .namespace('shop', { injected: true })
    .service('abc.shop', { in: ['east', 'west'] });
  const snapshot = snapshotIn(built.objects(), { observed: observedIn });
  const facts = factsOf(snapshot);
  const nobody = { status: 'not-asked', because: 'nothing to probe' } as const;
  const refused = (resource: string) => ({ status: 'forbidden', verb: 'list', resource }) as const;
  type Own = NonNullable<ReturnType<(typeof facts)['get']>>;
  const told = async (check: RegisteredCheck, changes: Readonly<Record<string, Partial<Own>>>): Promise<string[]> => {
    const less = new Map([...facts].map(([cluster, own]) => [cluster, { ...own, ...changes[cluster] }]));
    const { outcomes } = await judge(snapshot, less, [check], {});
    return outcomes.map(
      (outcome) =>
        `${outcome.clusters.join('+')} ${outcome.kind}${outcome.kind === 'inconclusive' ? ` ${outcome.missing.map(({ cluster, fact }) => `${cluster} ${fact}`).join()}` : ''}`,
    );
  };
  expect(await told(called, { east: { istiodHandshakes: nobody } })).toEqual([
    'east not-applicable',
    'east+north not-applicable',
    'east+west not-applicable',
  ]);
  // Between two clusters a third one silences nothing.
  expect(await told(called, { east: { istiodHandshakes: nobody }, west: { endpointSlices: refused('endpointslices') } })).toEqual([
    'east not-applicable',
    'east+north not-applicable',
    'east+west inconclusive west endpointSlices',
  ]);
  expect(await told(held, { west: { sidecars: nobody }, north: { controlPlanes: refused('deployments'), sidecars: nobody } })).toEqual([
    'east healthy',
    'north not-applicable',
    'west inconclusive north controlPlanes',
  ]);
});
