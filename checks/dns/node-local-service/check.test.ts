import { checkTester, discoverySelectors, mesh, type MeshBuilder } from 'meshdoctor/testkit';
import check from './check.ts';

const withCallers = (built: MeshBuilder): MeshBuilder =>
  built.namespace('shop', { injected: true }).namespace('callers', { injected: true }).workload('curl.callers');
const remote = withCallers(mesh().primaryRemote('east', 'west', { networks: 2 }));
const both = remote.service('abc.shop');
const away = remote.service('abc.shop', { in: ['west'] }).service('abc.shop', { in: ['east'], replicas: 0 });
const local = (built: MeshBuilder, cluster: string): MeshBuilder =>
  built.break((m) => m.cluster(cluster).patch('Service', 'shop', 'abc', { spec: { internalTrafficPolicy: 'Local' } }));

checkTester(check, {
  healthy: {
    'no such service': both,
    'the copy that decides does not say so': local(away, 'west'),
    'istiod does not look into that namespace': local(away, 'east').edit(
      discoverySelectors({ cluster: 'east', labels: { 'kubernetes.io/metadata.name': 'istio-system' } }),
    ),
    'one cluster has it': local(remote.service('abc.shop', { in: ['east'] }), 'east'),
  },
  broken: {
    'a stub for pods of the other cluster': {
      mesh: local(away, 'east'),
      findings: ['node-local-service/stranded @ east:Service/shop/abc (error likely)'],
    },
    'both clusters have endpoints': {
      mesh: local(both, 'east'),
      findings: ['node-local-service/kept @ east:Service/shop/abc (info likely)'],
    },
  },
});
