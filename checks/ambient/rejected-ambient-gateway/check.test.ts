import {
  ambientGatewayConditioned,
  ambientGatewayListens,
  ambientGatewayOfClass,
  checkTester,
  gatewayApiMissing,
  inCluster,
  inOrder,
  kubeGatewayDeleted,
  mesh,
  withIstiodEnv,
} from 'meshdoctor/testkit';
import check from './check.ts';

const ambient = mesh().ambient('east', 'west').namespace('shop', { injected: true }).service('abc.shop');
const west = { cluster: 'west' };
const at = '@ west:Gateway/istio-system/istio-eastwestgateway';
const notSpanning = withIstiodEnv('west', { AMBIENT_ENABLE_MULTI_NETWORK: undefined });
const passthrough = { name: 'tls', port: 15443, protocol: 'TLS', tls: { mode: 'Passthrough' } };

const hbone = { name: 'mesh', protocol: 'HBONE', tls: { mode: 'Terminate' } };

checkTester(check, {
  healthy: {
    'as the script makes it': ambient,
    'a waypoint beside it': ambient.waypoint('waypoint.shop'),
    'none, which others say': ambient.edit(kubeGatewayDeleted({ ...west, gateway: 'istio-eastwestgateway.istio-system' })),
    'its load balancer is pending, which others say': ambient.edit(
      ambientGatewayConditioned({ ...west, type: 'Programmed', status: 'False', reason: 'AddressNotAssigned' }),
    ),
    'nobody takes it, since istiod does not span networks': ambient.edit(
      inOrder(notSpanning, ambientGatewayConditioned({ ...west, type: 'Accepted', status: 'False', reason: 'Pending' })),
    ),
    'on another port, behind an address of its own': ambient
      .edit(ambientGatewayListens({ ...west, listener: { ...hbone, port: 15443 } }))
      .break((m) =>
        m.cluster('west').patch('Gateway', 'istio-system', 'istio-eastwestgateway', {
          spec: { addresses: [{ type: 'IPAddress', value: '192.0.2.40' }] },
        }),
      ),
    'an ingress gateway of class istio': ambient.edit(
      inCluster('west', (objects) => [
        ...objects,
        {
          apiVersion: 'gateway.networking.k8s.io/v1',
          kind: 'Gateway',
          metadata: { name: 'public', namespace: 'shop' },
          spec: { gatewayClassName: 'istio', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
        },
      ]),
    ),
    'sidecars without the Gateway API': mesh().multiPrimary('east', 'west', { networks: 2 }),
  },
  broken: {
    'of class istio': {
      mesh: ambient.edit(ambientGatewayOfClass({ ...west, className: 'istio' })),
      findings: [`rejected-ambient-gateway/wrongClass ${at}`],
    },
    'of class istio, where istiod does not span networks either': {
      mesh: ambient.edit(inOrder(notSpanning, ambientGatewayOfClass({ ...west, className: 'istio' }))),
      findings: [`rejected-ambient-gateway/wrongClass ${at}`],
    },
    'only a listener for passthrough': {
      mesh: ambient.edit(ambientGatewayListens({ ...west, listener: passthrough })),
      findings: [`rejected-ambient-gateway/noListener ${at}`],
    },
    'HBONE on another port': {
      mesh: ambient.edit(ambientGatewayListens({ ...west, listener: { ...hbone, port: 15443 } })),
      findings: [`rejected-ambient-gateway/noListener ${at}`],
    },
    'another protocol on 15008': {
      mesh: ambient.edit(ambientGatewayListens({ ...west, listener: { name: 'mesh', port: 15008, protocol: 'TCP' } })),
      findings: [`rejected-ambient-gateway/noListener ${at}`],
    },
    'not programmed': {
      mesh: ambient.edit(ambientGatewayConditioned({ ...west, type: 'Programmed', status: 'False', reason: 'Invalid' })),
      findings: [`rejected-ambient-gateway/rejected ${at}`],
    },
    'no Gateway API': {
      mesh: ambient.edit(gatewayApiMissing(west)),
      findings: ['rejected-ambient-gateway/noApi @ west:Cluster/west'],
    },
  },
});
