import {
  checkTester,
  gatewayInstalledOnNetwork,
  gatewayNetworkView,
  installedOnNetwork,
  mesh,
  networkLabelRemoved,
} from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const at = (cluster: string): string => `mismatched-network-view @ ${cluster}:Service/istio-system/istio-eastwestgateway (error certain)`;

checkTester(check, {
  healthy: {
    'gateways look at their own network': remote,
    'two primaries': mesh().multiPrimary('east', 'west'),
    'ambient gateways have no view': mesh().ambient('east', 'west'),
    'one network': mesh().primaryRemote('east', 'west', { networks: 1 }),
    'an external control plane': mesh().externalControlPlane('outside', 'west', { remotes: ['north'] }),
    'a view of several networks, its own among them': remote.edit(gatewayNetworkView({ cluster: 'west', view: 'network1,network2' })),
    'both clusters on one network': remote.edit(installedOnNetwork({ cluster: 'west', network: 'network1' })),
    'a gateway for another network altogether, which is another fault': remote.edit(
      gatewayInstalledOnNetwork({ cluster: 'west', network: 'network9' }),
    ),
    'the cluster does not say its network, which is another fault': remote.edit(networkLabelRemoved({ cluster: 'west' })),
  },
  broken: {
    'the gateway of the remote looks at the network of the primary': {
      mesh: remote.edit(gatewayNetworkView({ cluster: 'west', view: 'network1' })),
      findings: [at('west')],
    },
    'the gateway of a primary looks at a network that nobody is on': {
      mesh: mesh()
        .multiPrimary('east', 'west')
        .edit(gatewayNetworkView({ cluster: 'east', view: 'network-1' })),
      findings: [at('east')],
    },
  },
});
