import {
  access,
  type ClusterName,
  type ControlPlane,
  defineCheck,
  distinct,
  type Fact,
  list,
  listOf,
  measured,
  type MeshConfig,
  names,
  type ObjectRef,
  type Pod,
  readerRules,
  releases,
  remedy,
  remoteSecrets,
  selectors,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'mistaken-trust-domain',
  title: 'istiod knows the trust domain of every cluster that it reads',
  severity: 'error',
  certainty: 'likely',
  scope: 'managed',
  needs: {
    primary: ['controlPlanes', 'remoteSecrets', 'meshConfigs'],
    member: ['meshConfigs', 'controlPlanes', 'clusterRoles', 'clusterRoleBindings'],
  },
  uses: { primary: ['pods'], member: ['pods'] },
  applies: { dataPlane: 'sidecar' },
  path: { hops: ['mtls'] },
  catalogue: ['TRU-08'],
  explains: [
    { code: 'foreign-gateway-certificate/otherTrustDomain', match: 'cluster' },
    { code: 'failing-pod-call/untrusted', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
    { code: 'unrenewed-sidecar-certificate/otherTrustDomain', match: 'cluster' },
  ],
  docs: {
    why: 'Since 1.29 istiod takes the trust domain of the workloads of another cluster from the mesh configuration in that cluster, in the ConfigMap of its own revision. Where there is none, as in a remote, it takes the default, cluster.local. Callers then expect identities of cluster.local and refuse the ones that the workloads have. It is looked up when an endpoint is met: those that istiod knew before keep what they had until it restarts.',
    confirm:
      'kubectl --context REMOTE -n istio-system get configmaps istio istio-REVISION; istioctl --context PRIMARY proxy-config cluster POD -o yaml | grep -A1 spiffe',
    fix: 'Make the ConfigMap in the cluster that is read, with key mesh and the trust domain in it, and restart istiod; or list cluster.local under trustDomainAliases of the caller.',
    notWhen:
      'Meshes with the default trust domain are not touched, and neither are releases before 1.29. A ConfigMap that may not be read does no harm since 1.29.2.',
    since: '1.29.0',
    see: ['https://github.com/istio/istio/issues/59474'],
  },
  messages: {
    absent: (a: Mistake) => ({
      text: `Cluster ${a.read} has no ConfigMap ${a.namespace}/${a.name}, so istiod of ${a.reader} takes its workloads for ${a.taken}, not ${list(a.actual)}.`,
      expected: `ConfigMap ${a.namespace}/${a.name} in ${a.read} with trustDomain: ${a.actual[0] ?? ''}`,
      found: 'none',
      effect: effectOf(a),
      remedy: [
        remedy.apply(
          a.read,
          {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: { name: a.name, namespace: a.namespace },
            data: { mesh: `trustDomain: ${a.actual[0] ?? ''}\n` },
          },
          'istiod reads nothing else of it',
        ),
        remedy.restart(a.istiod, 'what it knew before keeps the other trust domain'),
      ],
    }),
    late: (a: Mistake) => ({
      text: `ConfigMap ${a.namespace}/${a.name} of ${a.read} was made after istiod of ${a.reader} started, which still takes workloads that ran there before for ${a.taken}, not ${list(a.actual)}.`,
      expected: 'an istiod that started after it was made',
      found: 'an older one',
      effect: effectOf(a),
      remedy: [remedy.restart(a.istiod, 'what it knew before keeps the other trust domain')],
    }),
    other: (a: Mistake) => ({
      text: `ConfigMap ${a.namespace}/${a.name} of ${a.read} says trust domain ${a.taken}, but its workloads are of ${list(a.actual)}, so callers of ${a.reader} refuse them.`,
      expected: `trustDomain: ${a.actual[0] ?? ''}`,
      found: `trustDomain: ${a.taken}`,
      effect: effectOf(a),
    }),
    unread: (a: Mistake) => ({
      text: `Nobody lets istiod of ${a.reader} read ConfigMaps of ${a.read}, so this release knows no trust domain of its workloads, which are of ${list(a.actual)}.`,
      expected: 'the right to get, list and watch configmaps, or Istio 1.29.2',
      found: 'no rule allows it',
      effect: effectOf(a),
    }),
  },
  *run({ primary, member, controlPlane, couple, finding }) {
    if (couple.kind === 'self' || releases.behaves(controlPlane.version, 'readsRemoteTrustDomain') !== true) return;
    const [credential] = remoteSecrets.readCredentials(controlPlane, couple.credentials);
    const own = measured.meshConfigOf(controlPlane, primary.meshConfigs);
    if (credential === undefined || own === undefined || own.unreadable) return;
    const peers = member.controlPlanes.filter(({ namespace }) => namespace === controlPlane.namespace);
    const actual = actualOf(
      couple.kind === 'peer' ? peers : [controlPlane],
      couple.kind === 'peer' ? member.meshConfigs : primary.meshConfigs,
    );
    const seen = measured.meshConfigOf(controlPlane, member.meshConfigs);
    if (actual.length === 0 || seen?.unreadable === true) return;
    const account = access.accountOf(credential.entry.token?.subject);
    const { rules } =
      account === undefined ? { rules: undefined } : access.accessOf(account, member.clusterRoles, member.clusterRoleBindings);
    // Who reads as somebody unknown is taken to be allowed.
    const mayRead =
      rules === undefined ||
      ['get', 'list', 'watch'].every((verb) => readerRules.grants(rules, { group: '', resource: 'configmaps', verb }));
    const fallback = releases.behaves(controlPlane.version, 'fallsBackToOwnTrustDomain') === true ? own.trustDomain : '';
    const taken = mayRead ? (seen?.trustDomain ?? 'cluster.local') : fallback;
    const accepts = (domain: string): boolean => actual.every((one) => one === domain || own.trustDomainAliases.includes(one));
    const isLate =
      mayRead && seen !== undefined && accepts(taken) && !accepts('cluster.local') && madeBefore(seen, controlPlane, primary, member);
    if (accepts(taken) && !isLate) return;
    // Own trust domain in place of another is a question of aliases, and so is a revision of a peer that differs from its others.
    if (!isLate && (mayRead ? seen !== undefined && couple.kind === 'peer' : fallback !== '')) return;
    const args: Mistake = {
      read: member.name,
      reader: primary.name,
      namespace: controlPlane.namespace,
      name: controlPlane.revision === names.defaultRevision ? 'istio' : `istio-${controlPlane.revision}`,
      actual,
      taken: isLate ? 'cluster.local' : taken,
      istiod: controlPlane.ref,
    };
    yield finding(mayRead ? (seen === undefined ? 'absent' : isLate ? 'late' : 'other') : 'unread', args, {
      at: seen?.ref ?? member.ref,
      ...(seen === undefined ? {} : { field: '.data.mesh' }),
      related: [controlPlane.ref, own.ref],
      evidence: [{ ref: own.ref, field: '.data.mesh', observed: `trustDomain: ${own.trustDomain}` }],
      ...(seen === undefined && mayRead ? { lacks: [{ cluster: member.name, fact: 'meshConfigs' as const }] } : {}),
      subject: `${primary.name}/${controlPlane.revision}`,
    });
  },
});

interface Mistake {
  readonly read: ClusterName;
  readonly reader: ClusterName;
  readonly namespace: string;
  /** Of the ConfigMap that istiod looks for. */
  readonly name: string;
  /** Trust domains that workloads of the cluster are given. */
  readonly actual: readonly string[];
  readonly taken: string;
  readonly istiod: ObjectRef;
}

function effectOf({ read, reader }: Mistake): string {
  return `services that run in ${read} only are refused by every caller that istiod of ${reader} configures, those of ${read} included`;
}

/** Whether some istiod and some workload were there before this ConfigMap was. */
function madeBefore(
  { createdAt }: MeshConfig,
  { namespace, selector }: ControlPlane,
  primary: { readonly pods: Fact<readonly Pod[]> },
  member: { readonly pods: Fact<readonly Pod[]> },
): boolean {
  if (createdAt === undefined) return false;
  const isOlder = ({ startedAt, phase }: Pod): boolean =>
    phase === 'Running' && startedAt !== undefined && Date.parse(startedAt) < Date.parse(createdAt);
  return (
    listOf(primary.pods).some((pod) => pod.namespace === namespace && selectors.hasLabels(selector, pod.labels) && isOlder(pod)) &&
    listOf(member.pods).some((pod) => pod.proxy?.kind === 'sidecar' && isOlder(pod))
  );
}

/** Trust domains that these istiods give; nothing when one of them does not say. */
function actualOf(istiods: readonly ControlPlane[], configs: readonly MeshConfig[]): string[] {
  const own = istiods.map((istiod) => measured.meshConfigOf(istiod, configs));
  return own.some((config) => config === undefined || config.unreadable)
    ? []
    : distinct(own.flatMap((config) => config?.trustDomain ?? []));
}
