import {
  type ControlPlane,
  count,
  defineCheck,
  injection,
  list,
  refusals,
  releases,
  remedy,
  selectors,
  valueOf,
  type ClusterName,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'premature-istiod',
  title: 'Nobody calls an istiod whose webhooks do not listen yet',
  severity: 'warning',
  certainty: 'likely',
  scope: 'managed',
  needs: { primary: ['controlPlanes', 'pods'], member: ['injectors', 'workloads'] },
  uses: { primary: [], member: ['clock'] },
  catalogue: ['INJ-10'],
  explains: [
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    { code: 'failing-injection', match: 'cluster' },
  ],
  docs: {
    why: 'istiod says that it is ready some seconds before its webhooks listen. After each start, with one replica, the API server calls it in vain, and pods are refused. Their controllers try again, later and later, so that a rollout stands for up to a quarter of an hour.',
    confirm:
      'kubectl --context REMOTE get deployments -A -o wide; kubectl --context PRIMARY -n istio-system get pods -l app=istiod; kubectl --context REMOTE get events -A --field-selector reason=FailedCreate',
    fix: 'Run two replicas of istiod, so that one answers while the other starts, and update to a release that waits for the webhooks.',
    notWhen: 'It passes by itself: the next attempt succeeds. Restarting the workload is faster than waiting.',
    since: 'Istio 1.18; mended in the sources, in no release that is known here',
    see: ['https://github.com/istio/istio/issues/61049'],
  },
  messages: {
    premature: (a: { controlPlane: ControlPlane; member: ClusterName; refused: readonly refusals.Refusal[] }) => ({
      text: `Injection in ${a.member} was asked of istiod ${a.controlPlane.namespace}/${a.controlPlane.name} in ${a.controlPlane.ref.cluster} while it started, so ${count(a.refused.length, 'workload')} got no pod yet.`,
      expected: 'an injector that answers whenever istiod is ready',
      found: list(
        a.refused.map(({ workload }) => `${workload.namespace}/${workload.name}`),
        'none',
        3,
      ),
      effect: 'their controllers try again by themselves, with growing pauses',
      remedy: [
        ...a.refused.slice(0, 1).map(({ workload }) => remedy.restart(workload.ref, 'tries again at once')),
        ...(a.controlPlane.desiredReplicas > 1
          ? []
          : [
              remedy.scale(
                a.controlPlane.ref,
                2,
                'one answers while the other starts; an autoscaler of istiod needs minReplicas 2 as well',
              ),
            ]),
      ],
    }),
  },
  *run({ primary, member, controlPlane, couple, finding }) {
    if (couple.kind === 'peer' || valueOf(couple.serves) !== true || controlPlane.readyReplicas === 0) return;
    if (releases.behaves(controlPlane.version, 'isReadyBeforeItsWebhooks') === false) return;
    const injectors = member.injectors.filter((injector) => injector.revision === controlPlane.revision && injection.isActive(injector));
    const istiods = primary.pods.filter(
      (pod) => pod.namespace === controlPlane.namespace && selectors.hasLabels(controlPlane.selector, pod.labels),
    );
    // Without a present nobody knows whether it is over.
    const now = member.clock.status === 'collected' ? member.clock.value.takenAt : undefined;
    if (now === undefined) return;
    const refused = refusals
      .refusalsBy(injectors, member.workloads)
      .filter(({ kind }) => kind === 'timeout' || kind === 'refused' || kind === 'reset')
      .filter((refusal) => refusals.isOfStart(refusal, istiods, now));
    const [first] = refused;
    if (first === undefined) return;
    yield finding(
      'premature',
      { controlPlane, member: member.name, refused },
      {
        at: first.workload.ref,
        field: '.status.conditions',
        related: [controlPlane.ref, ...refused.slice(1, 5).map(({ workload }) => workload.ref)],
        evidence: [
          ...refused.slice(0, 3).map(({ workload, reason, since }) => ({
            ref: workload.ref,
            field: '.status.conditions',
            observed: `since ${since}: ${reason.slice(0, 90)}`,
          })),
          ...istiods
            .slice(0, 3)
            .map(({ ref, startedAt }) => ({ ref, field: '.status.startTime', observed: startedAt ?? 'it is not known when it started' })),
        ],
        subject: controlPlane.revision,
        concerns: [member.name],
      },
    );
  },
});
