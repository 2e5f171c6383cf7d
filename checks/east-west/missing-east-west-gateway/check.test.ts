import { checkTester, crossNetworkGatewayDeleted, gatewayRemoved, gatewayUnlabelled, mesh, nodesOf } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' });
const peers = mesh().multiPrimary('east', 'west');
const flat = [
  crossNetworkGatewayDeleted({ cluster: 'east' }),
  crossNetworkGatewayDeleted({ cluster: 'west' }),
  gatewayRemoved({ cluster: 'east' }),
  gatewayRemoved({ cluster: 'west' }),
].reduce((so, edit) => so.edit(edit), peers);

checkTester(check, {
  healthy: {
    'a gateway on each network': remote.namespace('shop', { injected: true }),
    'two primaries': peers,
    'an old release': mesh().primaryRemote('east', 'west', { release: '1.24.6', revision: '1-24-6' }),
    'one network needs none (FP-2)': mesh().primaryRemote('east', 'west', { networks: 1 }),
    'two primaries on one network': mesh().multiPrimary('east', 'west', { networks: 0 }),
    'an ambient mesh': mesh().ambient('east', 'west'),
    'an external control plane': mesh().externalControlPlane('outside', 'west', { remotes: ['north'] }),
    'gateways in the older form, by network of the mesh config': peers.edit(gatewayRemoved({ cluster: 'west' })).break((m) =>
      m.cluster('east').patch('ConfigMap', 'istio-system', 'istio', {
        data: { meshNetworks: 'networks:\n  network2:\n    gateways:\n    - address: 192.0.2.77\n      port: 15443\n' },
      }),
    ),
    'a gateway with a wrong label is another fault': peers.break((m) =>
      m
        .cluster('west')
        .patch('Service', 'istio-system', 'istio-eastwestgateway', { metadata: { labels: { 'topology.istio.io/network': 'network9' } } }),
    ),
  },
  broken: {
    'clusters on networks of different names, and nothing for calls between them': {
      mesh: flat,
      findings: ['missing-east-west-gateway/nowhere @ east:Namespace/istio-system (error likely)'],
    },
    'the same, where nodes of both give addresses of one range': {
      mesh: flat
        .edit(nodesOf({ cluster: 'east', providerId: 'azure:///x', podCidr: '10.244.0.0/24' }))
        .edit(nodesOf({ cluster: 'west', providerId: 'azure:///x', podCidr: '10.244.0.0/24' })),
      findings: ['missing-east-west-gateway/nowhere @ east:Namespace/istio-system (error likely)'],
    },
    'no gateway is left, but services are exposed to one': {
      mesh: peers.edit(gatewayRemoved({ cluster: 'east' })).edit(gatewayRemoved({ cluster: 'west' })),
      findings: [
        'missing-east-west-gateway/missing @ east:Namespace/istio-system (warning certain)',
        'missing-east-west-gateway/missing @ west:Namespace/istio-system (warning certain)',
      ],
    },
    'an ambient Gateway lost its label, which its Service keeps': {
      mesh: mesh()
        .ambient('east', 'west')
        .break((m) =>
          m
            .cluster('west')
            .patch('Gateway', 'istio-system', 'istio-eastwestgateway', { metadata: { labels: { 'topology.istio.io/network': null } } }),
        ),
      findings: ['missing-east-west-gateway/unmarked @ west:Gateway/istio-system/istio-eastwestgateway (error certain)'],
    },
    'a network in which nothing runs yet': {
      mesh: peers.edit(gatewayRemoved({ cluster: 'west' })),
      findings: ['missing-east-west-gateway/missing @ west:Namespace/istio-system (warning certain)'],
    },
    'a network in which something runs': {
      mesh: peers
        .namespace('shop', { injected: true })
        .service('cart.shop')
        .edit(gatewayRemoved({ cluster: 'west' })),
      findings: ['missing-east-west-gateway/missing @ west:Namespace/istio-system (error certain)'],
    },
    'an ambient gateway that istiod does not deploy, for want of its flag': {
      mesh: mesh()
        .ambient('east', 'west')
        .break((m) =>
          m
            .cluster('west')
            .patch('Deployment', 'istio-system', 'istiod', (object) => {
              const text = JSON.stringify(object).replace('{"name":"AMBIENT_ENABLE_MULTI_NETWORK","value":"true"},', '');
              return JSON.parse(text) as typeof object;
            })
            .remove('Service', 'istio-system', 'istio-eastwestgateway')
            .patch('Gateway', 'istio-system', 'istio-eastwestgateway', {
              status: {
                addresses: null,
                conditions: ['Accepted', 'Programmed'].map((type) => ({
                  type,
                  status: 'Unknown',
                  reason: 'Pending',
                  message: 'Waiting for controller',
                })),
              },
            }),
        ),
      findings: ['missing-east-west-gateway/waiting @ west:Gateway/istio-system/istio-eastwestgateway (error likely)'],
    },
    'the gateway of the remote was never installed': {
      mesh: remote.edit(gatewayRemoved({ cluster: 'west' })),
      findings: ['missing-east-west-gateway/missing @ west:Namespace/istio-system'],
    },
    'the gateway of the primary was never installed': {
      mesh: remote.edit(gatewayRemoved({ cluster: 'east' })),
      findings: ['missing-east-west-gateway/missing @ east:Namespace/istio-system'],
    },
    'the gateway of one of two primaries lost its label': {
      mesh: peers.edit(gatewayUnlabelled({ cluster: 'west' })),
      findings: ['missing-east-west-gateway/unlabelled @ west:Service/istio-system/istio-eastwestgateway'],
    },
  },
});
