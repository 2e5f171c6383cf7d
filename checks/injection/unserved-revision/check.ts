import {
  type ClusterName,
  count,
  defineCheck,
  groupBy,
  injection,
  installAgain,
  labels,
  list,
  listOf,
  type Namespace,
  type Remedy,
  remedy,
  type Revision,
  shellWord,
  valueOf,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'unserved-revision',
  title: 'Every injected namespace selects a webhook of its own cluster',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster', // the webhook that injects a pod lives in the pod's own cluster, whoever serves it
  needs: ['namespaces', 'injectors'],
  uses: ['pods'],
  path: { hops: ['caller'], onlyExplains: true },
  catalogue: ['INJ-06'],
  explains: [
    { code: 'unserved-gateway-revision/alsoNamespaces', match: 'cluster' },
    { code: 'uninjected-endpoints', match: 'object' },
    // A revision that was removed from a cluster takes its Service with it.
    { code: 'missing-discovery-service', match: 'cluster' },
  ],
  docs: {
    why: 'No webhook of the cluster answers for this label, so new pods start without a sidecar and nothing reports an error: no event, no log line.',
    confirm:
      'kubectl get namespaces -L istio.io/rev,istio-injection; kubectl get mutatingwebhookconfigurations -L istio.io/rev,istio.io/tag',
    fix: 'Label the namespace with a revision or tag that a webhook of this cluster serves, or create the tag, then restart its workloads.',
    notWhen: 'The namespace is meant to stay out of the mesh: remove the label.',
  },
  messages: {
    unserved: (a: {
      namespaces: readonly Namespace[];
      wanted: Revision;
      offered: readonly Revision[];
      without: number;
      cluster: ClusterName;
      isRemote: boolean;
    }) => ({
      text: `${a.namespaces.length === 1 ? 'Namespace' : 'Namespaces'} ${list(
        a.namespaces.map((namespace) => namespace.name),
        'none',
        3,
      )} of ${a.namespaces[0]?.ref.cluster} ${a.namespaces.length === 1 ? 'asks' : 'ask'} for revision ${a.wanted}, which no webhook there serves, so new pods start without a sidecar.`,
      expected: list(a.offered, 'any injector at all'),
      found: a.wanted,
      effect: a.without > 0 ? `${count(a.without, 'pod')} already run without a sidecar` : 'every pod created from now on has no sidecar',
      remedy: a.offered.length === 0 ? [installed(a)] : fixes(a.namespaces, a.wanted, a.offered),
    }),
  },
  *run({ cluster, finding }) {
    const unserved = cluster.namespaces.filter((namespace) => {
      if (namespace.terminating || namespace.labels[labels.dataplaneMode] === 'ambient') return false;
      // What two labels make of a namespace is a question of its own.
      if (injection.hasBothLabels(namespace)) return false;
      const wanted = injection.wantedRevision(namespace);
      return wanted !== undefined && injection.serverOf(namespace, cluster.injectors) === undefined; // tags are injectors too
    });
    const pods = groupBy(listOf(cluster.pods), (pod) => pod.namespace);
    for (const [, namespaces] of groupBy(unserved, (namespace) => injection.wantedRevision(namespace) ?? '')) {
      const [first] = namespaces;
      const wanted = first === undefined ? undefined : injection.wantedRevision(first);
      if (first === undefined || wanted === undefined) continue;
      const without = namespaces
        .flatMap((namespace) => pods.get(namespace.name) ?? [])
        .filter((pod) => pod.proxy === undefined && !pod.hostNetwork).length;
      yield finding(
        'unserved',
        {
          namespaces,
          wanted,
          offered: injection.offered(cluster.injectors),
          without,
          cluster: cluster.name,
          isRemote: valueOf(cluster.member.role) === 'remote',
        },
        {
          at: first.ref,
          field: injection.labelField(first),
          related: namespaces.slice(1).map((namespace) => namespace.ref),
          evidence: namespaces
            .slice(0, 5)
            .map((namespace) => ({ ref: namespace.ref, field: injection.labelField(namespace), observed: wanted })),
          lacks: [{ cluster: cluster.name, fact: 'injectors' }],
          subject: wanted,
        },
      );
    }
  },
});

/** Where nothing is served, the injectors are what is missing, and the installation makes them. */
function installed({ cluster, isRemote }: { readonly cluster: ClusterName; readonly isRemote: boolean }): Remedy {
  const file = isRemote ? 'REMOTE.yaml' : 'PRIMARY.yaml';
  return remedy.installer(
    cluster,
    [`istioctl install --context ${shellWord(cluster)} -f ${file}`],
    `${file} is what this cluster was installed from; then restart workloads without a sidecar; ${installAgain}`,
  );
}

/** What is served here is what they can ask for; a tag gives what is served the name that they ask for. */
function fixes(namespaces: readonly Namespace[], wanted: Revision, offered: readonly Revision[]): Remedy[] {
  const [first] = namespaces;
  const [only, ...more] = offered;
  if (first === undefined || only === undefined) return [];
  const context = shellWord(first.ref.cluster);
  const names = namespaces.map((namespace) => shellWord(namespace.name)).join(' ');
  const relabel = offered
    .slice(0, 2)
    .map((revision) =>
      namespaces.length === 1
        ? remedy.label(first.ref, { [labels.revision]: revision, [labels.injection]: null }, 'then restart its workloads')
        : remedy.command(
            first.ref.cluster,
            [
              `kubectl --context ${context} label namespace ${names} ${labels.revision}=${shellWord(revision)} ${labels.injection}- --overwrite`,
            ],
            { note: 'then restart their workloads' },
          ),
    );
  if (more.length > 0) return relabel;
  const tag = remedy.command(
    first.ref.cluster,
    [`istioctl tag set ${shellWord(wanted)} --revision ${shellWord(only)} --context ${context}`],
    { note: 'serves every namespace that asks for it; then restart their workloads' },
  );
  return wanted === 'default' && namespaces.length > 1 ? [tag, ...relabel] : [...relabel, tag];
}
