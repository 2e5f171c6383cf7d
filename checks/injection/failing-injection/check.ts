import {
  type ClusterName,
  defineCheck,
  injection,
  type InjectedProxy,
  type Injector,
  list,
  type Namespace,
  refusals,
  remedy,
  shellWord,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'failing-injection',
  title: 'A new pod is injected as the labels of its namespace and the webhooks say',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['injectionTrials', 'namespaces', 'injectors'],
  applies: { dataPlane: 'sidecar', probed: ['injectionTrials'] },
  catalogue: ['CLD-01'],
  explains: [{ code: 'unready-east-west-gateway/uncreated', match: 'cluster', keys: ['unanswered', 'untrusted', 'nowhere', 'rejected'] }],
  docs: {
    why: 'Everything about injection can look right and no pod come out of it: the API server calls the injector itself, over its own network, in a remote through the gateway of the primary. A pod that is created as a dry run goes that whole way and is not kept.',
    confirm:
      'kubectl --context CLUSTER -n NAMESPACE run meshdoctor-dry-run --image=registry.k8s.io/pause:3.10 --dry-run=server -o yaml | grep -c istio-proxy',
    fix: 'Follow the words of the API server: who it called, and how far it came.',
    notWhen:
      'Asked only with --probe=dry-run. Where a policy does not let the trial pod in (PodSecurity, a quota, another webhook) nothing is said about injection.',
  },
  messages: {
    unanswered: (a: Refused) => ({
      ...refused(a, `does not get an answer from the injector at ${a.refusal.host}`),
      expected: 'an answer of istiod on port 15017',
    }),
    untrusted: (a: Refused) => ({
      ...refused(a, `does not trust the certificate of the injector at ${a.refusal.host}`),
      expected: 'a certificate for that name, under a root in the caBundle of the webhook',
    }),
    nowhere: (a: Refused) => ({
      ...refused(a, `finds nobody behind the injector at ${a.refusal.host}`),
      expected: 'a Service with endpoints that API servers can call',
    }),
    rejected: (a: Refused) => ({
      ...refused(a, `gets no use out of the answer of ${a.refusal.host}`),
      expected: 'istiod of the revision that the webhook belongs to, at the path /inject',
    }),
    notInjected: (a: Trial & { injector: Injector }) => ({
      text: `A new pod in namespace ${a.namespace.name} of ${a.cluster} gets no sidecar, although ${a.injector.name} selects it.`,
      expected: `a container istio-proxy from ${a.injector.name}`,
      found: 'a pod without it, and no error',
      effect: 'new pods of the namespace are not part of the mesh',
      certainty: 'likely',
      remedy: [look(a, `get pods -l app=istiod -o wide`)],
    }),
    otherPlace: (a: Trial & { injector: Injector; wanted: string; given: string }) => ({
      text: `A new pod in namespace ${a.namespace.name} of ${a.cluster} is told that it is on ${a.given}, where the path of ${a.injector.name} says ${a.wanted}.`,
      expected: a.wanted,
      found: a.given,
      effect: 'istiod takes new pods for those of another cluster or network',
    }),
  },
  *run({ cluster, finding, undecided }) {
    const injectors = cluster.injectors.filter(injection.isActive);
    for (const { namespace: name, outcome } of cluster.injectionTrials) {
      const namespace = cluster.namespaces.find((one) => one.name === name);
      if (namespace === undefined) continue;
      const trial = { cluster: cluster.name, namespace };
      if (outcome.is === 'failed') yield undecided(`no pod could be tried in namespace ${name} (${outcome.reason})`);
      if (outcome.is === 'denied') yield undecided(`namespace ${name} does not let the trial pod in (${outcome.message})`);
      const where = { at: namespace.ref, subject: name };
      if (outcome.is === 'refused') {
        const refusal = refusals.refusalIn(outcome.message);
        const called = injectors.find(({ target }) => refusal !== undefined && refusals.hostOf(target) === refusal.host);
        // The webhook of somebody else: nothing came of the trial.
        if (refusal === undefined || called === undefined) {
          yield undecided(`another webhook keeps pods out of namespace ${name} (${outcome.message})`);
          continue;
        }
        yield finding(
          keyOf(refusal.kind),
          { ...trial, refusal },
          { ...where, related: [called.ref], evidence: [{ ref: namespace.ref, observed: `dry run: ${outcome.message}` }] },
        );
      }
      if (outcome.is !== 'made') continue;
      const injector = injection.serverOf(namespace, injectors);
      if (injector === undefined) continue;
      const related = [injector.ref];
      const lacks = [{ cluster: cluster.name, fact: 'injectors' as const }];
      if (outcome.proxy === undefined) {
        const evidence = [{ ref: namespace.ref, observed: 'dry run: a pod without istio-proxy' }];
        yield finding('notInjected', { ...trial, injector }, { ...where, related, lacks, evidence });
        continue;
      }
      const other = differenceOf(outcome.proxy, injector);
      if (other === undefined) continue;
      const evidence = [{ ref: namespace.ref, observed: `dry run: ${other.given}`, expected: other.wanted }];
      yield finding('otherPlace', { ...trial, injector, ...other }, { ...where, related, lacks, evidence });
    }
  },
});

interface Trial {
  readonly cluster: ClusterName;
  readonly namespace: Namespace;
}

type Refused = Trial & { readonly refusal: NonNullable<ReturnType<typeof refusals.refusalIn>> };

function keyOf(kind: refusals.RefusalKind): 'unanswered' | 'untrusted' | 'nowhere' | 'rejected' {
  switch (kind) {
    case 'timeout':
    case 'barred':
    case 'refused':
    case 'reset':
      return 'unanswered';
    case 'untrusted':
    case 'name':
      return 'untrusted';
    case 'nowhere':
      return 'nowhere';
    case 'other':
      return 'rejected';
    default:
      return kind satisfies never;
  }
}

function refused(a: Refused, what: string) {
  const reason = a.refusal.reason.length > 120 ? `${a.refusal.reason.slice(0, 119)}…` : a.refusal.reason;
  return {
    text: `The API server of ${a.cluster} ${what}: no pod can be created in namespace ${a.namespace.name} (${reason}).`,
    found: reason,
    effect: `no new pod in namespace ${a.namespace.name}, neither after a restart nor when it is scaled`,
    remedy: [look(a, `get services,endpointslices -o wide`)],
  };
}

/** What a person looks at first, in the namespace of istiod's Service. */
function look(a: Trial & Partial<Pick<Refused, 'refusal'>>, what: string) {
  const namespace = a.refusal?.service?.namespace ?? 'istio-system';
  return remedy.command(a.cluster, [`kubectl --context ${shellWord(a.cluster)} -n ${shellWord(namespace)} ${what}`], {
    note: 'reads only: who is behind the injector',
  });
}

/** What a pod was told of its place against what the webhook's path says; the path need not say anything. */
function differenceOf(
  { clusterId, network }: InjectedProxy,
  { injectedClusterId, injectedNetwork }: Injector,
): { readonly wanted: string; readonly given: string } | undefined {
  const isOther = (wanted: string | undefined, given: string | undefined): boolean => wanted !== undefined && wanted !== given;
  if (!isOther(injectedClusterId, clusterId) && !isOther(injectedNetwork, network)) return undefined;
  const spelled = (id: string | undefined, net: string | undefined): string =>
    list([...(id === undefined ? [] : [`cluster ${id}`]), ...(net === undefined ? [] : [`network ${net}`])], 'no cluster');
  return { wanted: spelled(injectedClusterId, injectedNetwork), given: spelled(clusterId, network) };
}
