import { checkTester, gatewayRemoved, gatewayServiceWithoutPorts, mesh, pilotAddress } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const revisioned = mesh().primaryRemote(east, west, { revision: '1-31-0' });
const plain = mesh().primaryRemote(east, west);
const service = 'east:Service/istio-system/istio-eastwestgateway';

checkTester(check, {
  healthy: {
    'a gateway with both ports': revisioned,
    'without a name': plain,
    'on one network': mesh().primaryRemote(east, west, { networks: 1 }),
    'an old release': mesh().primaryRemote(east, west, { revision: '1-24-6', release: '1.24.6' }),
    'two primaries need none': mesh()
      .multiPrimary(east, west)
      .edit(gatewayServiceWithoutPorts({ cluster: east, ports: [15012, 15017] })),
    'the gateway of the remote needs none': plain.edit(gatewayServiceWithoutPorts({ cluster: west, ports: [15012, 15017] })),
    'an external control plane': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'an upgrade in flight': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'no gateway at all, which is another fault': plain.edit(gatewayRemoved({ cluster: east })),
    'istiod has a load balancer of its own': plain
      .edit(gatewayServiceWithoutPorts({ cluster: east, ports: [15012, 15017] }))
      .edit(pilotAddress({ cluster: west, address: '203.0.113.200' }))
      .break((m) =>
        m.cluster(east).patch('Service', 'istio-system', 'istiod', {
          spec: { type: 'LoadBalancer' },
          status: { loadBalancer: { ingress: [{ ip: '203.0.113.200' }] } },
        }),
      ),
  },
  broken: {
    'neither port': {
      mesh: revisioned.edit(gatewayServiceWithoutPorts({ cluster: east, ports: [15012, 15017] })),
      findings: [`missing-istiod-port @ ${service} (error certain)`],
    },
    'no port of the injector': {
      mesh: plain.edit(gatewayServiceWithoutPorts({ cluster: east, ports: [15017] })),
      findings: [`missing-istiod-port @ ${service} (error certain)`],
    },
    'no port of discovery': {
      mesh: plain.edit(gatewayServiceWithoutPorts({ cluster: east, ports: [15012] })),
      findings: [`missing-istiod-port @ ${service} (error certain)`],
    },
    'the address is stale as well': {
      mesh: plain
        .edit(gatewayServiceWithoutPorts({ cluster: east, ports: [15012] }))
        .edit(pilotAddress({ cluster: west, address: '192.0.2.77' })),
      findings: [`missing-istiod-port @ ${service} (error certain)`],
    },
    'two remotes, one fault': {
      mesh: mesh()
        .primaryRemote(east, [west, 'north'])
        .edit(gatewayServiceWithoutPorts({ cluster: east, ports: [15017] })),
      findings: [`missing-istiod-port @ ${service} (error certain)`],
    },
  },
});
