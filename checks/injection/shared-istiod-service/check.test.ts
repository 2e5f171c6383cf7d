import { checkTester, mesh, podsInjectedBy, webhooksShareService } from 'meshdoctor/testkit';
import check from './check.ts';

const canary = mesh()
  .canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' })
  .namespace('shop', { injected: true })
  .service('cart.shop');
const plain = mesh().primaryRemote('east', 'west').namespace('shop', { injected: true }).service('cart.shop');

checkTester(check, {
  healthy: {
    'one revision, with its tag': plain,
    'an upgrade in flight, each with its own Service': canary,
    'pods on both': canary.edit(
      podsInjectedBy({ cluster: 'west', namespace: 'shop', revision: '1-31-0', host: 'istiod-1-31-0.istio-system.svc' }),
    ),
    'a tag for the canary': canary.break((m) => m.cluster('west').tag('prod', '1-31-0')),
    'two primaries': mesh().multiPrimary('east', 'west').namespace('shop', { injected: true }).service('cart.shop'),
    'an external control plane': mesh().externalControlPlane('outside', 'inside', { remotes: ['south'] }),
    'pods of a revision that nobody runs': plain.edit(podsInjectedBy({ cluster: 'west', namespace: 'shop', revision: '1-20-0' })),
  },
  broken: {
    'the webhook of the canary calls the old Service': {
      mesh: canary.edit(webhooksShareService({ cluster: 'west', from: '1-30-3', to: '1-31-0' })),
      findings: ['shared-istiod-service/injectors @ west:MutatingWebhookConfiguration/istio-sidecar-injector-1-31-0 (warning likely)'],
    },
    'proxies of both connect to one': {
      mesh: canary.edit(podsInjectedBy({ cluster: 'west', namespace: 'shop', revision: '1-31-0', host: 'istiod-1-30-3.istio-system.svc' })),
      findings: ['shared-istiod-service/proxies @ west:Cluster/west (warning likely)'],
    },
  },
});
