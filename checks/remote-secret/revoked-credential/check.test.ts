import { checkTester, mesh, readerTokenRevoked, remoteSecretLabelled, tokenExpires } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const ofWest = { cluster: east, of: west };
const remote = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true });
const peers = mesh().multiPrimary(east, west);
const outside = mesh().externalControlPlane('outside', west, { remotes: ['north'] });
const secret = 'east:Secret/istio-system/istio-remote-secret-west';
const revoked = (by: 'rotated' | 'secret' | 'account') => ({
  mesh: remote.edit(readerTokenRevoked({ ...ofWest, by })),
  findings: [`revoked-credential @ ${secret} (error certain)`],
});

checkTester(check, {
  healthy: {
    'a remote': remote,
    'two primaries': peers,
    'an external istiod': outside,
    'an ambient mesh': mesh().ambient(east, west),
    'a token of another kind, which nothing stored can be compared with': remote.edit(tokenExpires({ ...ofWest, minutes: 60 * 24 * 30 })),
    'a revoked token that nobody reads': remote
      .edit(readerTokenRevoked({ ...ofWest, by: 'secret' }))
      .edit(remoteSecretLabelled({ ...ofWest, value: undefined })),
    'a second token of the same account': remote.break((m) =>
      m.cluster(west).add({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name: 'reader-of-another-tool',
          namespace: 'istio-system',
          annotations: { 'kubernetes.io/service-account.name': 'istio-reader-service-account' },
        },
        type: 'kubernetes.io/service-account-token',
        data: { token: btoa('bm90IG9uZQ') },
      }),
    ),
  },
  broken: {
    'account and token were made again': revoked('rotated'),
    'the token Secret was deleted': revoked('secret'),
    'the account was deleted': revoked('account'),
    'of one primary for the other': {
      mesh: peers.edit(readerTokenRevoked({ ...ofWest, by: 'rotated' })),
      findings: [`revoked-credential @ ${secret} (error certain)`],
    },
    'of an external istiod for a further remote': {
      mesh: outside.edit(readerTokenRevoked({ cluster: 'outside', of: 'north', by: 'secret' })),
      findings: ['revoked-credential @ outside:Secret/external-istiod/istio-remote-secret-north (error certain)'],
    },
  },
});
