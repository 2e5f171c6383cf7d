import { checkTester, mesh, remoteSecretLabelled, serverAddress, withKubeconfig } from 'meshdoctor/testkit';
import { clusterName } from 'meshdoctor/api';
import { expect, test } from 'vitest';
import { renewSecret } from '../_area.ts';
import check from './check.ts';

const east = 'east';
const west = 'west';
const ofWest = { cluster: east, of: west };
const remote = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true });
const peers = mesh().multiPrimary(east, west);
const outside = mesh().externalControlPlane('outside', west, { remotes: ['north'] });
const secret = 'east:Secret/istio-system/istio-remote-secret-west';
const server = (address: string) => serverAddress({ ...ofWest, server: address, leader: 'keeps' });
const unreachable = (address: string, from = remote) => ({
  mesh: from.edit(server(address)),
  findings: [`loopback-server @ ${secret} (error certain)`],
});

checkTester(check, {
  healthy: {
    'a public address': remote,
    'two primaries': peers,
    'an external istiod': outside,
    'a private address, which may well be routed': remote.edit(server('https://10.1.2.3:6443')),
    'a name that only some resolve': remote.edit(server('https://api.west.internal:6443')),
    'a Service of the reading cluster that leads there': remote.edit(server('https://west-api.tunnels.svc:443')),
    'the host of containers on a laptop': remote.edit(server('https://host.docker.internal:6443')),
    'behind a proxy, which resolves the name': remote.edit(server('https://127.0.0.1:6443\n    proxy-url: http://10.9.8.7:3128')),
    'a secret that nobody reads': remote.edit(server('https://127.0.0.1:6443')).edit(remoteSecretLabelled({ ...ofWest, value: undefined })),
  },
  broken: {
    'the loopback': unreachable('https://127.0.0.1:6443'),
    'the loopback by name': unreachable('https://localhost:40443', peers),
    'the loopback of IPv6': unreachable('https://[::1]:6443'),
    'no address of a machine': unreachable('https://0.0.0.0:6443', peers),
    'an address of one link': unreachable('https://169.254.1.1:6443'),
    'what every cluster calls its own API server': unreachable('https://kubernetes.default.svc', peers),
    'of an external istiod, for its config cluster': {
      mesh: outside.break((m) =>
        m
          .cluster('outside')
          .patch('Secret', 'external-istiod', 'istio-kubeconfig', (object) =>
            withKubeconfig(object, /^(\s*server:\s*).*$/m, '$1https://127.0.0.1:6443'),
          ),
      ),
      findings: ['loopback-server @ outside:Secret/external-istiod/istio-kubeconfig (error certain)'],
    },
  },
});

test('the kubeconfig of an external istiod is made again as what istiod mounts, not as a remote secret', () => {
  const ref = { cluster: clusterName('outside'), kind: 'Secret', namespace: 'external-istiod', name: 'istio-kubeconfig' };
  const mounted = { ref, namespace: ref.namespace, name: ref.name, labels: {}, annotations: {}, managers: [], entries: [] };
  expect(renewSecret(mounted, clusterName('west'), 'config', { more: '--server=https://192.0.2.1:6443' }).command).toEqual([
    'istioctl create-remote-secret --context=west --type=config --namespace=external-istiod --service-account=istiod --create-service-account=false --server=https://192.0.2.1:6443 | kubectl --context outside -n external-istiod apply -f -',
    'kubectl --context outside -n external-istiod rollout restart deployment -l app=istiod',
  ]);
});
