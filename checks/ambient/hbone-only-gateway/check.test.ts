import { checkTester, mesh, objectsAdded } from 'meshdoctor/testkit';
import check from './check.ts';

const withSidecars = (release: string) =>
  mesh()
    .ambient('east', 'west', { release })
    .namespace('shop', { injected: true })
    .service('abc.shop')
    .namespace('old', { labels: { 'istio-injection': 'enabled' } })
    .workload('side.old', { in: ['east'] });
const peer = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'peer', namespace: 'istio-system', labels: { 'topology.istio.io/network': 'network2' } },
  spec: {
    gatewayClassName: 'istio-remote',
    addresses: [{ type: 'IPAddress', value: '10.200.2.9' }],
    listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE' }],
  },
};
const classic = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'classic', namespace: 'istio-system', labels: { 'topology.istio.io/network': 'network2' } },
  spec: { type: 'LoadBalancer', selector: { istio: 'eastwestgateway' }, ports: [{ name: 'tls', port: 15443, targetPort: 15443 }] },
  status: { loadBalancer: { ingress: [{ ip: '10.200.2.8' }] } },
};
const service = ['hbone-only-gateway/service @ west:Service/istio-system/istio-eastwestgateway (error likely)'];

checkTester(check, {
  healthy: {
    'the newest release keeps sidecars away from it': withSidecars('1.31.0'),
    'no sidecars': mesh().ambient('east', 'west', { release: '1.28.6' }).namespace('shop', { injected: true }).service('abc.shop'),
    'sidecars, and a classic gateway each': mesh()
      .multiPrimary('east', 'west', { networks: 2, release: '1.28.6' })
      .namespace('shop', { injected: true })
      .service('abc.shop'),
    'a Gateway elsewhere for ambient alone, without sidecars': mesh()
      .ambient('east', 'west')
      .namespace('shop', { injected: true })
      .service('abc.shop')
      .edit(objectsAdded({ cluster: 'east', objects: [peer] })),
  },
  broken: {
    'before 1.29 its Service is taken for one of sidecars': { mesh: withSidecars('1.28.6'), findings: service },
    'a classic gateway stands beside it': {
      mesh: withSidecars('1.27.1').edit(objectsAdded({ cluster: 'west', objects: [classic] })),
      findings: service,
    },
    'a Gateway that stands for it elsewhere': {
      mesh: withSidecars('1.31.0').edit(objectsAdded({ cluster: 'east', objects: [peer] })),
      findings: ['hbone-only-gateway/gateway @ east:Gateway/istio-system/peer (error likely)'],
    },
  },
});
