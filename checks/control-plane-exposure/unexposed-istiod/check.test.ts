import {
  checkTester,
  exposedForRevision,
  exposedUnrevisioned,
  exposureDeleted,
  exposureForRevision,
  exposureIn,
  exposureMode,
  exposureMoved,
  exposureSelects,
  exposureWithoutPort,
  gatewayScaledToZero,
  gatewayServiceSelects,
  mesh,
  pilotAddress,
  routeBoundTo,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const revisioned = mesh().primaryRemote(east, west, { revision: '1-31-0' });
const plain = mesh().primaryRemote(east, west);
const upgrade = mesh().canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' });
const gateway = 'east:Gateway/istio-system/istiod-gateway';
const route = 'east:VirtualService/istio-system/istiod-vs';
const service = 'east:Service/istio-system/istio-eastwestgateway';
// The guide's form for an address without a public certificate: TLS goes through to istiod, and the config cluster has a Service for it.
const namespace = 'external-istiod';
const address = '203.0.113.200';
const outside = mesh()
  .externalControlPlane('outside', west)
  .break((m) =>
    m
      .cluster('outside')
      .patch('Service', 'istio-system', 'istio-ingressgateway', { status: { loadBalancer: { ingress: [{ ip: address }] } } }),
  )
  .break((m) =>
    m.cluster('outside').patch('Gateway', namespace, 'external-istiod-gw', {
      spec: {
        servers: [15012, 15017].map((number) => ({
          hosts: ['*'],
          port: { name: `tls-${number}`, number, protocol: 'TLS' },
          tls: { mode: 'PASSTHROUGH' },
        })),
      },
    }),
  )
  .break((m) =>
    m.cluster('outside').patch('VirtualService', namespace, 'external-istiod-vs', {
      spec: {
        hosts: ['*'],
        http: null,
        tls: [
          [15012, 15012],
          [15017, 443],
        ].map(([port, number]) => ({
          match: [{ port, sniHosts: ['*'] }],
          route: [{ destination: { host: `istiod.${namespace}.svc.cluster.local`, port: { number } } }],
        })),
      },
    }),
  )
  .break((m) =>
    m.cluster(west).add({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'istiod', namespace },
      spec: {
        ports: [
          { name: 'tcp-istiod', port: 15012 },
          { name: 'tcp-webhook', port: 443, targetPort: 15017 },
        ],
      },
    }),
  )
  .break((m) =>
    m.cluster(west).add({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'istiod', namespace, labels: { 'kubernetes.io/service-name': 'istiod' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [address] }],
      ports: [{ name: 'tcp-istiod', port: 15012 }],
    }),
  );
const hidden = 'no pod stands behind the gateway @ east';

checkTester(check, {
  healthy: {
    'exposed for the revision': revisioned,
    'exposed without a name': plain,
    'on one network': mesh().primaryRemote(east, west, { networks: 1 }),
    'told no network': mesh().primaryRemote(east, west, { networks: 0, revision: '1-31-0' }),
    'an old release': mesh().primaryRemote(east, west, { revision: '1-24-6', release: '1.24.6' }),
    'istiod has a load balancer of its own': plain
      .edit(exposureDeleted({ cluster: east, what: 'gateway' }))
      .edit(pilotAddress({ cluster: west, address: '203.0.113.200' }))
      .break((m) =>
        m.cluster(east).patch('Service', 'istio-system', 'istiod', {
          spec: { type: 'LoadBalancer' },
          status: { loadBalancer: { ingress: [{ ip: '203.0.113.200' }] } },
        }),
      ),
    'two remotes': mesh().primaryRemote(east, [west, 'north']),
    'two primaries expose nothing': mesh().multiPrimary(east, west),
    'the second istiod of an upgrade is exposed by nobody, for nobody': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0' }),
    'the second istiod of an upgrade is exposed through the same Gateway': mesh().canary(east, west, {
      from: '1-30-3',
      to: '1-31-0',
      stage: 'remote',
    }),
    'an upgrade in flight: the new revision is exposed by objects of the old one, which has the gateway': upgrade.edit(
      exposureForRevision({ cluster: east, what: 'route', revision: '1-30-3' }),
    ),
    'an external control plane ends TLS itself': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'an external control plane lets TLS through': outside,
    'exposed for another revision, which is another fault': revisioned.edit(exposedUnrevisioned({ cluster: east })),
    'the route takes another name, which is another fault': plain.edit(
      exposedForRevision({ cluster: east, revision: '1-30-3', only: 'sni' }),
    ),
  },
  broken: {
    'an upgrade in flight: the new route is for the new revision, the gateway of the old one': {
      mesh: upgrade.break((m) =>
        m.cluster(east).patch('VirtualService', 'istio-system', 'istiod-vs-1-31-0', { metadata: { labels: { 'istio.io/rev': '1-31-0' } } }),
      ),
      findings: [`unexposed-istiod @ ${route}-1-31-0 (error certain)`],
    },
    'an external control plane without VirtualService': {
      mesh: outside.break((m) => m.cluster('outside').remove('VirtualService', namespace, 'external-istiod-vs')),
      findings: [`unexposed-istiod @ outside:Gateway/${namespace}/external-istiod-gw (error certain)`],
    },
    'no Gateway': {
      mesh: revisioned.edit(exposureDeleted({ cluster: east, what: 'gateway' })),
      findings: [`unexposed-istiod @ ${service} (error certain)`],
    },
    'no VirtualService': {
      mesh: revisioned.edit(exposureDeleted({ cluster: east, what: 'route' })),
      findings: [`unexposed-istiod @ ${gateway} (error certain)`],
    },
    'the VirtualService lies elsewhere and finds no Gateway there': {
      mesh: plain.edit(exposureMoved({ cluster: east, what: 'route', namespace: 'default' })),
      findings: ['unexposed-istiod @ east:VirtualService/default/istiod-vs (error certain)'],
    },
    'the Gateway lies elsewhere': {
      mesh: plain.edit(exposureMoved({ cluster: east, what: 'gateway', namespace: 'default' })),
      findings: [`unexposed-istiod @ ${route} (error certain)`],
    },
    'both were applied in the remote': {
      mesh: plain.edit(exposureIn({ cluster: east, instead: west })),
      findings: [`unexposed-istiod @ ${service} (error certain)`],
    },
    'the Gateway selects other pods': {
      mesh: plain.edit(exposureSelects({ cluster: east, selector: { istio: 'ingressgateway' } })),
      findings: [`unexposed-istiod @ ${gateway} (error certain)`],
    },
    'one port is not opened': {
      mesh: plain.edit(exposureWithoutPort({ cluster: east, port: 15017 })),
      findings: [`unexposed-istiod @ ${service} (error certain)`],
    },
    'TLS ends at the gateway in the way of the mesh': {
      mesh: plain.edit(exposureMode({ cluster: east, mode: 'AUTO_PASSTHROUGH' })),
      findings: [`unexposed-istiod @ ${gateway} (error certain)`],
    },
    'the Gateway is for another revision': {
      mesh: revisioned.edit(exposureForRevision({ cluster: east, what: 'gateway', revision: '1-30-3' })),
      findings: [`unexposed-istiod @ ${gateway} (error certain)`],
    },
    'the VirtualService is for another revision': {
      mesh: plain.edit(exposureForRevision({ cluster: east, what: 'route', revision: '1-30-3' })),
      findings: [`unexposed-istiod @ ${route} (error certain)`],
    },
    'the VirtualService is bound to a Gateway of another name': {
      mesh: plain.edit(routeBoundTo({ cluster: east, gateway: 'istiod' })),
      findings: [`unexposed-istiod @ ${route} (error certain)`],
    },
    'the address in the remote is stale as well': {
      mesh: plain.edit(pilotAddress({ cluster: west, address: '192.0.2.77' })).edit(exposureDeleted({ cluster: east, what: 'gateway' })),
      findings: [`unexposed-istiod @ ${service} (error certain)`],
    },
    'two remotes, one fault': {
      mesh: mesh()
        .primaryRemote(east, [west, 'north'])
        .edit(exposureDeleted({ cluster: east, what: 'gateway' })),
      findings: [`unexposed-istiod @ ${service} (error certain)`],
    },
    'no Deployment behind the gateway: what it would do cannot be told': {
      mesh: plain.edit(gatewayServiceSelects({ cluster: east, selector: { istio: 'nobody' } })),
      findings: [],
      inconclusive: [hidden],
    },
    'the gateway is scaled to nothing: its template tells': {
      mesh: plain.edit(gatewayScaledToZero({ cluster: east })).edit(exposureDeleted({ cluster: east, what: 'route' })),
      findings: [`unexposed-istiod @ ${gateway} (error certain)`],
    },
  },
});
