import {
  checkTester,
  gatewayAddressPending,
  gatewayNodePort,
  gatewayReaddressed,
  gatewayRemoved,
  mesh,
  pilotAddress,
  pilotBackend,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const revisioned = mesh().primaryRemote(east, west, { revision: '1-31-0' });
const plain = mesh().primaryRemote(east, west);
const old = mesh().primaryRemote(east, west, { revision: '1-24-6', release: '1.24.6' });
const flat = mesh().primaryRemote(east, west, { networks: 1 });
const istiodAddress =
  (flat.objects().get(east) ?? []).flatMap((object) => {
    const { status } = object;
    const isIstiod = object.kind === 'Pod' && object.metadata.labels?.['app'] === 'istiod';
    return isIstiod && typeof status === 'object' && status !== null && 'podIP' in status ? String(status.podIP) : [];
  })[0] ?? '';
const pilot = 'west:Service/istio-system/istiod';

checkTester(check, {
  healthy: {
    'the address of the gateway': revisioned,
    'without a name': plain,
    'on one network': mesh().primaryRemote(east, west, { networks: 1 }),
    'Endpoints instead of a slice': old,
    'two remotes': mesh().primaryRemote(east, [west, 'north']),
    'two primaries have no such Service': mesh().multiPrimary(east, west),
    'an upgrade in flight': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'an external control plane has no such Service': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'a node of the primary': plain
      .edit(gatewayNodePort({ cluster: east, nodeSelector: '{}' }))
      .edit(pilotAddress({ cluster: west, address: '10.1.0.10' })),
    'istiod’s own pod, on a flat network': mesh()
      .primaryRemote(east, west, { networks: 1 })
      .edit(pilotAddress({ cluster: west, address: istiodAddress })),
    'another spelling of an IPv6 address': plain
      .edit(gatewayReaddressed({ cluster: east, address: '2001:db8::15' }))
      .edit(pilotAddress({ cluster: west, address: '2001:0DB8:0:0:0:0:0:15' })),
    'a name: what it resolves to is in no object': plain.break((m) =>
      m.cluster(west).patch('Service', 'istio-system', 'istiod', {
        spec: { type: 'ExternalName', externalName: 'istiod.example.com', clusterIP: null, clusterIPs: null },
      }),
    ),
  },
  broken: {
    'an address of before': {
      mesh: revisioned.edit(pilotAddress({ cluster: west, address: '192.0.2.77' })),
      findings: [`stale-pilot-address/stale @ ${pilot}-1-31-0 (error certain)`],
    },
    'an address of before in Endpoints': {
      mesh: old.edit(pilotAddress({ cluster: west, address: '192.0.2.77' })),
      findings: [`stale-pilot-address/stale @ ${pilot}-1-24-6 (error certain)`],
    },
    'the load balancer was made again': {
      mesh: plain.edit(gatewayReaddressed({ cluster: east, address: '192.0.2.77' })),
      findings: [`stale-pilot-address/stale @ ${pilot} (error certain)`],
    },
    'one of two addresses': {
      mesh: plain.break((m) =>
        m
          .cluster(west)
          .patch('EndpointSlice', 'istio-system', 'istiod', { endpoints: [{ addresses: ['10.200.1.1'] }, { addresses: ['192.0.2.77'] }] }),
      ),
      findings: [`stale-pilot-address/stale @ ${pilot} (warning certain)`],
    },
    'nothing behind the Service': {
      mesh: plain.edit(pilotBackend({ cluster: west, what: 'deleted' })),
      findings: [`stale-pilot-address/none @ ${pilot} (error certain)`],
    },
    'an empty slice': {
      mesh: plain.edit(pilotBackend({ cluster: west, what: 'empty' })),
      findings: [`stale-pilot-address/none @ ${pilot} (error certain)`],
    },
    'a slice of another Service': {
      mesh: plain.edit(pilotBackend({ cluster: west, what: 'detached' })),
      findings: [`stale-pilot-address/none @ ${pilot} (error certain)`],
    },
    'no gateway in the primary': {
      mesh: plain.edit(gatewayRemoved({ cluster: east })),
      findings: [`stale-pilot-address/stale @ ${pilot} (error likely)`],
    },
    'the gateway of the primary has no address': {
      mesh: plain.edit(gatewayAddressPending({ cluster: east })),
      findings: [],
      inconclusive: ['the gateway of the primary has no address to compare with @ east west'],
    },
    'the gateway of the primary has a host name': {
      mesh: plain.break((m) =>
        m.cluster(east).patch('Service', 'istio-system', 'istio-eastwestgateway', {
          status: { loadBalancer: { ingress: [{ hostname: 'lb.example.com' }] } },
        }),
      ),
      findings: [],
      inconclusive: ['the gateway of the primary has a host name: its addresses need a resolver @ east west'],
    },
  },
});
