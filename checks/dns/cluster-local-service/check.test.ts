import { applied, checkTester, discoverySelectors, istiodFlag, mesh, meshConfigWith } from 'meshdoctor/testkit';
import check from './check.ts';

const peers = mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('abc.shop');
const kept = ['serviceSettings:', '- settings:', '    clusterLocal: true', '  hosts:', '  - "*.shop.svc.cluster.local"'];
const exportsIn = (cluster: string) =>
  applied({
    cluster,
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    name: 'serviceexports.multicluster.x-k8s.io',
    spec: { group: 'multicluster.x-k8s.io', names: { kind: 'ServiceExport' }, versions: [{ name: 'v1alpha1', served: true }] },
  });
const discovery = istiodFlag({ cluster: 'east', name: 'ENABLE_MCS_SERVICE_DISCOVERY', value: 'true' });

checkTester(check, {
  healthy: {
    'everything is shared': peers,
    'a service of one cluster is kept to it': mesh()
      .multiPrimary('east', 'west')
      .namespace('shop', { injected: true })
      .service('abc.shop', { in: ['east'] })
      .edit(meshConfigWith({ cluster: 'east', lines: kept })),
    'istiod does not look into that namespace': peers
      .edit(meshConfigWith({ cluster: 'east', lines: kept }))
      .edit(discoverySelectors({ cluster: 'east', labels: { 'kubernetes.io/metadata.name': 'istio-system' } })),
  },
  broken: {
    'by serviceSettings': {
      mesh: peers.edit(meshConfigWith({ cluster: 'east', lines: kept })),
      findings: ['cluster-local-service/kept @ east:ConfigMap/istio-system/istio (info certain)'],
    },
    'only what is exported': {
      mesh: peers.edit(discovery).edit(exportsIn('east')).edit(exportsIn('west')),
      findings: ['cluster-local-service/exported @ east:Deployment/istio-system/istiod (info certain)'],
    },
    'only what is exported, and a cluster cannot export': {
      mesh: peers.edit(discovery).edit(exportsIn('east')),
      findings: [
        'cluster-local-service/exported @ east:Deployment/istio-system/istiod (info certain)',
        'cluster-local-service/unexportable @ east:Deployment/istio-system/istiod (warning likely)',
      ],
    },
  },
});
