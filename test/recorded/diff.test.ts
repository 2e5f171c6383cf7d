import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtin } from '../../checks/index.ts';
import { compare, type Comparison, type Side } from '../../src/compare/compare.ts';
import { runOptions } from '../../src/config/options.ts';
import { objectPath } from '../../src/model/refs.ts';
import type { KindRead, Snapshot } from '../../src/model/snapshot.ts';
import { judgeSnapshot } from '../../src/run/check.ts';
import { kindsRead } from '../../src/run/plan.ts';
import { replayed } from '../../src/run/replay.ts';
import { readRecording } from '../../src/source/recording.ts';
import { prepared } from '../support/live-check.ts';
import { root } from '../support/run-cli.ts';

/* A healthy real mesh beside the same with one thing broken by hand: what was done has to come first among all that differs. */

const given = runOptions({ from: ['x'] }, undefined, { cwd: '/', now: '2099-01-01T00:00:00Z' });
const io = { version: '0', nodeVersion: '20', builtIn: builtin };
const known = kindsRead(builtin);

async function side(name: string, lose: (snapshot: Snapshot) => Snapshot = (same) => same): Promise<Side> {
  const { snapshot, options } = replayed(await readRecording(join(root, 'fixtures/recorded', `${name}.json.gz`)), given, builtin);
  const less = lose(snapshot);
  return { snapshot: less, report: await judgeSnapshot(less, options, prepared, io), at: options.now };
}

const healthy = await side('primary-remote');
const first = ({ changes }: Comparison): string => {
  const [change] = changes;
  if (change === undefined) return 'nothing';
  const field =
    change.fields.find(({ path }) => change.change === 'changed' && /label|annotation|selector|replicas|server/.test(path))?.path ?? '';
  return `${change.change} ${change.ref.cluster} ${objectPath(change.ref)} ${field}`.trim();
};

test.each([
  ['network-label-removed', 'changed cluster2 Namespace/istio-system .metadata.labels["topology.istio.io/network"]'],
  ['namespace-on-unserved-revision', 'changed cluster2 Namespace/sample .metadata.labels["istio.io/rev"]'],
  ['gateway-without-network', 'changed cluster2 Service/istio-system/istio-eastwestgateway .metadata.labels["topology.istio.io/network"]'],
  ['istiod-scaled-to-zero', 'changed cluster1 Deployment/istio-system/istiod-1-31-0 .spec.replicas'],
  ['reader-unbound', 'removed cluster2 ClusterRoleBinding/istio-reader-clusterrole-1-31-0-istio-system'],
  ['policy-in-remote', 'added cluster2 PeerAuthentication/sample/default'],
  ['injectors-deleted', 'removed cluster2 MutatingWebhookConfiguration/istio-revision-tag-default'],
])('%s', { timeout: 60_000 }, async (name, expected) => {
  const broken = await side(name);
  const comparison = compare(healthy, broken, known);
  expect(first(comparison)).toBe(expected);
  const introduced = comparison.introduced.map(({ fingerprint }) => fingerprint);
  expect(introduced).not.toEqual([]);
  expect(comparison.changes[0]?.explains.every((key) => introduced.includes(key))).toBe(true);
  // And back: what appeared is what goes.
  const back = compare(broken, healthy, known);
  expect([back.fixed.map(({ fingerprint }) => fingerprint), back.introduced]).toEqual([introduced, []]);
});

test('who wrote it, and when', async () => {
  const [change] = compare(healthy, await side('network-label-removed'), known).changes;
  expect(change?.by.map(({ manager, operation }) => [manager, operation])).toEqual([['kubectl-client-side-apply', 'Update']]);
  expect(change?.by[0]?.at).toMatch(/^2026-/);
});

describe('what one side could not look at', () => {
  const without =
    (kind: string, cluster: string) =>
    (snapshot: Snapshot): Snapshot => ({
      ...snapshot,
      clusters: snapshot.clusters.map((one) => {
        const read: KindRead = { status: 'forbidden', verb: 'list', resource: kind };
        return one.name === cluster ? { ...one, kinds: { ...one.kinds, [kind]: read } } : one;
      }),
    });

  test('is incomparable, not introduced and not fixed', { timeout: 60_000 }, async () => {
    const broken = await side('network-label-removed');
    const blind = await side('primary-remote', without('namespaces', 'cluster2'));
    const forwards = compare(blind, broken, known);
    const backwards = compare(broken, blind, known);
    expect(forwards.introduced.map(({ code }) => code)).not.toContain('missing-network-label');
    expect(forwards.incomparable.map(({ finding, blind: where }) => [finding.code, where])).toContainEqual([
      'missing-network-label',
      'before',
    ]);
    expect(backwards.fixed).toEqual([]);
    expect(backwards.incomparable.map(({ finding, blind: where }) => [finding.code, where])).toContainEqual([
      'missing-network-label',
      'after',
    ]);
    expect(forwards.notCompared).toEqual([{ cluster: 'cluster2', kind: 'namespaces', side: 'before', why: 'forbidden' }]);
    expect(forwards.changes.filter(({ ref }) => ref.kind === 'Namespace' && ref.cluster === 'cluster2')).toEqual([]);
  });
});

test('the same look twice differs in nothing', () => {
  expect(compare(healthy, healthy, known)).toMatchObject({ introduced: [], fixed: [], incomparable: [], changes: [], remade: [] });
});
