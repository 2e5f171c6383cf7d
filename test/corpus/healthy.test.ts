import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Mesh } from '../../src/mesh/topology.ts';
import { valueOf } from '../../src/mesh/derived.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { openManifests } from '../../src/source/manifests.ts';
import { corpus, crashes, loud, type RealMesh, realMeshes, realMeshNames, run, told } from './corpus.ts';

async function open(mesh: RealMesh, options: { complete?: boolean; takenAt?: string } = {}): Promise<Snapshot> {
  const clusters = realMeshes[mesh].clusters.map((name) => ({ name, dir: join(corpus, mesh, name) }));
  return { schema: 1, source: { kind: 'manifests' }, clusters: await openManifests({ clusters, ...options }), observations: [] };
}

async function heard(snapshot: Snapshot): Promise<readonly string[]> {
  const { judgement } = await run(snapshot);
  return [...crashes(judgement), ...loud(judgement.findings).map(told)];
}

describe.skipIf(corpus === '')('real healthy meshes', () => {
  describe.each(realMeshNames)('%s', (mesh) => {
    const { takenAt } = realMeshes[mesh];

    test('silent and exit 0 as a whole at the time it was read', async () => {
      const { judgement, report } = await run(await open(mesh, { complete: true, takenAt }));
      expect([...crashes(judgement), ...loud(judgement.findings).map(told)]).toEqual([]);
      expect(report.exit).toEqual({ code: 0, reason: 'no finding at or above --fail-on=error' });
      // Silence is worth something only where everything was looked at.
      expect(report.notChecked).toEqual([]);
    });

    test('silent and exit 0 as a whole without a time', async () => {
      const { judgement, report } = await run(await open(mesh, { complete: true }));
      expect([...crashes(judgement), ...loud(judgement.findings).map(told)]).toEqual([]);
      expect(report.exit.code).toBe(0);
    });

    test('silent when the directories do not claim to be whole, and with any one kind of object left out', async () => {
      const snapshot = await open(mesh, { takenAt });
      const lines = (await heard(snapshot)).map((line) => `all there: ${line}`);
      for (const [index, cluster] of snapshot.clusters.entries()) {
        for (const [kind, read] of Object.entries(cluster.kinds)) {
          if (read.status !== 'read') continue;
          const kinds = { ...cluster.kinds, [kind]: { status: 'not-asked', because: 'directory does not say' } as const };
          const less = { ...snapshot, clusters: snapshot.clusters.with(index, { ...cluster, kinds }) };
          lines.push(...(await heard(less)).map((line) => `without ${kind} of ${cluster.name}: ${line}`));
        }
      }
      expect(lines).toEqual([]);
    });
  });

  test('a file left out is a kind left out', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-'));
    try {
      cpSync(join(corpus, 'primary-remote-1.31/cluster2'), folder, { recursive: true, filter: (file) => !file.endsWith('secrets.json') });
      const [less] = await openManifests({ clusters: [{ name: 'cluster2', dir: folder }] });
      const [whole] = (await open('primary-remote-1.31')).clusters.slice(1);
      const states = (kinds: Snapshot['clusters'][number]['kinds'] | undefined) =>
        Object.fromEntries(Object.entries(kinds ?? {}).map(([kind, { status }]) => [kind, status]));
      expect(states(less?.kinds)).toEqual({ ...states(whole?.kinds), secrets: 'not-asked' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe.skipIf(corpus === '')('the topology of real meshes', () => {
  async function meshesOf(mesh: RealMesh): Promise<readonly Mesh[]> {
    return (await run(await open(mesh, { complete: true }))).judgement.topology.meshes;
  }

  /** What people would say of a mesh. */
  function summary(mesh: Mesh): unknown {
    return {
      kind: valueOf(mesh.kind),
      networks: mesh.networks,
      controlPlanes: mesh.controlPlanes.map(({ cluster, namespace, revision }) => `${cluster} ${namespace} ${revision}`),
      members: Object.fromEntries(
        [...mesh.members.values()].map((member) => [
          member.cluster,
          {
            role: valueOf(member.role),
            id: valueOf(member.clusterId),
            network: valueOf(member.network),
            servedBy: valueOf(member.servedBy)?.map(({ cluster, revision }) => `${cluster} ${revision}`),
          },
        ]),
      ),
    };
  }

  test.each([
    ['primary-remote-1.31', 'cluster1', 'cluster2', '1-31-0'],
    ['primary-remote-1.24', 'cluster9', 'cluster10', '1-24-6'],
  ] as const)('%s: %s serves %s with revision %s', async (name, primary, remote, revision) => {
    const meshes = await meshesOf(name);
    expect(meshes.map(summary)).toEqual([
      {
        kind: 'primary-remote',
        networks: ['network1', 'network2'],
        controlPlanes: [`${primary} istio-system ${revision}`],
        members: {
          [primary]: { role: 'primary', id: primary, network: 'network1', servedBy: [`${primary} ${revision}`] },
          [remote]: { role: 'remote', id: remote, network: 'network2', servedBy: [`${primary} ${revision}`] },
        },
      },
    ]);
  });

  test.each([
    ['multi-primary-1.31', 'cluster3', 'cluster4', ['network3', 'network4'], 'sidecar'],
    ['ambient-1.31', 'cluster5', 'cluster6', ['network5', 'network6'], 'ambient'],
  ] as const)('%s: two primaries on two networks', async (name, first, second, networks, dataPlane) => {
    const meshes = await meshesOf(name);
    expect(meshes.map(summary)).toEqual([
      {
        kind: 'multi-primary',
        networks,
        controlPlanes: [`${first} istio-system default`, `${second} istio-system default`],
        members: {
          [first]: { role: 'primary', id: first, network: networks[0], servedBy: [`${first} default`] },
          [second]: { role: 'primary', id: second, network: networks[1], servedBy: [`${second} default`] },
        },
      },
    ]);
    expect(meshes[0]?.dataPlanes).toContain(dataPlane);
  });

  test('external-1.31: cluster7 runs the control plane of cluster8, and beside it a mesh of its own', async () => {
    const meshes = await meshesOf('external-1.31');
    expect(
      meshes.map((mesh) => [
        valueOf(mesh.kind),
        Object.fromEntries([...mesh.members.values()].map((member) => [member.cluster, valueOf(member.role)])),
      ]),
    ).toEqual([
      ['external', { cluster7: 'external', cluster8: 'config' }],
      ['single-cluster', { cluster7: 'primary' }],
    ]);
    expect(meshes[0]?.controlPlanes.map(({ cluster, namespace }) => `${cluster} ${namespace}`)).toEqual(['cluster7 external-istiod']);
    expect(valueOf(meshes[0]?.members.get('cluster8' as never)?.servedBy ?? { unknown: [] })?.map(({ cluster }) => cluster)).toEqual([
      'cluster7',
    ]);
  });
});
