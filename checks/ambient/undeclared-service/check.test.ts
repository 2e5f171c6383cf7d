import { checkTester, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const global = { 'istio.io/global': 'true' };
const plain = mesh().ambient('east', 'west').namespace('shop', { injected: true });
const services = [{ namespace: 'shop', name: 'abc', port: 80 }];

checkTester(check, {
  healthy: {
    'in both': { mesh: plain.service('abc.shop', { serviceLabels: global }), options: { services } },
    'nobody asked': plain.service('abc.shop', { in: ['east'], serviceLabels: global }),
    'a stub': {
      mesh: plain
        .service('abc.shop', { in: ['east'], serviceLabels: global })
        .service('abc.shop', { in: ['west'], withoutWorkload: true, serviceLabels: global }),
      options: { services },
    },
    'in no cluster, which others say': { mesh: plain, options: { services } },
    'sidecars, which resolve it themselves': {
      mesh: mesh()
        .multiPrimary('east', 'west')
        .namespace('shop', { injected: true })
        .service('abc.shop', { in: ['east'] }),
      options: { services },
    },
  },
  broken: {
    'only where it runs': {
      mesh: plain.service('abc.shop', { in: ['east'], serviceLabels: global }),
      options: { services },
      findings: ['undeclared-service @ west:Namespace/shop'],
    },
    'its namespace is missing, too': {
      mesh: mesh()
        .ambient('east', 'west')
        .namespace('shop', { injected: true, clusters: ['west'] })
        .service('abc.shop', { in: ['west'], serviceLabels: { ...global, 'istio.io/use-waypoint': 'waypoint' } }),
      options: { services: [{ namespace: 'shop', name: 'abc' }] },
      findings: ['undeclared-service @ east:Cluster/east'],
    },
  },
});
