import { checkTester, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('abc.shop');
const allow = (...principals: readonly string[]) =>
  peers.break((m) =>
    m.cluster('west').add({
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name: 'abc', namespace: 'shop' },
      spec: { rules: [{ from: [{ source: { principals: [...principals] } }] }] },
    }),
  );

checkTester(check, {
  healthy: {
    'no policy': peers,
    'an identity of the mesh': allow('cluster.local/ns/shop/sa/abc'),
    'any trust domain': allow('*/ns/shop/sa/abc', '*'),
    'a namespace of the mesh': allow('cluster.local/ns/shop/*'),
    'an ambient mesh': mesh().ambient('east', 'west'),
  },
  broken: {
    'an identity of another mesh': {
      mesh: allow('cluster.local/ns/shop/sa/abc', 'prod.example.com/ns/shop/sa/curl'),
      findings: ['foreign-principal @ west:AuthorizationPolicy/shop/abc (warning likely)'],
    },
  },
});
