import { describe, expect, test } from 'vitest';
import { mesh } from '../builder/mesh.ts';
import { kubeconfigRejected, remoteSecretDoubled, remoteSecretLabelled, remoteSecretMoved } from '../builder/edits/remote-secret.ts';
import { withIstiodEnv } from '../builder/edits/control-plane.ts';
import { projectFacts } from '../collect/facts.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import type { ControlPlane } from '../model/facts.ts';
import { clusterId, type ClusterName, clusterName } from '../model/ids.ts';
import type { MeshObjects } from '../model/kube.ts';
import { contestedKeys, entryState, isExternalKubeconfig, readCredentials, readsSecrets } from './remote-secrets.ts';
import { inferTopology, listOf } from './topology.ts';

const ofWest = { cluster: 'east', of: 'west' };
const healthy = mesh().primaryRemote('east', 'west');
const outside = mesh().externalControlPlane('outside', 'west', { remotes: ['north'] });

function read(input: { objects(): MeshObjects }, name = 'east', namespace = 'istio-system') {
  const facts = new Map(
    snapshotOf(input.objects(), { complete: true }).clusters.map((cluster): [ClusterName, ReturnType<typeof projectFacts>] => [
      cluster.name,
      projectFacts(cluster),
    ]),
  );
  const own = facts.get(clusterName(name));
  const controlPlane = listOf(own?.controlPlanes ?? { status: 'absent' }).find((one) => one.namespace === namespace);
  if (own === undefined || controlPlane === undefined) throw new Error('no istiod');
  return {
    controlPlane,
    secrets: listOf(own.remoteSecrets),
    couples: inferTopology(facts).meshes.flatMap((one) => one.couples.filter((couple) => couple.controlPlane.namespace === namespace)),
  };
}

function states(input: { objects(): MeshObjects }, other: Partial<ControlPlane> = {}): string[] {
  const { controlPlane, secrets } = read(input);
  return secrets.flatMap((secret) => secret.entries.map((entry) => entryState({ ...controlPlane, ...other }, secret, entry)));
}

describe('what istiod makes of an entry', () => {
  test.each([
    ['read', healthy],
    ['unlabelled', healthy.edit(remoteSecretLabelled({ ...ofWest, value: undefined }))],
    ['unlabelled', healthy.edit(remoteSecretLabelled({ ...ofWest, value: 'True' }))],
    ['misplaced', healthy.edit(remoteSecretMoved({ ...ofWest, namespace: 'default' }))],
    ['refused', healthy.edit(kubeconfigRejected({ ...ofWest, auth: 'exec', leader: 'keeps' }))],
    ['invalid', healthy.edit(kubeconfigRejected({ ...ofWest, auth: 'empty', leader: 'keeps' }))],
  ])('%s', (expected, input) => expect(states(input)).toEqual([expected]));

  test('its own ID is ignored before anything else of the entry', () => {
    expect(states(healthy, { clusterId: clusterId('west') })).toEqual(['own-id']);
  });

  test('what it was told to allow is read', () => {
    const refused = healthy.edit(kubeconfigRejected({ ...ofWest, auth: 'exec', leader: 'keeps' }));
    expect(states(refused, { env: { PILOT_INSECURE_MULTICLUSTER_KUBECONFIG_OPTIONS: 'exec' } })).toEqual(['read']);
  });
});

describe('which credentials it uses', () => {
  const used = (input: { objects(): MeshObjects }, ...where: [string?, string?]) => {
    const { controlPlane, couples } = read(input, ...where);
    return couples.map(
      (couple) =>
        `${couple.member}: ${readCredentials(controlPlane, couple.credentials)
          .map(({ secret }) => secret.name)
          .join()}`,
    );
  };

  test('those it reads', () => {
    expect(used(healthy)).toEqual(['east: ', 'west: istio-remote-secret-west']);
  });

  test('none when kubeconfigs come from files', () => {
    const files = healthy.edit(withIstiodEnv('east', { PILOT_MULTICLUSTER_KUBECONFIG_PATH: '/var/run/kubeconfigs' }));
    expect(readsSecrets(read(files).controlPlane)).toBe(false);
    expect(used(files)).toEqual(['east: ', 'west: ']);
  });

  test('the mounted one of an external istiod, labelled or not', () => {
    const bare = outside.break((m) =>
      m.cluster('outside').patch('Secret', 'external-istiod', 'istio-kubeconfig', { metadata: { labels: null } }),
    );
    for (const input of [outside, bare])
      expect(used(input, 'outside', 'external-istiod')).toEqual(['north: istio-remote-secret-north', 'west: istio-kubeconfig']);
    expect(read(outside, 'outside', 'external-istiod').secrets.filter(isExternalKubeconfig)).toHaveLength(1);
  });
});

test('a key is contested by Secrets that istiod looks at, usable or not', () => {
  const double = healthy.edit(remoteSecretDoubled({ ...ofWest, name: 'again', server: 'https://198.51.100.20:6443' }));
  const { controlPlane, secrets } = read(double);
  expect([...contestedKeys(controlPlane, secrets)].map(([key, claims]) => [key, claims.map(({ secret }) => secret.name)])).toEqual([
    ['west', ['again', 'istio-remote-secret-west']],
  ]);
  expect(contestedKeys(controlPlane, secrets.slice(0, 1)).size).toBe(0);
});
