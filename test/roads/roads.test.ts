import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { withAskedEndpoints } from '../support/asked-endpoints.ts';
import { mesh } from '../../src/builder/mesh.ts';
import { projectFacts } from '../../src/collect/facts.ts';
import { controlPlaneClusters } from '../../src/builder/edits/topology-leadership.ts';
import { gatewayAddressPending } from '../../src/builder/edits/east-west.ts';
import { inOrder } from '../../src/builder/edits/edit.ts';
import { type Flags, type RunOptions, runOptions } from '../../src/config/options.ts';
import type { KubeObject, MeshObjects } from '../../src/model/kube.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import type { Report } from '../../src/report/schema.ts';
import { judgeSnapshot } from '../../src/run/check.ts';
import { openMesh } from '../../src/run/live.ts';
import { recordingOf, replayed } from '../../src/run/replay.ts';
import { select } from '../../src/run/select.ts';
import { reporters } from '../../src/report/formats.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { openManifests, rawManifests } from '../../src/source/manifests.ts';
import { decodeRecording, encodeRecording } from '../../src/source/recording.ts';
import { builtin } from '../../checks/index.ts';
import { prepared, readLive } from '../support/live-check.ts';

/*
 * Four roads, one snapshot: a mesh that is served and asked, the same mesh in a directory, and what either road has read, recorded and
 * replayed. Where an object was read is the only thing that may differ.
 */

const corpus = process.env['MESHDOCTOR_CORPUS'] ?? '';
const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-roads-'));
const now = '2026-11-24T12:00:00Z';

/** Without where it was read. Of clusters that could have been probed the verdict says how much was not measured. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, item: unknown) => {
      if (key === 'text' && typeof item === 'string') return item.replace(/, \d+ not measured/, '');
      return key === 'origin' || key === 'source' || key === 'recorded' ? undefined : item;
    }),
  );

/** What every API server gives an object and a recording may have left out. */
function served(object: KubeObject, createdAt: string): KubeObject {
  const { metadata } = object;
  const uid = `${object.kind}-${metadata.namespace ?? ''}-${metadata.name}`;
  return { ...object, metadata: { creationTimestamp: createdAt, uid, resourceVersion: '1', ...metadata } };
}

async function judged(snapshot: Snapshot): Promise<Report> {
  const options = runOptions({ manifests: [], service: ['abc.sample:5000'] }, undefined, { cwd: folder, now });
  return await judgeSnapshot(snapshot, options, prepared, { version: '0', nodeVersion: '20', builtIn: builtin });
}

/** Recorded, and judged years later. */
async function rejudged(snapshot: Snapshot): Promise<Report> {
  const then = runOptions({ manifests: [], service: ['abc.sample:5000'] }, undefined, { cwd: folder, now });
  const bytes = await encodeRecording(recordingOf(snapshot, then, '0'), 'mesh.json.gz');
  const later = runOptions({ from: ['mesh.json.gz'] }, undefined, { cwd: folder, now: '2046-01-01T00:00:00Z' });
  const { snapshot: again, options } = replayed(await decodeRecording(bytes, 'mesh.json.gz'), later, builtin);
  return await judgeSnapshot(again, options, prepared, { version: '0', nodeVersion: '20', builtIn: builtin });
}

/** Served to the letter, with the clock of the recording, and read over TLS. */
async function asked(objects: MeshObjects, clock: string): Promise<Snapshot> {
  const sandbox = await startSandbox(objects, { clock, takenAt: clock, reconcile: false, mintCertificates: false });
  try {
    const file = join(folder, 'kubeconfig');
    writeFileSync(file, sandbox.kubeconfig());
    const options = runOptions({ context: [...objects.keys()], probe: 'off' }, undefined, { cwd: folder, now });
    const { snapshot } = await openMesh(
      options,
      options.live!,
      builtin,
      {
        env: { KUBECONFIG: file },
        home: folder,
        platform: process.platform,
        cwd: folder,
        isInteractive: false,
        deadline: (milliseconds) => AbortSignal.timeout(milliseconds),
      },
      undefined,
    );
    return snapshot;
  } finally {
    await sandbox.close();
  }
}

async function directory(clusters: readonly { readonly name: string; readonly dir: string }[], takenAt: string): Promise<Snapshot> {
  return {
    schema: 1,
    source: { kind: 'manifests' },
    clusters: await openManifests({ clusters, complete: true, takenAt }),
    observations: [],
  };
}

async function expectOneSnapshot(live: Snapshot, read: Snapshot): Promise<void> {
  // The clock of a served mesh runs; everything else stands still.
  const still = (snapshot: Snapshot): Snapshot => ({
    ...snapshot,
    clusters: snapshot.clusters.map((cluster, index) => ({
      ...cluster,
      takenAt: read.clusters[index]!.takenAt!,
      version: read.clusters[index]!.version!,
    })),
  });
  for (const [index, cluster] of read.clusters.entries()) {
    const [ofServer, ofFiles] = [still(live).clusters[index]!, cluster].map((one) => withAskedEndpoints(projectFacts(one, now)));
    expect(plain(ofServer), cluster.name).toEqual(plain(ofFiles));
  }
  const report = plain(await judged(read));
  expect(plain(await judged(still(live)))).toEqual(report);
  for (const snapshot of [still(live), read]) expect(plain(await rejudged(snapshot))).toEqual(report);
}

describe.skipIf(corpus === '')('real meshes', () => {
  const meshes = [
    ['primary-remote-1.31', '2026-11-22T21:27:43Z'],
    ['primary-remote-1.24', '2026-11-22T22:23:28Z'],
    ['multi-primary-1.31', '2026-11-22T21:55:19Z'],
    ['ambient-1.31', '2026-11-22T22:18:46Z'],
    ['external-1.31', '2026-11-22T22:33:35Z'],
  ] as const;
  test.each(meshes)('%s', async (name, takenAt) => {
    const objects = new Map<string, readonly KubeObject[]>();
    const dirs: { name: string; dir: string }[] = [];
    for (const one of readdirSync(join(corpus, name)).filter((entry) => entry.startsWith('cluster'))) {
      const dir = join(folder, name, one);
      const own = ((await rawManifests(join(corpus, name, one))).objects as readonly KubeObject[]).map((object) => served(object, takenAt));
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, 'objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: own }));
      cpSync(join(corpus, name, one, 'version.json'), join(dir, 'version.json'));
      objects.set(one, own);
      dirs.push({ name: one, dir });
    }
    await expectOneSnapshot(await asked(objects, takenAt), await directory(dirs, takenAt));
  });
});

test('a mesh of the builder', async () => {
  const built = mesh()
    .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
    .namespace('shop', { injected: true })
    .service('abc.shop');
  const dirs = [...built.objects()].map(([name, objects]) => {
    const dir = mkdtempSync(join(folder, name));
    writeFileSync(join(dir, 'objects.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    writeFileSync(join(dir, 'version.json'), JSON.stringify({ major: '1', minor: '34', gitVersion: 'v1.34.4' }));
    return { name, dir };
  });
  await expectOneSnapshot(await asked(built.objects(), built.takenAt), await directory(dirs, built.takenAt));
});

describe('what was asked live and probed, recorded and judged again', () => {
  const built = mesh()
    .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
    .namespace('shop', { injected: true })
    .service('abc.shop')
    .edit(
      inOrder(
        gatewayAddressPending({ cluster: 'west' }),
        controlPlaneClusters({ cluster: 'west', primary: 'east', value: 'other', leader: 'never' }),
      ),
    );
  const io = { version: '0', nodeVersion: '20', builtIn: builtin };
  const later = (flags: Flags): RunOptions =>
    runOptions({ from: ['x'], ...flags }, undefined, { cwd: folder, now: '2046-01-01T00:00:00Z' });

  test.each([
    ['a list fails', /\/secrets/],
    ['a cluster does not answer', /./],
  ])('gives the same report to the byte, in every format: %s', { timeout: 60_000 }, async (_, match) => {
    const sandbox = await startSandbox(built.objects(), { takenAt: built.takenAt, reconcile: false });
    try {
      // Gaps are part of the report too; and a cluster that was not reached has no present but the run's.
      sandbox.clusters.get('west')!.setFault({ kind: 'status', status: 500, match });
      const { options, read } = await readLive(sandbox, { service: ['abc.shop:80'] });
      const { snapshot, ...known } = read;
      expect(snapshot.observations.flatMap(({ nameAnswers }) => (nameAnswers?.status === 'observed' ? nameAnswers.value : []))).not.toEqual(
        [],
      );
      const live = await judgeSnapshot(snapshot, options, prepared, io, known);
      expect([...live.causes, ...live.notChecked]).not.toEqual([]);
      const bytes = await encodeRecording(recordingOf(snapshot, options, '0'), 'x.json.gz');
      const again = replayed(await decodeRecording(bytes, 'x'), later({}), builtin);
      const { recorded, ...report } = await judgeSnapshot(again.snapshot, again.options, prepared, io);
      expect(recorded).toEqual({ at: options.now, version: '0', of: 'live' });
      for (const reporter of reporters) {
        for (const verbosity of [0, 2]) {
          const style = { width: 100, colour: false, unicode: true, verbosity };
          expect(reporter.render({ ...report, source: 'live' }, style)).toBe(reporter.render(live, style));
        }
      }
    } finally {
      await sandbox.close();
    }
  });

  test('and a narrower selection sees of it what it would have asked for', { timeout: 60_000 }, async () => {
    const sandbox = await startSandbox(built.objects(), { takenAt: built.takenAt, reconcile: false });
    try {
      const checks = select(builtin, { only: ['missing-network-label'], skip: [], advice: false });
      const all = await readLive(sandbox, { probe: 'off' });
      const some = await readLive(sandbox, { probe: 'off' }, checks);
      const { snapshot } = replayed(recordingOf(all.read.snapshot, all.options, '0'), later({}), checks);
      const states = ({ clusters }: Snapshot): unknown => clusters.map(({ kinds, oddities }) => [plain(kinds), oddities]);
      expect(states(snapshot)).toEqual(states(some.read.snapshot));
      expect(states(snapshot)).not.toEqual(states(all.read.snapshot));
    } finally {
      await sandbox.close();
    }
  });
});

afterAll(() => rmSync(folder, { recursive: true }));
