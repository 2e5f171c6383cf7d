import {
  type ClusterName,
  count,
  defineCheck,
  groupBy,
  labels,
  type LabelSelector,
  list,
  measured,
  type MeshConfig,
  type Namespace,
  type Pod,
  remedy,
  remoteSecrets,
  selectors,
  valueOf,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'undiscovered-namespace',
  title: 'istiod looks into every namespace that has proxies of the mesh',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'meshConfigs', 'remoteSecrets', 'namespaces'], member: ['namespaces', 'pods'] },
  path: { hops: ['name', 'endpoints'] },
  catalogue: ['DNS-10'],
  explains: [
    { code: 'missing-root', match: 'cluster' },
    { code: 'foreign-root', match: 'cluster' },
    { code: 'missing-endpoint-shard', match: 'cluster' },
    { code: 'unanswered-name', match: 'cluster' },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
    { code: 'unresolvable-service', match: 'cluster' },
    { code: 'unknown-destination/elsewhere', match: 'cluster' },
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
    { code: 'missing-east-west-gateway', match: 'cluster' },
    { code: 'unlisted-gateway', match: 'cluster' },
    { code: 'unexposed-services', match: 'cluster' },
    { code: 'unexposed-istiod', match: 'cluster' },
    { code: 'unreachable-gateway', match: 'cluster' },
    { code: 'failing-pod-call/unreachable', match: 'cluster' },
  ],
  docs: {
    why: 'The discoverySelectors of a mesh configuration are applied to the labels of namespaces in every cluster that istiod reads, also in remotes. A namespace that none of them selects does not exist for it: its services have no endpoints, its pods no listeners, its gateways no address, and the root certificate is not written there.',
    confirm:
      'kubectl --context PRIMARY -n istio-system get configmap istio -o jsonpath="{.data.mesh}"; kubectl --context REMOTE get namespaces --show-labels',
    fix: 'Give the namespace the label that the selectors ask for, in every cluster.',
    notWhen: 'Namespaces without proxies are meant to be left out.',
    see: ['https://github.com/istio/istio/issues/41389', 'https://github.com/istio/istio/issues/34438'],
  },
  messages: {
    hidden: (a: Hidden) => ({
      text: `Namespace ${a.namespace.name} of ${a.member} has ${count(a.pods.length, 'pod')} with proxies, and ${selector(a)} does not select it: istiod of ${a.primary} knows nothing in it.`,
      expected: list(a.config.discoverySelectors.map(spelled)),
      found: labelsOf(a.namespace),
      effect: `services of ${a.namespace.name} in ${a.member} have no endpoints for anybody, and new pods get no root certificate`,
      remedy: remedies(a),
    }),
    elsewhere: (a: Hidden) => ({
      text: `Namespace ${a.namespace.name} of ${a.member} has ${count(a.pods.length, 'pod')} with proxies, and ${selector(a)} of ${a.primary}, where the same namespace is selected, does not select it.`,
      severity: 'warning',
      certainty: 'likely',
      expected: list(a.config.discoverySelectors.map(spelled)),
      found: labelsOf(a.namespace),
      effect: `callers in ${a.primary} are sent to no endpoint of ${a.namespace.name} in ${a.member}`,
      remedy: remedies(a),
    }),
    future: (a: Hidden) => ({
      text: `Namespace ${a.namespace.name} of ${a.member} asks for injection, and ${selector(a)} does not select it: pods created there will not start or not be known to istiod of ${a.primary}.`,
      severity: 'warning',
      expected: list(a.config.discoverySelectors.map(spelled)),
      found: labelsOf(a.namespace),
      remedy: remedies(a),
    }),
  },
  *run({ primary, member, controlPlane, couple, finding, undecided }) {
    const config = measured.meshConfigOf(controlPlane, primary.meshConfigs);
    if (config === undefined || config.unreadable || config.discoverySelectors.length === 0) return;
    if (couple.kind !== 'self') {
      const unread = remoteSecrets.unreadBecause(controlPlane, couple);
      // Of a cluster that it does not read it sees no namespace, selected or not.
      if (unread !== undefined) {
        if ('missing' in unread) yield undecided('it is not known which secret opens it', unread);
        return;
      }
    }
    const isServed = couple.kind === 'self' || (couple.kind === 'remote' && valueOf(couple.serves) === true);
    if (!isServed && couple.kind !== 'peer') return;
    const pods = groupBy(member.pods.filter(isLive), ({ namespace }) => namespace);
    const isSelected = (namespace: Namespace): boolean =>
      selectors.selectsAny(config.discoverySelectors, { 'kubernetes.io/metadata.name': namespace.name, ...namespace.labels });
    const seenAtHome = new Set(primary.namespaces.filter(isSelected).map(({ name }) => name));
    for (const namespace of member.namespaces) {
      if (namespace.terminating || isSelected(namespace)) continue;
      const proxies = pods.get(namespace.name) ?? [];
      const own = isServed
        ? proxies.filter(({ proxy }) => proxy?.revision === undefined || proxy.revision === controlPlane.revision)
        : proxies;
      const asks = isServed && proxies.length === 0 && asksFor(namespace, controlPlane.revision);
      if (own.length === 0 && !asks) continue;
      // A peer sees its own namespaces itself; what this one leaves out may be meant to stay there.
      if (!isServed && (!seenAtHome.has(namespace.name) || namespace.name === controlPlane.namespace)) continue;
      yield finding(
        own.length === 0 ? 'future' : isServed ? 'hidden' : 'elsewhere',
        { namespace, member: member.name, primary: primary.name, config, pods: own },
        {
          at: namespace.ref,
          field: '.metadata.labels',
          related: [config.ref, ...own.slice(0, 4).map(({ ref }) => ref)],
          evidence: [
            { ref: config.ref, field: '.data.mesh', observed: `discoverySelectors: ${list(config.discoverySelectors.map(spelled))}` },
            { ref: namespace.ref, field: '.metadata.labels', observed: labelsOf(namespace) },
          ],
          subject: `${primary.name} ${controlPlane.revision}`,
          concerns: isServed ? [member.name] : [primary.name, member.name],
        },
      );
    }
  },
});

interface Hidden {
  readonly namespace: Namespace;
  readonly member: ClusterName;
  readonly primary: ClusterName;
  readonly config: MeshConfig;
  readonly pods: readonly Pod[];
}

function isLive({ proxy, phase }: Pod): boolean {
  return (proxy?.kind === 'sidecar' || proxy?.kind === 'gateway') && phase !== 'Succeeded' && phase !== 'Failed';
}

/** Labels that ask for injection by this very revision. */
function asksFor({ labels: own }: Namespace, revision: string): boolean {
  return (
    (own[labels.injection] === 'enabled' && revision === 'default') ||
    (own[labels.injection] === undefined && own[labels.revision] === revision)
  );
}

function selector({ config }: Hidden): string {
  return `discoverySelectors in ConfigMap ${config.namespace}/${config.ref.name}`;
}

function spelled({ matchLabels, matchExpressions }: LabelSelector): string {
  return [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values }) => `${key} ${operator}${values.length === 0 ? '' : ` (${values.join(', ')})`}`),
  ].join(', ');
}

function labelsOf({ labels: own }: Namespace): string {
  return list(
    Object.entries(own)
      .filter(([key]) => key !== 'kubernetes.io/metadata.name')
      .map(([key, value]) => `${key}=${value}`),
    'no labels',
  );
}

/** The labels of a selector that wants nothing else. */
function remedies({ namespace, config }: Hidden) {
  const wanted = config.discoverySelectors.find(
    ({ matchLabels, matchExpressions }) => matchExpressions.length === 0 && !('kubernetes.io/metadata.name' in matchLabels),
  );
  return wanted === undefined ? [] : [remedy.label(namespace.ref, wanted.matchLabels)];
}
