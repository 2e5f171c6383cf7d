import {
  checkTester,
  exposedForRevision,
  exposedUnrevisioned,
  exposureDeleted,
  exposureWithoutPort,
  gatewayServiceSelects,
  mesh,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const revisioned = mesh().primaryRemote(east, west, { revision: '1-31-0' });
const plain = mesh().primaryRemote(east, west);
const route = 'east:VirtualService/istio-system/istiod-vs';

const anyNameTo = (from: number, number: number) => ({
  match: [{ port: from, sniHosts: ['*'] }],
  route: [{ destination: { host: 'istiod-1-30-3.istio-system.svc.cluster.local', port: { number } } }],
});

checkTester(check, {
  healthy: {
    'routed for the revision': revisioned,
    'routed for any name': plain,
    'on one network': mesh().primaryRemote(east, west, { networks: 1, revision: '1-31-0' }),
    'an old release': mesh().primaryRemote(east, west, { revision: '1-24-6', release: '1.24.6' }),
    'two remotes': mesh().primaryRemote(east, [west, 'north']),
    'two primaries route nothing': mesh().multiPrimary(east, west),
    'only the old revision is routed, and only that is asked for': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0' }),
    'a route for each revision of an upgrade': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'an external control plane': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    'nothing routes, which is another fault': revisioned.edit(exposureDeleted({ cluster: east, what: 'route' })),
    'nothing opens, which is another fault': revisioned.edit(exposureDeleted({ cluster: east, what: 'gateway' })),
    'nothing stands behind the gateway, which is another fault': revisioned.edit(
      gatewayServiceSelects({ cluster: east, selector: { istio: 'nobody' } }),
    ),
  },
  broken: {
    'the sample without revision for an istiod with one': {
      mesh: revisioned.edit(exposedUnrevisioned({ cluster: east })),
      findings: [`mismatched-exposed-revision @ ${route} (error certain)`],
    },
    'the template for another revision': {
      mesh: revisioned.edit(exposedForRevision({ cluster: east, revision: '1-30-3' })),
      findings: [`mismatched-exposed-revision @ ${route}-1-30-3 (error certain)`],
    },
    'only the name asked for is another': {
      mesh: revisioned.edit(exposedForRevision({ cluster: east, revision: '1-30-3', only: 'sni' })),
      findings: [`mismatched-exposed-revision @ ${route}-1-31-0 (error certain)`],
    },
    'only the Service is another': {
      mesh: revisioned.edit(exposedForRevision({ cluster: east, revision: '1-30-3', only: 'destination' })),
      findings: [`mismatched-exposed-revision @ ${route}-1-31-0 (error certain)`],
    },
    'a template for an istiod without a name': {
      mesh: plain.edit(exposedForRevision({ cluster: east, revision: '1-30-3' })),
      findings: [`mismatched-exposed-revision @ ${route}-1-30-3 (error certain)`],
    },
    'a Gateway port is missing as well': {
      mesh: revisioned.edit(exposedUnrevisioned({ cluster: east })).edit(exposureWithoutPort({ cluster: east, port: 15017 })),
      findings: [`mismatched-exposed-revision @ ${route} (error certain)`],
    },
    'the new revision of an upgrade is routed to the old one': {
      mesh: mesh()
        .canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' })
        .break((m) =>
          m
            .cluster(east)
            .remove('VirtualService', 'istio-system', 'istiod-vs-1-31-0')
            .patch('VirtualService', 'istio-system', 'istiod-vs-1-30-3', {
              spec: { tls: [anyNameTo(15012, 15012), anyNameTo(15017, 443)] },
            }),
        ),
      findings: [`mismatched-exposed-revision @ ${route}-1-30-3 (error certain)`],
    },
  },
});
