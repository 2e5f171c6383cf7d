import { checkTester, injectorsCall, injectorServiceDeleted, mesh, pilotBackend } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const revisioned = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const plain = mesh().primaryRemote(east, west).namespace('shop', { injected: true }).service('cart.shop');

checkTester(check, {
  healthy: {
    'a Service for every injector': revisioned,
    'without a name': plain,
    'an old release': mesh().primaryRemote(east, west, { revision: '1-24-6', release: '1.24.6' }),
    'two primaries': mesh().multiPrimary(east, west),
    'an upgrade in flight': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'webhooks that call a url, and no Service istiod': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    ambient: mesh().ambient(east, west),
    'nothing behind the Service, which is another fault': revisioned.edit(pilotBackend({ cluster: west, what: 'deleted' })),
  },
  broken: {
    'the Service of a remote is gone': {
      mesh: revisioned.edit(injectorServiceDeleted({ cluster: west })),
      findings: ['dangling-injector-service @ west:MutatingWebhookConfiguration/istio-sidecar-injector-1-31-0 (error certain)'],
    },
    'the Service of a primary is gone': {
      mesh: plain.edit(injectorServiceDeleted({ cluster: east })),
      findings: ['dangling-injector-service @ east:MutatingWebhookConfiguration/istio-sidecar-injector (error certain)'],
    },
    'the injectors were rendered without the revision': {
      mesh: revisioned.edit(injectorsCall({ cluster: west, service: 'istiod' })),
      findings: ['dangling-injector-service @ west:MutatingWebhookConfiguration/istio-sidecar-injector-1-31-0 (error certain)'],
    },
    'no namespace asks for them': {
      mesh: mesh()
        .primaryRemote(east, west)
        .edit(injectorsCall({ cluster: west, service: 'istiod-1-30-3' })),
      findings: ['dangling-injector-service @ west:MutatingWebhookConfiguration/istio-sidecar-injector (warning certain)'],
    },
  },
});
