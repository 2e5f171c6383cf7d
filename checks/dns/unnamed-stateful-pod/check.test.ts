import { checkTester, discoverySelectors, dnsCaptureOff, mesh, type MeshBuilder, statefulPodsWithoutFirstPort } from 'meshdoctor/testkit';
import check from './check.ts';

const flat = mesh().multiPrimary('east', 'west', { networks: 1 }).namespace('shop', { injected: true }).workload('client.shop');
const db = { port: 5432, portName: 'tcp', headless: true, replicas: 2, in: ['west'] };
const split = (built: MeshBuilder): MeshBuilder =>
  built
    .service('db.shop', db)
    .edit(statefulPodsWithoutFirstPort({ cluster: 'west', service: 'db.shop', first: { name: 'tcp-peer', port: 7000 } }));
const found = ['unnamed-stateful-pod @ west:Service/shop/db (warning likely)'];

checkTester(check, {
  healthy: {
    'all pods have all ports': flat.service('db.shop', db),
    'two networks': split(mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).workload('client.shop')),
    'sidecars do not answer DNS': split(flat).edit(dnsCaptureOff({ primary: 'east', clusters: ['east'] })),
    'istiod of the callers does not look into that namespace': split(flat).edit(
      discoverySelectors({ cluster: 'east', labels: { 'kubernetes.io/metadata.name': 'istio-system' } }),
    ),
  },
  broken: {
    'two primaries on one network': { mesh: split(flat), findings: found },
    'a remote of an old primary': {
      mesh: split(
        mesh()
          .primaryRemote('east', 'west', { networks: 1, release: '1.24.6' })
          .namespace('shop', { injected: true })
          .workload('client.shop'),
      ),
      findings: found,
    },
  },
});
