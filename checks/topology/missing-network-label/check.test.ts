import { checkTester, gatewayRemoved, installedWithoutNetwork, mesh, networkLabelRemoved } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const healthy = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const peers = mesh()
  .multiPrimary(east, west)
  .namespace('shop', { injected: true })
  .service('cart.shop', { in: [west] });
const flat = mesh().primaryRemote(east, west, { networks: 1 }).namespace('shop', { injected: true }).service('cart.shop');

/** The older way to name networks: istiod of each cluster is told them by cluster ID. */
const meshNetworks =
  'networks:\n  network1:\n    endpoints:\n    - fromRegistry: east\n  network2:\n    endpoints:\n    - fromRegistry: west\n';

checkTester(check, {
  healthy: {
    'both system namespaces name their network': healthy,
    'two primaries name theirs': peers,
    'one network, labelled nowhere but on the gateway (FP-1)': flat,
    'one network that nobody ever named': mesh().multiPrimary(east, west, { networks: 0 }),
    'an external control plane without any label': mesh()
      .externalControlPlane('outside', west)
      .namespace('shop', { clusters: [west], injected: true }),
    'networks are named by meshNetworks of the mesh config': peers
      .break((m) => m.cluster(east).withoutNetworkLabel().cluster(west).withoutNetworkLabel())
      .break((m) =>
        m
          .cluster(east)
          .patch('ConfigMap', 'istio-system', 'istio', { data: { meshNetworks } })
          .cluster(west)
          .patch('ConfigMap', 'istio-system', 'istio', { data: { meshNetworks } }),
      ),
    'the only named namespace of a mesh whose workloads all say the same network': flat.break((m) =>
      m.cluster(east).relabel('istio-system', { 'topology.istio.io/network': 'network1' }),
    ),
  },
  broken: {
    'the label of the remote was taken off': {
      mesh: healthy.edit(networkLabelRemoved({ cluster: west })),
      findings: ['missing-network-label @ west:Namespace/istio-system (error certain)'],
    },
    'the primary was installed without a network': {
      mesh: healthy.edit(installedWithoutNetwork({ cluster: east })),
      findings: ['missing-network-label @ east:Namespace/istio-system (error certain)'],
    },
    'a primary of two lost its label': {
      mesh: peers.edit(networkLabelRemoved({ cluster: west })),
      findings: ['missing-network-label @ west:Namespace/istio-system (error certain)'],
    },
    'the label is there and empty': {
      mesh: healthy.break((m) => m.cluster(west).relabel('istio-system', { 'topology.istio.io/network': '' })),
      findings: ['missing-network-label @ west:Namespace/istio-system (error certain)'],
    },
    'nothing in the second cluster says a network, while the first has a name and a gateway': {
      mesh: peers.edit(installedWithoutNetwork({ cluster: west })).edit(gatewayRemoved({ cluster: west })),
      findings: ['missing-network-label @ west:Namespace/istio-system (warning possible)'],
    },
  },
});
