import { checkTester, inOrder, mesh, namespaceLabelled, serviceLabelled, serviceScopes, workloadDown } from 'meshdoctor/testkit';
import check from './check.ts';

const global = { 'istio.io/global': 'true' };
const plain = mesh().ambient('east', 'west').namespace('shop', { injected: true });
const shop = plain.service('abc.shop', { serviceLabels: global });
const withWaypoint = plain
  .service('abc.shop', { serviceLabels: { ...global, 'istio.io/use-waypoint': 'waypoint' } })
  .waypoint('waypoint.shop', { serviceLabels: global });
const unlabelled = (cluster: string, service = 'abc.shop') =>
  serviceLabelled({ cluster, service, label: 'istio.io/global', value: undefined });
const at = (cluster: string, name = 'abc') => `@ ${cluster}:Service/shop/${name}`;
const byNamespace = 'serviceScopeConfigs:\n- scope: GLOBAL\n  namespaceSelector:\n    matchLabels:\n      shared: "yes"\n';

checkTester(check, {
  healthy: {
    'global in both': shop,
    'global in neither': plain.service('abc.shop'),
    'said to be local': plain.service('abc.shop', { serviceLabels: { 'istio.io/global': 'false' } }),
    'global, and in one cluster only': plain.service('abc.shop', { in: ['east'], serviceLabels: global }),
    'a local one of one cluster beside it': shop.service('own.shop', { in: ['west'] }),
    'with a waypoint that is global': withWaypoint,
    'global by its namespace': plain
      .service('abc.shop')
      .edit(
        inOrder(
          ...['east', 'west'].flatMap((cluster) => [
            serviceScopes({ cluster, to: byNamespace }),
            namespaceLabelled({ cluster, namespace: 'shop', label: 'shared', value: 'yes' }),
          ]),
        ),
      ),
    'a local service with a local waypoint': plain
      .service('abc.shop', { serviceLabels: { 'istio.io/use-waypoint': 'waypoint' } })
      .waypoint('waypoint.shop'),
    'a service that opted out of the waypoint of its namespace': plain
      .service('abc.shop', { serviceLabels: { ...global, 'istio.io/use-waypoint': 'none' } })
      .waypoint('waypoint.shop')
      .edit(namespaceLabelled({ cluster: 'east', namespace: 'shop', label: 'istio.io/use-waypoint', value: 'waypoint' })),
    'sidecars, where the label means nothing': mesh()
      .multiPrimary('east', 'west', { networks: 2 })
      .namespace('shop', { injected: true })
      .service('abc.shop', { serviceLabels: global })
      .edit(unlabelled('west')),
  },
  broken: {
    'the label is missing in one cluster': {
      mesh: shop.edit(unlabelled('west')),
      findings: [`inconsistent-service-scope/unlabelled ${at('west')} (warning certain)`],
    },
    'the label has another value in one cluster': {
      mesh: shop.edit(serviceLabelled({ cluster: 'east', service: 'abc.shop', label: 'istio.io/global', value: 'yes' })),
      findings: [`inconsistent-service-scope/unlabelled ${at('east')} (warning certain)`],
    },
    'a stub for callers is not labelled': {
      mesh: plain.service('abc.shop', { in: ['east'], serviceLabels: global }).service('abc.shop', { in: ['west'], withoutWorkload: true }),
      findings: [`inconsistent-service-scope/unlabelled ${at('west')} (error certain)`],
    },
    'the waypoint is not labelled in either cluster': {
      mesh: withWaypoint.edit(inOrder(unlabelled('east', 'waypoint.shop'), unlabelled('west', 'waypoint.shop'))),
      findings: [
        `inconsistent-service-scope/unlabelledWaypoint ${at('east', 'waypoint')} (warning certain)`,
        `inconsistent-service-scope/unlabelledWaypoint ${at('west', 'waypoint')} (warning certain)`,
      ],
    },
    'the waypoint of the namespace is not labelled in one cluster, and has no pods there': {
      mesh: shop
        .waypoint('waypoint.shop', { serviceLabels: global })
        .edit(
          inOrder(
            ...['east', 'west'].map((cluster) =>
              namespaceLabelled({ cluster, namespace: 'shop', label: 'istio.io/use-waypoint', value: 'waypoint' }),
            ),
            unlabelled('west', 'waypoint.shop'),
            workloadDown({ cluster: 'west', workload: 'waypoint.shop', how: 'scaled' }),
          ),
        ),
      findings: [`inconsistent-service-scope/unlabelledWaypoint ${at('west', 'waypoint')} (error certain)`],
    },
    'one istiod was installed without scopes': {
      mesh: shop.edit(serviceScopes({ cluster: 'west' })),
      findings: ['inconsistent-service-scope/unscoped @ west:ConfigMap/istio-system/istio'],
    },
    'neither has scopes': {
      mesh: shop.edit(inOrder(serviceScopes({ cluster: 'east' }), serviceScopes({ cluster: 'west' }))),
      findings: [
        'inconsistent-service-scope/unscoped @ east:ConfigMap/istio-system/istio',
        'inconsistent-service-scope/unscoped @ west:ConfigMap/istio-system/istio',
      ],
    },
  },
});
