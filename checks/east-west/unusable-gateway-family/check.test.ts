import { checkTester, gatewayAddressed, gatewayNodePort, mesh, nodesAddressed } from 'meshdoctor/testkit';
import check from './check.ts';

const shop = (built: ReturnType<ReturnType<typeof mesh>['multiPrimary']>) =>
  built.namespace('shop', { injected: true }).service('cart.shop');
const old = shop(mesh().primaryRemote('east', 'west', { release: '1.24.6', revision: '1-24-6' }));
const both = gatewayAddressed({ cluster: 'west', ingress: [{ ip: '192.0.2.40' }, { ip: '2001:db8::40' }] });
const six = gatewayAddressed({ cluster: 'west', ingress: [{ ip: '2001:db8::40' }] });
const at = 'unusable-gateway-family @ west:Service/istio-system/istio-eastwestgateway';

checkTester(check, {
  healthy: {
    'gateways of one family': old,
    'both families and a release that tells them apart': shop(mesh().multiPrimary('east', 'west')).edit(both),
    'both families, and nobody calls': mesh().multiPrimary('east', 'west', { release: '1.24.6' }).edit(both),
    'one network': shop(mesh().multiPrimary('east', 'west', { networks: 1, release: '1.24.6' })),
    'clients with both families': old.edit(both).break((m) => m.cluster('east').edit(dualStack('east'))),
    'a host name, of which nobody knows the addresses': old.edit(
      gatewayAddressed({ cluster: 'west', ingress: [{ hostname: 'gateway.west.example' }] }),
    ),
  },
  broken: {
    'a load balancer of both families in an old mesh': { mesh: old.edit(both), findings: [`${at} (warning likely)`] },
    'nodes with external addresses of the other family only': {
      mesh: old
        .edit(nodesAddressed({ cluster: 'west', address: '2001:db8::10' }))
        .edit(gatewayNodePort({ cluster: 'west', nodeSelector: '{}' })),
      findings: [`${at} (error likely)`],
    },
    'a load balancer of the other family only': { mesh: old.edit(six), findings: [`${at} (error likely)`] },
  },
});

/** Every pod of the cluster has an address of each family. */
function dualStack(cluster: string) {
  return (objects: ReturnType<typeof old.objects>) =>
    new Map(objects).set(
      cluster,
      (objects.get(cluster) ?? []).map((object) => {
        const text = JSON.stringify(object).replace(/"podIPs":\[(\{"ip":"[^"]+"\})\]/, '"podIPs":[$1,{"ip":"2001:db8:1::1"}]');
        return JSON.parse(text) as typeof object;
      }),
    );
}
