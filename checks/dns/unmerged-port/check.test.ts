import { checkTester, discoverySelectors, exportedTo, mesh, type MeshBuilder, portAdded, portMoved } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west').namespace('shop', { injected: true });
const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true });
const more = (built: MeshBuilder, cluster = 'west'): MeshBuilder =>
  built.service('abc.shop').edit(portAdded({ cluster, service: 'abc.shop', port: 9090, name: 'grpc' }));
const inWest = '@ west:Service/shop/abc';

checkTester(check, {
  healthy: {
    'the same ports': peers.service('abc.shop'),
    'the primary has one more': more(remote, 'east'),
    'other target, protocol and node port': remote
      .service('abc.shop', { in: ['east'], targetPort: 8080, type: 'LoadBalancer' })
      .service('abc.shop', { in: ['west'], targetPort: 9090, appProtocol: 'http', type: 'LoadBalancer' }),
    'infrastructure of each cluster, outside the mesh': more(mesh().multiPrimary('east', 'west').namespace('shop')),
    'headless in both': remote
      .service('db.shop', { headless: true })
      .edit(portAdded({ cluster: 'west', service: 'db.shop', port: 9090, name: 'grpc' })),
    'shown to nobody': more(remote).edit(exportedTo({ cluster: 'east', service: 'abc.shop', to: '~' })),
    'istiod does not look into that namespace': more(remote).edit(
      discoverySelectors({ cluster: 'east', labels: { 'kubernetes.io/metadata.name': 'istio-system' } }),
    ),
  },
  broken: {
    'a remote has one more': { mesh: more(remote), findings: [`unmerged-port/unknown ${inWest} (warning certain)`] },
    'a peer has one more': { mesh: more(peers), findings: [`unmerged-port/unknown ${inWest} (warning likely)`] },
    'a remote has another one': {
      mesh: remote.service('abc.shop').edit(portMoved({ cluster: 'west', service: 'abc.shop', port: 8080 })),
      findings: [`unmerged-port/unknown ${inWest} (warning certain)`],
    },
    'one of three peers has one more': {
      mesh: more(
        mesh()
          .multiPrimary('east', 'west', { more: ['south'] })
          .namespace('shop', { injected: true }),
      ),
      findings: [`unmerged-port/unknown ${inWest} (warning likely)`],
    },
    'one of two remotes, and the primary has only callers': {
      mesh: more(
        mesh()
          .primaryRemote('east', ['west', 'south'])
          .namespace('shop', { injected: true })
          .workload('client.shop', { in: ['east'] })
          .break((m) => m),
      ).break((m) => m.cluster('east').remove('Service', 'shop', 'abc')),
      findings: [`unmerged-port/unordered ${inWest} (warning likely)`],
    },
  },
});
