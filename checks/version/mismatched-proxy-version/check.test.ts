import { checkTester, mesh, proxiesOfRelease } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const remote = mesh()
  .primaryRemote(east, west, { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .workload('cart.shop');
const old = mesh()
  .primaryRemote(east, west, { networks: 2, release: '1.24.6', revision: '1-24-6' })
  .namespace('shop', { injected: true })
  .workload('cart.shop');
const upgrade = mesh()
  .canary(east, west, { from: '1-24-6', to: '1-31-0', stage: 'remote' })
  .namespace('shop', { injected: true })
  .workload('cart.shop');

checkTester(check, {
  healthy: {
    'a remote': remote,
    'an upgrade in flight over many releases': upgrade,
    'two primaries of different releases': mesh().multiPrimary(east, west, { revisions: ['1-27-9', '1-28-4'] }),
    'an ambient mesh': mesh().ambient(east, west),
    'an external istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'workloads that still have the release before': remote.edit(proxiesOfRelease({ cluster: west, release: '1.30.3' })),
    'workloads two releases behind, as revisions allow': remote.edit(proxiesOfRelease({ cluster: west, release: '1.29.6' })),
    'another patch release': remote.edit(proxiesOfRelease({ cluster: west, release: '1.31.4' })),
    'a vendor that counts its own way': remote.edit(proxiesOfRelease({ cluster: west, release: '7.2.0' })),
  },
  broken: {
    'proxies that are newer than istiod': {
      mesh: old.edit(proxiesOfRelease({ cluster: west, release: '1.25.1', in: 'shop' })),
      findings: ['mismatched-proxy-version/ahead @ west:Cluster/west (warning likely)'],
    },
    'a newer gateway beside its istiod': {
      mesh: old.edit(proxiesOfRelease({ cluster: east, release: '1.26.0', of: 'gateways' })),
      findings: ['mismatched-proxy-version/ahead @ east:Cluster/east (warning likely)'],
    },
    'proxies that nobody restarted for years': {
      mesh: remote.edit(proxiesOfRelease({ cluster: west, release: '1.24.6', in: 'shop' })),
      findings: ['mismatched-proxy-version/behind @ west:Cluster/west (warning likely)'],
    },
    'a workload whose template names the image of an old proxy, which no restart takes away': {
      mesh: remote
        .workload('till.shop', { annotations: { 'sidecar.istio.io/proxyImage': 'docker.io/istio/proxyv2:1.27.3' } })
        .edit(proxiesOfRelease({ cluster: west, release: '1.27.3', in: 'shop' })),
      findings: ['mismatched-proxy-version/behind @ west:Cluster/west (warning likely)'],
    },
    both: {
      mesh: remote
        .edit(proxiesOfRelease({ cluster: west, release: '1.28.2', of: 'gateways' }))
        .edit(proxiesOfRelease({ cluster: west, release: '1.32.0', in: 'shop' })),
      findings: ['mismatched-proxy-version/behind @ west:Cluster/west', 'mismatched-proxy-version/ahead @ west:Cluster/west'],
    },
    'an upgrade in flight whose old proxies are newer than the old istiod': {
      mesh: upgrade.edit(proxiesOfRelease({ cluster: west, release: '1.31.0', in: 'shop' })),
      findings: ['mismatched-proxy-version/ahead @ west:Cluster/west'],
    },
  },
});
