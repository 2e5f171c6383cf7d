import { agingCertificates, certificates, checkTester, mesh, type MeshBuilder } from 'meshdoctor/testkit';
import check from './check.ts';

const east = 'east';
const west = 'west';
const outside = mesh().externalControlPlane('outside', west, { remotes: ['north'] });
const { endingRoot, lapsedRoot } = agingCertificates;

/** The bundles of a cluster's injectors, as put there by hand. */
function bundled(built: MeshBuilder, cluster: string, ...pems: readonly string[]): MeshBuilder {
  return built.edit((objects) =>
    new Map(objects).set(
      cluster,
      (objects.get(cluster) ?? []).map((object) => {
        if (object.kind !== 'MutatingWebhookConfiguration') return object;
        const webhooks = (object['webhooks'] as readonly { readonly clientConfig: object }[]).map((webhook) => ({
          ...webhook,
          clientConfig: { ...webhook.clientConfig, caBundle: btoa(pems.join('')) },
        }));
        return { ...object, webhooks };
      }),
    ),
  );
}

checkTester(check, {
  healthy: {
    'a primary and its remote': mesh().primaryRemote(east, west),
    'two primaries': mesh().multiPrimary(east, west),
    'an external istiod with a public certificate': outside,
    'a new certificate beside the old one': bundled(outside, west, lapsedRoot, certificates.publicServer),
    'a bundle of long life': bundled(outside, west, certificates.publicServer),
  },
  broken: {
    'the bundle of an external istiod has ended': {
      mesh: bundled(outside, west, lapsedRoot),
      findings: ['expiring-ca-bundle/expired @ west:MutatingWebhookConfiguration/istio-sidecar-injector-external-istiod (error certain)'],
    },
    'it ends in eighteen days': {
      mesh: bundled(outside, 'north', endingRoot),
      findings: ['expiring-ca-bundle/soon @ north:MutatingWebhookConfiguration/istio-sidecar-injector-external-istiod (warning certain)'],
    },
  },
});
