import {
  annotatedTooLate,
  caBundleReset,
  checkTester,
  controlPlaneClusters,
  foreignRoot,
  mesh,
  neverExternal,
  withForeignRoot,
  withIstiodEnv,
} from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const revisioned = mesh().primaryRemote(east, west, { revision: '1-31-0' }).namespace('shop', { injected: true }).service('cart.shop');
const plain = mesh().primaryRemote(east, west).namespace('shop', { injected: true }).service('cart.shop');
const injector = 'west:MutatingWebhookConfiguration/istio-sidecar-injector';
/** Namespaces that ask for injection are served by the tag. */
const tag = 'west:MutatingWebhookConfiguration/istio-revision-tag-default';
const foreign = (cluster: string, manager?: string) =>
  withForeignRoot(cluster, (pem) => caBundleReset({ cluster, bundle: { pem }, ...(manager === undefined ? {} : { manager }) }));

checkTester(check, {
  healthy: {
    'the root of the primary': revisioned,
    'without a name': plain,
    'roots that istiods made themselves: the primary’s counts': mesh().primaryRemote(east, west, { trust: 'self-signed' }),
    'two primaries, a root each': mesh().multiPrimary(east, west, { trust: 'self-signed' }),
    'an old release': mesh().primaryRemote(east, west, { revision: '1-24-6', release: '1.24.6' }),
    'an upgrade in flight': mesh().canary(east, west, { from: '1-30-3', to: '1-31-0', stage: 'remote' }),
    'urls with a public certificate, and nothing in caBundle': mesh().externalControlPlane('outside', west, { remotes: ['north'] }),
    ambient: mesh().ambient(east, west),
    'a foreign root in the namespace of istiod, which is another fault': revisioned.edit(
      withForeignRoot(east, (root) => foreignRoot({ cluster: east, root, namespaces: ['istio-system'] })),
    ),
    'istiod’s certificate does not come from its own CA': {
      mesh: plain.edit(foreign(west)).edit(withIstiodEnv(east, { PILOT_CERT_PROVIDER: 'kubernetes' })),
      inconclusive: [
        'the certificate of istiod comes from kubernetes, not from the CA of the mesh @ east',
        'the certificate of istiod comes from kubernetes, not from the CA of the mesh @ east west',
      ],
    },
    'nobody leads any more, and what was written stays right': revisioned.edit(
      controlPlaneClusters({ cluster: west, primary: east, value: undefined, leader: 'restarted' }),
    ),
  },
  broken: {
    'never led': {
      mesh: revisioned.edit(annotatedTooLate({ cluster: west, primary: east, leader: 'never' })),
      findings: [`stale-ca-bundle @ ${injector}-1-31-0 (error certain)`],
    },
    'never external': {
      mesh: plain.edit(neverExternal({ cluster: east, remote: west })),
      findings: [`stale-ca-bundle @ ${tag} (error certain)`],
    },
    'another root, and nobody knows the time': {
      mesh: revisioned.edit(foreign(west)),
      options: { takenAt: 'unknown' },
      findings: [`stale-ca-bundle @ ${injector}-1-31-0 (error likely)`],
    },
    'a tool empties it': {
      mesh: revisioned.edit(caBundleReset({ cluster: west, bundle: 'empty', manager: 'argocd-controller' })),
      findings: [`stale-ca-bundle @ ${injector}-1-31-0 (error likely)`],
    },
    'istiod is told to leave webhooks alone': {
      mesh: plain.edit(foreign(west)).edit(withIstiodEnv(east, { INJECTION_WEBHOOK_CONFIG_NAME: '' })),
      findings: [`stale-ca-bundle @ ${tag} (error likely)`],
    },
    'something replaces it': {
      mesh: plain.edit(foreign(west)),
      findings: [`stale-ca-bundle @ ${tag} (error likely)`],
    },
    'in the primary itself': {
      mesh: revisioned.edit(foreign(east, 'helm')),
      findings: ['stale-ca-bundle @ east:MutatingWebhookConfiguration/istio-sidecar-injector-1-31-0 (error likely)'],
    },
    'only the tag': {
      mesh: revisioned.edit(caBundleReset({ cluster: west, bundle: 'empty', only: 'tag' })),
      findings: [`stale-ca-bundle @ ${tag} (warning likely)`],
    },
  },
});
