import { apiServerCaOf, checkTester, mesh, serverAddress, withKubeconfig } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const ofWest = { cluster: east, of: west };
const remote = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true });
const peers = mesh().multiPrimary(east, west);
const secret = 'east:Secret/istio-system/istio-remote-secret-west';

/** The authority of the reading cluster in place of that of the cluster that is read. */
const wrong = (built: typeof remote, more = '$1'): typeof remote => {
  const pem = apiServerCaOf(east)(built.objects());
  return built.break((m) =>
    m
      .cluster(east)
      .patch('Secret', 'istio-system', 'istio-remote-secret-west', (object) =>
        withKubeconfig(object, /^(\s*certificate-authority-data:\s*).*$/m, more.replace('$1', `$1${btoa(pem)}`)),
      ),
  );
};
const server = (address: string) => serverAddress({ ...ofWest, server: address, leader: 'keeps' });
const abandoned = serverAddress({ ...ofWest, server: 'https://api.west.example.com', leader: 'loses' });

checkTester(check, {
  healthy: {
    'a remote and its primary': remote,
    'two primaries': peers,
    'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'through a path of something else': wrong(remote).edit(server('https://rancher.example.com/k8s/clusters/c-1')),
    'a load balancer with a certificate of its own, and istiod leads': wrong(remote).edit(server('https://api.west.example.com')),
    'a proxy stands between them': wrong(peers).edit(server('https://192.0.2.7:6443\n    proxy-url: http://10.9.8.7:3128')),
  },
  broken: {
    'of the reading cluster': { mesh: wrong(remote), findings: [`mismatched-api-server-ca @ ${secret} (error certain)`] },
    'between primaries': { mesh: wrong(peers), findings: [`mismatched-api-server-ca @ ${secret} (error certain)`] },
    'at a name, and nobody leads the remote': {
      mesh: wrong(remote).edit(abandoned),
      findings: [`mismatched-api-server-ca @ ${secret} (error likely)`],
    },
    'at a name, between primaries': {
      mesh: wrong(peers).edit(server('https://api.west.example.com')),
      findings: [`mismatched-api-server-ca @ ${secret} (error possible)`],
    },
  },
});
