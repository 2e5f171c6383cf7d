import { checkTester, istiodRestarted, mesh, podsRefused } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const primaries = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('cart.shop');
const west = { cluster: 'west' };
const injector = 'west:MutatingWebhookConfiguration/istio-sidecar-injector';

checkTester(check, {
  healthy: {
    'nothing was refused': remote,
    'two primaries': primaries,
    'an external control plane': mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] }),
    'an upgrade in flight': mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'another fault: the certificate': remote.edit(podsRefused({ ...west, reason: 'x509: certificate signed by unknown authority' })),
    'a call while istiod was starting': remote
      .edit(istiodRestarted({ cluster: 'east' }))
      .edit(podsRefused({ ...west, reason: 'context deadline exceeded', minutesAgo: 3 })),
    'a quota, which is no webhook': remote.edit(podsRefused({ ...west, message: 'pods "cart" is forbidden: exceeded quota: pods' })),
    'somebody else’s webhook': remote.edit(
      podsRefused({
        ...west,
        message:
          'Internal error occurred: failed calling webhook "policy.example.com": failed to call webhook: Post "https://policy.example.svc:443/": context deadline exceeded',
      }),
    ),
  },
  broken: {
    'in a remote': {
      mesh: remote.edit(podsRefused({ ...west, reason: 'context deadline exceeded' })),
      findings: [`unreachable-injector @ ${injector}-1-31-0 (error likely)`],
    },
    'in a cluster with an istiod of its own': {
      mesh: primaries.edit(podsRefused({ ...west, reason: 'dial tcp 10.96.12.1:443: i/o timeout', only: 'sidecars' })),
      findings: ['unreachable-injector @ west:MutatingWebhookConfiguration/istio-revision-tag-default (error likely)'],
    },
    'it does not even try': {
      mesh: primaries.edit(podsRefused({ ...west, reason: 'Address is not allowed', only: 'sidecars' })),
      findings: ['unreachable-injector @ west:MutatingWebhookConfiguration/istio-revision-tag-default (error likely)'],
    },
    'long after istiod started': {
      mesh: remote
        .edit(istiodRestarted({ cluster: 'east', minutesAgo: 60 }))
        .edit(podsRefused({ ...west, reason: 'context deadline exceeded', minutesAgo: 59 })),
      findings: [`unreachable-injector @ ${injector}-1-31-0 (error likely)`],
    },
  },
});
