import { checkTester, installedAsPrimary, mesh, proxiesAsk } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west').namespace('shop', { injected: true }).service('cart.shop');
const alone = mesh().multiPrimary('far', 'west', { trust: 'self-signed' }).namespace('shop', { injected: true }).service('cart.shop');
const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('cart.shop');
const stray = remote.edit(installedAsPrimary({ cluster: 'west', like: alone.objects(), primary: 'east', reads: [] }));
const annotated = peers.break((m) =>
  m.cluster('west').patch('Namespace', undefined, 'istio-system', {
    metadata: { annotations: { 'topology.istio.io/controlPlaneClusters': 'east' } },
  }),
);

checkTester(check, {
  healthy: {
    'a remote': remote,
    'two primaries': peers,
    'a primary that was a remote once': annotated,
    'an external control plane': mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] }),
    'an upgrade in flight': mesh().canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'it only injects: its proxies connect to the primary': stray.edit(
      proxiesAsk({ cluster: 'west', host: 'istiod-remote.istio-system.svc' }),
    ),
  },
  broken: {
    'the whole profile instead of the remote one': {
      mesh: stray,
      findings: ['stray-istiod @ west:Deployment/istio-system/istiod (error likely)'],
    },
  },
});
