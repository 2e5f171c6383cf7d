import {
  type ClusterName,
  count,
  defineCheck,
  distinct,
  labels,
  list,
  type Pod,
  remedy,
  selectors,
  type Service,
  type Workload,
} from 'meshdoctor/api';
import { eastWestServices, isSpare, isWayToIstiod, touched } from '../_area.ts';

export default defineCheck({
  id: 'unready-east-west-gateway',
  title: 'East-west gateways have ready pods',
  severity: 'error',
  certainty: 'certain',
  scope: 'cluster',
  needs: ['services', 'workloads', 'pods'],
  uses: ['nodes'],
  path: { hops: ['gateway'] },
  catalogue: ['EW-20'],
  explains: [
    { code: 'unreachable-injector', match: 'other-cluster', keys: ['scaledToZero', 'noPods'] },
    { code: 'failing-injection', match: 'other-cluster', keys: ['scaledToZero', 'noPods'] },
    { code: 'unexposed-istiod', match: 'same-cluster', keys: ['scaledToZero', 'noPods'] },
    { code: 'unready-east-west-gateway/notReady', match: 'other-cluster', keys: ['scaledToZero', 'noPods'] },
    { code: 'unready-east-west-gateway/uncreated', match: 'other-cluster', keys: ['scaledToZero', 'noPods'] },
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
    { code: 'unreachable-gateway', match: 'cluster' },
    { code: 'failing-pod-call/unreachable', match: 'cluster' },
    { code: 'unanswered-name', match: 'other-cluster', keys: ['scaledToZero', 'noPods'] },
    { code: 'unexpected-sidecar-endpoints', match: 'other-cluster', keys: ['scaledToZero', 'noPods'] },
    { code: 'unconnected-proxy', match: 'same-cluster', keys: ['scaledToZero', 'noPods'] },
    { code: 'unconfigured-gateway', match: 'cluster' },
    // Its object is where istiod is called, whichever cluster calls.
    { code: 'rejected-istiod-call', match: 'object' },
  ],
  docs: {
    why: 'Traffic from other networks, and in a primary the traffic of its remotes to istiod, goes through the pods behind this Service. When none is ready, its address refuses or swallows connections, while istiod goes on sending clients there.',
    confirm: 'kubectl -n istio-system get deployments,pods -l istio=eastwestgateway -o wide',
    fix: 'Scale the Deployment up, correct the selector of the Service, or look at why the pods are not ready (kubectl describe pod; logs of istio-proxy).',
    notWhen: 'One ready pod is enough to work; two survive a restart.',
  },
  messages: {
    scaledToZero: (a: Cut & { workloads: readonly Workload[] }) => ({
      text: `${named(a.service)} has no pods: ${list(a.workloads.map((workload) => `${workload.kind} ${workload.namespace}/${workload.name}`))} is scaled to 0.`,
      expected: 'at least 1 replica',
      found: '0 replicas',
      effect: effectOf(a),
      remedy: a.workloads.slice(0, 1).map((workload) => remedy.scale(workload.ref, 1, 'two survive a restart')),
    }),
    noPods: (a: Cut & { near: readonly Workload[] }) => ({
      text: `${named(a.service)} selects no pod: nothing in ${a.service.namespace} has labels ${pairs(a.service.selector)}.`,
      expected:
        a.near[0] === undefined
          ? 'a selector that fits pods of a gateway'
          : `labels of ${a.near[0].kind} ${a.near[0].name}: ${pairs(a.near[0].selector)}`,
      found: pairs(a.service.selector),
      effect: effectOf(a),
      remedy:
        a.near.length === 1 && a.near[0] !== undefined
          ? [remedy.patch(a.service.ref, { spec: { selector: replaced(a.service.selector, a.near[0]) } })]
          : [],
    }),
    uncreated: (a: Unready) => unready(a, 'none could be created'),
    uninjected: (a: Unready) => unready(a, `${count(a.pods.length, 'pod')} not injected, with image auto`),
    refused: (a: Unready & { ids: readonly string[] }) =>
      unready(a, `${count(a.pods.length, 'pod')} that istiod refuses as cluster ${list(a.ids)}`),
    notReady: (a: Unready) => unready(a, `${count(a.pods.length, 'pod')} not ready`),
  },
  *run({ cluster, mesh, finding, undecided }) {
    for (const service of eastWestServices(cluster.services, cluster.name, mesh)) {
      if (Object.keys(service.selector).length === 0) continue;
      const pods = cluster.pods.filter((pod) => pod.namespace === service.namespace && selectors.selectsPods(service.selector, pod.labels));
      const workloads = cluster.workloads.filter(
        (workload) => workload.namespace === service.namespace && selectors.selectsPods(service.selector, workload.podLabels),
      );
      // Nobody is sent to a second gateway that is not labelled yet, or not any more, and that was put down on purpose.
      const isIdle = workloads.length > 0 && workloads.every(({ desiredReplicas }) => desiredReplicas === 0);
      const isUnlabelled = (service.labels[labels.network] ?? '') === '' && !isWayToIstiod(service, cluster.name, mesh);
      if (pods.length === 0 && isIdle && isUnlabelled && isSpare(service, cluster.services, cluster.nodes)) continue;
      // Pods without status come from manifests: nobody has run them.
      if (pods.some((pod) => pod.ready || pod.phase === '')) continue;
      const evidence = [...pods.map(ofPod), ...workloads.flatMap(ofWorkload)];
      const where = {
        at: service.ref,
        related: [...workloads, ...pods].map(({ ref }) => ref),
        evidence: evidence.length > 0 ? evidence : [{ ref: service.ref, field: '.spec.selector', observed: pairs(service.selector) }],
        lacks: (['pods', 'workloads'] as const).map((fact) => ({ cluster: cluster.name, fact })),
      };
      const remotes = isWayToIstiod(service, cluster.name, mesh) ? touched(cluster.name, mesh).filter((name) => name !== cluster.name) : [];
      // A gateway without pods leaves the remotes of this cluster without istiod; why pods are not ready may be found here.
      const cut = { ...where, concerns: touched(cluster.name, mesh) };
      const near = cluster.workloads.filter((workload) => workload.namespace === service.namespace && workload.name === service.name);
      if (workloads.length === 0 && pods.length === 0)
        yield finding('noPods', { service, remotes, near }, { ...cut, field: '.spec.selector' });
      else if (workloads.length > 0 && workloads.every((workload) => workload.desiredReplicas === 0))
        yield finding('scaledToZero', { service, remotes, workloads }, cut);
      else if (pods.length === 0) yield finding('uncreated', { service, remotes, pods, workloads }, where);
      else if (pods.every((pod) => pod.imageAuto)) yield finding('uninjected', { service, remotes, pods, workloads }, where);
      else {
        // istiod looks a proxy's token up in the cluster that it claims to be in.
        const id = cluster.member.clusterId;
        const ids = distinct(pods.flatMap((pod) => pod.proxy?.clusterId ?? []));
        if (ids.length > 0 && 'unknown' in id) {
          yield undecided('it is not known whether istiod refuses its pods', { missing: id.unknown });
        } else if (ids.length > 0 && 'known' in id && !ids.includes(id.known))
          yield finding('refused', { service, remotes, pods, workloads, ids }, where);
        else yield finding('notReady', { service, remotes, pods, workloads }, where);
      }
    }
  },
});

interface Cut {
  readonly service: Service;
  /** Clusters that reach their istiod through it. */
  readonly remotes: readonly ClusterName[];
}

interface Unready extends Cut {
  readonly pods: readonly Pod[];
  readonly workloads: readonly Workload[];
}

function unready({ service, remotes, pods, workloads }: Unready, what: string) {
  const waiting = [
    ...pods.flatMap((pod) => pod.waiting),
    ...workloads.flatMap((workload) => workload.conditions.map(({ reason }) => reason)),
  ];
  const reasons = distinct(waiting.filter((reason) => reason !== ''));
  return {
    text: `${named(service)} has no ready pod: ${what}${reasons.length === 0 ? '' : ` (${list(reasons)})`}.`,
    expected: 'at least 1 ready pod',
    found: '0 ready',
    effect: effectOf({ service, remotes }),
    confirm: pods
      .slice(0, 1)
      .map((pod) => `kubectl --context ${pod.ref.cluster} -n ${pod.namespace} logs ${pod.name} -c istio-proxy --tail=50`),
  };
}

function ofPod(pod: Pod) {
  const waiting = pod.waiting.length === 0 ? '' : `, ${list(pod.waiting)}`;
  return { ref: pod.ref, field: '.status.conditions', observed: `Ready is not True${waiting}` };
}

function ofWorkload(workload: Workload) {
  const field = '.status.conditions';
  const replicas = { ref: workload.ref, field: '.spec.replicas', observed: String(workload.desiredReplicas), expected: 'at least 1' };
  const conditions = workload.conditions.map(({ type, status, reason }) => ({
    ref: workload.ref,
    field,
    observed: `${type}=${status} ${reason}`,
  }));
  return workload.desiredReplicas === 0 ? [replicas] : conditions;
}

function named(service: Service): string {
  return `Gateway Service ${service.namespace}/${service.name} in ${service.ref.cluster}`;
}

function effectOf({ service, remotes }: Cut): string {
  const istiod = remotes.length === 0 ? '' : `, not even ${list(remotes)} ${remotes.length === 1 ? 'its' : 'their'} istiod`;
  return `nothing reaches ${service.ref.cluster} through it${istiod}`;
}

function pairs(selector: Readonly<Record<string, string>>): string {
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(', ');
}

/** The Deployment's own labels; keys that only the Service has are removed. */
function replaced(selector: Readonly<Record<string, string>>, workload: Workload): Record<string, string | null> {
  const removed = Object.fromEntries(
    Object.keys(selector)
      .filter((key) => !(key in workload.selector))
      .map((key) => [key, null]),
  );
  return { ...removed, ...workload.selector };
}
