import { type ClusterName, count, defineCheck, list, listOf, remedy, type RootConfigMap, valueOf } from 'meshdoctor/api';
import { bundle, rootName } from '../_area.ts';

export default defineCheck({
  id: 'foreign-root',
  title: 'Every namespace has the root certificate of the control plane that serves it',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['rootConfigMaps'], member: ['rootConfigMaps'] },
  uses: { primary: ['meshConfigs'], member: ['pods'] },
  catalogue: ['TRU-07'],
  docs: {
    why: 'Proxies verify istiod with ConfigMap istio-ca-root-cert of their own namespace. Where it holds another root, pilot-agent cannot connect (x509: certificate signed by unknown authority) and pods never become ready. Such a copy is left behind by a former installation, made by hand, or no longer kept up to date because no istiod manages the cluster.',
    confirm: 'kubectl --context CLUSTER get configmaps -A --field-selector metadata.name=istio-ca-root-cert -o yaml',
    fix: 'Let the managing istiod write it again: delete the ConfigMap, after making sure that istiod leads the cluster; then restart the workloads.',
    notWhen: 'During a rotation the old and the new root lie side by side in one ConfigMap.',
  },
  messages: {
    wholeCluster: (a: { read: ClusterName; from: ClusterName; found: string; expected: string; maps: readonly RootConfigMap[] }) => ({
      text: `${a.read} distributes another root certificate than ${a.from}, whose istiod serves it, so its proxies do not trust that istiod.`,
      expected: a.expected,
      found: a.found,
      effect: `proxies of ${a.read} cannot connect to istiod when they start`,
      remedy: a.maps
        .slice(0, 1)
        .map((map) =>
          remedy.delete(map.ref, { note: 'istiod writes it again where it leads the cluster; do the same in the other namespaces' }),
        ),
    }),
    namespaces: (a: { read: ClusterName; maps: readonly RootConfigMap[]; found: string; expected: string; affected: number }) => ({
      text: `${count(a.maps.length, 'namespace')} of ${a.read} (${list(
        a.maps.map((map) => map.namespace),
        'none',
        3,
      )}) ${a.maps.length === 1 ? 'has' : 'have'} another root certificate than the rest, so ${a.maps.length === 1 ? 'its' : 'their'} proxies do not trust istiod.`,
      expected: a.expected,
      found: a.found,
      effect: a.affected === 0 ? 'new pods there do not become ready' : `${count(a.affected, 'pod')} there cannot reconnect to istiod`,
      severity: a.affected === 0 ? 'warning' : 'error',
      remedy: a.maps.slice(0, 3).map((map) => remedy.delete(map.ref, { note: 'istiod writes it again where it leads the cluster' })),
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding }) {
    if (couple.kind === 'peer' || (couple.kind === 'remote' && valueOf(couple.serves) !== true)) return;
    const isOwn = couple.kind === 'self' || valueOf(mesh.kind) === 'external';
    const reference = isOwn
      ? bundle(member.rootConfigMaps, controlPlane.namespace)
      : bundle(primary.rootConfigMaps, controlPlane.namespace, listOf(primary.meshConfigs));
    if (reference.size === 0) return;
    const foreign = member.rootConfigMaps.filter(
      (map) => map.certificates.length > 0 && !map.certificates.some((certificate) => reference.has(certificate.fingerprint)),
    );
    const [first] = foreign;
    if (first === undefined) return;
    const expected = rootName([...reference.values()][0]);
    const found = rootName(first.certificates[0]);
    const evidence = foreign
      .slice(0, 5)
      .map((map) => ({ ref: map.ref, field: '.data["root-cert.pem"]', observed: rootName(map.certificates[0]), expected }));
    const system = foreign.find((map) => map.namespace === controlPlane.namespace);
    if (system !== undefined && foreign.length === member.rootConfigMaps.length) {
      yield finding(
        'wholeCluster',
        { read: member.name, from: primary.name, found, expected, maps: [system] },
        { at: system.ref, field: '.data["root-cert.pem"]', related: [controlPlane.ref], evidence, subject: member.name },
      );
      return;
    }
    const namespaces = new Set(foreign.map((map) => map.namespace));
    const affected = listOf(member.pods).filter((pod) => pod.proxy !== undefined && namespaces.has(pod.namespace)).length;
    yield finding(
      'namespaces',
      { read: member.name, maps: foreign, found, expected, affected },
      { at: first.ref, field: '.data["root-cert.pem"]', related: foreign.map((map) => map.ref), evidence, subject: member.name },
    );
  },
});
