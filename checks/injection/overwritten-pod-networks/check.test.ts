import { checkTester, mesh, podNetworks } from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west').namespace('shop', { injected: true }).service('cart.shop');
const networks = (wanted: string, held: string | undefined) => podNetworks({ cluster: 'west', namespace: 'shop', wanted, held });

checkTester(check, {
  healthy: {
    'no additional network': remote,
    'two primaries': mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('cart.shop'),
    'Istio’s network was added to the list': remote.edit(networks('macvlan', 'macvlan, istio-cni')),
    'names were completed': remote.edit(networks('macvlan@net1', 'shop/macvlan@net1,default/istio-cni')),
    'pods of before the annotation': remote.edit(networks('macvlan', undefined)),
    'without Istio CNI, and rewritten by somebody else': remote.edit(networks('macvlan', 'bridge')),
    'the long form': remote.edit(networks('[{"name":"macvlan"}]', '[{"name":"macvlan"}]')),
  },
  broken: {
    'the list was replaced': {
      mesh: remote.edit(networks('macvlan', 'istio-cni')),
      findings: ['overwritten-pod-networks @ west:Deployment/shop/cart (warning likely)'],
    },
    'one of two got lost, as OpenShift names it': {
      mesh: remote.edit(networks('macvlan,storage', 'macvlan,default/v2-5-istio-cni')),
      findings: ['overwritten-pod-networks @ west:Deployment/shop/cart (warning likely)'],
    },
  },
});
