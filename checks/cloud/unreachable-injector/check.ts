import {
  type ClusterName,
  count,
  defineCheck,
  distinct,
  injection,
  type Injector,
  list,
  pilotAddress,
  refusals,
  remedy,
  selectors,
  shellWord,
  valueOf,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'unreachable-injector',
  title: 'The API server reaches the injector',
  severity: 'error',
  certainty: 'likely',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'pods', 'services'], member: ['injectors', 'workloads'] },
  uses: { primary: [], member: ['clock'] },
  path: { hops: ['caller'], onlyExplains: true },
  catalogue: ['CLD-01'],
  explains: [
    { code: 'failing-injection', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    { code: 'unready-east-west-gateway/notReady', match: 'cluster' },
  ],
  docs: {
    why: 'The API server calls the injector itself, from the network of the control plane of Kubernetes, which pods do not share: a private cluster of GKE, a security group of EKS or a firewall of AKS lets it reach nodes on few ports, and 15017 is none of them. Every creation of a pod then waits ten seconds and is refused. In a remote the call goes to the gateway of the primary, and out of that network as well.',
    confirm:
      'kubectl --context CLUSTER -n NAMESPACE run meshdoctor-test --image=registry.k8s.io/pause:3.10 --dry-run=server -o name; kubectl --context CLUSTER get events -A --field-selector reason=FailedCreate',
    fix: 'Allow tcp 15017 from the control plane of Kubernetes to the nodes of istiod (a firewall rule of GKE for the master range, a rule of the cluster security group on EKS); in a remote to the address of the gateway of its primary.',
    notWhen:
      'An istiod that is overloaded, or that was just starting, lets calls time out too. Pods of Jobs and StatefulSets are not looked at.',
    see: ['https://github.com/istio/istio/issues/21991', 'https://github.com/istio/istio/issues/29912'],
  },
  messages: {
    unreachable: (a: Unreachable) => ({
      text: `The API server of ${a.member} does not reach the injector at ${a.host}: ${count(a.refused.length, 'workload')} got no pod (${shortened(a.refused[0]?.reason ?? '')}).`,
      expected: 'an answer of istiod on port 15017',
      found: list(distinct(a.refused.map(({ reason }) => shortened(reason)))),
      effect: `no pod can be created where that injector is asked for, first ${list(
        a.refused.map(({ workload }) => `${workload.namespace}/${workload.name}`),
        'none',
        3,
      )}`,
      confirm: a.refused
        .slice(0, 1)
        .map(
          ({ workload }) =>
            `kubectl --context ${shellWord(a.member)} -n ${shellWord(workload.namespace)} run meshdoctor-test --image=registry.k8s.io/pause:3.10 --dry-run=server -o name`,
        ),
      remedy: [
        remedy.command(
          a.member,
          [
            a.isOwn
              ? `kubectl --context ${shellWord(a.member)} get nodes -o wide`
              : `kubectl --context ${shellWord(a.member)} -n ${shellWord(a.injector.target.service?.namespace ?? 'istio-system')} get endpointslices -o wide`,
          ],
          {
            note: `reads only: ${a.isOwn ? 'these nodes' : 'these addresses'} have to be reachable on tcp 15017 from the control plane of Kubernetes, which the firewall of the provider decides`,
          },
        ),
      ],
    }),
  },
  *run({ primary, member, controlPlane, couple, finding, undecided }) {
    if (couple.kind === 'peer' || valueOf(couple.serves) !== true) return;
    const injectors = member.injectors
      .filter((injector) => injector.revision === controlPlane.revision && injection.isActive(injector))
      .sort((a, b) => Number(a.tag !== undefined) - Number(b.tag !== undefined));
    const istiods = primary.pods.filter(
      (pod) => pod.namespace === controlPlane.namespace && selectors.hasLabels(controlPlane.selector, pod.labels),
    );
    const now = member.clock.status === 'collected' ? member.clock.value.takenAt : undefined;
    const refused = refusals
      .refusalsBy(injectors, member.workloads)
      .filter((refusal) => refusal.kind === 'timeout' || refusal.kind === 'barred')
      .filter((refusal) => !refusals.isOfStart(refusal, istiods, now));
    const [first] = refused;
    const [injector] = injectors;
    if (first === undefined || injector === undefined) return;
    if (couple.kind === 'remote' && !pilotAddress.hasReadyGateway(primary.services, primary.pods)) {
      yield undecided('no gateway of the primary is ready', { blockedBy: 'unready-east-west-gateway', clusters: [primary.name] });
      return;
    }
    yield finding(
      'unreachable',
      { member: member.name, host: first.host, refused, injector, isOwn: couple.kind === 'self' },
      {
        at: injector.ref,
        field: '.webhooks[*].clientConfig',
        related: refused.map(({ workload }) => workload.ref).slice(0, 5),
        evidence: refused.slice(0, 5).map(({ workload, webhook, reason }) => ({
          ref: workload.ref,
          field: '.status.conditions',
          observed: `ReplicaFailure: failed calling webhook ${webhook}: ${shortened(reason)}`,
        })),
        // That istiod was not just starting.
        lacks: [{ cluster: primary.name, fact: 'pods' }],
        subject: controlPlane.revision,
      },
    );
  },
});

interface Unreachable {
  readonly member: ClusterName;
  readonly host: string;
  readonly injector: Injector;
  readonly refused: readonly refusals.Refusal[];
  /** istiod runs in that cluster, so that the API server calls a pod of its own. */
  readonly isOwn: boolean;
}

/** One line of it is enough, and addresses of connections differ from pod to pod. */
function shortened(reason: string): string {
  const words = reason.replace(/^.*?(?=dial tcp|context deadline|net\/http|Address is|No agent)/s, '').trim();
  return words.length > 90 ? `${words.slice(0, 89)}…` : words;
}
