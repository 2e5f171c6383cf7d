import { canaryGateway, checkTester, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const primaries = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('cart.shop');
const second = (revision: string, labelled = true) => canaryGateway({ cluster: 'west', revision, labelled, address: '172.18.2.77' });

checkTester(check, {
  healthy: {
    'one gateway each': remote,
    'two primaries': primaries,
    'an upgrade in flight': mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'two of one revision, to survive a restart': remote.edit(second('1-31-0')),
    'a canary without the label': remote.edit(second('1-31-1', false)),
    ambient: mesh().ambient('east', 'west'),
    'an external control plane': mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] }),
  },
  broken: {
    'a canary with the label, in a remote': {
      mesh: remote.edit(second('1-31-1')),
      findings: ['premature-canary-gateway @ west:Service/istio-system/istio-eastwestgateway-canary (warning possible)'],
    },
    'in a primary': {
      mesh: primaries.edit(second('canary')),
      findings: ['premature-canary-gateway @ west:Service/istio-system/istio-eastwestgateway-canary (warning possible)'],
    },
  },
});
