import {
  checkTester,
  exposedTerminating,
  injectorsCallUrl,
  mesh,
  podsRefused,
  proxiesAsk,
  sidecarsUnready,
  withIstiodEnv,
} from 'meshdoctor/testkit';
import check from './check.ts';

const remote = mesh().primaryRemote('east', 'west', { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const external = mesh()
  .externalControlPlane('outside', 'inside', { remotes: ['south'] })
  .namespace('shop', { injected: true })
  .service('cart.shop');
const called = remote.edit(injectorsCallUrl({ cluster: 'west', host: 'istiod.example.com' }));
const byUrl = called.edit(
  podsRefused({
    cluster: 'west',
    message:
      'Internal error occurred: failed calling webhook "a.sidecar-injector.istio.io": failed to call webhook: Post "https://istiod.example.com:15017/inject": tls: failed to verify certificate: x509: certificate is valid for istiod.istio-system.svc, not istiod.example.com',
  }),
);
const injector = 'west:MutatingWebhookConfiguration/istio-sidecar-injector-1-31-0';

checkTester(check, {
  healthy: {
    'the Service of istiod': remote,
    'without a name': mesh().primaryRemote('east', 'west'),
    'two primaries': mesh().multiPrimary('east', 'west'),
    'an upgrade in flight': mesh()
      .canary('east', 'west', { from: '1-30-3', to: '1-31-0', stage: 'remote' })
      .namespace('shop', { injected: true })
      .service('cart.shop'),
    'an external control plane under a public name': external,
    'something in front has a certificate for the url': called,
    'proxies that are ready were answered': remote.edit(proxiesAsk({ cluster: 'west', host: 'xds.example.com', only: 'sidecars' })),
    'a name that istiod was told': byUrl.edit(withIstiodEnv('east', { ISTIOD_CUSTOM_HOST: 'istiod.example.com' })),
    'a gateway with a certificate of its own': byUrl.edit(exposedTerminating({ cluster: 'east', credential: 'public' })),
    'a Service that is gone, which is another fault': remote.edit(proxiesAsk({ cluster: 'west', host: 'istiod-1-20-0.istio-system.svc' })),
    'somebody else makes its certificate': {
      mesh: byUrl.edit(withIstiodEnv('east', { ENABLE_CA_SERVER: 'false' })),
      inconclusive: ['the certificate of istiod is made elsewhere: its names are not known @ east west'],
    },
  },
  broken: {
    'the webhooks call a name of the load balancer': {
      mesh: byUrl,
      findings: [`mismatched-istiod-certificate @ ${injector} (error likely)`],
    },
    'proxies ask for it': {
      mesh: remote
        .edit(proxiesAsk({ cluster: 'west', host: 'xds.example.com', only: 'sidecars' }))
        .edit(sidecarsUnready({ cluster: 'west' })),
      findings: ['mismatched-istiod-certificate @ east:Deployment/istio-system/istiod-1-31-0 (error likely)'],
    },
  },
});
