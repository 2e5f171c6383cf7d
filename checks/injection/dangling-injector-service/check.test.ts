import { checkTester, inCluster, injectorsCall, injectorServiceDeleted, mesh, pilotBackend } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const revisioned = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const plain = mesh().primaryRemote(east, west).namespace('shop', { injected: true }).service('cart.shop');

/** An istiod whose Service has no endpoint left. */
const gone = (from: typeof plain, name: string, deployment: { spec?: { replicas: number }; status?: { readyReplicas: number } } = {}) =>
  from
    .edit(
      inCluster(east, (objects) =>
        objects.map((object) => (object.metadata.labels?.['kubernetes.io/service-name'] === name ? { ...object, endpoints: [] } : object)),
      ),
    )
    .break((m) => m.cluster(east).patch('Deployment', 'istio-system', name, { status: { readyReplicas: 0 }, ...deployment }));

checkTester(check, {
  healthy: {
    'a Service for every injector': revisioned,
    'without a name': plain,
    'an old release': mesh().primaryRemote(east, west, { revision: '1-24-6', release: '1.24.6' }),
    'two primaries': mesh().multiPrimary(east, west),
    'an upgrade in flight': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'webhooks that call a url, and no Service istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    ambient: mesh().ambient(east, west),
    'istiod is there and not ready, which is another fault': gone(plain, 'istiod'),
    'a tag’s own Service, which nobody calls, leads nowhere in a remote': revisioned.break((m) => m.cluster(west).tag('prod', '1-31-0')),
    'nothing behind the Service, which is another fault': revisioned.edit(pilotBackend({ cluster: west, what: 'deleted' })),
  },
  broken: {
    'istiod was deleted, its webhooks and Service were left': {
      mesh: gone(mesh().multiPrimary(east, west).namespace('shop', { injected: true }), 'istiod').break((m) =>
        m.cluster(east).remove('Deployment', 'istio-system', 'istiod'),
      ),
      findings: ['dangling-injector-service/unbacked @ east:Service/istio-system/istiod (error certain)'],
    },
    'istiod of a revision that nobody asks for was deleted, its webhook and Service were left': {
      mesh: gone(mesh().canary(east, west, { from: '1-30-3', to: '1-31-0' }), 'istiod-1-31-0').break((m) =>
        m
          .cluster(east)
          .remove('Deployment', 'istio-system', 'istiod-1-31-0')
          .remove('MutatingWebhookConfiguration', undefined, 'istio-revision-tag-default'),
      ),
      findings: ['dangling-injector-service/unbacked @ east:Service/istio-system/istiod-1-31-0 (warning certain)'],
    },
    'the Service selects another istiod': {
      mesh: gone(plain, 'istiod', { status: { readyReplicas: 1 } }).break((m) =>
        m.cluster(east).patch('Service', 'istio-system', 'istiod', { spec: { selector: { 'istio.io/rev': '1-30-3' } } }),
      ),
      findings: ['dangling-injector-service/unbacked @ east:Service/istio-system/istiod (error certain)'],
    },
    'the Service of a remote is gone': {
      mesh: revisioned.edit(injectorServiceDeleted({ cluster: west })),
      findings: ['dangling-injector-service/dangling @ west:MutatingWebhookConfiguration/istio-sidecar-injector-1-31-0 (error certain)'],
    },
    'the Service of a primary is gone': {
      mesh: plain.edit(injectorServiceDeleted({ cluster: east })),
      findings: ['dangling-injector-service/dangling @ east:MutatingWebhookConfiguration/istio-sidecar-injector (error certain)'],
    },
    'the injectors were rendered without the revision': {
      mesh: revisioned.edit(injectorsCall({ cluster: west, service: 'istiod' })),
      findings: ['dangling-injector-service/dangling @ west:MutatingWebhookConfiguration/istio-sidecar-injector-1-31-0 (error certain)'],
    },
    'no namespace asks for them': {
      mesh: mesh()
        .primaryRemote(east, west)
        .edit(injectorsCall({ cluster: west, service: 'istiod-1-30-3' })),
      findings: ['dangling-injector-service/dangling @ west:MutatingWebhookConfiguration/istio-sidecar-injector (warning certain)'],
    },
  },
});
