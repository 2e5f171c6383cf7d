import { checkTester, gatewayHostnameUnresolved, mesh, observedIn } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' });
const peers = mesh().multiPrimary('east', 'west');
const hostname = 'gateway.west.example';
const at = '@ west:Service/istio-system/istio-eastwestgateway';

checkTester(check, {
  healthy: {
    'load balancers with addresses': remote.namespace('shop', { injected: true }),
    'one network': mesh().primaryRemote('east', 'west', { networks: 1 }),
    'the istiod that resolves no names has an address of the other, which resolves them': {
      mesh: peers.edit(gatewayHostnameUnresolved({ cluster: 'west', hostname, readers: ['west'] })),
      inconclusive: ['whether istiod can resolve the name of a gateway needs a resolver @ east west'],
    },
    'the same, and every istiod has said what it resolved': {
      mesh: peers.edit(gatewayHostnameUnresolved({ cluster: 'west', hostname, readers: ['west'] })),
      options: { observed: (objects) => observedIn(objects) },
    },
    'an ambient mesh': mesh().ambient('east', 'west'),
  },
  broken: {
    'istiod of the primary does not resolve names': {
      mesh: remote.edit(gatewayHostnameUnresolved({ cluster: 'west', hostname, readers: ['east'] })),
      findings: [`unresolved-gateway-hostname ${at}`],
    },
    'one of two primaries does not': {
      mesh: peers.edit(gatewayHostnameUnresolved({ cluster: 'west', hostname, readers: ['east'] })),
      findings: [`unresolved-gateway-hostname ${at}`],
    },
  },
});
