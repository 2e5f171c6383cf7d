import {
  checkTester,
  injectionPath,
  mesh,
  primaryRenamedWithoutRestart,
  remoteReinstalledAs,
  remoteSecretDeleted,
  secretRekeyed,
  workloadsClaim,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const healthy = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const peers = mesh().multiPrimary(east, west).namespace('shop', { injected: true }).service('cart.shop');

checkTester(check, {
  healthy: {
    'path, proxies and secret agree': healthy,
    'the names of clusters are not their IDs': mesh()
      .primaryRemote(east, west, { clusterIds: { east: 'Kubernetes', west: 'prod-west' } })
      .namespace('shop', { injected: true })
      .service('cart.shop'),
    'two primaries': peers,
    'an external control plane': mesh()
      .externalControlPlane('outside', west, { remotes: ['north'] })
      .namespace('shop', { injected: true })
      .service('cart.shop'),
    'ambient: ztunnels and gateways claim their cluster': mesh().ambient(east, west),
    'an upgrade is under way': mesh()
      .canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' })
      .namespace('shop', { injected: true })
      .service('cart.shop'),
    'no secret opens the remote, which is another fault': {
      mesh: healthy.edit(remoteSecretDeleted({ cluster: east, of: west })),
      inconclusive: ['istiod does not read the cluster @ east west'],
    },
  },
  broken: {
    'workloads of the remote claim a former ID': {
      mesh: healthy.edit(workloadsClaim({ cluster: west, id: 'cluster-two' })),
      findings: ['mismatched-cluster-id/proxies @ west:Cluster/west (error certain)'],
    },
    'the primary was renamed and nothing restarted': {
      mesh: healthy.edit(primaryRenamedWithoutRestart({ cluster: east, id: 'central' })),
      findings: ['mismatched-cluster-id/proxies @ east:Cluster/east (error certain)'],
    },
    'a primary of two was renamed and nothing restarted': {
      mesh: peers.edit(primaryRenamedWithoutRestart({ cluster: west, id: 'west-2' })),
      findings: ['mismatched-cluster-id/proxies @ west:Cluster/west (error certain)'],
    },
    'the injection path names a cluster that nobody knows': {
      mesh: healthy.edit(
        injectionPath({ cluster: west, primary: east, path: { cluster: 'west-1', network: 'network2' }, since: 'edited' }),
      ),
      findings: ['mismatched-cluster-id/injector @ west:MutatingWebhookConfiguration/istio-sidecar-injector-1-31-0 (error certain)'],
    },
    'the same, and the workloads were restarted since': {
      mesh: healthy.edit(
        injectionPath({ cluster: west, primary: east, path: { cluster: 'west-1', network: 'network2' }, since: 'restarted' }),
      ),
      findings: [
        'mismatched-cluster-id/injector @ west:MutatingWebhookConfiguration/istio-sidecar-injector-1-31-0',
        'mismatched-cluster-id/proxies @ west:Cluster/west',
      ],
    },
    'the secret has another key: its key is the odd one out, proxies are refused all the same': {
      mesh: healthy.edit(secretRekeyed({ cluster: east, of: west, key: 'west-1' })),
      findings: ['mismatched-cluster-id/proxies @ west:Cluster/west'],
    },
    'the remote was installed again under another ID': {
      mesh: healthy.edit(remoteReinstalledAs({ cluster: west, id: 'west-2' })),
      findings: ['mismatched-cluster-id/proxies @ west:Cluster/west'],
    },
    'istiod itself was told an ID that its values do not have': {
      mesh: peers
        .break((m) =>
          m
            .cluster(west)
            .patch(
              'ConfigMap',
              'istio-system',
              'istio-sidecar-injector',
              (object) =>
                JSON.parse(
                  JSON.stringify(object).replaceAll('\\"clusterName\\":\\"west\\"', '\\"clusterName\\":\\"west-1\\"'),
                ) as typeof object,
            ),
        )
        .edit(workloadsClaim({ cluster: west, id: 'west-1' })),
      findings: ['mismatched-cluster-id/proxies @ west:Cluster/west'],
    },
  },
});
