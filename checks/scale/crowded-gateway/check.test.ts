import { checkTester, inCluster, manyServices, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const remote = mesh().primaryRemote(east, west, { networks: 2 }).namespace('shop');
const grown = remote.edit(manyServices({ cluster: east, namespace: 'shop', services: 800, ports: 4 }));

checkTester(check, {
  healthy: {
    'a small mesh': remote,
    'many services in a mesh of one network': mesh()
      .primaryRemote(east, west, { networks: 1 })
      .namespace('shop')
      .edit(manyServices({ cluster: east, namespace: 'shop', services: 800, ports: 4 })),
    'many services that are kept to their namespace': grown.edit(
      inCluster(east, (objects) =>
        objects.map((object) =>
          object.kind === 'Service' && object.metadata.name.startsWith('service-')
            ? { ...object, metadata: { ...object.metadata, annotations: { 'networking.istio.io/exportTo': '.' } } }
            : object,
        ),
      ),
    ),
  },
  broken: {
    'a mesh that grew': { mesh: grown, findings: ['crowded-gateway @ east:Gateway/istio-system/cross-network-gateway (info possible)'] },
  },
});
