import {
  annotations,
  type ClusterName,
  clusterRef,
  type ControlPlane,
  controlPlaneClusters,
  defineCheck,
  effectsOfCutOff,
  kubectl,
  leadership,
  type Namespace,
  remedy,
  shellWord,
} from 'meshdoctor/api';
import { dutyOf } from '../_area.ts';

const key = annotations.controlPlaneClusters;
const field = `.metadata.annotations["${key}"]`;

export default defineCheck({
  id: 'unmatched-control-plane-clusters',
  title: 'Every remote cluster names the control plane that manages it',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes'], member: ['namespaces'] },
  uses: { primary: ['pods', 'leaderElections'], member: ['leaderElections', 'clock'] },
  explains: [
    { code: 'unled-remote', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root', match: 'cluster' },
    { code: 'missing-root', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    ...effectsOfCutOff,
  ],
  catalogue: ['ID-09'],
  docs: {
    why: `istiod manages a cluster without istiod only if the system namespace there names istiod's own cluster ID in ${key}. Otherwise new namespaces get no istio-ca-root-cert, so that their pods hang in ContainerCreating, and the injector keeps an empty or old caBundle (x509 errors when pods are created).`,
    confirm: `kubectl --context REMOTE get namespace istio-system -o jsonpath='{.metadata.annotations}'; kubectl --context PRIMARY -n istio-system get deployments -l app=istiod -o yaml | grep -A1 CLUSTER_ID`,
    fix: "Annotate the namespace with the primary's CLUSTER_ID, then restart that istiod: it reads the annotation once, when it first meets the cluster.",
    notWhen:
      'The value `*` or a list without spaces that contains the ID is right. `Kubernetes` is right only where that is the ID of the primary.',
    see: ['https://istio.io/latest/docs/setup/install/multicluster/primary-remote/'],
  },
  messages: {
    unmatched: (a: {
      namespace: Namespace;
      controlPlane: ControlPlane;
      value: string | undefined;
      leader: 'led' | 'stale' | 'unknown';
    }) => {
      const { cluster } = a.namespace.ref;
      const id = a.controlPlane.clusterId;
      const near = controlPlaneClusters.nearMisses(a.value, id);
      const words = a.value === undefined ? `has no annotation ${key}` : `names "${a.value}" in ${key}, not ${id}`;
      const note = a.leader === 'led' ? '' : 'istiod reads it once, so restart it afterwards';
      return {
        text: `Namespace ${a.namespace.name} in ${cluster} ${words}, so istiod of ${a.controlPlane.ref.cluster} ${a.leader === 'stale' ? 'does not manage it' : 'will not manage it after its next restart'}.`,
        expected: `* or a list that contains ${id}`,
        found:
          a.value === undefined
            ? 'no annotation'
            : near.length > 0
              ? `"${a.value}": parts are compared as they are, spaces and case included`
              : `"${a.value}"`,
        effect:
          a.leader === 'stale'
            ? `new namespaces in ${cluster} get no root certificate, so their pods do not start; the injector's caBundle is not kept right`
            : `nothing yet, as far as an istiod that decided earlier still leads ${cluster}`,
        confirm: [
          `kubectl --context ${shellWord(cluster)} get namespace ${shellWord(a.namespace.name)} -o jsonpath='{.metadata.annotations}'`,
          `${kubectl(a.controlPlane.ref)} get deployment ${shellWord(a.controlPlane.name)} -o yaml | grep -A1 'name: CLUSTER_ID'`,
        ],
        remedy: [
          remedy.annotate(a.namespace.ref, { [key]: controlPlaneClusters.withControlPlane(a.value, id) }, note),
          ...(a.leader === 'led' ? [] : [remedy.restart(a.controlPlane.ref, 'after the annotation is right')]),
        ],
        ...(a.leader === 'stale' ? {} : { severity: 'warning' as const }),
        ...(a.leader === 'unknown' ? { certainty: 'likely' as const } : {}),
      };
    },
    noNamespace: (a: { cluster: ClusterName; namespace: string; controlPlane: ControlPlane }) => ({
      text: `Cluster ${a.cluster} has no namespace ${a.namespace}, the one in which istiod of ${a.controlPlane.ref.cluster} looks for permission to manage it.`,
      expected: `namespace ${a.namespace} with annotation ${key}`,
      found: 'no such namespace',
      effect: `nobody distributes the root certificate in ${a.cluster}, and its network is not known`,
    }),
  },
  *run({ primary, member, controlPlane, couple, mesh, finding, undecided }) {
    const duty = dutyOf(controlPlane, primary.isComplete('controlPlanes'), couple, member.member, mesh);
    if (duty === 'need-not') return;
    if (duty !== 'must') {
      yield undecided('it is not known which control plane the cluster is served by', { missing: duty.unknown });
      return;
    }
    const namespace = member.namespaces.find((candidate) => candidate.name === controlPlane.namespace);
    if (namespace === undefined) {
      const lacks = [{ cluster: member.name, fact: 'namespaces' as const }];
      yield finding(
        'noNamespace',
        { cluster: member.name, namespace: controlPlane.namespace, controlPlane },
        { at: clusterRef(member.name), related: [controlPlane.ref], lacks },
      );
      return;
    }
    const value = namespace.annotations[key];
    // A list, and the wildcard, are allowed (FP-23).
    if (controlPlaneClusters.admitsControlPlane(value, controlPlane.clusterId)) return;
    const leader = leadership.leadershipOf({
      controlPlane,
      primary: primary.name,
      pods: primary.pods,
      heartbeats: primary.leaderElections,
      member: member.name,
      elections: member.leaderElections,
      clock: member.clock,
    });
    yield finding(
      'unmatched',
      { namespace, controlPlane, value, leader: leader.state },
      {
        at: namespace.ref,
        field,
        related: [controlPlane.ref],
        evidence: [
          { ref: namespace.ref, field, observed: value ?? 'absent', expected: controlPlane.clusterId },
          { ref: controlPlane.ref, field: '.spec.template.spec.containers[*].env["CLUSTER_ID"]', observed: controlPlane.clusterId },
          ...leader.evidence,
        ],
      },
    );
  },
});
