import { checkTester, gatewayExternalIps, gatewayUnlabelled, istiodOfRelease, mesh, meshNetworksWritten } from 'meshdoctor/testkit';
import check from './check.ts';

const peers = mesh().multiPrimary('east', 'west', { release: '1.24.6' });
const bare = gatewayExternalIps({ cluster: 'west', addresses: ['198.51.100.9'] });
const old = istiodOfRelease({ cluster: 'east', release: '1.7.8' });
const at = 'unread-external-ips @ west:Service/istio-system/istio-eastwestgateway (error certain)';

checkTester(check, {
  healthy: {
    'load balancers': peers,
    'load balancers, and an old release': peers.edit(old),
    'externalIPs, and a release that reads them': peers.edit(bare),
    'externalIPs beside the address of a load balancer': peers
      .edit(old)
      .break((m) =>
        m.cluster('west').patch('Service', 'istio-system', 'istio-eastwestgateway', { spec: { externalIPs: ['198.51.100.9'] } }),
      ),
    'externalIPs on one network': mesh().multiPrimary('east', 'west', { networks: 1 }).edit(old),
  },
  broken: {
    'a labelled gateway on bare metal': { mesh: peers.edit(bare).edit(old), findings: [at] },
    'a gateway that meshNetworks names': {
      mesh: peers
        .edit(bare)
        .edit(old)
        .edit(gatewayUnlabelled({ cluster: 'west' }))
        .edit(
          meshNetworksWritten({
            cluster: 'east',
            yaml: 'networks:\n  network2:\n    endpoints:\n    - fromRegistry: west\n    gateways:\n    - registryServiceName: istio-eastwestgateway.istio-system.svc.cluster.local\n      port: 15443\n',
          }),
        ),
      findings: [at],
    },
  },
});
