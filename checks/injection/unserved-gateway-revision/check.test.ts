import { checkTester, gatewayRevision, gatewayScaledToZero, injectorsRemoved, mesh, namespaceWants } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const revisioned = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const plain = mesh().primaryRemote(east, west);
const gateway = 'west:Deployment/istio-system/istio-eastwestgateway';

checkTester(check, {
  healthy: {
    'gateways of the revision': revisioned,
    'gateways without a name of a revision': plain,
    'an old release': mesh().primaryRemote(east, west, { revision: '1-24-6', release: '1.24.6' }),
    'two primaries': mesh().multiPrimary(east, west),
    'an upgrade in flight: gateways stay behind': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'a gateway that asks for a tag': revisioned
      .break((m) => m.cluster(west).tag('prod', '1-31-0'))
      .edit(gatewayRevision({ cluster: west, revision: 'prod', since: 'changed' })),
    'gateways that istiod deploys': mesh().ambient(east, west),
    'gateways of other charts, whose image is no template': mesh().externalControlPlane('outside', west),
    'only a namespace asks for what is not served': revisioned.edit(
      namespaceWants({ cluster: west, namespace: 'shop', wish: { revision: '1-30-3' } }),
    ),
  },
  broken: {
    'installed with a revision that nobody serves': {
      mesh: revisioned.edit(gatewayRevision({ cluster: west, revision: '1-30-3', since: 'installed' })),
      findings: [`unserved-gateway-revision/unserved @ ${gateway} (error likely)`],
    },
    'changed to a revision that nobody serves, the old pod still runs': {
      mesh: revisioned.edit(gatewayRevision({ cluster: west, revision: '1-30-3', since: 'changed' })),
      findings: [`unserved-gateway-revision/unserved @ ${gateway}`],
    },
    'its webhook is gone, as namespaces notice too': {
      mesh: revisioned.edit(injectorsRemoved({ cluster: west, tags: true })),
      findings: [`unserved-gateway-revision/alsoNamespaces @ ${gateway} (warning likely)`],
    },
    'scaled to nothing, and what comes next would not start': {
      mesh: revisioned
        .edit(gatewayRevision({ cluster: west, revision: '1-30-3', since: 'installed' }))
        .edit(gatewayScaledToZero({ cluster: west })),
      findings: [`unserved-gateway-revision/unserved @ ${gateway} (warning likely)`],
    },
    'two revisions are served, and it asks for neither': {
      mesh: mesh()
        .canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' })
        .edit(gatewayRevision({ cluster: west, revision: '1-29-6', since: 'installed' })),
      findings: [`unserved-gateway-revision/unserved @ ${gateway} (error likely)`],
    },
  },
});
