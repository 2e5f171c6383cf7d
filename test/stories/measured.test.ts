import { describe, expect, test } from 'vitest';
import { type Edit, inCluster } from '../../src/builder/edits/edit.ts';
import { isPod } from '../../src/builder/edits/find.ts';
import { nodesOf } from '../../src/builder/edits/load-balancer.ts';
import { podsRefused } from '../../src/builder/edits/refusals.ts';
import { istiodOfRelease, proxiesOfRelease } from '../../src/builder/edits/release.ts';
import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';
import type { IstiodReplica } from '../../src/model/observations.ts';
import { observedIn } from '../../src/testkit/observed.ts';
import { type ObservedEdit, replicas } from '../../src/testkit/observed-edits.ts';
import { crashes, loud, run, snapshotAt, told } from '../corpus/corpus.ts';

/* Stories of what only probes tell, which directories of objects do not hold. */

const services = [{ namespace: 'shop', name: 'abc' }];
const withShop = (built: MeshBuilder): MeshBuilder => built.namespace('shop', { injected: true }).service('abc.shop');

async function heard(built: MeshBuilder, ...edits: readonly ObservedEdit[]) {
  const objects = built.objects();
  const observations = edits.reduce((before, edit) => edit(before), observedIn(objects, services));
  const { judgement, causes } = await run({ ...snapshotAt(objects, built.takenAt), observations }, { service: ['abc.shop'] });
  expect(crashes(judgement)).toEqual([]);
  return causes.map(({ finding }) => finding).filter((finding) => loud([finding]).length > 0);
}

/** The istiod of a cluster runs three times. */
const threefold = (cluster: string): Edit =>
  inCluster(cluster, (objects) =>
    objects.flatMap((object) =>
      isPod(object) && object.metadata.name.startsWith('istiod-')
        ? ['', '-2', '-3'].map((suffix) => ({
            ...object,
            metadata: { ...object.metadata, name: `${object.metadata.name}${suffix}`, uid: `${object.metadata.uid ?? ''}${suffix}` },
          }))
        : object,
    ),
  );

/** Of one cluster this replica holds no endpoint. */
const without =
  (id: string) =>
  (replica: IstiodReplica): IstiodReplica =>
    'failed' in replica.shards
      ? replica
      : {
          ...replica,
          shards: {
            answer: replica.shards.answer.map((shard) => ({ ...shard, clusters: shard.clusters.filter(({ cluster }) => cluster !== id) })),
          },
        };

/** `/debug/clusterz` says that it waits for a cluster no longer. */
const timedOut =
  (id: string) =>
  (replica: IstiodReplica): IstiodReplica =>
    'failed' in replica.clusters
      ? replica
      : {
          ...replica,
          clusters: { answer: replica.clusters.answer.map((entry) => (entry.id === id ? { ...entry, syncStatus: 'timeout' } : entry)) },
        };

describe('the day after a token was renewed', () => {
  const built = [
    istiodOfRelease({ cluster: 'c1', release: '1.30.1' }),
    proxiesOfRelease({ cluster: 'c1', release: '1.30.1' }),
    istiodOfRelease({ cluster: 'c2', release: '1.29.4' }),
    proxiesOfRelease({ cluster: 'c2', release: '1.29.4' }),
    threefold('c1'),
  ].reduce((so, edit) => so.edit(edit), withShop(mesh().multiPrimary('c1', 'c2')));

  test('all three replicas say synced, two of them have lost the endpoints: they are named, with the restart and the release', async () => {
    const found = await heard(
      built,
      replicas('c1', without('c2'), (index) => index > 0),
    );
    expect(found.map(told)).toEqual([expect.stringMatching(/^error \w+ east-west\/missing-endpoint-shard\/missing @ c2:/)]);
    const [finding] = found;
    expect(finding?.message).toMatch(/istiod-\S+-2 and istiod-\S+-3, 2 of 3 replicas/);
    expect(finding?.remedy.map(({ action, note }) => `${action}: ${note}`).join()).toMatch(
      /^restart: .*Istio 1\.30\.1 loses endpoints .* 1\.30\.4 does not$/,
    );
  });

  test('with all endpoints there, nothing is said', async () => {
    expect((await heard(built)).map(told)).toEqual([]);
  });
});

test('a private remote: its control plane may not call the gateway, and istiod may not call it', async () => {
  const built = [
    podsRefused({ cluster: 'c2', reason: 'context deadline exceeded' }),
    nodesOf({ cluster: 'c2', providerId: 'gce://project/europe-west1-b/node' }),
  ].reduce((so, edit) => so.edit(edit), withShop(mesh().primaryRemote('c1', 'c2', { networks: 2 })));
  const found = await heard(
    built,
    replicas('c1', (replica) => timedOut('c2')(without('c2')(replica))),
  );
  expect(found.map(({ code }) => code).sort()).toEqual(['unreachable-injector', 'unsynced-cluster/timeout']);
});
