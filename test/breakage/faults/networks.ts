import { crossNetworkGatewayDeleted, gatewayRemoved, gatewayUnlabelled } from '../../../src/builder/edits/east-west.ts';
import { inOrder } from '../../../src/builder/edits/edit.ts';
import { gatewayNetworkView, meshNetworksWritten } from '../../../src/builder/edits/load-balancer.ts';
import { networkLabelRemoved } from '../../../src/builder/edits/topology-networks.ts';
import type { Fault } from '../fault.ts';

const isolated = ['two primaries', 'three primaries'] as const;

/** One network in the older form: by cluster, with an address of its gateway. */
const network = (name: string, cluster: string, address: string): string =>
  `  ${name}:\n    endpoints:\n    - fromRegistry: ${cluster}\n    gateways:\n    - address: ${address}\n      port: 15443\n`;
const eastAndWest = (west: string, of = 'west'): string =>
  `networks:\n${network('network1', 'east', '10.200.1.1')}${network('network2', of, west)}`;

/** Both clusters as from before there were labels: neither namespace nor gateway says a network. */
const withoutLabels = inOrder(
  networkLabelRemoved({ cluster: 'east' }),
  networkLabelRemoved({ cluster: 'west' }),
  gatewayUnlabelled({ cluster: 'east' }),
  gatewayUnlabelled({ cluster: 'west' }),
);

/** What clusters are told of networks. */
export const faults: readonly Fault[] = [
  {
    id: 'flat-clusters-named-apart',
    mode: 'ID-03',
    says: 'Two clusters on one flat network were installed with a network name each, and no gateways, which nobody needed.',
    meshes: ['two primaries'],
    edits: [
      crossNetworkGatewayDeleted({ cluster: 'east' }),
      crossNetworkGatewayDeleted({ cluster: 'west' }),
      gatewayRemoved({ cluster: 'east' }),
      gatewayRemoved({ cluster: 'west' }),
    ],
  },
  {
    id: 'flat-clusters-named-apart-with-a-third',
    mode: 'ID-03',
    says: 'Three clusters on one flat network were installed with a network name each.',
    meshes: ['three primaries'],
    edits: ['east', 'west', 'south'].flatMap((cluster) => [crossNetworkGatewayDeleted({ cluster }), gatewayRemoved({ cluster })]),
  },
  {
    id: 'gateway-sees-network-of-primary',
    mode: 'ID-06',
    says: "The gateway of a remote was generated with the network view of the primary's.",
    meshes: ['primary-remote', 'primary-remote with a revision', 'primary-remote 1.24', 'two remotes', ...isolated],
    edits: [gatewayNetworkView({ cluster: 'west', view: 'network1' })],
  },
  {
    id: 'gateway-sees-network-of-nobody',
    mode: 'ID-06',
    says: "The network view of the primary's gateway was misspelt.",
    meshes: ['primary-remote', 'primary-remote with a revision', 'two remotes', ...isolated],
    edits: [gatewayNetworkView({ cluster: 'east', view: 'network-1' })],
  },
  {
    id: 'mesh-networks-in-one-primary-only',
    mode: 'ID-12',
    says: 'A mesh whose networks are in meshNetworks had them written into one of its primaries only.',
    meshes: ['two primaries'],
    edits: [withoutLabels, meshNetworksWritten({ cluster: 'east', yaml: eastAndWest('10.200.2.1') })],
    also: ['ID-01'],
  },
  {
    id: 'mesh-networks-with-another-name',
    mode: 'ID-12',
    says: 'One of two primaries calls the network of a cluster otherwise in its meshNetworks.',
    meshes: ['two primaries'],
    edits: [
      withoutLabels,
      meshNetworksWritten({ cluster: 'east', yaml: eastAndWest('10.200.2.1') }),
      meshNetworksWritten({ cluster: 'west', yaml: eastAndWest('10.200.2.1').replace('network2', 'network-2') }),
    ],
    also: ['ID-01'],
  },
  {
    id: 'mesh-networks-with-old-gateway',
    mode: 'ID-12',
    says: 'The address of a gateway was renewed in the meshNetworks of one primary and not in the other.',
    meshes: ['two primaries'],
    edits: [
      withoutLabels,
      meshNetworksWritten({ cluster: 'east', yaml: eastAndWest('10.200.2.1') }),
      meshNetworksWritten({ cluster: 'west', yaml: eastAndWest('10.200.2.77') }),
    ],
    also: ['ID-01'],
  },
  {
    id: 'mesh-networks-for-unknown-registry',
    mode: 'ID-12',
    says: 'meshNetworks names a cluster by another name than its ID.',
    meshes: ['two primaries'],
    edits: [
      withoutLabels,
      meshNetworksWritten({ cluster: 'east', yaml: eastAndWest('10.200.2.1', 'cluster-west') }),
      meshNetworksWritten({ cluster: 'west', yaml: eastAndWest('10.200.2.1', 'cluster-west') }),
    ],
    also: ['ID-01'],
  },
];
