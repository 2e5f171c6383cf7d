import {
  type ClusterName,
  type ControlPlane,
  defineCheck,
  distinct,
  effectsOfCutOff,
  list,
  listOf,
  type Mesh,
  type Pod,
  refKey,
  remedy,
  selectors,
  valueOf,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'unavailable-istiod',
  title: 'istiod has a pod that is ready wherever something depends on it',
  severity: 'error',
  certainty: 'certain',
  scope: 'managed',
  needs: { primary: ['controlPlanes'], member: [] },
  uses: { primary: ['pods'], member: ['pods'] },
  explains: [
    { code: 'unreachable-injector', match: 'cluster' },
    { code: 'failing-injection', match: 'cluster' },
    { code: 'unled-remote', match: 'cluster' },
    { code: 'stale-ca-bundle', match: 'cluster' },
    { code: 'foreign-root', match: 'cluster' },
    { code: 'missing-root', match: 'cluster' },
    { code: 'unready-east-west-gateway/notReady', match: 'cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    ...effectsOfCutOff,
    { code: 'unconfigured-gateway', match: 'cluster' },
    { code: 'rejected-istiod-call', match: 'cluster' },
    { code: 'foreign-istiod-certificate', match: 'cluster' },
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
  ],
  path: { hops: ['caller'] },
  docs: {
    why: 'Without a ready istiod nobody injects pods, signs certificates or tells proxies of changes, in its own cluster and in every remote that it serves. Proxies that run go on with what they have until their certificates expire, usually within a day.',
    confirm:
      'kubectl --context CLUSTER -n istio-system get deployments,pods -l app=istiod; kubectl --context CLUSTER -n istio-system logs -l app=istiod --tail=50',
    fix: 'Scale istiod up, or find in the log of its pods why they do not become ready.',
    notWhen: 'A revision that no injector and no proxy names any more may be scaled to nothing.',
  },
  messages: {
    unavailable: (a: { controlPlane: ControlPlane; served: readonly ClusterName[]; waiting: readonly string[] }) => {
      const { ref, namespace, name, desiredReplicas } = a.controlPlane;
      return {
        text: `Deployment ${namespace}/${name} in ${ref.cluster} ${desiredReplicas === 0 ? 'is scaled to zero' : 'has no ready pod'}, so ${list(a.served)} ${a.served.length === 1 ? 'has' : 'have'} no control plane.`,
        expected: 'at least one ready pod',
        found:
          desiredReplicas === 0
            ? '0 replicas wanted'
            : `0 of ${desiredReplicas} ready${a.waiting.length === 0 ? '' : ` (${list(a.waiting)})`}`,
        effect: 'new pods are refused, running proxies keep what they last heard until their certificates expire',
        remedy:
          desiredReplicas === 0
            ? [remedy.scale(ref, 1, 'starts istiod')]
            : [remedy.restart(ref, 'unless the log of its pods says what keeps them from getting ready')],
      };
    },
  },
  *run({ primary, member, controlPlane, couple, mesh, finding }) {
    if (controlPlane.withoutStatus === true || controlPlane.readyReplicas > 0 || valueOf(couple.serves) !== true) return;
    const isOnly = !hasRivals(mesh, member.name) && primary.isComplete('controlPlanes');
    if (!isOnly && !hasProxiesOf(controlPlane, listOf(member.pods))) return;
    const served = distinct(
      mesh.couples
        .filter((other) => refKey(other.controlPlane.ref) === refKey(controlPlane.ref) && valueOf(other.serves) === true)
        .map((other) => other.member),
    );
    const pods = podsOf(controlPlane, listOf(primary.pods));
    const observed = `0 of ${controlPlane.desiredReplicas}`;
    yield finding(
      'unavailable',
      { controlPlane, served, waiting: distinct(pods.flatMap(({ waiting }) => waiting)).sort() },
      {
        at: controlPlane.ref,
        field: '.status.readyReplicas',
        related: pods.map(({ ref }) => ref).slice(0, 3),
        evidence: [{ ref: controlPlane.ref, field: '.status.readyReplicas', observed, expected: '1 or more' }],
        subject: controlPlane.name,
        concerns: distinct([primary.name, ...served]),
      },
    );
  },
});

/** Whether a cluster has more than one revision to choose from: then an injector proves no use of either. */
function hasRivals(mesh: Mesh, cluster: ClusterName): boolean {
  return mesh.couples.filter(({ member, serves }) => member === cluster && valueOf(serves) !== false).length > 1;
}

function hasProxiesOf({ revision }: ControlPlane, pods: readonly Pod[]): boolean {
  return pods.some(({ proxy }) => proxy?.revision === revision);
}

function podsOf({ namespace, selector }: ControlPlane, pods: readonly Pod[]): Pod[] {
  return pods.filter((pod) => pod.namespace === namespace && selectors.hasLabels(selector, pod.labels));
}
