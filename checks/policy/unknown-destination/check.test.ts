import { checkTester, mesh, type MeshBuilder } from 'meshdoctor/testkit';
import check from './check.ts';

type Edit = Parameters<MeshBuilder['break']>[0];

const gone = 'gone.shop.svc.cluster.local';
const add =
  (kind: string, spec: object, { cluster = 'east', namespace = 'shop', name = 'cart' } = {}): Edit =>
  (m) =>
    m.cluster(cluster).add({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name, namespace }, spec });
const to = (host: string, more: object = {}) => ({ destination: { host }, ...more });
const route = (routes: readonly object[], more: object = {}, http: readonly object[] = []) =>
  add('VirtualService', { hosts: ['cart'], http: [...http, { route: routes }], ...more });

const base = (built: MeshBuilder): MeshBuilder =>
  built.namespace('shop', { injected: true }).namespace('callers', { injected: true }).workload('curl.callers');
const remote = base(mesh().primaryRemote('east', 'west'))
  .service('cart.shop')
  .service('orders.shop', { in: ['west'] });
const peers = base(mesh().multiPrimary('east', 'west')).service('cart.shop');

checkTester(check, {
  healthy: {
    'no routes': remote,
    'to the service itself, by its short name': remote.break(route([to('cart')])),
    'to a service of the other cluster': remote.break(route([to('orders.shop.svc.cluster.local')])),
    'to the host of a ServiceEntry': remote
      .break(route([to(gone)]))
      .break(add('ServiceEntry', { hosts: [gone], ports: [{ number: 80, name: 'http', protocol: 'HTTP' }], resolution: 'DNS' })),
    'to a host that a ServiceEntry covers with others': remote
      .break(route([to('a.shop.svc.cluster.local')]))
      .break(add('ServiceEntry', { hosts: ['*.shop.svc.cluster.local'], ports: [{ number: 80, name: 'http', protocol: 'HTTP' }] })),
    'to a host outside that is nobody’s business here': remote.break(route([to('api.example.com')])),
    'a share of 0': remote.break(route([to('cart', { weight: 100 }), to(gone, { weight: 0 })])),
    'a mirror': remote.break(add('VirtualService', { hosts: ['cart'], http: [{ route: [to('cart')], mirror: { host: gone } }] })),
    'a rule behind one that takes every call': remote.break(route([to(gone)], {}, [{ route: [to('cart')] }])),
    'routes of a gateway alone': remote.break(route([to(gone)], { gateways: ['public'] })),
    'routes of a service that nobody has either': remote.break(route([to(gone)], { hosts: ['former'] })),
    'routes that are exported to nobody who calls': remote.break(route([to(gone)], { exportTo: ['nowhere'] })),
    'routes of another protocol': remote.break(add('VirtualService', { hosts: ['cart'], tls: [{ match: [], route: [to(gone)] }] })),
    'an older route wins': remote
      .break((m) =>
        m.cluster('east').add({
          apiVersion: 'networking.istio.io/v1',
          kind: 'VirtualService',
          metadata: { name: 'first', namespace: 'shop', creationTimestamp: '2020-01-01T00:00:00Z' },
          spec: { hosts: ['cart'], http: [{ route: [to('cart')] }] },
        }),
      )
      .break((m) =>
        m.cluster('east').add({
          apiVersion: 'networking.istio.io/v1',
          kind: 'VirtualService',
          metadata: { name: 'second', namespace: 'shop', creationTimestamp: '2021-01-01T00:00:00Z' },
          spec: { hosts: ['cart'], http: [{ route: [to(gone)] }] },
        }),
      ),
    'configuration of a remote, which nobody reads': remote.break(
      add('VirtualService', { hosts: ['cart'], http: [{ route: [to(gone)] }] }, { cluster: 'west' }),
    ),
    'an ambient mesh': mesh().ambient('east', 'west'),
  },
  broken: {
    'a service that is gone': {
      mesh: remote.break(route([to(gone)])),
      findings: ['unknown-destination/unknown @ east:VirtualService/shop/cart (error certain)'],
    },
    'a short name is one of the namespace of the route': {
      mesh: remote.break(
        add('VirtualService', { hosts: ['cart.shop.svc.cluster.local'], http: [{ route: [to('cart')] }] }, { namespace: 'callers' }),
      ),
      findings: ['unknown-destination/unknown @ east:VirtualService/callers/cart (error certain)'],
    },
    'a share of the calls': {
      mesh: remote.break(route([to('cart', { weight: 90 }), to(gone, { weight: 10 })])),
      findings: ['unknown-destination/unknown @ east:VirtualService/shop/cart (warning certain)'],
    },
    'calls with a certain path': {
      mesh: remote.break(route([to('cart')], {}, [{ match: [{ uri: { prefix: '/new' } }], route: [to(gone)] }])),
      findings: ['unknown-destination/unknown @ east:VirtualService/shop/cart (warning certain)'],
    },
    'a name as DNS would take it': {
      mesh: remote.break(route([to('orders.shop')])),
      findings: ['unknown-destination/short @ east:VirtualService/shop/cart (error certain)'],
    },
    'a service of a cluster that istiod does not read': {
      mesh: base(mesh().multiPrimary('east', 'west'))
        .service('cart.shop')
        .service('orders.shop', { in: ['west'] })
        .break((m) => m.cluster('east').remove('Secret', 'istio-system', 'istio-remote-secret-west'))
        .break(route([to('orders')])),
      findings: ['unknown-destination/elsewhere @ east:VirtualService/shop/cart (error certain)'],
    },
    'in one of two primaries': {
      mesh: peers.break(route([to(gone)])),
      findings: ['unknown-destination/unknown @ east:VirtualService/shop/cart (error certain)'],
    },
  },
});
