import {
  checkTester,
  gatewayExternalIps,
  gatewayNodePort,
  gatewayTrafficPolicy,
  gatewayUnready,
  mesh,
  nodeAdded,
  nodesAddressed,
} from 'meshdoctor/testkit';
import check from './check.ts';

const west = { cluster: 'west' };
const local = gatewayTrafficPolicy({ ...west, policy: 'Local' });
const second = nodeAdded({ ...west, name: 'node-second', internal: '10.2.0.11', labels: { role: 'other' } });
const open = nodesAddressed({ ...west, address: '198.51.100.20' });
const peers = mesh().multiPrimary('east', 'west');
const nodePort = peers
  .edit(second)
  .edit(open)
  .edit(gatewayNodePort({ ...west, nodeSelector: '{}' }));
const at = 'unbacked-gateway-node @ west:Service/istio-system/istio-eastwestgateway';

checkTester(check, {
  healthy: {
    'a load balancer, which checks its targets': peers.edit(second).edit(local),
    'nodes that pass on what is not theirs': nodePort.edit(gatewayTrafficPolicy({ ...west, policy: 'Cluster' })),
    'only nodes that run the gateway are selected': peers
      .edit(second)
      .edit(open)
      .edit(gatewayNodePort({ ...west, nodeSelector: '{"kubernetes.io/hostname":"node-west"}' }))
      .edit(local),
    'no ready gateway at all, which is another fault': {
      mesh: nodePort.edit(local).edit(gatewayUnready(west)),
      inconclusive: ['its gateway has no ready pod anywhere @ west'],
    },
    'externalIPs of something that is no node': peers
      .edit(second)
      .edit(gatewayExternalIps({ ...west, addresses: ['192.0.2.9'], policy: 'Local' })),
    'an ambient mesh': mesh().ambient('east', 'west'),
    'one network': mesh().primaryRemote('east', 'west', { networks: 1 }),
  },
  broken: {
    'one of two announced nodes runs the gateway': { mesh: nodePort.edit(local), findings: [`${at} (warning likely)`] },
    'only the node without the gateway is announced': {
      mesh: peers
        .edit(second)
        .edit(open)
        .edit(gatewayNodePort({ ...west, nodeSelector: '{"role":"other"}' }))
        .edit(local),
      findings: [`${at} (error likely)`],
    },
    'externalIPs are those of two nodes': {
      mesh: peers.edit(second).edit(gatewayExternalIps({ ...west, addresses: ['10.2.0.10', '10.2.0.11'], policy: 'Local' })),
      findings: [`${at} (warning likely)`],
    },
  },
});
