import { checkTester, istiodDomain, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('abc.shop');
const three = mesh().multiPrimary('east', 'west', { more: ['south'] });

checkTester(check, {
  healthy: {
    'the usual domain': peers,
    'a domain of their own, the same': peers
      .edit(istiodDomain({ cluster: 'east', domain: 'corp.example' }))
      .edit(istiodDomain({ cluster: 'west', domain: 'corp.example' })),
    'one network': mesh()
      .multiPrimary('east', 'west', { networks: 1 })
      .edit(istiodDomain({ cluster: 'west', domain: 'west.local' })),
    'a primary and its remote': mesh()
      .primaryRemote('east', 'west')
      .edit(istiodDomain({ cluster: 'east', domain: 'corp.example' })),
  },
  broken: {
    'one of two': {
      mesh: peers.edit(istiodDomain({ cluster: 'west', domain: 'west.local' })),
      findings: ['divergent-cluster-domain @ west:Deployment/istio-system/istiod (error likely)'],
    },
    'two of three, and neither the usual': {
      mesh: three
        .edit(istiodDomain({ cluster: 'east', domain: 'a.example' }))
        .edit(istiodDomain({ cluster: 'west', domain: 'b.example' }))
        .edit(istiodDomain({ cluster: 'south', domain: 'a.example' })),
      findings: ['divergent-cluster-domain @ west:Deployment/istio-system/istiod (error likely)'],
    },
  },
});
