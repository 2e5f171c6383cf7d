import { type CaSecret, type ClusterName, defineCheck, distinct, list, remedy, valueOf } from 'meshdoctor/api';
import { bundleOf, handsOutElsewhere, isAuthority, meets, pluggingIn, rootField, rootMapOf, rootName, servedBy } from '../_area.ts';

export default defineCheck({
  id: 'unused-cacerts',
  title: 'istiod signs with the certificate authority that is plugged in',
  severity: 'warning',
  certainty: 'certain',
  scope: 'mesh',
  partial: true,
  needs: ['controlPlanes', 'caSecrets', 'rootConfigMaps'],
  path: { hops: ['mtls'], onlyExplains: true },
  catalogue: ['TRU-02'],
  explains: [{ code: 'divergent-roots/disjoint', match: 'cluster' }],
  docs: {
    why: 'istiod takes another root only when it starts. Where Secret cacerts was made or replaced later, it goes on with the old root, and changes to the new one at a restart that nobody expects: from then on new proxies and old ones do not trust each other.',
    confirm:
      'kubectl --context CLUSTER -n istio-system get secret cacerts -o jsonpath="{.data.root-cert\\.pem}" | base64 -d | openssl x509 -noout -subject -fingerprint; kubectl --context CLUSTER -n istio-system get configmap istio-ca-root-cert -o jsonpath="{.data.root-cert\\.pem}" | openssl x509 -noout -subject -fingerprint',
    fix: 'Restart istiod, then the gateways and workloads of all clusters that it serves; or put the old Secret back. Where other primaries have the root that is in use, and not the new one, a restart parts them: give all of them both roots first.',
    notWhen: 'With ISTIO_MULTIROOT_MESH both roots are in use for a while.',
    see: ['https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/'],
  },
  messages: {
    unused: (a: Unused) => ({
      text: `Secret ${a.secret.namespace}/${a.secret.name} in ${a.secret.ref.cluster} holds another root certificate than istiod there hands out, which has not started since.`,
      expected: a.expected,
      found: a.found,
      effect:
        a.parted.length === 0
          ? 'the root changes when istiod next starts: until they restart, proxies then do not trust it'
          : `the root changes when istiod next starts: from then on there is no mutual TLS with ${list(a.parted)}`,
      remedy: [
        a.parted.length === 0
          ? remedy.restart(a.istiod, 'then restart the gateways and workloads of every cluster that it serves')
          : remedy.command(a.secret.ref.cluster, pluggingIn(a.secret.ref.cluster, a.secret.namespace), {
              disruptive: true,
              note: `the files are those of before, with both roots in root-cert.pem; then the same in ${list(a.parted)}, and only then sign with the new one`,
            }),
      ],
    }),
  },
  *run({ clusters, mesh, finding }) {
    for (const { name, controlPlanes, caSecrets, rootConfigMaps, member } of clusters) {
      if (valueOf(member.role) !== 'primary') continue;
      const istiod = controlPlanes.find((candidate) => candidate.namespace === member.systemNamespace);
      if (istiod === undefined || handsOutElsewhere(istiod) || !usesSecret(istiod.env)) continue;
      const secret = caSecrets.find((candidate) => candidate.source === 'plugged-in' && candidate.namespace === istiod.namespace);
      const map = rootMapOf(rootConfigMaps, istiod.namespace);
      if (secret === undefined || map === undefined || secret.roots.length === 0) continue;
      const plugged = bundleOf(secret.roots);
      const inUse = bundleOf(map.certificates);
      if (meets(plugged, inUse)) continue;
      // Where the root that is not in use is that of other primaries, this is why they do not trust each other.
      const peers = clusters.filter((other) => {
        const roots = other.name === name ? undefined : rootMapOf(other.rootConfigMaps, other.member.systemNamespace);
        return roots !== undefined && meets(plugged, bundleOf(roots.certificates));
      });
      // Those trust what is signed today, and nothing that is signed after the next start.
      const parted = clusters.filter((other) => {
        const roots = other.name === name ? undefined : rootMapOf(other.rootConfigMaps, other.member.systemNamespace);
        const own = roots === undefined ? undefined : bundleOf(roots.certificates);
        return valueOf(other.member.role) === 'primary' && own !== undefined && meets(own, inUse) && !meets(own, plugged);
      });
      yield finding(
        'unused',
        {
          secret,
          istiod: istiod.ref,
          parted: parted.map((other) => other.name),
          found: rootName(map.certificates[0]),
          expected: rootName(secret.roots[0]),
        },
        {
          at: secret.ref,
          field: '.data["root-cert.pem"]',
          related: [istiod.ref, map.ref],
          evidence: [
            { ref: secret.ref, field: '.data["root-cert.pem"]', observed: rootName(secret.roots[0]) },
            { ref: map.ref, field: rootField, observed: rootName(map.certificates[0]), expected: rootName(secret.roots[0]) },
          ],
          subject: name,
          concerns: distinct([name, ...peers.map((peer) => peer.name), ...servedBy(mesh, name)]),
        },
      );
    }
  },
});

interface Unused {
  readonly secret: CaSecret;
  readonly istiod: Parameters<typeof remedy.restart>[0];
  /** Primaries that a restart of this istiod would part from it. */
  readonly parted: readonly ClusterName[];
  readonly found: string;
  readonly expected: string;
}

/** With several roots istiod takes a new one as it runs; without a CA of its own it has no use for the Secret. */
function usesSecret(env: Readonly<Record<string, string>>): boolean {
  return env['ISTIO_MULTIROOT_MESH'] !== 'true' && isAuthority(env);
}
