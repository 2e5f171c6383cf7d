import {
  count,
  defineCheck,
  groupBy,
  injection,
  labels,
  list,
  listOf,
  type Namespace,
  remedy,
  type Remedy,
  type Revision,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'contradicting-injection-labels',
  title: 'Namespaces ask for injection in one way',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster', // labels of a namespace are read by the webhooks of its own cluster
  needs: ['namespaces', 'injectors'],
  uses: ['pods'],
  path: { hops: ['caller'], onlyExplains: true },
  catalogue: ['INJ-11'],
  explains: [
    { code: 'unserved-gateway-revision/alsoNamespaces', match: 'cluster', keys: ['unserved'] },
    { code: 'uninjected-endpoints', match: 'object', keys: ['unserved', 'disabled'] },
  ],
  docs: {
    why: 'Every webhook of a revision leaves a namespace alone that carries istio-injection, whatever its value. With both labels the default revision injects, or nobody does, and istio.io/rev, which an upgrade changes, has no effect. Pods of before keep the sidecar of the other revision, so a namespace is half on each.',
    confirm: 'kubectl get namespaces -l istio-injection,istio.io/rev -L istio-injection,istio.io/rev',
    fix: 'Remove the label that is not meant, then restart the workloads of the namespace.',
    notWhen: 'istio-injection=disabled keeps a namespace out of the mesh on purpose. Then istio.io/rev is only untidy.',
  },
  messages: {
    ignored: (a: Args & { injecting: Revision }) => ({
      text: `Namespace ${a.namespace.name} of ${a.namespace.ref.cluster} carries istio-injection and istio.io/rev=${a.revision}: revision ${a.injecting} injects it, not ${a.revision}.`,
      expected: 'one of the two labels',
      found: both(a),
      severity: 'warning' as const,
      effect:
        a.others > 0
          ? `${count(a.others, 'pod')} still run with another revision's sidecar and change at their next restart`
          : `new pods get the sidecar of revision ${a.injecting}`,
      remedy: fixes(a),
    }),
    unserved: (a: Args) => ({
      text: `Namespace ${a.namespace.name} of ${a.namespace.ref.cluster} carries istio-injection and istio.io/rev=${a.revision}: only the default revision may inject it, and there is none, so new pods have no sidecar.`,
      expected: 'one of the two labels',
      found: both(a),
      effect: 'every pod created from now on has no sidecar',
      remedy: fixes(a),
    }),
    disabled: (a: Args) => ({
      text: `Namespace ${a.namespace.name} of ${a.namespace.ref.cluster} carries istio-injection=${a.injection} and istio.io/rev=${a.revision}: the first wins, ${a.others > 0 ? `so ${count(a.others, 'pod')} lose the sidecar at the next restart` : 'so nobody injects it'}.`,
      expected: 'one of the two labels',
      found: both(a),
      severity: a.others > 0 ? ('warning' as const) : ('info' as const),
      certainty: 'likely' as const,
      remedy: fixes(a),
    }),
    agreeing: (a: Args) => ({
      text: `Namespace ${a.namespace.name} of ${a.namespace.ref.cluster} carries istio-injection=${a.injection} and istio.io/rev=${a.revision}: only the first counts.`,
      expected: 'one of the two labels',
      found: both(a),
      severity: 'info' as const,
      remedy: fixes(a),
    }),
  },
  *run({ cluster, finding }) {
    const undecidedBy = cluster.namespaces.filter(
      (namespace) =>
        injection.hasBothLabels(namespace) &&
        !namespace.terminating &&
        !injection.ignoredNamespaces.includes(namespace.name) &&
        namespace.labels[labels.dataplaneMode] !== 'ambient',
    );
    if (undecidedBy.length === 0) return;
    const pods = groupBy(listOf(cluster.pods), (pod) => pod.namespace);
    for (const namespace of undecidedBy) {
      const asked = namespace.labels[labels.revision] ?? '';
      // A name may be a tag: what counts is the istiod behind it.
      const revision = injection.answeredNames(cluster.injectors).find((name) => name === asked);
      const behind = revision === undefined ? undefined : injection.revisionBehind(revision, cluster.injectors);
      const injecting = injection.serverOf(namespace, cluster.injectors)?.revision;
      const sidecars = (pods.get(namespace.name) ?? []).flatMap((pod) => (pod.proxy?.kind === 'sidecar' ? [pod.proxy] : []));
      const others = sidecars.filter((proxy) => injecting === undefined || proxy.revision !== injecting).length;
      const args = { namespace, revision: asked, injection: namespace.labels[labels.injection] ?? '', offered: behind, others };
      const where = {
        at: namespace.ref,
        field: '.metadata.labels["istio-injection"]',
        evidence: [
          { ref: namespace.ref, field: '.metadata.labels["istio-injection"]', observed: args.injection },
          { ref: namespace.ref, field: '.metadata.labels["istio.io/rev"]', observed: asked, expected: 'no such label' },
        ],
      };
      if (injection.wantedRevision(namespace) === undefined) {
        yield finding('disabled', args, where);
      } else if (injecting === undefined) {
        yield finding('unserved', args, { ...where, lacks: [{ cluster: cluster.name, fact: 'injectors' }] });
      } else if (injecting === behind) {
        yield finding('agreeing', args, where);
      } else {
        yield finding('ignored', { ...args, injecting }, where);
      }
    }
  },
});

interface Args {
  readonly namespace: Namespace;
  /** Value of istio.io/rev: a revision or a tag. */
  readonly revision: string;
  /** Value of istio-injection. */
  readonly injection: string;
  /** Revision behind `revision` in this cluster. */
  readonly offered: Revision | undefined;
  /** Pods with the sidecar of a revision that does not inject here any more. */
  readonly others: number;
}

function both({ injection: value, revision }: Args): string {
  return list([`istio-injection=${value}`, `istio.io/rev=${revision}`]);
}

/** Without istio-injection the named revision injects, where it is served; without istio.io/rev all stays as it is. */
function fixes({ namespace, offered }: Args): Remedy[] {
  const named = remedy.label(namespace.ref, { [labels.injection]: null }, 'when the revision is meant; then restart its workloads');
  const plain = remedy.label(namespace.ref, { [labels.revision]: null }, 'when istio-injection is meant: changes nothing that runs');
  return offered === undefined ? [plain] : [named, plain];
}
