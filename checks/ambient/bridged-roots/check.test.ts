import { anotherRoot, certificates, checkTester, inOrder, mesh, rootsExchanged, withIstiodEnv } from 'meshdoctor/testkit';
import check from './check.ts';

const ambient = mesh().ambient('east', 'west').namespace('shop', { injected: true }).service('abc.shop');
const another = anotherRoot({ cluster: 'west', root: certificates.secondRoot, ca: 'plugged-in' });
const own = anotherRoot({ cluster: 'east', root: certificates.secondRoot, ca: 'self-signed' });
const exchanged = rootsExchanged({ one: 'east', other: 'west' });

checkTester(check, {
  healthy: {
    'one root': ambient,
    'one root, and each named once more': ambient.edit(exchanged),
    'two roots that nobody bridged, which others say': ambient.edit(another),
    'a root each, exchanged, while one of them does not span networks': {
      mesh: ambient.edit(inOrder(another, exchanged, withIstiodEnv('west', { AMBIENT_ENABLE_MULTI_NETWORK: undefined }))),
      inconclusive: ['one of the two does not span networks @ east west', 'one of the two does not span networks @ west east'],
    },
    'sidecars, which take them': mesh().multiPrimary('east', 'west', { networks: 2 }).edit(inOrder(another, exchanged)),
  },
  broken: {
    'a root each, exchanged': {
      mesh: ambient.edit(inOrder(another, exchanged)),
      findings: ['bridged-roots @ west:ConfigMap/istio-system/istio-ca-root-cert'],
    },
    'one of them signs for itself': {
      mesh: ambient.edit(inOrder(own, exchanged)),
      findings: ['bridged-roots @ west:ConfigMap/istio-system/istio-ca-root-cert'],
    },
  },
});
