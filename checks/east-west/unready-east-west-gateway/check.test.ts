import {
  checkTester,
  gatewayRevision,
  gatewayScaledToZero,
  gatewayServiceSelects,
  gatewayUnready,
  mesh,
  neverExternal,
  remoteReinstalledAs,
} from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true });
const west = { cluster: 'west' };
const at = '@ west:Service/istio-system/istio-eastwestgateway';

checkTester(check, {
  healthy: {
    'one ready pod is enough': remote,
    'two primaries': mesh().multiPrimary('east', 'west'),
    'a gateway for istiod only': mesh().primaryRemote('east', 'west', { networks: 1 }),
    'an ambient mesh': mesh().ambient('east', 'west'),
    'an old release': mesh().primaryRemote('east', 'west', { release: '1.24.6', revision: '1-24-6' }),
    'a rollout that cannot finish while the old pod serves': remote.edit(
      gatewayRevision({ ...west, revision: '1-29-2', since: 'changed' }),
    ),
  },
  broken: {
    'scaled to nothing': { mesh: remote.edit(gatewayScaledToZero(west)), findings: [`unready-east-west-gateway/scaledToZero ${at}`] },
    'its pods are not ready': { mesh: remote.edit(gatewayUnready(west)), findings: [`unready-east-west-gateway/notReady ${at}`] },
    'its Service selects nothing': {
      mesh: remote.edit(gatewayServiceSelects({ ...west, selector: { app: 'another' } })),
      findings: [`unready-east-west-gateway/noPods ${at}`],
    },
    'nobody injects it': {
      mesh: remote.edit(gatewayRevision({ ...west, revision: '1-29-2', since: 'installed' })),
      findings: [`unready-east-west-gateway/uninjected ${at}`],
    },
    'its pods were never created': {
      mesh: remote.edit(neverExternal({ cluster: 'east', remote: 'west' })),
      findings: [`unready-east-west-gateway/uncreated ${at}`],
    },
    'istiod refuses them': {
      mesh: remote.edit(remoteReinstalledAs({ cluster: 'west', id: 'far-west' })),
      findings: [`unready-east-west-gateway/refused ${at}`],
    },
  },
});
