import {
  checkTester,
  inOrder,
  mesh,
  remoteSecretDeleted,
  remoteSecretDoubled,
  remoteSecretLabelled,
  remoteSecretMoved,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const ofWest = { cluster: east, of: west };
const remote = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true });
const peers = mesh().multiPrimary(east, west);
const secret = 'east:Secret/istio-system/istio-remote-secret-west';

checkTester(check, {
  healthy: {
    'a remote': remote,
    'two primaries': peers,
    'three primaries': mesh().multiPrimary('hub', east, { more: [west] }),
    'an external istiod, whose kubeconfig carries the label, too': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'an upgrade in flight': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0' }),
    'no secret at all is another fault': remote.edit(remoteSecretDeleted(ofWest)),
    'a copy elsewhere, beside the one that is read': peers.break((m) =>
      m.cluster(east).edit(
        inOrder(remoteSecretDoubled({ ...ofWest, name: 'backup', server: 'https://198.51.100.20:6443' }), (objects) =>
          new Map(objects).set(
            east,
            (objects.get(east) ?? []).map((object) =>
              object.metadata.name === 'backup' ? { ...object, metadata: { ...object.metadata, namespace: 'default' } } : object,
            ),
          ),
        ),
      ),
    ),
    'taken out of use on purpose, as declared': {
      mesh: peers.edit(remoteSecretLabelled({ ...ofWest, value: 'false' })),
      options: { intent: { withoutSecret: [{ reader: east, read: west }] } },
    },
  },
  broken: {
    'the label is gone': {
      mesh: remote.edit(remoteSecretLabelled({ ...ofWest, value: undefined, left: 'released' })),
      findings: [`unread-remote-secret/unlabelled @ ${secret} (error certain)`],
    },
    'the label has another value': {
      mesh: peers.edit(remoteSecretLabelled({ ...ofWest, value: 'True' })),
      findings: [`unread-remote-secret/unlabelled @ ${secret} (error certain)`],
    },
    'it lies in another namespace': {
      mesh: remote.edit(remoteSecretMoved({ ...ofWest, namespace: 'default' })),
      findings: ['unread-remote-secret/misplaced @ east:Secret/default/istio-remote-secret-west (error certain)'],
    },
    'it lies in another namespace without a label: perhaps put aside': {
      mesh: remote.edit(remoteSecretLabelled({ ...ofWest, value: undefined })).edit(remoteSecretMoved({ ...ofWest, namespace: 'default' })),
      findings: ['unread-remote-secret/misplaced @ east:Secret/default/istio-remote-secret-west (error likely)'],
    },
    'one without label, and a copy elsewhere': {
      mesh: remote
        .edit(remoteSecretLabelled({ ...ofWest, value: undefined }))
        .edit(remoteSecretDoubled({ ...ofWest, name: 'istio-remote-secret-copy', server: 'https://198.51.100.20:6443' }))
        .break((m) => m.cluster(east).patch('Secret', 'istio-system', 'istio-remote-secret-copy', { metadata: { namespace: 'default' } })),
      findings: [`unread-remote-secret/unlabelled @ ${secret} (error certain)`],
    },
  },
});
