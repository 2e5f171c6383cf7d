import { checkTester, crossNetworkGatewayIn, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true });
const route = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'cart', namespace: 'shop' },
  spec: { hosts: ['cart'], http: [{ route: [{ destination: { host: 'cart' } }] }] },
};
const strict = {
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { name: 'default', namespace: 'shop' },
  spec: { mtls: { mode: 'STRICT' } },
};
const machine = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'WorkloadEntry',
  metadata: { name: 'machine', namespace: 'shop' },
  spec: { address: '192.0.2.9' },
};

const outside = mesh()
  .externalControlPlane('outside', 'west', { remotes: ['north'] })
  .namespace('shop', { injected: true, clusters: ['west', 'north'] });

checkTester(check, {
  healthy: {
    'configuration in the primary only': remote.break((m) => m.cluster('east').add(route).add(strict)),
    'the same configuration everywhere': remote.break((m) => m.cluster('east').add(route).cluster('west').add(route)),
    'workload entries are read from every cluster': remote.break((m) => m.cluster('west').add(machine)),
    'each of two primaries reads its own': mesh()
      .multiPrimary('east', 'west')
      .namespace('shop', { injected: true })
      .break((m) => m.cluster('west').add(route)),
    'the config cluster of an external control plane': mesh()
      .externalControlPlane('outside', 'west')
      .namespace('shop', { injected: true, clusters: ['west'] })
      .break((m) => m.cluster('west').add(route)),
    'a further remote of an external control plane, with copies of the config cluster': outside.break((m) =>
      m.cluster('west').add(route).cluster('north').add(route),
    ),
    'an ambient mesh': mesh().ambient('east', 'west'),
  },
  broken: {
    'a policy applied in the remote': {
      mesh: remote.break((m) => m.cluster('west').add(strict)),
      findings: ['inert-configuration/inert @ west:PeerAuthentication/shop/default (warning certain)'],
    },
    'a route applied in the remote': {
      mesh: remote.break((m) => m.cluster('west').add(route)),
      findings: ['inert-configuration/inert @ west:VirtualService/shop/cart (warning certain)'],
    },
    'a policy applied in one of several remotes': {
      mesh: mesh()
        .primaryRemote('east', ['west', 'north'])
        .namespace('shop')
        .break((m) => m.cluster('north').add(strict)),
      findings: ['inert-configuration/inert @ north:PeerAuthentication/shop/default (warning certain)'],
    },
    'a route in a further remote of an external control plane, which its own cluster has for its own mesh': {
      mesh: outside.namespace('shop', { clusters: ['outside'] }).break((m) => m.cluster('outside').add(route).cluster('north').add(route)),
      findings: ['inert-configuration/inert @ north:VirtualService/shop/cart (warning certain)'],
    },
    'the Gateway between networks applied in the remote': {
      mesh: remote.edit(crossNetworkGatewayIn({ cluster: 'east', instead: 'west' })),
      findings: ['inert-configuration/exposure @ west:Gateway/istio-system/cross-network-gateway (warning certain)'],
    },
  },
});
