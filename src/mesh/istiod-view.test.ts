import { describe, expect, test } from 'vitest';
import { cluster, namespace, view } from '../../test/support/mesh-facts.ts';
import { clusterLocalHosts, flag, inRegistryOrder, type PredictedMeshConfig, visibleNamespaces } from './istiod-view.ts';

const mesh: PredictedMeshConfig = { discoverySelectors: [], meshNetworks: [], clusterLocal: [], defaultServiceExportTo: [] };

describe('an istiod’s view', () => {
  test('its own cluster is asked first', () => {
    const clusters = ['cluster3', 'cluster1', 'cluster2'].map((id) => cluster(id, undefined));
    expect(inRegistryOrder(view(clusters)).map((one) => one.id)).toEqual(['cluster1', 'cluster2', 'cluster3']);
  });

  test('discoverySelectors select namespaces by any of them, by name too', () => {
    const namespaces = [namespace('a', { mesh: 'yes' }), namespace('b'), namespace('c')];
    const discoverySelectors = [
      { matchLabels: { mesh: 'yes' }, matchExpressions: [] },
      { matchLabels: {}, matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['c'] }] },
    ];
    const isVisible = visibleNamespaces(namespaces, { discoverySelectors });
    expect(['a', 'b', 'c'].map(isVisible)).toEqual([true, false, true]);
    expect(visibleNamespaces(namespaces, undefined)('b')).toBe(true);
  });

  test.each<[string, boolean, PredictedMeshConfig['clusterLocal']]>([
    ['dns.kube-system.svc.cluster.local', true, []],
    ['kubernetes.default.svc.cluster.local', true, []],
    ['istiod.istio-system.svc.cluster.local', true, []],
    ['abc.sample.svc.cluster.local', false, []],
    ['abc.sample.svc.cluster.local', true, [{ host: '*.sample.svc.cluster.local', local: true }]],
    [
      'abc.sample.svc.cluster.local',
      false,
      [
        { host: '*', local: true },
        { host: '*.sample.svc.cluster.local', local: false },
      ],
    ],
    [
      'abc.sample.svc.cluster.local',
      false,
      [
        { host: '*.sample.svc.cluster.local', local: true },
        { host: 'abc.sample.svc.cluster.local', local: false },
      ],
    ],
    ['dns.kube-system.svc.cluster.local', false, [{ host: '*.kube-system.svc.cluster.local', local: false }]],
  ])('%s is cluster-local: %s', (host, expected, clusterLocal) =>
    expect(clusterLocalHosts(view([], {}, { ...mesh, clusterLocal }))(host)).toBe(expected),
  );

  test('the discovery host is cluster-local by its own name', () => {
    const isLocal = clusterLocalHosts(view([], {}, { ...mesh, discoveryAddress: 'istiod-1-31-0.istio-system.svc:15012' }));
    expect(isLocal('istiod-1-31-0.istio-system.svc.cluster.local')).toBe(true);
    expect(isLocal('istiod.istio-system.svc.cluster.local')).toBe(false);
  });

  test('flags are read as Go reads them', () => {
    expect([
      flag({ A: 'true' }, 'A', false),
      flag({ A: '0' }, 'A', true),
      flag({ A: 'yes' }, 'A', false),
      flag({ A: '' }, 'A', true),
      flag({}, 'A', true),
    ]).toEqual([true, false, false, true, true]);
  });
});
