import {
  checkTester,
  inOrder,
  kubeGatewayDeleted,
  kubeGatewayNeverReady,
  mesh,
  namespaceLabelled,
  serviceLabelled,
  workloadDown,
} from 'meshdoctor/testkit';
import check from './check.ts';

const global = { 'istio.io/global': 'true' };
const use = 'istio.io/use-waypoint';
const plain = mesh().ambient('east', 'west').namespace('shop', { injected: true });
const used = plain
  .service('abc.shop', { serviceLabels: { ...global, [use]: 'waypoint' } })
  .waypoint('waypoint.shop', { serviceLabels: global });
const ofNamespace = plain
  .service('abc.shop', { serviceLabels: global })
  .service('xyz.shop', { serviceLabels: global })
  .waypoint('waypoint.shop', { serviceLabels: global })
  .edit(inOrder(...['east', 'west'].map((cluster) => namespaceLabelled({ cluster, namespace: 'shop', label: use, value: 'waypoint' }))));
const found = (key: string, at: string) => [`one-sided-waypoint/${key} @ ${at}`];

checkTester(check, {
  healthy: {
    'the same in both': used,
    'that of the namespace in both': ofNamespace,
    'none in either': plain.service('abc.shop', { serviceLabels: global }),
    'without pods in one cluster': used.edit(workloadDown({ cluster: 'west', workload: 'waypoint.shop', how: 'scaled' })),
    'a local service': plain
      .service('abc.shop', { in: ['east'], serviceLabels: { [use]: 'waypoint' } })
      .service('abc.shop', { in: ['west'] })
      .waypoint('waypoint.shop', { in: ['east'] }),
    'a service of one cluster': plain
      .service('abc.shop', { in: ['east'], serviceLabels: { ...global, [use]: 'waypoint' } })
      .waypoint('waypoint.shop', { in: ['east'], serviceLabels: global }),
  },
  broken: {
    'no waypoint in one cluster': {
      mesh: used.edit(kubeGatewayDeleted({ cluster: 'west', gateway: 'waypoint.shop' })),
      findings: found('missing', 'west:Service/shop/abc'),
    },
    'its pods never became ready in one cluster': {
      mesh: used.edit(kubeGatewayNeverReady({ cluster: 'west', gateway: 'waypoint.shop' })),
      findings: found('unready', 'west:Service/shop/abc'),
    },
    'one Service does not name it': {
      mesh: used.edit(serviceLabelled({ cluster: 'east', service: 'abc.shop', label: use, value: undefined })),
      findings: found('unused', 'east:Service/shop/abc'),
    },
    'one namespace does not name it': {
      mesh: ofNamespace.edit(namespaceLabelled({ cluster: 'west', namespace: 'shop', label: use, value: undefined })),
      findings: found('unused', 'west:Namespace/shop'),
    },
    'made for workloads in one cluster': {
      mesh: plain
        .service('abc.shop', { serviceLabels: { ...global, [use]: 'waypoint' } })
        .waypoint('waypoint.shop', { in: ['east'], serviceLabels: global })
        .waypoint('waypoint.shop', { in: ['west'], serviceLabels: global, labels: { 'istio.io/waypoint-for': 'workload' } }),
      findings: found('unsuited', 'west:Service/shop/abc'),
    },
    'another name in one cluster': {
      mesh: plain
        .service('abc.shop', { in: ['east'], serviceLabels: { ...global, [use]: 'waypoint' } })
        .service('abc.shop', { in: ['west'], serviceLabels: { ...global, [use]: 'gate' } })
        .waypoint('waypoint.shop', { in: ['east'], serviceLabels: global })
        .waypoint('gate.shop', { in: ['west'], serviceLabels: global }),
      findings: ['one-sided-waypoint/differing @ west:Service/shop/abc (warning likely)'],
    },
  },
});
