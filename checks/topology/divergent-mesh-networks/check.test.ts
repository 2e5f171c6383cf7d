import { gatewayUnlabelled, checkTester, mesh, meshNetworksWritten, networkLabelRemoved } from 'meshdoctor/testkit';
import check from './check.ts';

const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('cart.shop');
const registry = (network: string, cluster: string, address: string): string =>
  `  ${network}:\n    endpoints:\n    - fromRegistry: ${cluster}\n    gateways:\n    - address: ${address}\n      port: 15443\n`;
const both = `networks:\n${registry('network1', 'east', '192.0.2.1')}${registry('network2', 'west', '192.0.2.2')}`;
const write = (cluster: string, yaml: string) => meshNetworksWritten({ cluster, yaml });
const unlabelled = peers.edit(networkLabelRemoved({ cluster: 'east' })).edit(networkLabelRemoved({ cluster: 'west' }));
const older = unlabelled.edit(gatewayUnlabelled({ cluster: 'east' })).edit(gatewayUnlabelled({ cluster: 'west' }));

checkTester(check, {
  healthy: {
    'no meshNetworks at all': peers,
    'a primary and a remote': mesh().primaryRemote('east', 'west'),
    'meshNetworks instead of labels, the same in both': older.edit(write('east', both)).edit(write('west', both)),
    'meshNetworks beside labels, the same in both': peers.edit(write('east', both)).edit(write('west', both)),
    'a network of virtual machines that one primary knows': peers.edit(
      write('east', 'networks:\n  machines:\n    endpoints:\n    - fromCidr: 192.0.2.128/25\n'),
    ),
    'one of two revisions of a primary has meshNetworks for labels that both see': mesh().canary('east', 'west', {
      from: '1-24-6',
      to: '1-31-0',
      stage: 'remote',
    }),
    'labels win over what meshNetworks says, and have gateways': peers
      .edit(write('east', both.replaceAll('network2', 'network9')))
      .edit(write('west', both.replaceAll('network2', 'network9'))),
    'a registry that is gone, beside all that are there': peers
      .edit(write('east', `${both}${registry('network3', 'gone', '192.0.2.3')}`))
      .edit(write('west', `${both}${registry('network3', 'gone', '192.0.2.3')}`)),
  },
  broken: {
    'one primary places a cluster on another network': {
      mesh: older.edit(write('east', both)).edit(write('west', both.replaceAll('network2', 'network-2'))),
      findings: ['divergent-mesh-networks/networks @ west:ConfigMap/istio-system/istio (error likely)'],
    },
    'one primary was never told of the networks': {
      mesh: older.edit(write('east', both)),
      findings: ['divergent-mesh-networks/networks @ west:ConfigMap/istio-system/istio (error likely)'],
    },
    'one primary has an old address of a gateway': {
      mesh: older.edit(write('east', both)).edit(write('west', both.replace('192.0.2.2', '192.0.2.99'))),
      findings: ['divergent-mesh-networks/gateways @ east:ConfigMap/istio-system/istio (error likely)'],
    },
    'one primary lists gateways beside the labelled ones': {
      mesh: peers.edit(write('east', both)),
      findings: ['divergent-mesh-networks/gateways @ west:ConfigMap/istio-system/istio (warning likely)'],
    },
    'both name a cluster as nobody does': {
      mesh: older
        .edit(write('east', both.replace('Registry: west', 'Registry: West')))
        .edit(write('west', both.replace('Registry: west', 'Registry: West'))),
      findings: [
        'divergent-mesh-networks/unknownRegistry @ east:ConfigMap/istio-system/istio (error likely)',
        'divergent-mesh-networks/unknownRegistry @ west:ConfigMap/istio-system/istio (error likely)',
      ],
    },
    'the label names a network without gateway': {
      mesh: older
        .edit(write('east', both))
        .edit(write('west', both))
        .break((m) => m.cluster('west').relabel('istio-system', { 'topology.istio.io/network': 'flat' })),
      findings: [
        'divergent-mesh-networks/contradicted @ east:ConfigMap/istio-system/istio (error likely)',
        'divergent-mesh-networks/contradicted @ west:ConfigMap/istio-system/istio (error likely)',
      ],
    },
  },
});
