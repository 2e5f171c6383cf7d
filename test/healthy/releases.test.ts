import { describe, expect, test } from 'vitest';
import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';
import { crashes, loud, run, snapshotAt, told } from '../corpus/corpus.ts';

/** Every topology as each of these releases sets it up; clusters on several networks in ambient mode came with 1.27. */
const releases = ['1.24.6', '1.27.9', '1.28.6', '1.29.4', '1.30.3', '1.31.0'] as const;

const withShop = (built: MeshBuilder): MeshBuilder =>
  built.namespace('shop', { injected: true }).service('abc.shop').namespace('plain').workload('batch.plain');

const topologies: Readonly<Record<string, (release: string) => MeshBuilder>> = {
  'primary-remote on two networks': (release) => withShop(mesh().primaryRemote('east', 'west', { networks: 2, release })),
  'primary-remote on two networks, with a revision': (release) =>
    withShop(mesh().primaryRemote('east', 'west', { networks: 2, release, revision: release.replaceAll('.', '-') })),
  'primary-remote on one network': (release) => withShop(mesh().primaryRemote('east', 'west', { networks: 1, release })),
  'multi-primary on two networks': (release) => withShop(mesh().multiPrimary('east', 'west', { networks: 2, release })),
  'multi-primary on one network': (release) => withShop(mesh().multiPrimary('east', 'west', { networks: 1, release })),
  'an external control plane': (release) => mesh().externalControlPlane('outside', 'inside', { remotes: ['south'], release }),
  'hub and spokes': (release) => withShop(mesh().primaryRemote('east', ['west', 'south'], { networks: 2, release })),
};

describe.each(Object.entries(topologies))('%s', (_name, built) => {
  test.each(releases)('%s is silent', async (release) => {
    const one = built(release);
    const { judgement, report } = await run(snapshotAt(one.objects(), one.takenAt));
    expect([...crashes(judgement), ...loud(judgement.findings).map(told)]).toEqual([]);
    expect(report.exit).toMatchObject({ code: 0 });
  });
});

test.each(['1.27.9', '1.28.6', '1.29.4', '1.30.3', '1.31.0'])('ambient on several networks, %s, is silent', async (release) => {
  const one = mesh().ambient('east', 'west', { release });
  const { judgement } = await run(snapshotAt(one.objects(), one.takenAt));
  expect([...crashes(judgement), ...loud(judgement.findings).map(told)]).toEqual([]);
});

test.each(['1-24-6', '1-27-9', '1-28-6', '1-30-3'])('a canary from %s to the newest release is silent', async (from) => {
  for (const stage of ['control-plane', 'remote'] as const) {
    const one = withShop(mesh().canary('east', 'west', { from, to: '1-31-0', stage }));
    const { judgement } = await run(snapshotAt(one.objects(), one.takenAt));
    expect([...crashes(judgement), ...loud(judgement.findings).map(told)]).toEqual([]);
  }
});
