import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { projectFacts } from '../collect/facts.ts';
import { observedFacts } from '../model/observations.ts';
import { openManifests } from './manifests.ts';

/** Real meshes: a folder per mesh, a folder per cluster. Without MESHDOCTOR_CORPUS these tests are skipped, visibly. */
const corpus = process.env['MESHDOCTOR_CORPUS'];

const meshes = {
  'primary-remote-1.31': ['cluster1', 'cluster2'],
  'primary-remote-1.24': ['cluster9', 'cluster10'],
  'multi-primary-1.31': ['cluster3', 'cluster4'],
  'ambient-1.31': ['cluster5', 'cluster6'],
  'external-1.31': ['cluster7', 'cluster8'],
};

describe.skipIf(corpus === undefined || !existsSync(corpus))('real meshes are read', () => {
  const open = (mesh: string, clusters: readonly string[]) =>
    openManifests({ clusters: clusters.map((name) => ({ name, dir: join(corpus ?? '', mesh, name) })), complete: true });

  test.each(Object.entries(meshes))('%s: nothing odd, nothing unread, every fact collected', async (mesh, clusters) => {
    for (const cluster of await open(mesh, clusters)) {
      expect(cluster).toMatchObject({ oddities: {}, unread: [] });
      const missing = Object.entries(projectFacts(cluster)).filter(([, fact]) => fact.status !== 'collected');
      expect(missing.map(([name]) => name).toSorted()).toEqual(['clock', 'today', ...observedFacts].toSorted());
    }
  });

  test.each(Object.entries(meshes))('%s: no token and no key is recorded', async (mesh, clusters) => {
    const written = JSON.stringify(await open(mesh, clusters));
    expect(written).not.toMatch(/eyJ[A-Za-z0-9_-]{10}/);
    expect(written).not.toContain('BEGIN');
    expect(written).not.toContain('last-applied');
  });

  test('which namespaces hold an istiod, and what each istiod is', async () => {
    const facts = (await open('external-1.31', meshes['external-1.31'])).map((cluster) => projectFacts(cluster));
    const found = facts.map(({ controlPlanes, meshConfigs }) =>
      [controlPlanes, meshConfigs].map((fact) =>
        fact.status === 'collected' ? fact.value.map((entry) => `${entry.namespace}/${entry.ref.name}`) : [],
      ),
    );
    expect(found).toEqual([
      [
        ['external-istiod/istiod', 'istio-system/istiod'],
        ['external-istiod/istio', 'istio-system/istio'],
      ],
      [[], ['external-istiod/istio']],
    ]);
    const [external] = facts.flatMap(({ controlPlanes }) => (controlPlanes.status === 'collected' ? controlPlanes.value : []));
    expect(external).toMatchObject({ clusterId: 'cluster8', externalIstiod: true, remoteKubeconfigSecret: 'istio-kubeconfig' });
  });

  test('the east-west gateway of an ambient mesh is a gateway, though it runs as a waypoint', async () => {
    const [cluster] = await open('ambient-1.31', ['cluster5']);
    const pods = cluster === undefined ? undefined : projectFacts(cluster).pods;
    expect(pods?.status === 'collected' && pods.value.flatMap((pod) => pod.proxy?.kind ?? [])).toEqual(['gateway', 'ztunnel']);
  });

  test('the same objects as YAML give the same snapshot, apart from where they were read', async () => {
    const json = join(corpus ?? '', 'primary-remote-1.31', 'cluster1');
    const yaml = mkdtempSync(join(tmpdir(), 'meshdoctor-'));
    try {
      for (const file of readdirSync(json)) {
        const value: unknown = JSON.parse(readFileSync(join(json, file), 'utf8'));
        writeFileSync(join(yaml, file.replace(/json$/, 'yaml')), stringify(value, { version: '1.1' }));
      }
      const snapshots = await Promise.all(
        [json, yaml].map((dir) => openManifests({ clusters: [{ name: 'cluster1', dir }], complete: true })),
      );
      const [first, second] = snapshots.map((snapshot) =>
        JSON.stringify(snapshot, (key, value: unknown) => (key === 'origin' ? undefined : value)),
      );
      expect(second === first).toBe(true);
    } finally {
      rmSync(yaml, { recursive: true, force: true });
    }
  });
});
