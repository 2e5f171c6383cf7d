import {
  bothInstalledAs,
  checkTester,
  injectionPath,
  installedWithoutNetwork,
  mesh,
  networkLabelRemoved,
  remoteReinstalledAs,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const own = 'west:MutatingWebhookConfiguration/istio-sidecar-injector-1-31-0';
const healthy = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const path = (of: { cluster?: string; network?: string }, since: 'edited' | 'restarted' = 'edited') =>
  injectionPath({ cluster: west, primary: east, path: of, since });
const flat = mesh().primaryRemote(east, west, { networks: 1, revision: '1-31-0' });

checkTester(check, {
  healthy: {
    'the path names ID and network of the remote': healthy,
    'one network, labelled nowhere': flat,
    'on one network the path need not name it': flat.edit(path({ cluster: west })),
    'two primaries call /inject': mesh().multiPrimary(east, west),
    'an external control plane calls a url': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'an ID with slashes, as on EKS': mesh().primaryRemote(east, west, { clusterIds: { west: 'arn:aws:eks:eu-west-1:1:cluster/west' } }),
    'the remote goes by another ID than the key of its secret': healthy.edit(remoteReinstalledAs({ cluster: west, id: 'west-2' })),
    'both clusters have one ID, and everything agrees on it': healthy.edit(
      bothInstalledAs({ primary: east, remote: west, id: 'Kubernetes' }),
    ),
    'the namespace names no network to compare with': healthy.edit(networkLabelRemoved({ cluster: west })),
  },
  broken: {
    'the path was left out': { mesh: healthy.edit(path({})), findings: [`mismatched-injection-path/identity @ ${own} (error certain)`] },
    'the path was left out and the workloads were restarted': {
      mesh: healthy.edit(path({}, 'restarted')),
      findings: [`mismatched-injection-path/identity @ ${own}`],
    },
    'the path names the primary': {
      mesh: healthy.edit(path({ cluster: east, network: 'network2' }, 'restarted')),
      findings: [`mismatched-injection-path/identity @ ${own}`],
    },
    'the path names the network of the primary': {
      mesh: healthy.edit(path({ cluster: west, network: 'network1' })),
      findings: [`mismatched-injection-path/network @ ${own}`],
    },
    'the path names no network, so pods get that of the primary': {
      mesh: healthy.edit(path({ cluster: west })),
      findings: [`mismatched-injection-path/network @ ${own}`],
    },
    'the same on a release that needs it': {
      mesh: mesh()
        .primaryRemote(east, west, { release: '1.24.6', revision: '1-31-0' })
        .edit(injectionPath({ cluster: west, primary: east, path: { cluster: west }, since: 'edited' })),
      findings: [`mismatched-injection-path/network @ ${own} (error certain)`],
    },
    'neither path nor istiod names a network, and 1.31 copes': {
      mesh: healthy.edit(path({ cluster: west })).edit(installedWithoutNetwork({ cluster: east })),
      findings: [`mismatched-injection-path/network @ ${own} (warning certain)`],
    },
    'the path of one remote was copied to the next': {
      mesh: mesh()
        .primaryRemote(east, [west, 'north'], { revision: '1-31-0' })
        .edit(injectionPath({ cluster: 'north', primary: east, path: { cluster: west, network: 'network2' }, since: 'edited' })),
      findings: [
        'mismatched-injection-path/identity @ north:MutatingWebhookConfiguration/istio-sidecar-injector-1-31-0 (error certain)',
        'mismatched-injection-path/network @ north:MutatingWebhookConfiguration/istio-sidecar-injector-1-31-0 (error certain)',
      ],
    },
  },
});
