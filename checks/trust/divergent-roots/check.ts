import { clusterName, type ClusterName, defineCheck, listOf, type Mesh, remedy, valueOf } from 'meshdoctor/api';
import { gapsOf, handsOutElsewhere, meets, pluggingIn, rootField, rootName, sideOf, youngestFirst } from '../_area.ts';

interface Roots {
  readonly odd: ClusterName;
  readonly other: ClusterName;
  readonly oddRoot: string;
  readonly otherRoot: string;
}

export default defineCheck({
  id: 'divergent-roots',
  title: 'Primaries of one mesh share a root certificate',
  severity: 'error',
  certainty: 'certain',
  scope: 'pair',
  needs: { from: ['rootConfigMaps', 'controlPlanes'], to: ['rootConfigMaps', 'controlPlanes'] },
  uses: { from: ['meshConfigs', 'remoteSecrets'], to: ['meshConfigs', 'remoteSecrets'] },
  path: { hops: ['mtls'] },
  catalogue: ['TRU-01', 'TRU-04', 'TRU-06'],
  explains: [
    { code: 'unconnected-proxy', match: 'cluster' },
    { code: 'foreign-istiod-certificate', match: 'cluster' },
    { code: 'foreign-gateway-certificate/untrusted', match: 'cluster' },
    { code: 'failing-pod-call/untrusted', match: 'cluster' },
    { code: 'unrenewed-sidecar-certificate/oldRoot', match: 'cluster' },
  ],
  docs: {
    why: 'Each istiod signs with its own CA. A workload only accepts peers whose certificate leads to a root it was given; without a common root every call between the clusters fails while calls inside each of them work.',
    confirm:
      'kubectl --context CLUSTER -n istio-system get configmap istio-ca-root-cert -o jsonpath="{.data.root-cert\\.pem}" | openssl x509 -noout -subject -fingerprint -sha256',
    fix: 'Give every primary an intermediate CA under one root (Secret cacerts), restart istiod, then the workloads.',
    notWhen:
      'Intermediates differ between clusters on purpose: only the root must be shared. Roots under caCertificates of the mesh configuration count, and primaries that do not read each other need none in common.',
    see: ['https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/'],
  },
  messages: {
    disjoint: (a: Roots & { namespace: string }) => ({
      text: `Primaries ${a.odd} and ${a.other} have no root certificate in common, so their workloads refuse each other's certificates.`,
      expected: 'one root certificate in both trust bundles',
      found: `${a.oddRoot} in ${a.odd}, ${a.otherRoot} in ${a.other}`,
      effect: `no mutual TLS between ${a.odd} and ${a.other}`,
      remedy: [
        remedy.command(a.odd, pluggingIn(a.odd, a.namespace), {
          disruptive: true,
          note: `the files hold an intermediate CA under the root of ${a.other}; restart the workloads of ${a.odd} afterwards`,
        }),
      ],
    }),
    oneSided: (a: Roots) => ({
      text: `Primary ${a.other} does not trust the root certificate of ${a.odd}, although ${a.odd} trusts that of ${a.other}.`,
      expected: `${a.oddRoot} in the trust bundle of ${a.other}`,
      found: `${a.otherRoot} without it`,
      effect: `no mutual TLS between ${a.odd} and ${a.other}, which takes trust in both directions`,
      certainty: 'likely',
    }),
  },
  *run({ from, to, mesh, finding, undecided }) {
    // Both directions fail alike: one finding for two clusters.
    if (from.name > to.name || valueOf(from.member.role) !== 'primary' || valueOf(to.member.role) !== 'primary') return;
    if ([...from.controlPlanes, ...to.controlPlanes].some(handsOutElsewhere)) {
      yield undecided('its root certificates are not handed out in the usual ConfigMap');
      return;
    }
    const sides = [from, to].map((view) => sideOf(view, view.member));
    const [one, two] = sides.sort(youngestFirst);
    const isMet = one !== undefined && two !== undefined && meets(one.roots, two.trusted) && meets(two.roots, one.trusted);
    if (one === undefined || two === undefined || isMet) return;
    if ([from, to].some(({ meshConfigs }) => listOf(meshConfigs).some(({ takesRootsFromUrl }) => takesRootsFromUrl === true))) {
      yield undecided('further roots come from a url, and which these are is not known');
      return;
    }
    const missing = [from, to].flatMap((view) => gapsOf(view, view.member));
    if (missing.length > 0) {
      yield undecided('it is not known which roots both of them trust', { missing });
      return;
    }
    // Two spokes of one hub never call each other: they need no root in common.
    if (!mesh.isDeclared && !readEachOther(mesh, from.name, to.name)) {
      const unread = [from, to].filter(({ remoteSecrets }) => remoteSecrets.status !== 'collected');
      const gaps = unread.map(({ name }) => ({ cluster: name, fact: 'remoteSecrets' as const }));
      if (gaps.length > 0) yield undecided('it is not known whether they read each other', { missing: gaps });
      return;
    }
    // Who lacks the trust of the other; of two that share none, the younger root is the odd one.
    const [odd, other] = meets(one.roots, two.trusted) ? [two, one] : [one, two];
    if (odd.map === undefined || other.map === undefined) return;
    const [oddRoot, otherRoot] = [odd, other].map((side) => rootName([...side.roots.values()][0]));
    const args = { odd: odd.name, other: other.name, oddRoot: oddRoot ?? '', otherRoot: otherRoot ?? '' };
    const where = {
      at: odd.map.ref,
      field: rootField,
      related: [other.map.ref],
      evidence: [
        { ref: odd.map.ref, field: rootField, observed: args.oddRoot },
        { ref: other.map.ref, field: rootField, observed: args.otherRoot },
      ],
      subject: other.id,
      concerns: [from.name, to.name],
    };
    if (meets(other.roots, odd.trusted)) yield finding('oneSided', args, where);
    else yield finding('disjoint', { ...args, namespace: odd.map.namespace }, where);
  },
});

function readEachOther(mesh: Mesh, one: ClusterName, two: ClusterName): boolean {
  return mesh.couples.some(({ controlPlane, member, credentials }) => {
    const reader = clusterName(controlPlane.cluster);
    return credentials.length > 0 && ((reader === one && member === two) || (reader === two && member === one));
  });
}
