import { applied, checkTester, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const peers = mesh()
  .multiPrimary('east', 'west')
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['west'] });
const entry = (host: string, spec: Readonly<Record<string, unknown>>) =>
  applied({
    cluster: 'east',
    kind: 'ServiceEntry',
    namespace: 'shop',
    name: 'abc-global',
    spec: { hosts: [host], location: 'MESH_INTERNAL', ports: [{ name: 'http', number: 80, protocol: 'HTTP' }], resolution: 'DNS', ...spec },
  });
const viaGateway = { addresses: ['240.0.0.2'], endpoints: [{ address: '203.0.113.7', ports: { http: 15443 } }] };

checkTester(check, {
  healthy: {
    'no such names': peers,
    'a name of somebody else in that domain': peers.edit(entry('api.partner.global', { endpoints: [{ address: '198.51.100.1' }] })),
    'an ordinary entry': peers.edit(entry('api.example.com', { addresses: ['240.0.0.2'] })),
  },
  broken: {
    'a service that istiod reads': {
      mesh: peers.edit(entry('abc.shop.global', viaGateway)),
      findings: ['leftover-global-name/entry @ east:ServiceEntry/shop/abc-global (warning possible)'],
    },
    'an address of the loopback range': {
      mesh: peers.edit(entry('abc.shop.global', { addresses: ['127.255.0.3'] })),
      findings: ['leftover-global-name/entry @ east:ServiceEntry/shop/abc-global (warning possible)'],
    },
    'a service of no cluster': {
      mesh: peers.edit(entry('old.shop.global', viaGateway)),
      findings: ['leftover-global-name/entry @ east:ServiceEntry/shop/abc-global (info possible)'],
    },
    'a gateway for such names': {
      mesh: peers.edit(
        applied({
          cluster: 'west',
          kind: 'Gateway',
          namespace: 'istio-system',
          name: 'istio-multicluster-egressgateway',
          spec: {
            selector: { istio: 'ingressgateway' },
            servers: [{ hosts: ['*.global'], port: { name: 'tls', number: 15443, protocol: 'TLS' }, tls: { mode: 'AUTO_PASSTHROUGH' } }],
          },
        }),
      ),
      findings: ['leftover-global-name/gateway @ west:Gateway/istio-system/istio-multicluster-egressgateway (info possible)'],
    },
  },
});
