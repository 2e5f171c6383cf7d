import { type ClusterName, defineCheck, listOf, remedy, type RootConfigMap, shellWord, valueOf } from 'meshdoctor/api';
import { bundle, rootName } from '../_area.ts';

export default defineCheck({
  id: 'divergent-roots',
  title: 'Primaries of one mesh share a root certificate',
  severity: 'error',
  certainty: 'certain',
  scope: 'pair',
  needs: { from: ['rootConfigMaps'], to: ['rootConfigMaps'] },
  uses: { from: ['meshConfigs', 'caSecrets'], to: ['meshConfigs', 'caSecrets'] },
  catalogue: ['TRU-01'],
  docs: {
    why: 'Each istiod signs with its own CA. A workload only accepts peers whose certificate leads to a root it was given; without a common root every call between the clusters fails while calls inside each of them work.',
    confirm:
      'kubectl --context CLUSTER -n istio-system get configmap istio-ca-root-cert -o jsonpath="{.data.root-cert\\.pem}" | openssl x509 -noout -subject -fingerprint -sha256',
    fix: 'Give every primary an intermediate CA under one root (Secret cacerts), restart istiod, then the workloads.',
    notWhen: 'Intermediates differ between clusters on purpose: only the root must be shared.',
    see: ['https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/'],
  },
  messages: {
    disjoint: (a: {
      from: ClusterName;
      to: ClusterName;
      fromRoot: string;
      toRoot: string;
      namespace: string;
      selfSigned: readonly ClusterName[];
    }) => ({
      text: `${a.from} and ${a.to} have no root certificate in common, so their workloads refuse each other's certificates.`,
      expected: 'one root certificate in both trust bundles',
      found: `${a.fromRoot} in ${a.from}, ${a.toRoot} in ${a.to}`,
      effect: `no mutual TLS between ${a.from} and ${a.to}`,
      remedy: [
        remedy.command(
          a.selfSigned[0] ?? a.to,
          [
            `kubectl --context ${shellWord(a.selfSigned[0] ?? a.to)} -n ${shellWord(a.namespace)} create secret generic cacerts --from-file=ca-cert.pem --from-file=ca-key.pem --from-file=root-cert.pem --from-file=cert-chain.pem`,
            `kubectl --context ${shellWord(a.selfSigned[0] ?? a.to)} -n ${shellWord(a.namespace)} rollout restart deployment -l app=istiod`,
          ],
          { disruptive: true, note: "with an intermediate under the other cluster's root; restart the workloads afterwards" },
        ),
      ],
    }),
  },
  *run({ from, to, mesh, finding }) {
    // Both directions fail alike: one finding for two clusters.
    if (from.name > to.name || valueOf(from.member.role) !== 'primary' || valueOf(to.member.role) !== 'primary') return;
    if (mesh.dataPlanes.length === 0) return;
    const mine = bundle(from.rootConfigMaps, from.member.systemNamespace, listOf(from.meshConfigs));
    const theirs = bundle(to.rootConfigMaps, to.member.systemNamespace, listOf(to.meshConfigs));
    if (mine.size === 0 || theirs.size === 0 || [...mine.keys()].some((fingerprint) => theirs.has(fingerprint))) return;
    const at = mapOf(from.rootConfigMaps, from.member.systemNamespace);
    const other = mapOf(to.rootConfigMaps, to.member.systemNamespace);
    if (at === undefined || other === undefined) return;
    const selfSigned = [from, to]
      .filter((cluster) => !listOf(cluster.caSecrets).some((secret) => secret.source === 'plugged-in'))
      .map((cluster) => cluster.name);
    const fromRoot = rootName([...mine.values()][0]);
    const toRoot = rootName([...theirs.values()][0]);
    yield finding(
      'disjoint',
      { from: from.name, to: to.name, fromRoot, toRoot, namespace: to.member.systemNamespace, selfSigned },
      {
        at: at.ref,
        field: '.data["root-cert.pem"]',
        related: [other.ref],
        evidence: [
          { ref: at.ref, field: '.data["root-cert.pem"]', observed: fromRoot },
          { ref: other.ref, field: '.data["root-cert.pem"]', observed: toRoot },
        ],
        subject: to.name,
        concerns: [from.name, to.name],
      },
    );
  },
});

function mapOf(maps: readonly RootConfigMap[], namespace: string): RootConfigMap | undefined {
  return maps.find((map) => map.namespace === namespace) ?? maps[0];
}
