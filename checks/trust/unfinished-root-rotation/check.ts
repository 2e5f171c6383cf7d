import {
  type CaSecret,
  clusterName,
  type ClusterName,
  type ControlPlane,
  defineCheck,
  effectsOfCutOff,
  type Fact,
  listOf,
  type Member,
  type Mesh,
  type Pod,
  remedy,
  type RootConfigMap,
  valueOf,
} from 'meshdoctor/api';
import { bundleOf, gapsOf, handsOutElsewhere, isAuthority, meets, pluggingIn, rootField, rootName, type Side, sideOf } from '../_area.ts';

export default defineCheck({
  id: 'unfinished-root-rotation',
  title: 'A new root certificate is known to every primary before one of them signs with it',
  severity: 'error',
  certainty: 'likely',
  scope: 'pair',
  needs: { from: ['rootConfigMaps', 'controlPlanes'], to: ['rootConfigMaps', 'controlPlanes'] },
  uses: { from: ['meshConfigs', 'caSecrets', 'pods'], to: ['meshConfigs', 'caSecrets', 'pods'] },
  path: { hops: ['mtls'] },
  catalogue: ['TRU-06'],
  explains: [
    { code: 'divergent-roots', match: 'cluster' },
    { code: 'foreign-gateway-certificate/untrusted', match: 'cluster' },
    { code: 'failing-pod-call/untrusted', match: 'cluster' },
    ...effectsOfCutOff,
    { code: 'foreign-istiod-certificate', match: 'cluster' },
  ],
  docs: {
    why: 'A root is changed in three steps: old and new root side by side in every cluster, then certificates under the new one, then the old one goes. Where a primary signs with a new root before the others were given it, workloads refuse each other until the others have it and everything was restarted.',
    confirm:
      'kubectl --context CLUSTER -n istio-system get configmap istio-ca-root-cert -o jsonpath="{.data.root-cert\\.pem}" | grep -c BEGIN; kubectl --context CLUSTER -n istio-system get secret cacerts -o jsonpath="{.data.ca-cert\\.pem}" | base64 -d | openssl x509 -noout -issuer',
    fix: 'Give every primary both roots in root-cert.pem of Secret cacerts, restart istiod everywhere, then the workloads. Only then sign with the new one.',
    notWhen:
      'Two roots side by side in one cluster and one in another are the first step of a rotation: as long as all sign under the one they share, nothing is wrong.',
    see: ['https://github.com/istio/istio/issues/30947', 'https://istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert/'],
  },
  messages: {
    swapped: (a: Rotation) => ({
      text: `The root certificate of primary ${a.ahead} was replaced while ${a.behind} still has the old one and not the new, so their workloads refuse each other.`,
      expected: `both roots in ${a.ahead} and in ${a.behind} before either signs with the new one`,
      found: `${a.root} in ${a.ahead} only; ${a.because}`,
      effect: `no mutual TLS between ${a.ahead} and ${a.behind}`,
      remedy: both(a),
    }),
    unknown: (a: Rotation) => ({
      text: `Primary ${a.ahead} signs under a root certificate that ${a.behind} was not given, although they have another one in common.`,
      expected: `${a.root} in the trust bundle of ${a.behind}`,
      found: `not in it; ${a.because}`,
      effect: `workloads of ${a.behind} refuse the certificates of ${a.ahead}`,
      remedy: both(a).slice(0, 1),
    }),
  },
  *run({ from, to, mesh, finding, undecided }) {
    // One finding for two clusters; which of them is ahead is told by what lies in them.
    if (from.name > to.name || valueOf(from.member.role) !== 'primary' || valueOf(to.member.role) !== 'primary') return;
    if ([...from.controlPlanes, ...to.controlPlanes].some((istiod) => handsOutElsewhere(istiod) || !isAuthority(istiod.env))) return;
    if (!mesh.isDeclared && !readEachOther(mesh, from.name, to.name)) return;
    const ends: readonly End[] = [from, to].map((view) => ({ view, side: sideOf(view, view.member) }));
    const [one, two] = ends;
    if (one === undefined || two === undefined) return;
    for (const [ahead, behind] of [
      [one, two],
      [two, one],
    ] as const) {
      const isApart = !meets(ahead.side.roots, behind.side.trusted);
      const found = isApart ? swapped(ahead, behind) : issuerUnknownTo(ahead, behind);
      if (found === undefined || ahead.side.map === undefined || behind.side.map === undefined) continue;
      const missing = gapsOf(behind.view, behind.view.member);
      if (missing.length > 0) {
        yield undecided('it is not known which further roots it trusts', { missing });
        continue;
      }
      const args = {
        ahead: ahead.side.name,
        behind: behind.side.name,
        root: found.root,
        because: found.because,
        aheadIn: ahead.view.member.systemNamespace,
        behindIn: behind.view.member.systemNamespace,
      };
      yield finding(isApart ? 'swapped' : 'unknown', args, {
        at: ahead.side.map.ref,
        field: rootField,
        related: [behind.side.map.ref, ...found.refs],
        evidence: [
          { ref: ahead.side.map.ref, field: rootField, observed: found.root },
          { ref: behind.side.map.ref, field: rootField, observed: rootName([...behind.side.roots.values()][0]), expected: found.root },
        ],
        subject: behind.side.id,
        concerns: [from.name, to.name],
      });
    }
  },
});

interface Rotation {
  readonly ahead: ClusterName;
  readonly behind: ClusterName;
  readonly aheadIn: string;
  readonly behindIn: string;
  readonly root: string;
  readonly because: string;
}

type SideView = Parameters<typeof sideOf>[0];

interface View extends SideView {
  readonly member: Member;
  readonly controlPlanes: readonly ControlPlane[];
  readonly caSecrets: Fact<readonly CaSecret[]>;
  readonly pods: Fact<readonly Pod[]>;
}

interface End {
  readonly view: View;
  readonly side: Side;
}

interface Found {
  readonly root: string;
  readonly because: string;
  readonly refs: readonly RootConfigMap['ref'][];
}

/** Of two that share no root: what shows that the first had the root of the second before. */
function swapped({ view, side }: End, behind: End): Found | undefined {
  const root = rootName([...side.roots.values()][0]);
  const system = view.member.systemNamespace;
  // Namespaces that istiod has not written yet, or that something keeps from it.
  const left = view.rootConfigMaps.filter((map) => map.namespace !== system && meets(bundleOf(map.certificates), behind.side.roots));
  const [first] = left;
  if (first !== undefined) {
    return {
      root,
      because: `namespace ${first.namespace} of ${side.name} still has the root of ${behind.side.name}`,
      refs: left.slice(0, 3).map(({ ref }) => ref),
    };
  }
  // The other is prepared for the same root and has not started with it, and this one was given it while its workloads ran.
  const prepared = secretOf(behind.view);
  const isPrepared = prepared?.source === 'plugged-in' && meets(bundleOf(prepared.roots), side.roots);
  return isPrepared && wasReplaced(view)
    ? {
        root,
        because: `Secret ${prepared.namespace}/${prepared.name} of ${behind.side.name} holds it and is not in use yet`,
        refs: [prepared.ref],
      }
    : undefined;
}

/** Of two that share a root: the one that the first signs under, when the second does not trust that. */
function issuerUnknownTo({ view, side }: End, behind: End): Found | undefined {
  const secret = secretOf(view);
  const issuing = secret?.leadsTo ?? [];
  // istiod takes another set of roots only when it starts.
  const isLoaded =
    secret !== undefined && secret.roots.length === side.roots.size && secret.roots.every(({ fingerprint }) => side.roots.has(fingerprint));
  if (!isLoaded || issuing.length === 0 || issuing.some((fingerprint) => behind.side.trusted.has(fingerprint))) return undefined;
  const root = issuing.flatMap((fingerprint) => side.roots.get(fingerprint) ?? [])[0];
  return root === undefined
    ? undefined
    : {
        root: rootName(root),
        because: `the signing certificate in Secret ${secret.namespace}/${secret.name} of ${side.name} leads to it`,
        refs: [secret.ref],
      };
}

function secretOf({ caSecrets, member }: View): CaSecret | undefined {
  const near = listOf(caSecrets).filter(({ namespace }) => namespace === member.systemNamespace);
  return near.find(({ source }) => source === 'plugged-in') ?? near[0];
}

/** Whether workloads of the cluster are older than the CA that it signs with. */
function wasReplaced(view: View): boolean {
  const secret = secretOf(view);
  const written = secret?.managers[0]?.time ?? secret?.createdAt;
  if (written === undefined) return false;
  return listOf(view.pods).some(
    ({ proxy, startedAt }) => proxy !== undefined && startedAt !== undefined && Date.parse(startedAt) < Date.parse(written),
  );
}

/** Where they do not call each other they need no root in common; who cannot tell stays silent. */
function readEachOther(mesh: Mesh, one: ClusterName, two: ClusterName): boolean {
  return mesh.couples.some(({ controlPlane, member, credentials }) => {
    const reader = clusterName(controlPlane.cluster);
    return credentials.length > 0 && ((reader === one && member === two) || (reader === two && member === one));
  });
}

function both(a: Rotation) {
  return [
    { cluster: a.behind, namespace: a.behindIn },
    { cluster: a.ahead, namespace: a.aheadIn },
  ].map(({ cluster, namespace }) =>
    remedy.command(cluster, pluggingIn(cluster, namespace), {
      disruptive: true,
      note: 'root-cert.pem holds both roots, the other files are as they were; restart the workloads afterwards',
    }),
  );
}
