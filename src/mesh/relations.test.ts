import { describe, expect, test } from 'vitest';
import { inOrder } from '../builder/edits/edit.ts';
import { withKubeconfig, withPlainData } from '../builder/edits/kubeconfig.ts';
import { apiServerCaOne } from '../builder/certificates.ts';
import { withIstiodEnv } from '../builder/edits/control-plane.ts';
import { mesh, type MeshBuilder } from '../builder/mesh.ts';
import { projectFacts } from '../collect/facts.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import type { KubeObject, MeshObjects } from '../model/kube.ts';
import { inferTopology } from './topology.ts';

/** `east opens west by identity with istio-remote-secret-west` for every entry of every couple. */
function opened(built: MeshBuilder): string[] {
  const facts = new Map(
    snapshotOf(built.objects(), { complete: true }).clusters.map((cluster) => [cluster.name, projectFacts(cluster)] as const),
  );
  return inferTopology(facts).meshes.flatMap((one) =>
    one.couples.flatMap((couple) =>
      couple.credentials.map(({ secret, entry, by }) => `${secret.ref.cluster} opens ${couple.member} by ${by} with ${entry.clusterId}`),
    ),
  );
}

/** As where one authority signs for the API servers of all clusters. */
function withOneAuthority(objects: MeshObjects): MeshObjects {
  const shared = (object: KubeObject): KubeObject => {
    if (object.kind === 'ConfigMap' && object.metadata.name === 'kube-root-ca.crt')
      return { ...object, data: { 'ca.crt': apiServerCaOne } };
    if (object.kind !== 'Secret' || object.metadata.labels?.['istio/multiCluster'] !== 'true') return object;
    return withKubeconfig(object, /^(\s*certificate-authority-data:\s*).*$/m, `$1${btoa(apiServerCaOne)}`);
  };
  return new Map([...objects].map(([name, own]) => [name, own.map(shared)]));
}

const three = mesh().multiPrimary('hub', 'east', { more: ['west'] });
const eachOther = [
  'east opens hub by identity with hub',
  'east opens west by identity with west',
  'hub opens east by identity with east',
  'hub opens west by identity with west',
  'west opens east by identity with east',
  'west opens hub by identity with hub',
];

describe('which cluster an entry of a remote secret opens', () => {
  test('the one whose token it is', () => expect(opened(three)).toEqual(eachOther));

  test('where API servers share a CA, still the one whose token it is', () => {
    expect(opened(three.edit(withOneAuthority))).toEqual(eachOther);
  });

  test('where they share a CA and tokens were made again, the one that goes by the key', () => {
    const again = (objects: MeshObjects): MeshObjects =>
      new Map(
        [...objects].map(([name, own]) => [
          name,
          own
            .filter((object) => object['type'] !== 'kubernetes.io/service-account-token')
            .map((object) =>
              object.kind === 'ServiceAccount'
                ? { ...object, metadata: { ...object.metadata, uid: `another-${object.metadata.name}` } }
                : object,
            ),
        ]),
      );
    expect(opened(three.edit(inOrder(withOneAuthority, again)))).toEqual(eachOther);
  });

  test('not one that only goes by the key, when it is shown to open another', () => {
    const swapped = three.break((m) =>
      m
        .cluster('hub')
        .patch('Secret', 'istio-system', 'istio-remote-secret-west', (object) =>
          withPlainData(object, (data) => Object.fromEntries(Object.values(data).map((text) => ['east', text]))),
        ),
    );
    expect(opened(swapped).filter((line) => line.startsWith('hub'))).toEqual([
      'hub opens east by identity with east',
      'hub opens west by identity with east',
    ]);
  });
});

describe('where an external istiod looks for remote secrets', () => {
  const local = mesh().externalControlPlane('outside', 'config', { remotes: ['north'] });
  const moved = (objects: MeshObjects): MeshObjects => {
    const isMoved = (object: KubeObject): boolean => object.metadata.name === 'istio-remote-secret-north';
    const outside = objects.get('outside') ?? [];
    return new Map(objects)
      .set(
        'outside',
        outside.filter((object) => !isMoved(object)),
      )
      .set('config', [...(objects.get('config') ?? []), ...outside.filter(isMoved)]);
  };

  test('beside itself when it is told to', () => {
    expect(opened(local)).toEqual(['outside opens config by identity with config', 'outside opens north by identity with north']);
    expect(opened(local.edit(moved))).toEqual(['outside opens config by identity with config']);
  });

  test('in its config cluster otherwise', () => {
    const elsewhere = local.edit((objects) => {
      const outside = (objects.get('outside') ?? []).map((object) =>
        object.kind === 'Deployment' && object.metadata.namespace === 'external-istiod' ? withoutWatcher(object) : object,
      );
      return new Map(objects).set('outside', outside);
    });
    expect(opened(elsewhere)).toEqual(['outside opens config by identity with config']);
    expect(opened(elsewhere.edit(moved))).toEqual([
      'outside opens config by identity with config',
      'config opens north by identity with north',
    ]);
  });

  test('a primary that manages remotes looks beside itself', () => {
    const primary = mesh().primaryRemote('east', 'west');
    expect(opened(primary.edit(withIstiodEnv('east', { LOCAL_CLUSTER_SECRET_WATCHER: undefined })))).toEqual([
      'east opens west by identity with west',
    ]);
  });
});

function withoutWatcher(object: KubeObject): KubeObject {
  const text = JSON.stringify(object).replace(/\{"name":"LOCAL_CLUSTER_SECRET_WATCHER","value":"true"\},?/, '');
  return JSON.parse(text) as KubeObject;
}
