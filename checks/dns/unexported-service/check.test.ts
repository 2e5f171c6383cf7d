import { checkTester, discoverySelectors, exportedTo, inOrder, mesh, type MeshBuilder, meshConfigWith } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west').namespace('shop', { injected: true }).namespace('apps', { injected: true });
const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).namespace('apps', { injected: true });
const exported = (built: MeshBuilder, to: string, clusters: readonly string[]): MeshBuilder =>
  built.edit(inOrder(...clusters.map((cluster) => exportedTo({ cluster, service: 'abc.shop', to }))));
const kept = ['serviceSettings:', '- settings:', '    clusterLocal: true', '  hosts:', '  - abc.shop.svc.cluster.local'];
const both = ['east', 'west'];

checkTester(check, {
  healthy: {
    'exported to everybody': peers.service('abc.shop'),
    'exported to its namespace and to that of the gateway': exported(remote.service('abc.shop'), '., istio-system', both),
    'exported to its namespace, in one network only': exported(peers.service('abc.shop', { in: ['west'] }), '.', ['west']),
    'exported to its namespace, on one network': exported(
      mesh().multiPrimary('east', 'west', { networks: 1 }).namespace('shop', { injected: true }).service('abc.shop'),
      '.',
      both,
    ),
    'kept to its cluster': exported(peers.service('abc.shop'), '.', both).edit(
      inOrder(...both.map((cluster) => meshConfigWith({ cluster, lines: kept }))),
    ),
    'exported to nobody': exported(remote.service('abc.shop'), '~', both),
    'a primary that exports less than its peer': exported(peers.service('abc.shop', { in: ['east'] }), '.', ['east']),
    'istiod does not look into that namespace': exported(remote.service('abc.shop'), '.', both).edit(
      discoverySelectors({ cluster: 'east', labels: { 'kubernetes.io/metadata.name': 'istio-system' } }),
    ),
  },
  broken: {
    'exported to its own namespace': {
      mesh: exported(remote.service('abc.shop'), '.', both),
      findings: ['unexported-service/barred @ east:Service/shop/abc (error likely)'],
    },
    'exported to a namespace of callers': {
      mesh: exported(remote.service('abc.shop', { in: ['west'] }).workload('client.apps', { in: ['east'] }), 'apps', ['west']),
      findings: ['unexported-service/barred @ west:Service/shop/abc (error likely)'],
    },
    'a service of one cluster, exported to its own namespace, which has workloads in the other, too': {
      mesh: exported(peers.service('abc.shop', { in: ['west'] }).workload('client.shop', { in: ['east'] }), '.', ['west']),
      findings: ['unexported-service/barred @ west:Service/shop/abc (info possible)'],
    },
    'two primaries, exported to its own namespace': {
      mesh: exported(peers.service('abc.shop'), '.', both),
      findings: [
        'unexported-service/barred @ east:Service/shop/abc (error likely)',
        'unexported-service/barred @ west:Service/shop/abc (error likely)',
      ],
    },
    'by default exported to its own namespace': {
      mesh: remote.service('abc.shop').edit(meshConfigWith({ cluster: 'east', lines: ['defaultServiceExportTo:', '- .'] })),
      findings: ['unexported-service/barred @ east:Service/shop/abc (error likely)'],
    },
    'only the primary restricts it': {
      mesh: exported(remote.service('abc.shop').workload('client.apps'), '., istio-system', ['east']),
      findings: ['unexported-service/contradicted @ west:Service/shop/abc (warning likely)'],
    },
  },
});
