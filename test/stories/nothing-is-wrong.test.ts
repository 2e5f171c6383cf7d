import { describe, expect, test } from 'vitest';
import { type Edit, inOrder, put } from '../../src/builder/edits/edit.ts';
import { isRemoteSecret, isRootConfigMap } from '../../src/builder/edits/find.ts';
import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { crashes, loud, run, snapshotAt, told } from '../corpus/corpus.ts';

/*
 * "Nothing is wrong": a healthy mesh of every topology, with what looks odd in it and is not, read by somebody who may not read Secrets.
 * Nobody is accused, what could not be read is named, and with --allow-incomplete=forbidden the run ends well.
 */

const withShop = (built: MeshBuilder): MeshBuilder =>
  built.namespace('shop', { injected: true }).service('abc.shop').workload('client.shop').namespace('plain').workload('batch.plain');

const topologies: Readonly<Record<string, MeshBuilder>> = {
  'primary-remote, two networks': withShop(mesh().primaryRemote('c1', 'c2', { networks: 2, revision: '1-31-0' })),
  'multi-primary, two networks': withShop(mesh().multiPrimary('c1', 'c2', { networks: 2 })),
  'primary-remote, one network': withShop(mesh().primaryRemote('c1', 'c2', { networks: 1 })),
  'multi-primary, one network': withShop(mesh().multiPrimary('c1', 'c2', { networks: 1 })),
  'an external control plane': mesh().externalControlPlane('c1', 'c2', { remotes: ['c3'] }),
  ambient: mesh().ambient('c1', 'c2'),
};

const everywhere =
  (change: (object: KubeObject, cluster: string) => KubeObject): Edit =>
  (objects) =>
    new Map([...objects].map(([cluster, own]) => [cluster, own.map((object) => change(object, cluster))]));

/** Somebody gave the Secrets names of their own; only their label and keys count. */
const namedFreely = everywhere((object) =>
  object.kind === 'Secret' && isRemoteSecret(object) && object.metadata.name.startsWith('istio-remote-secret-')
    ? put(object, ['metadata', 'name'], object.metadata.name.replace('istio-remote-secret-', 'mesh-access-'))
    : object,
);

/** A namespace that is kept out of the mesh, with Istio's root in it as in every other. */
const keptOut: Edit = (objects) =>
  new Map(
    [...objects].map(([cluster, own]) => {
      const root = own.find(isRootConfigMap);
      const namespace: KubeObject = {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'kept-out', labels: { 'istio-injection': 'disabled', 'kubernetes.io/metadata.name': 'kept-out' } },
        status: { phase: 'Active' },
      };
      return [cluster, [...own, namespace, ...(root === undefined ? [] : [put(root, ['metadata', 'namespace'], 'kept-out')])]];
    }),
  );

/** What somebody sees who may not read Secrets. */
function withoutSecrets(snapshot: Snapshot): Snapshot {
  return {
    ...snapshot,
    clusters: snapshot.clusters.map((cluster) => ({
      ...cluster,
      kinds: { ...cluster.kinds, secrets: { status: 'forbidden', verb: 'list', resource: 'secrets' } },
    })),
  };
}

describe('nothing is wrong', () => {
  test.each(Object.entries(topologies))('%s', async (_name, built) => {
    const snapshot = withoutSecrets(snapshotAt(inOrder(namedFreely, keptOut)(built.objects()), built.takenAt));
    const { judgement, report } = await run(snapshot, { allowIncomplete: 'forbidden' });
    expect([...crashes(judgement), ...loud(judgement.findings).map(told)]).toEqual([]);
    expect(report.notChecked.filter(({ why }) => why !== 'forbidden').map(({ why, reason }) => `${why}: ${reason}`)).toEqual([]);
    expect(report.notChecked.length).toBeGreaterThan(0);
    expect(report.exit).toMatchObject({ code: 0 });
  });

  test.each(Object.entries(topologies))('%s, with everything to be read', async (_name, built) => {
    const { judgement, report } = await run(snapshotAt(inOrder(namedFreely, keptOut)(built.objects()), built.takenAt));
    expect([...crashes(judgement), ...loud(judgement.findings).map(told)]).toEqual([]);
    expect(report.exit).toMatchObject({ code: 0 });
  });
});
