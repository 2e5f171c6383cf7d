import { checkTester, exposedTerminating, mesh, podsRefused } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west').namespace('shop', { injected: true }).service('cart.shop');
const external = mesh()
  .externalControlPlane('outside', 'inside', { remotes: ['south'] })
  .namespace('shop', { injected: true })
  .service('cart.shop');
const terminating = remote.edit(exposedTerminating({ cluster: 'east', credential: 'istiod-public' }));
const unknown = 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
const gateway = '@ east:Gateway/istio-system/istiod-gateway';

checkTester(check, {
  healthy: {
    'TLS is passed through': remote,
    'a revision': mesh().primaryRemote('east', 'west', { revision: '1-31-0' }),
    'two primaries': mesh().multiPrimary('east', 'west'),
    'an upgrade in flight': mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'an external control plane, which ends TLS under a public name': external,
    'refused, but TLS is passed through: another fault': remote.edit(podsRefused({ cluster: 'west', reason: unknown })),
  },
  broken: {
    'nothing says yet that its certificate is refused': {
      mesh: terminating,
      findings: [`untrusted-exposure ${gateway} (warning possible)`],
    },
    'its certificate is refused': {
      mesh: terminating.edit(podsRefused({ cluster: 'west', reason: unknown })),
      findings: [`untrusted-exposure ${gateway} (error likely)`],
    },
  },
});
