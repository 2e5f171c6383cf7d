import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtin } from '../../checks/index.ts';
import { runOptions } from '../../src/config/options.ts';
import { sightingOf } from '../../src/history/sighting.ts';
import { advance } from '../../src/history/state.ts';
import type { ClusterSnapshot, KindRead, Snapshot } from '../../src/model/snapshot.ts';
import { judgeSnapshot } from '../../src/run/check.ts';
import { kindsRead } from '../../src/run/plan.ts';
import { openManifests } from '../../src/source/manifests.ts';
import { prepared } from '../support/live-check.ts';
import { root } from '../support/run-cli.ts';

/* Nothing was repaired: whatever can no longer be read of a broken mesh, nothing of it may be called cleared. */

const options = runOptions({ manifests: [], advice: true }, undefined, { cwd: root, now: '2026-11-24T12:00:00Z' });
const io = { version: '0', nodeVersion: '20', builtIn: builtin };
const known = kindsRead(builtin);
const folder = join(root, 'fixtures/demo/broken');
const clusters = await openManifests({ clusters: ['east', 'west'].map((name) => ({ name, dir: join(folder, name) })), complete: true });
const snapshot: Snapshot = { schema: 1, source: { kind: 'manifests' }, clusters, observations: [] };
const sighting = async (one: Snapshot) => sightingOf(await judgeSnapshot(one, options, prepared, io), options.now, known);
const { state } = advance(undefined, await sighting(snapshot));

async function clearedBy(lose: (cluster: ClusterSnapshot) => ClusterSnapshot): Promise<readonly string[]> {
  const { transitions } = advance(state, await sighting({ ...snapshot, clusters: clusters.map(lose) }));
  return transitions.flatMap((one) => (one.kind === 'cleared' ? [one.finding.key] : []));
}

const lost: readonly KindRead[] = [
  { status: 'forbidden', verb: 'list', resource: 'things' },
  { status: 'failed', code: 'timeout', reason: 'no answer' },
];

test('there is something to lose, and all of it is cleared where the mesh is in order', async () => {
  const whole = join(root, 'fixtures/demo/healthy');
  const inOrder = await openManifests({ clusters: ['east', 'west'].map((name) => ({ name, dir: join(whole, name) })), complete: true });
  const { transitions } = advance(state, await sighting({ ...snapshot, clusters: inOrder }));
  expect(transitions.flatMap((one) => (one.kind === 'cleared' ? [one.finding.key] : []))).toEqual([...state.findings.keys()].sort());
  expect(state.findings.size).toBeGreaterThan(5);
});

describe.each(['east', 'west'])('of %s', (name) => {
  test.each(Object.keys(clusters[0]?.kinds ?? {}))('%s', async (kind) => {
    for (const read of lost) {
      expect(
        await clearedBy((cluster) => (cluster.name === name ? { ...cluster, kinds: { ...cluster.kinds, [kind]: read } } : cluster)),
      ).toEqual([]);
    }
  });

  test('everything', async () => {
    const failed: KindRead = { status: 'failed', code: 'timeout', reason: 'cluster not reached' };
    expect(
      await clearedBy((cluster) =>
        cluster.name === name
          ? {
              ...cluster,
              unreached: { server: 'https://x', code: 'timeout', reason: 'no answer' },
              kinds: Object.fromEntries(Object.keys(cluster.kinds).map((kind) => [kind, failed])),
            }
          : cluster,
      ),
    ).toEqual([]);
  });
});
