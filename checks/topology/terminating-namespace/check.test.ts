import { checkTester, mesh, namespaceBeingDeleted, serviceBeingDeleted } from 'meshdoctor/testkit';
import check from './check.ts';

const system = 'istio-system';
const name = 'istio-eastwestgateway';
const remote = mesh().primaryRemote('east', 'west').namespace('shop', { injected: true }).service('cart.shop');
const flat = mesh().primaryRemote('east', 'west', { networks: 1 }).namespace('shop', { injected: true }).service('cart.shop');
const gatewayDeleted = (cluster: string) => serviceBeingDeleted({ cluster, namespace: system, name });

checkTester(check, {
  healthy: {
    'nothing is being deleted': remote,
    'an ambient mesh': mesh().ambient('east', 'west').namespace('shop', { injected: true }).service('cart.shop'),
    'a namespace that only one cluster has': mesh()
      .primaryRemote('east', 'west')
      .namespace('batch', { clusters: ['west'] })
      .edit(namespaceBeingDeleted({ cluster: 'west', namespace: 'batch' })),
    'a namespace in which the other cluster has other Services': mesh()
      .primaryRemote('east', 'west')
      .namespace('shop', { injected: true })
      .service('cart.shop', { in: ['east'] })
      .service('orders.shop', { in: ['west'] })
      .edit(namespaceBeingDeleted({ cluster: 'west', namespace: 'shop' })),
    'a namespace that is deleted in all clusters': remote
      .edit(namespaceBeingDeleted({ cluster: 'east', namespace: 'shop' }))
      .edit(namespaceBeingDeleted({ cluster: 'west', namespace: 'shop' })),
    'a gateway that another one has replaced': remote.edit(gatewayDeleted('west')).break((m) =>
      m.cluster('west').add({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { namespace: system, name: 'gateway-new', labels: { 'topology.istio.io/network': 'network2' } },
        spec: { type: 'LoadBalancer', selector: { istio: 'eastwestgateway' }, ports: [{ name: 'tls', port: 15443 }] },
        status: { loadBalancer: { ingress: [{ ip: '10.200.2.9' }] } },
      }),
    ),
    'a gateway that nobody needs on one network': flat.edit(gatewayDeleted('east')),
    'a Service that is no gateway': remote.edit(serviceBeingDeleted({ cluster: 'west', namespace: 'shop', name: 'cart' })),
  },
  broken: {
    'the system namespace of a remote': {
      mesh: remote.edit(namespaceBeingDeleted({ cluster: 'west', namespace: system })),
      findings: [`terminating-namespace/system @ west:Namespace/${system} (error certain)`],
    },
    'the only gateway of a network': {
      mesh: remote.edit(gatewayDeleted('west')),
      findings: [`terminating-namespace/gateway @ west:Service/${system}/${name} (error certain)`],
    },
    'a namespace that goes in one cluster': {
      mesh: remote.edit(namespaceBeingDeleted({ cluster: 'west', namespace: 'shop' })),
      findings: ['terminating-namespace/shared @ west:Namespace/shop (warning possible)'],
    },
    'a namespace that has been going in one cluster for hours': {
      mesh: remote.edit(namespaceBeingDeleted({ cluster: 'west', namespace: 'shop', minutes: 200 })),
      findings: ['terminating-namespace/shared @ west:Namespace/shop (warning likely)'],
    },
  },
});
