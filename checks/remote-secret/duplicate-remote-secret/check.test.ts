import { checkTester, mesh, remoteSecretDoubled } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const ofWest = { cluster: east, of: west };
const elsewhere = 'https://198.51.100.20:6443';
const remote = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true });
const peers = mesh().multiPrimary(east, west);
const outside = mesh().externalControlPlane('outside', west, { remotes: ['north'] });
const double = remoteSecretDoubled({ ...ofWest, name: 'istio-remote-secret-again', server: elsewhere });
const again = 'east:Secret/istio-system/istio-remote-secret-again';

checkTester(check, {
  healthy: {
    'a remote': remote,
    'two primaries': peers,
    'an external istiod': outside,
    'an upgrade in flight': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0' }),
    'the other one has no label': peers
      .edit(double)
      .break((m) => m.cluster(east).patch('Secret', 'istio-system', 'istio-remote-secret-again', { metadata: { labels: null } })),
    'the other one lies elsewhere': peers
      .edit(double)
      .break((m) => m.cluster(east).patch('Secret', 'istio-system', 'istio-remote-secret-again', { metadata: { namespace: 'default' } })),
  },
  broken: {
    'they differ': { mesh: remote.edit(double), findings: [`duplicate-remote-secret @ ${again} (error certain)`] },
    'of a peer': { mesh: peers.edit(double), findings: [`duplicate-remote-secret @ ${again} (error certain)`] },
    'they are the same': {
      mesh: peers.break((m) => {
        const copy = m.objects.get(east)?.find((object) => object.metadata.name === 'istio-remote-secret-west');
        return copy === undefined
          ? m
          : m.cluster(east).add({
              ...copy,
              metadata: { ...copy.metadata, name: 'istio-remote-secret-again', creationTimestamp: '2026-11-22T20:59:00Z' },
            });
      }),
      findings: [`duplicate-remote-secret @ ${again} (warning certain)`],
    },
  },
});
