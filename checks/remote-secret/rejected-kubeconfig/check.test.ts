import { checkTester, kubeconfigRejected, mesh, remoteSecretMoved, withIstiodEnv } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const ofWest = { cluster: east, of: west };
const remote = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true });
const peers = mesh().multiPrimary(east, west);
const secret = 'east:Secret/istio-system/istio-remote-secret-west';
const refused = (auth: Parameters<typeof kubeconfigRejected>[0]['auth'], leader: 'keeps' | 'loses') => ({
  mesh: remote.edit(kubeconfigRejected({ ...ofWest, auth, leader })),
  findings: [`rejected-kubeconfig/refused @ ${secret} (error certain)`],
});
const invalid = (auth: Parameters<typeof kubeconfigRejected>[0]['auth']) => ({
  mesh: peers.edit(kubeconfigRejected({ ...ofWest, auth, leader: 'keeps' })),
  findings: [`rejected-kubeconfig/invalid @ ${secret} (error certain)`],
});

checkTester(check, {
  healthy: {
    'tokens of service accounts': remote,
    'two primaries': peers,
    'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'an ambient mesh': mesh().ambient(east, west),
    'istiod was told to allow programs': remote
      .edit(kubeconfigRejected({ ...ofWest, auth: 'exec', leader: 'keeps' }))
      .edit(withIstiodEnv(east, { PILOT_INSECURE_MULTICLUSTER_KUBECONFIG_OPTIONS: 'exec' })),
    'kubeconfigs come from files, so that nobody reads the secret': remote
      .edit(kubeconfigRejected({ ...ofWest, auth: 'exec', leader: 'keeps' }))
      .edit(withIstiodEnv(east, { PILOT_MULTICLUSTER_KUBECONFIG_PATH: '/var/run/kubeconfigs' })),
    'a secret elsewhere is not read': remote
      .edit(kubeconfigRejected({ ...ofWest, auth: 'exec', leader: 'loses' }))
      .edit(remoteSecretMoved({ ...ofWest, namespace: 'default' })),
  },
  broken: {
    'it runs a program, and istiod holds on to the old one': refused('exec', 'keeps'),
    'it runs a program, and istiod restarted since': refused('exec', 'loses'),
    'it uses an auth provider': refused('auth-provider', 'loses'),
    'it names files of a client certificate': refused('client-key', 'loses'),
    'it names a token file': refused('token-file', 'keeps'),
    'istiod was told to allow something else': {
      mesh: remote
        .edit(kubeconfigRejected({ ...ofWest, auth: 'exec', leader: 'keeps' }))
        .edit(withIstiodEnv(east, { PILOT_INSECURE_MULTICLUSTER_KUBECONFIG_OPTIONS: 'tokenFile, exec' })),
      findings: [`rejected-kubeconfig/refused @ ${secret} (error certain)`],
    },
    'it is not YAML': invalid('unreadable'),
    'it is empty': invalid('empty'),
    'the secret has a key more, which is no kubeconfig': {
      mesh: remote.break((m) =>
        m.cluster(east).patch('Secret', 'istio-system', 'istio-remote-secret-west', { data: { readme: btoa('made by hand') } }),
      ),
      findings: [`rejected-kubeconfig/stray @ ${secret} (warning certain)`],
    },
    'a secret for a cluster nobody goes by holds nothing': {
      mesh: peers.break((m) =>
        m.cluster(east).add({
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'north', namespace: 'istio-system', labels: { 'istio/multiCluster': 'true' } },
          type: 'Opaque',
          data: { north: '' },
        }),
      ),
      findings: ['rejected-kubeconfig/stray @ east:Secret/istio-system/north (error certain)'],
    },
  },
});
