import { checkTester, discoverySelectors, exportedTo, madeHeadless, mesh, type MeshBuilder } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west').namespace('shop', { injected: true });
const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true });
const tcp = { port: 5432, portName: 'tcp' };
const headlessIn = (built: MeshBuilder, cluster: string): MeshBuilder => built.edit(madeHeadless({ cluster, service: 'db.shop' }));

checkTester(check, {
  healthy: {
    'headless in both': peers.service('db.shop', { ...tcp, headless: true }),
    'an address in both': remote.service('db.shop', tcp),
    'HTTP by an address that decides': headlessIn(remote.service('db.shop'), 'west'),
    'a stub with an address for a headless Service of another primary': peers
      .service('db.shop', { ...tcp, in: ['east'], headless: true })
      .service('db.shop', { ...tcp, in: ['west'], withoutWorkload: true, selector: { app: 'none' } })
      .workload('client.shop', { in: ['west'] }),
    'no proxies in the cluster where it is headless': headlessIn(
      mesh()
        .primaryRemote('east', 'west')
        .namespace('shop', { injected: true, clusters: ['east'] })
        .namespace('shop', { clusters: ['west'] })
        .service('db.shop', tcp),
      'west',
    ),
    'shown to nobody': headlessIn(remote.service('db.shop', tcp), 'west').edit(
      exportedTo({ cluster: 'east', service: 'db.shop', to: '~' }),
    ),
    'istiod does not look into that namespace': headlessIn(remote.service('db.shop', tcp), 'west').edit(
      discoverySelectors({ cluster: 'east', labels: { 'kubernetes.io/metadata.name': 'istio-system' } }),
    ),
  },
  broken: {
    'headless in a remote, TCP': {
      mesh: headlessIn(remote.service('db.shop', tcp), 'west'),
      findings: ['mixed-headless-service/swallowed @ west:Service/shop/db (error certain)'],
    },
    'headless in a remote, protocol unknown': {
      mesh: headlessIn(remote.service('db.shop', { port: 5432, portName: '' }), 'west'),
      findings: ['mixed-headless-service/swallowed @ west:Service/shop/db (error certain)'],
    },
    'headless in one of two remotes, and the primary has only callers': {
      mesh: mesh()
        .primaryRemote('east', ['west', 'south'])
        .namespace('shop', { injected: true })
        .service('db.shop', { ...tcp, in: ['west'], headless: true })
        .service('db.shop', { ...tcp, in: ['south'] }),
      findings: ['mixed-headless-service/swallowed @ west:Service/shop/db (error likely)'],
    },
    'headless in the primary, a stub with an address in the remote': {
      mesh: remote
        .service('db.shop', { ...tcp, in: ['east'], headless: true })
        .service('db.shop', { ...tcp, in: ['west'], withoutWorkload: true, selector: { app: 'none' } })
        .workload('client.shop', { in: ['west'] }),
      findings: ['mixed-headless-service/astray @ west:Service/shop/db (error certain)'],
    },
    'headless in one of two primaries': {
      mesh: headlessIn(peers.service('db.shop', tcp), 'east'),
      findings: ['mixed-headless-service/apart @ west:Service/shop/db (warning likely)'],
    },
    'headless in the primary, pods in both': {
      mesh: headlessIn(remote.service('db.shop', tcp), 'east'),
      findings: ['mixed-headless-service/apart @ west:Service/shop/db (warning likely)'],
    },
  },
});
