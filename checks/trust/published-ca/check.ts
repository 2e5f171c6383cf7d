import { type Certificate, defineCheck, distinct, listOf, publishedCas, remedy } from 'meshdoctor/api';
import { handsOutElsewhere, pluggingIn, rootField, rootName, servedBy } from '../_area.ts';

/** The check for the CAs of a list. */
export const checkOf = (published: ReadonlyMap<string, publishedCas.PublishedCa>) =>
  defineCheck({
    id: 'published-ca',
    title: 'The mesh does not trust a CA whose key is public',
    severity: 'warning',
    certainty: 'certain',
    scope: 'cluster',
    needs: ['rootConfigMaps', 'controlPlanes'],
    uses: ['caSecrets'],
    advice: true,
    catalogue: ['TRU-10'],
    // One CA of several primaries is one cause.
    explains: [{ code: 'published-ca', match: 'mesh' }],
    docs: {
      why: 'The certificates in samples/certs of a release are there to try things out. Their keys are in the same directory: whoever can reach a workload can make a certificate for any identity of a mesh that trusts them.',
      confirm:
        'kubectl --context CLUSTER -n istio-system get configmap istio-ca-root-cert -o jsonpath="{.data.root-cert\\.pem}" | openssl x509 -noout -fingerprint -sha256; openssl x509 -in samples/certs/root-cert.pem -noout -fingerprint -sha256',
      fix: 'Make a root and intermediates of your own (tools/certs/Makefile.selfsigned.mk of a release is a start), and change over with both roots side by side.',
      notWhen: 'On a laptop.',
      see: ['https://github.com/istio/istio/issues/36275', 'https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/'],
    },
    messages: {
      trusted: (a: {
        cluster: string;
        namespace: string;
        certificate: Certificate;
        file: string;
        at: Parameters<typeof remedy.restart>[0];
      }) => ({
        text: `Workloads of ${a.cluster} trust ${rootName(a.certificate)}, which is ${a.file} of Istio's own repository, so anybody can make certificates for them.`,
        expected: 'a CA whose key is yours alone',
        found: a.file,
        effect: 'every identity of the mesh can be forged',
        remedy: [
          remedy.command(a.at.cluster, pluggingIn(a.at.cluster, a.namespace), {
            disruptive: true,
            note: 'the files hold a CA of your own, and old and new root side by side until every cluster has both',
          }),
        ],
      }),
    },
    *run({ cluster, mesh, finding }) {
      const { systemNamespace } = cluster.member;
      const istiod = cluster.controlPlanes.find(({ namespace }) => namespace === systemNamespace);
      if (istiod === undefined || handsOutElsewhere(istiod)) return;
      const maps = cluster.rootConfigMaps.filter(({ namespace }) => namespace === systemNamespace);
      const secrets = listOf(cluster.caSecrets).filter(({ namespace }) => namespace === systemNamespace);
      const held = [
        ...maps.flatMap(({ ref, certificates }) => certificates.map((certificate) => ({ ref, field: rootField, certificate }))),
        ...secrets.flatMap(({ ref, signing }) =>
          signing.slice(0, 1).map((certificate) => ({ ref, field: '.data["ca-cert.pem"]', certificate })),
        ),
      ];
      for (const { ref, field, certificate } of held) {
        const known = published.get(certificate.fingerprint);
        if (known === undefined) continue;
        yield finding(
          'trusted',
          { cluster: cluster.name, namespace: systemNamespace, certificate, file: known.file, at: istiod.ref },
          {
            at: ref,
            field,
            related: [istiod.ref],
            evidence: [{ ref, field, observed: `SHA-256 ${certificate.fingerprint}` }],
            subject: certificate.fingerprint.slice(0, 16),
            concerns: distinct([cluster.name, ...servedBy(mesh, cluster.name)]),
          },
        );
      }
    },
  });

export default checkOf(publishedCas.publishedCas);
