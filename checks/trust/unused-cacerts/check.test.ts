import { anotherRoot, certificates, checkTester, mesh, type MeshBuilder } from 'meshdoctor/testkit';
import check from './check.ts';

const { secondRoot } = certificates;

const east = 'east';
const west = 'west';
const remote = mesh().primaryRemote(east, west);
const peers = mesh().multiPrimary(east, west);
/** cacerts of another root, and istiod goes on as it was. */
const replaced = (built: MeshBuilder, cluster: string): MeshBuilder =>
  built.break((m) => m.cluster(cluster).patch('Secret', 'istio-system', 'cacerts', { data: { 'root-cert.pem': btoa(secondRoot) } }));
const found = (cluster: string) => [`unused-cacerts @ ${cluster}:Secret/istio-system/cacerts (warning certain)`];

checkTester(check, {
  healthy: {
    'the root that is plugged in is in use': remote,
    'two primaries': peers,
    'istiod made its own root': mesh().primaryRemote(east, west, { trust: 'self-signed' }),
    'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'another root that istiod started with': peers.edit(anotherRoot({ cluster: west, root: secondRoot, ca: 'plugged-in' })),
  },
  broken: {
    'in the primary of a remote': { mesh: replaced(remote, east), findings: found(east) },
    'in one of two primaries': { mesh: replaced(peers, west), findings: found(west) },
  },
});
