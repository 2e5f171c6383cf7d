import {
  annotatedTooLate,
  checkTester,
  kubeconfigRejected,
  mesh,
  type MeshBuilder,
  remoteSecretDeleted,
  remoteSecretLabelled,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const ofWest = { cluster: east, of: west };
const remote = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true });
const peers = mesh().multiPrimary(east, west);
const three = mesh().multiPrimary('hub', east, { more: [west] });
const spokes = three.edit(remoteSecretDeleted({ cluster: east, of: west })).edit(remoteSecretDeleted({ cluster: west, of: east }));
const unmounted = mesh()
  .externalControlPlane('outside', west, { remotes: ['north'] })
  .break((m) => m.cluster('outside').remove('Secret', 'external-istiod', 'istio-kubeconfig'));
const missing = '@ east:Cluster/east';

checkTester(check, {
  healthy: {
    'a remote on another network': remote,
    'a remote on the same network': mesh().primaryRemote(east, west, { networks: 1 }),
    'several remotes, on a release of long ago': mesh().primaryRemote(east, [west, 'north'], { release: '1.24.6', revision: '1-24-6' }),
    'two primaries': peers,
    'three primaries': three,
    'an ambient mesh': mesh().ambient(east, west),
    'an external istiod with a further remote': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'an upgrade in flight': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'a secret of any name under any key, as long as it opens the cluster': peers.break((m) =>
      m.cluster(east).patch('Secret', 'istio-system', 'istio-remote-secret-west', { metadata: { name: 'the-other-one' } }),
    ),
    'kubeconfigs come from files': remote.edit(remoteSecretDeleted(ofWest)).break((m) =>
      m.cluster(east).patch('Deployment', 'istio-system', 'istiod-1-31-0', (object) => {
        const text = JSON.stringify(object).replace(
          '"env":[',
          '"env":[{"name":"PILOT_MULTICLUSTER_KUBECONFIG_PATH","value":"/var/run/kubeconfigs"},',
        );
        return JSON.parse(text) as typeof object;
      }),
    ),
    'spokes that leave each other out, as declared': {
      mesh: spokes,
      options: {
        intent: {
          withoutSecret: [
            { reader: east, read: west },
            { reader: west, read: east },
          ],
        },
      },
    },
    'a secret without its label is another fault': remote.edit(remoteSecretLabelled({ ...ofWest, value: undefined })),
    'a kubeconfig that istiod refuses is another fault': remote.edit(kubeconfigRejected({ ...ofWest, auth: 'exec', leader: 'loses' })),
  },
  broken: {
    'an external istiod has lost what opens its config cluster, and still runs': {
      mesh: unmounted,
      findings: ['missing-remote-secret/ofConfig @ outside:Deployment/external-istiod/istiod (warning certain)'],
    },
    'an external istiod started without what opens its config cluster': {
      mesh: unmounted.break((m) =>
        m
          .cluster(west)
          .patch(
            'ConfigMap',
            'external-istiod',
            'istio-namespace-controller-election',
            (object) => JSON.parse(JSON.stringify(object).replace(/(\\"renewTime\\":\\")\d{4}/, '$12024')) as typeof object,
          ),
      ),
      findings: ['missing-remote-secret/ofConfig @ outside:Deployment/external-istiod/istiod (error certain)'],
    },
    'the secret of a remote was deleted': {
      mesh: remote.edit(remoteSecretDeleted(ofWest)),
      findings: [`missing-remote-secret/ofRemote ${missing} (error likely)`],
    },
    'the secret of a remote was never made': {
      mesh: remote.edit(remoteSecretDeleted(ofWest)).edit(annotatedTooLate({ cluster: west, primary: east, leader: 'never' })),
      findings: [`missing-remote-secret/ofRemote ${missing} (error likely)`],
    },
    'the secret of a remote was deleted, and the mesh is declared': {
      mesh: remote.edit(remoteSecretDeleted(ofWest)),
      options: { intent: { meshes: [{ clusters: [east, west] }] } },
      findings: [`missing-remote-secret/ofRemote ${missing} (error certain)`],
    },
    'one of several remotes has none': {
      mesh: mesh()
        .primaryRemote(east, [west, 'north'])
        .edit(remoteSecretDeleted({ cluster: east, of: 'north' })),
      findings: [`missing-remote-secret/ofRemote ${missing} (error likely)`],
    },
    'two primaries, one direction': {
      mesh: peers.edit(remoteSecretDeleted(ofWest)),
      findings: [`missing-remote-secret/ofPeer ${missing} (error likely)`],
    },
    'two primaries, neither direction': {
      mesh: peers.edit(remoteSecretDeleted(ofWest)).edit(remoteSecretDeleted({ cluster: west, of: east })),
      findings: [
        `missing-remote-secret/ofPeer ${missing} (error likely)`,
        'missing-remote-secret/ofPeer @ west:Cluster/west (error likely)',
      ],
    },
    'three primaries, one direction': {
      mesh: three.edit(remoteSecretDeleted(ofWest)),
      findings: [`missing-remote-secret/ofPeer ${missing} (error likely)`],
    },
    'spokes that leave each other out, undeclared: perhaps on purpose': {
      mesh: spokes,
      findings: [
        `missing-remote-secret/ofPeer ${missing} (error possible)`,
        'missing-remote-secret/ofPeer @ west:Cluster/west (error possible)',
      ],
    },
    'spokes that leave each other out, and the hub is not among the clusters given': {
      mesh: spokes.edit((objects) => new Map([...objects].filter(([name]) => name !== 'hub'))),
      findings: [
        `missing-remote-secret/ofPeer ${missing} (error possible)`,
        'missing-remote-secret/ofPeer @ west:Cluster/west (error possible)',
      ],
    },
    'an external istiod does not know a further remote': {
      mesh: mesh()
        .externalControlPlane('outside', west, { remotes: ['north'] })
        .edit(remoteSecretDeleted({ cluster: 'outside', of: 'north' })),
      findings: ['missing-remote-secret/ofRemote @ outside:Cluster/outside (error likely)'],
    },
    'nor does one that watches its config cluster': {
      mesh: mesh()
        .externalControlPlane('outside', west, { remotes: ['north'] })
        .edit(remoteSecretDeleted({ cluster: 'outside', of: 'north' }))
        .edit(withoutLocalWatcher),
      findings: ['missing-remote-secret/ofRemote @ west:Cluster/west (error likely)'],
    },
  },
});

function withoutLocalWatcher(objects: ReturnType<MeshBuilder['objects']>): ReturnType<MeshBuilder['objects']> {
  const text = JSON.stringify(objects.get('outside')).replaceAll(/\{"name":"LOCAL_CLUSTER_SECRET_WATCHER","value":"true"\},?/g, '');
  return new Map(objects).set('outside', JSON.parse(text) as never);
}
