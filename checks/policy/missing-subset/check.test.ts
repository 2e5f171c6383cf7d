import { checkTester, mesh } from 'meshdoctor/testkit';
import check from './check.ts';

type Spec = Readonly<Record<string, unknown>>;
const object = (kind: string, namespace: string, spec: Spec, name = 'abc') => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace },
  spec,
});
const subsets = (...names: readonly string[]) => names.map((name) => ({ name, labels: { version: name } }));
const rule = (names: readonly string[] = ['v1', 'v2'], more: Spec = {}) =>
  object('DestinationRule', 'shop', { host: 'abc', subsets: subsets(...names), ...more });
const route = object('VirtualService', 'shop', {
  hosts: ['abc'],
  http: [{ route: [{ destination: { host: 'abc', subset: 'v1' } }] }],
});

const labelled = { labels: { version: 'v1' } };
const peers = mesh()
  .multiPrimary('east', 'west')
  .namespace('shop', { injected: true })
  .service('abc.shop', labelled)
  .namespace('callers', { injected: true })
  .workload('curl.callers');
const remote = mesh()
  .primaryRemote('east', 'west', { revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', labelled)
  .namespace('callers', { injected: true })
  .workload('curl.callers');
const both = peers.break((m) => m.cluster('east').add(rule()).add(route).cluster('west').add(rule()).add(route));

checkTester(check, {
  healthy: {
    'no subsets': peers,
    'the same in both primaries': both,
    'one istiod for all': remote.break((m) => m.cluster('east').add(rule()).add(route)),
    'a subset of one primary that no route names': peers.break((m) => m.cluster('east').add(rule())),
    'endpoints of the subset in the cluster of its callers alone': mesh()
      .multiPrimary('east', 'west')
      .namespace('shop', { injected: true })
      .service('abc.shop', { in: ['east'], ...labelled })
      .service('abc.shop', { in: ['west'], labels: { version: 'v2' } })
      .break((m) => m.cluster('east').add(rule()).add(route)),
    'one network': mesh()
      .multiPrimary('east', 'west', { networks: 1 })
      .namespace('shop', { injected: true })
      .service('abc.shop', labelled)
      .break((m) => m.cluster('east').add(rule()).add(route)),
    'a subset that nobody defines': peers.break((m) => m.cluster('east').add(route)),
    'an ambient mesh': mesh().ambient('east', 'west'),
  },
  broken: {
    'the rule of the callers only': {
      mesh: peers.break((m) => m.cluster('east').add(rule()).add(route)),
      findings: ['missing-subset/missing @ east:DestinationRule/shop/abc (error certain)'],
    },
    'the other primary knows other subsets': {
      mesh: peers.break((m) =>
        m
          .cluster('east')
          .add(rule())
          .add(route)
          .cluster('west')
          .add(rule(['v2'])),
      ),
      findings: ['missing-subset/missing @ east:DestinationRule/shop/abc'],
    },
    'the rule beside the service, the route with its callers': {
      mesh: peers.break((m) => m.cluster('east').add(route).cluster('west').add(rule())),
      findings: ['missing-subset/unknown @ east:VirtualService/shop/abc (error certain)'],
    },
    'the rule is kept to its own namespace': {
      mesh: remote.break((m) =>
        m
          .cluster('east')
          .add(rule(['v1'], { exportTo: ['.'] }))
          .add(route),
      ),
      findings: ['missing-subset/hidden @ east:DestinationRule/shop/abc (error likely)'],
    },
    'the same name for other labels': {
      mesh: peers.break((m) =>
        m
          .cluster('east')
          .add(
            object('DestinationRule', 'shop', { host: 'abc', subsets: [{ name: 'v1', labels: { 'topology.istio.io/cluster': 'west' } }] }),
          )
          .add(route)
          .cluster('west')
          .add(object('DestinationRule', 'shop', { host: 'abc', subsets: [{ name: 'v1', labels: { release: 'one' } }] })),
      ),
      findings: ['missing-subset/empty @ west:DestinationRule/shop/abc (error certain)'],
    },
  },
});
