import { checkTester, discoverySelectors, mesh, type MeshBuilder, meshConfigWith } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west').namespace('shop', { injected: true });
const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true });
const three = mesh()
  .multiPrimary('east', 'west', { more: ['south'] })
  .namespace('shop', { injected: true });
const named = (built: MeshBuilder, east: string, west: string): MeshBuilder =>
  built.service('abc.shop', { in: ['east'], portName: east }).service('abc.shop', { in: ['west'], portName: west });
const inWest = '@ west:Service/shop/abc';
const clusterLocal = (built: MeshBuilder, cluster: string): MeshBuilder =>
  built.edit(
    meshConfigWith({
      cluster,
      lines: ['serviceSettings:', '- settings:', '    clusterLocal: true', '  hosts:', '  - "*.shop.svc.cluster.local"'],
    }),
  );

checkTester(check, {
  healthy: {
    'the same name everywhere': named(remote, 'http', 'http'),
    'no name anywhere': named(peers, '', ''),
    'other numbers altogether': peers
      .service('abc.shop', { in: ['east'], port: 80, portName: 'http' })
      .service('abc.shop', { in: ['west'], port: 8080, portName: 'web' }),
    'another protocol and target': peers
      .service('abc.shop', { in: ['east'], port: 80, targetPort: 8080 })
      .service('abc.shop', { in: ['west'], port: 80, targetPort: 9090, appProtocol: 'http' }),
    'infrastructure of each cluster, outside the mesh': mesh()
      .multiPrimary('east', 'west')
      .namespace('monitoring')
      .service('prometheus.monitoring', { in: ['east'], portName: 'web' })
      .service('prometheus.monitoring', { in: ['west'], portName: 'http-web' }),
    'headless in both': peers
      .service('db.shop', { in: ['east'], portName: 'tcp', headless: true })
      .service('db.shop', { in: ['west'], portName: 'tcp-db', headless: true }),
    'a primary keeps its own to itself': clusterLocal(clusterLocal(named(peers, 'http', 'web'), 'east'), 'west'),
    'istiod does not look into that namespace': named(remote, 'http', 'web').edit(
      discoverySelectors({ cluster: 'east', labels: { 'kubernetes.io/metadata.name': 'istio-system' } }),
    ),
    ambient: named(mesh().ambient('east', 'west').namespace('shop', { injected: true }), 'http', 'web'),
    'a copy without pods behind it': remote
      .service('abc.shop', { in: ['east'], portName: 'http' })
      .service('abc.shop', { in: ['west'], portName: 'web', withoutWorkload: true }),
  },
  broken: {
    'a remote': { mesh: named(remote, 'http', 'web'), findings: [`mismatched-port-name ${inWest} (warning certain)`] },
    'a port without name': { mesh: named(remote, 'http', ''), findings: [`mismatched-port-name ${inWest} (warning certain)`] },
    'the copy of the primary has no pods': {
      mesh: remote
        .service('abc.shop', { in: ['east'], portName: 'http', withoutWorkload: true })
        .workload('client.shop')
        .service('abc.shop', { in: ['west'], portName: 'web' }),
      findings: [`mismatched-port-name ${inWest} (error certain)`],
    },
    'two primaries': { mesh: named(peers, 'http', 'web'), findings: [`mismatched-port-name ${inWest} (warning certain)`] },
    'a remote, though its primary keeps the host to its cluster': {
      mesh: clusterLocal(named(remote, 'http', 'web'), 'east'),
      findings: [`mismatched-port-name ${inWest} (error certain)`],
    },
    'one of several ports': {
      mesh: peers
        .service('abc.shop', {
          in: ['east'],
          ports: [
            { name: 'http', port: 80, targetPort: 80 },
            { name: 'grpc', port: 9000, targetPort: 9000 },
          ],
        })
        .service('abc.shop', {
          in: ['west'],
          ports: [
            { name: 'http', port: 80, targetPort: 80 },
            { name: 'tcp', port: 9000, targetPort: 9000 },
          ],
        }),
      findings: [`mismatched-port-name ${inWest} (warning certain)`],
    },
    'two of three primaries, and the third has only callers': {
      mesh: named(three, 'http', 'web').workload('client.shop', { in: ['south'] }),
      findings: [`mismatched-port-name ${inWest} (warning certain)`],
    },
    'only a cluster of callers and two remotes': {
      mesh: mesh()
        .primaryRemote('east', ['west', 'south'])
        .namespace('shop', { injected: true })
        .workload('client.shop', { in: ['east'] })
        .service('abc.shop', { in: ['west'], portName: 'http' })
        .service('abc.shop', { in: ['south'], portName: 'web' }),
      findings: [`mismatched-port-name @ south:Service/shop/abc (warning likely)`],
    },
  },
});
