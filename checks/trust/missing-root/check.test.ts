import { annotatedTooLate, checkTester, mesh, type MeshBuilder } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const remote = mesh().primaryRemote(east, west).namespace('shop', { injected: true }).service('abc.shop');
const peers = mesh().multiPrimary(east, west).namespace('shop', { injected: true }).service('abc.shop');
const without = (built: MeshBuilder, cluster: string, ready = true): MeshBuilder =>
  built.edit((objects) =>
    new Map(objects).set(
      cluster,
      (objects.get(cluster) ?? [])
        .filter(({ kind, metadata }) => kind !== 'ConfigMap' || metadata.namespace !== 'shop' || metadata.name !== 'istio-ca-root-cert')
        .map((object) =>
          object.kind === 'Pod' && object.metadata.namespace === 'shop' && !ready
            ? { ...object, status: { phase: 'Pending', conditions: [{ type: 'Ready', status: 'False' }] } }
            : object,
        ),
    ),
  );

checkTester(check, {
  healthy: {
    'a remote and its primary': remote,
    'two primaries': peers,
    'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    ambient: mesh().ambient(east, west),
    'a remote in which no pod was ever created': remote.edit(annotatedTooLate({ cluster: west, primary: east, leader: 'never' })),
    'a namespace without proxies': without(mesh().primaryRemote(east, west).namespace('shop').workload('batch.shop'), west),
  },
  broken: {
    'pods that run': { mesh: without(remote, west), findings: ['missing-root @ west:Namespace/shop (warning certain)'] },
    'pods that wait': { mesh: without(remote, west, false), findings: ['missing-root @ west:Namespace/shop (error certain)'] },
    'in a primary': { mesh: without(peers, west, false), findings: ['missing-root @ west:Namespace/shop (error certain)'] },
  },
});
