import {
  type ClusterName,
  count,
  defineCheck,
  distinct,
  effectsOfCutOff,
  list,
  listOf,
  remedy,
  type RootConfigMap,
  valueOf,
} from 'meshdoctor/api';
import { configOf, countProxied, isOfAnotherMesh, isSeen } from './namespaces.ts';
import { bundleOf, handsOutElsewhere, meets, rootField, rootMapOf, rootName } from '../_area.ts';

export default defineCheck({
  id: 'foreign-root',
  title: 'Every namespace has the root certificate of the control plane that serves it',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'rootConfigMaps'], member: ['rootConfigMaps', 'controlPlanes'] },
  uses: { primary: ['meshConfigs'], member: ['namespaces', 'pods'] },
  // What runs keeps the roots that the CA gave with its certificate, and its connection for a while: that it is lost then is found by who misses it there.
  path: { hops: ['mtls', 'caller'], isOn: ({ code }) => code !== 'foreign-root/namespaces' },
  catalogue: ['TRU-07'],
  explains: [
    { code: 'foreign-gateway-certificate/untrusted', match: 'cluster' },
    // What its own cluster does not hand out is taken for a certificate of before.
    { code: 'foreign-gateway-certificate/untrusted', match: 'within' },
    { code: 'failing-pod-call/untrusted', match: 'cluster' },
    ...effectsOfCutOff,
    { code: 'foreign-istiod-certificate', match: 'cluster' },
    // Where nothing of a cluster followed a change of the root, its webhooks did not, either.
    { code: 'stale-ca-bundle', match: 'cluster', keys: ['wholeCluster'] },
  ],
  docs: {
    why: 'Proxies verify istiod with ConfigMap istio-ca-root-cert of their own namespace. Where it holds another root, pilot-agent cannot connect (x509: certificate signed by unknown authority) and pods never become ready. Such a copy is left behind by a former installation, made by hand, or no longer kept up to date because no istiod manages the cluster.',
    confirm: 'kubectl --context CLUSTER get configmaps -A --field-selector metadata.name=istio-ca-root-cert -o yaml',
    fix: 'Let the managing istiod write it again: delete the ConfigMap, after making sure that istiod leads the cluster; then restart the workloads.',
    notWhen:
      'During a rotation the old and the new root lie side by side in one ConfigMap. Namespaces of another mesh in the same cluster have the root of that mesh.',
  },
  messages: {
    wholeCluster: (a: { read: ClusterName; from: ClusterName; found: string; expected: string; map: RootConfigMap }) => ({
      text: `Cluster ${a.read} distributes another root certificate than ${a.from}, whose istiod serves it, so its proxies do not trust that istiod.`,
      expected: a.expected,
      found: a.found,
      effect: `proxies of ${a.read} cannot connect to istiod when they start`,
      remedy: [
        remedy.delete(a.map.ref, { note: 'istiod writes it again where it leads the cluster; do the same in the other namespaces' }),
      ],
    }),
    namespaces: (a: {
      read: ClusterName;
      from: ClusterName;
      maps: readonly RootConfigMap[];
      found: string;
      expected: string;
      affected: number;
    }) => ({
      text: `In ${a.read}, ${count(a.maps.length, 'namespace')} (${spaces(a.maps)}) ${a.maps.length === 1 ? 'has' : 'have'} another root certificate than istiod of ${a.from}, so ${a.maps.length === 1 ? 'its' : 'their'} proxies do not trust it.`,
      expected: a.expected,
      found: a.found,
      effect: a.affected === 0 ? 'new pods there do not become ready' : `${count(a.affected, 'pod')} there cannot reconnect to istiod`,
      severity: a.affected === 0 ? 'warning' : 'error',
      remedy: a.maps
        .slice(0, 3)
        .map((map) =>
          remedy.delete(map.ref, { note: 'istiod writes it again where it leads the cluster; then restart the workloads there' }),
        ),
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    if (couple.kind === 'peer' || valueOf(couple.serves) === false || handsOutElsewhere(controlPlane)) return;
    const { namespace } = controlPlane;
    // An external istiod keeps its root in its config cluster; what lies beside it is of that cluster's own mesh.
    const isOwn = couple.kind === 'self' || valueOf(mesh.kind) === 'external';
    const own = rootMapOf(isOwn ? member.rootConfigMaps : primary.rootConfigMaps, namespace);
    if (own === undefined) return;
    const reference = bundleOf(own.certificates);
    const judged = member.rootConfigMaps.filter((map) => map.certificates.length > 0 && !isOfAnotherMesh(map, member, namespace));
    const differing = judged.filter((map) => !meets(bundleOf(map.certificates), reference));
    if (differing.length === 0) return;
    if ('unknown' in couple.serves) {
      yield undecided('it is not known whether this istiod serves the cluster', {
        missing: couple.serves.unknown.map(({ fact }) => ({ cluster: member.name, fact })),
      });
      return;
    }
    const config = configOf(primary.meshConfigs, controlPlane);
    if (config === undefined || (config.discoverySelectors.length > 0 && member.namespaces.status !== 'collected')) {
      const missing =
        config === undefined
          ? { cluster: primary.name, fact: 'meshConfigs' as const }
          : { cluster: member.name, fact: 'namespaces' as const };
      yield undecided('it is not known which namespaces istiod sees', { missing: [missing] });
      return;
    }
    const proxied = countProxied(listOf(member.pods));
    // Where istiod does not look and nobody runs, an old copy harms nobody.
    const foreign = differing.filter((map) => proxied.has(map.namespace) || isSeen(map.namespace, config, listOf(member.namespaces)));
    const [first] = foreign;
    if (first === undefined) return;
    const expected = rootName(own.certificates[0]);
    const found = list(distinct(foreign.map((map) => rootName(map.certificates[0]))), 'none', 2);
    const evidence = foreign
      .slice(0, 5)
      .map((map) => ({ ref: map.ref, field: rootField, observed: rootName(map.certificates[0]), expected }));
    const common = { field: rootField, evidence, subject: member.name };
    const args = { read: member.name, from: primary.name, found, expected };
    const system = foreign.find((map) => map.namespace === namespace);
    if (system !== undefined && foreign.length === judged.length) {
      yield finding('wholeCluster', { ...args, map: system }, { ...common, at: system.ref, related: [controlPlane.ref] });
      return;
    }
    const affected = foreign.reduce((sum, map) => sum + (proxied.get(map.namespace) ?? 0), 0);
    const related = [controlPlane.ref, ...foreign.slice(1).map((map) => map.ref)];
    yield finding('namespaces', { ...args, maps: foreign, affected }, { ...common, at: first.ref, related });
  },
});

function spaces(maps: readonly RootConfigMap[]): string {
  return list(
    maps.map((map) => map.namespace),
    'none',
    3,
  );
}
