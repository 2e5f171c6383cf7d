import { checkTester, mesh, remoteSecretLabelled, tokenExpires, withKubeconfig } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const ofWest = { cluster: east, of: west };
const day = 1_440;
const remote = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true });
const peers = mesh().multiPrimary(east, west);
const outside = mesh().externalControlPlane('outside', west, { remotes: ['north'] });
const secret = 'east:Secret/istio-system/istio-remote-secret-west';

checkTester(check, {
  healthy: {
    'tokens without an end': remote,
    'two primaries': peers,
    'an external istiod': outside,
    'an ambient mesh': mesh().ambient(east, west),
    'a token for a month to come': remote.edit(tokenExpires({ ...ofWest, minutes: 30 * day })),
    'an expired token that nobody reads': remote
      .edit(tokenExpires({ ...ofWest, minutes: -5 }))
      .edit(remoteSecretLabelled({ ...ofWest, value: undefined })),
  },
  broken: {
    'it expired minutes ago': {
      mesh: remote.edit(tokenExpires({ ...ofWest, minutes: -5 })),
      findings: [`expired-credential/expired @ ${secret} (error certain)`],
    },
    'it expired a day ago, in one of two primaries': {
      mesh: peers.edit(tokenExpires({ ...ofWest, minutes: -day })),
      findings: [`expired-credential/expired @ ${secret} (error certain)`],
    },
    'it expires in three days': {
      mesh: remote.edit(tokenExpires({ ...ofWest, minutes: 3 * day })),
      findings: [`expired-credential/expiring @ ${secret} (warning likely)`],
    },
    'an external istiod no longer opens its config cluster, whether its secret has the label or not': {
      mesh: outside.break((m) =>
        m.cluster('outside').patch('Secret', 'external-istiod', 'istio-kubeconfig', (object) => {
          const { labels: _labels, ...metadata } = object.metadata;
          return withKubeconfig({ ...object, metadata }, /^(\s*token:\s*)\S+$/m, `$1e30.${btoa('{"exp":1700000000}')}.x`);
        }),
      ),
      findings: ['expired-credential/expired @ outside:Secret/external-istiod/istio-kubeconfig (error certain)'],
    },
  },
});
