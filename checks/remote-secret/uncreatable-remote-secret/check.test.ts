import {
  checkTester,
  mesh,
  type MeshBuilder,
  readerAccountMissing,
  readerTokenRevoked,
  readerTokenUnfilled,
  remoteSecretDeleted,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const remote = mesh().primaryRemote(east, west);
const peers = mesh().multiPrimary(east, west);
const three = mesh().multiPrimary(east, west, { more: ['south'] });
const without = (built: MeshBuilder): MeshBuilder => built.edit(remoteSecretDeleted({ cluster: east, of: west }));
const label = { clusterIds: { west: 'gke_acme_europe-west1_west' } };

checkTester(check, {
  healthy: {
    'a primary and its remote': remote,
    'two primaries': peers,
    'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'the secret is missing, and could be made': without(remote),
    'it was made, and the account went later': remote.edit(readerTokenRevoked({ cluster: east, of: west, by: 'account' })),
    'an ID that is no label, and a secret that was made by hand': mesh().primaryRemote(east, west, label),
    'spokes that are not read': three
      .edit(remoteSecretDeleted({ cluster: east, of: west }))
      .edit(remoteSecretDeleted({ cluster: west, of: east }))
      .edit(readerAccountMissing(west)),
    'a dump whose tokens were taken out': without(remote).edit(readerTokenUnfilled(west)),
  },
  broken: {
    'the base was never installed in the remote': {
      mesh: without(remote).edit(readerAccountMissing(west)),
      findings: ['uncreatable-remote-secret/account @ west:Cluster/west (info certain)'],
    },
    'nor in a peer': {
      mesh: without(peers).edit(readerAccountMissing(west)),
      findings: ['uncreatable-remote-secret/account @ west:Cluster/west (info certain)'],
    },
    'a context for an ID': {
      mesh: without(mesh().primaryRemote(east, west, label)),
      findings: ['uncreatable-remote-secret/name @ west:Cluster/west (error certain)'],
    },
    'a token that nobody filled in': {
      mesh: without(remote).edit(withOtherToken).edit(readerTokenUnfilled(west)),
      findings: [
        'uncreatable-remote-secret/token @ west:Secret/istio-system/istio-reader-service-account-istio-remote-secret-token (error likely)',
      ],
    },
  },
});

/** Another account whose token was filled in. */
function withOtherToken(objects: ReturnType<MeshBuilder['objects']>): ReturnType<MeshBuilder['objects']> {
  const all = objects.get(west) ?? [];
  const own = all.filter((object) => object.kind === 'Secret' && object['type'] === 'kubernetes.io/service-account-token');
  const copies = own.map((object) => ({
    ...object,
    metadata: {
      ...object.metadata,
      name: 'prometheus-token',
      uid: 'another',
      annotations: { 'kubernetes.io/service-account.name': 'prometheus' },
    },
  }));
  return new Map(objects).set(west, [...all, ...copies]);
}
