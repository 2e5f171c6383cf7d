import {
  annotations,
  type ClusterName,
  type ControlPlane,
  controlPlaneClusters,
  defineCheck,
  effectsOfCutOff,
  leadership,
  remedy,
  remoteSecrets,
} from 'meshdoctor/api';
import { dutyOf } from '../_area.ts';

export default defineCheck({
  id: 'unled-remote',
  title: 'Some istiod leads every remote cluster',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes'], member: ['namespaces', 'leaderElections'] },
  uses: { primary: ['pods', 'leaderElections'], member: ['clock'] },
  explains: [
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root', match: 'cluster' },
    { code: 'missing-root', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    ...effectsOfCutOff,
  ],
  catalogue: ['ID-09'],
  docs: {
    why: 'The election istio-namespace-controller-election of a remote shows which istiod manages it. istiod decides once, when it first reads the cluster, whether it takes part: an annotation that is added later changes nothing until istiod restarts.',
    confirm:
      "kubectl --context REMOTE -n istio-system get configmap istio-namespace-controller-election -o jsonpath='{.metadata.annotations}'; kubectl --context PRIMARY -n istio-system logs -l app=istiod --tail=-1 | grep 'should join leader-election'",
    fix: 'Restart istiod of the primary. If nobody leads after that, look in its log for what the API server of the remote refuses.',
    notWhen: 'During the seconds in which one istiod hands over to the next.',
  },
  messages: {
    unled: (a: { controlPlane: ControlPlane; remote: ClusterName; how: 'never' | 'given-up' | 'expired'; isTimed: boolean }) => {
      const { ref, namespace, name } = a.controlPlane;
      const isDown = a.controlPlane.withoutStatus !== true && a.controlPlane.readyReplicas === 0;
      const state = {
        never: 'never was led',
        'given-up': 'was given up and taken over by nobody',
        expired: 'is led by nobody any more',
      } as const;
      return {
        text: `Cluster ${a.remote} ${state[a.how]}, although its annotation and EXTERNAL_ISTIOD are right: ${isDown ? `istiod of ${ref.cluster} has no ready pod` : `istiod of ${ref.cluster} decided before they were, or is refused`}.`,
        expected: `election held by a pod of ${namespace}/${name} in ${ref.cluster}, renewed within the last minute`,
        found: a.how === 'never' ? 'no election' : a.how === 'given-up' ? 'an election without holder' : 'a lease that ran out',
        effect: `new namespaces in ${a.remote} get no root certificate, so their pods do not start; its injector's caBundle is not kept right`,
        remedy:
          isDown && a.controlPlane.desiredReplicas === 0
            ? [remedy.scale(ref, 1, 'starts istiod')]
            : [remedy.restart(ref, 'istiod then reads the annotation again')],
        ...(a.isTimed ? {} : { certainty: 'likely' as const }),
      };
    },
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    const duty = dutyOf(controlPlane, primary.isComplete('controlPlanes'), couple, member.member, mesh);
    if (duty === 'need-not') return;
    if (duty !== 'must') {
      yield undecided('it is not known which control plane the cluster is served by', { missing: duty.unknown });
      return;
    }
    const leader = leadership.leadershipOf({
      controlPlane,
      primary: primary.name,
      pods: primary.pods,
      heartbeats: primary.leaderElections,
      member: member.name,
      elections: { status: 'collected', value: member.leaderElections, ...(member.isComplete('leaderElections') ? {} : { partial: true }) },
      clock: member.clock,
    });
    if (leader.state === 'led') return;
    if (leader.state === 'unknown') {
      yield undecided(leader.because, { missing: leader.missing });
      return;
    }
    const namespace = member.namespaces.find((candidate) => candidate.name === controlPlane.namespace);
    const isNamed = controlPlaneClusters.admitsControlPlane(
      namespace?.annotations[annotations.controlPlaneClusters],
      controlPlane.clusterId,
    );
    const decided = !isNamed ? 'unmatched-control-plane-clusters' : !controlPlane.externalIstiod ? 'unset-external-istiod' : undefined;
    const unread = remoteSecrets.unreadBecause(controlPlane, couple);
    const cause = decided ?? (unread !== undefined && 'blockedBy' in unread ? unread.blockedBy : undefined);
    if (cause !== undefined) {
      yield undecided('nobody leads the cluster, for a reason of its own', { blockedBy: cause });
      return;
    }
    yield finding(
      'unled',
      { controlPlane, remote: member.name, how: leader.how, isTimed: member.clock.status === 'collected' },
      {
        at: leader.election?.ref ?? namespace?.ref ?? member.ref,
        evidence: leader.evidence,
        related: [controlPlane.ref],
      },
    );
  },
});
