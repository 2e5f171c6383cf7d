import type { KubeObject } from 'meshdoctor/api';
import { bothInstalledAs, checkTester, injectionPath, mesh, primaryReinstalledAs, secretRekeyed } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const north = 'north';
const healthy = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const peers = mesh().multiPrimary(east, west).namespace('shop', { injected: true });

checkTester(check, {
  healthy: {
    'two clusters, two IDs': healthy,
    'two primaries': peers,
    'only one of them goes by the default': mesh().primaryRemote(east, west, { clusterIds: { east: 'Kubernetes' } }),
    'two revisions of one cluster share its ID': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'an external control plane is called like its config cluster': mesh().externalControlPlane('outside', west, { remotes: [north] }),
    'the injection path of the remote names the primary, which is another fault': healthy.edit(
      injectionPath({ cluster: west, primary: east, path: { cluster: east, network: 'network2' }, since: 'restarted' }),
    ),
    'the key of the secret is new to everybody, which is another fault': healthy.edit(
      secretRekeyed({ cluster: east, of: west, key: 'west-1' }),
    ),
    'one cluster given twice': new Map([...healthy.objects(), ['west-again', healthy.objects().get(west) ?? []]]),
  },
  broken: {
    'the primary was installed again under the ID of the remote': {
      mesh: healthy.edit(primaryReinstalledAs({ cluster: east, id: west })),
      findings: ['duplicate-cluster-id @ east:Deployment/istio-system/istiod-1-31-0 (error certain)'],
    },
    'nobody gave either of them a name': {
      mesh: healthy.edit(bothInstalledAs({ primary: east, remote: west, id: 'Kubernetes' })),
      findings: ['duplicate-cluster-id @ east:Deployment/istio-system/istiod-1-31-0 (error certain)'],
    },
    'a second primary took the ID of the first': {
      mesh: peers.edit(primaryReinstalledAs({ cluster: west, id: east })),
      findings: ['duplicate-cluster-id @ east:Deployment/istio-system/istiod (error certain)'],
    },
    'the secret of the remote was made with the name of the primary': {
      mesh: healthy.break((m) => m.cluster(east).patch('Secret', 'istio-system', 'istio-remote-secret-west', keyed(east))),
      findings: ['duplicate-cluster-id @ east:Deployment/istio-system/istiod-1-31-0 (error certain)'],
    },
    'the secrets of two remotes have one key': {
      mesh: mesh()
        .primaryRemote(east, [west, north])
        .break((m) => m.cluster(east).patch('Secret', 'istio-system', 'istio-remote-secret-north', keyed(west))),
      findings: ['duplicate-cluster-id @ east:Secret/istio-system/istio-remote-secret-north (error certain)'],
    },
  },
});

/** The same secret with another key. */
function keyed(key: string) {
  return (object: KubeObject): KubeObject => {
    const data: unknown = object['data'];
    const values: readonly unknown[] = typeof data === 'object' && data !== null ? Object.values(data) : [];
    return { ...object, data: { [key]: values[0] } };
  };
}
