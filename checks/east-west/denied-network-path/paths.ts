import {
  type ClusterView,
  type ClusterName,
  groupBy,
  networkPolicies,
  type NetworkPolicy,
  type Pod,
  type Service,
  type ServicePort,
  type StringMap,
  sortedBy,
} from 'meshdoctor/api';

export const needed = [
  'networkPolicies',
  'namespaces',
  'pods',
  'services',
  'endpointSlices',
  'workloads',
  'controlPlanes',
  'meshConfigs',
] as const;
export const used = ['nodes'] as const;

export type Seen = ClusterView<(typeof needed)[number], (typeof used)[number]>;

/** A connection that policies of one cluster do not let through. */
export interface Denial {
  readonly cluster: ClusterName;
  readonly direction: networkPolicies.Direction;
  /** Those that select the pods; none of them allows it. */
  readonly policies: readonly NetworkPolicy[];
  /** Pods that the policies select, or whose calls they refuse. */
  readonly pods: readonly Pod[];
  readonly ports: readonly number[];
}

/** Pods that policies cannot tell apart, as one workload makes them. */
export interface Group {
  readonly first: Pod;
  readonly pods: readonly Pod[];
}

const known = new WeakMap<readonly Pod[], readonly Group[]>();

/** Pods with proxies by who made them; what has ended is left out. */
export function proxyGroups(pods: readonly Pod[]): readonly Group[] {
  const found = known.get(pods);
  if (found !== undefined) return found;
  const running = pods.filter(({ proxy, phase }) => proxy !== undefined && isRunning(phase));
  const made = [
    ...groupBy(running, ({ namespace, name, owner }) => [namespace, owner?.kind ?? '', owner?.name ?? name].join('/')).values(),
  ];
  const groups = made.flatMap((group): Group[] => (group[0] === undefined ? [] : [{ first: group[0], pods: group }]));
  known.set(pods, groups);
  return groups;
}

export function isRunning(phase: string): boolean {
  return phase !== 'Succeeded' && phase !== 'Failed';
}

export function podsBehind({ namespace, selector }: Pick<Service, 'namespace' | 'selector'>, pods: readonly Pod[]): Pod[] {
  const wanted = Object.entries(selector);
  if (wanted.length === 0) return [];
  return pods.filter(
    (pod) => pod.namespace === namespace && isRunning(pod.phase) && wanted.every(([key, value]) => pod.labels[key] === value),
  );
}

export function namespaceLabels({ namespaces }: Pick<Seen, 'namespaces'>, name: string): StringMap | undefined {
  const labels = namespaces.find((namespace) => namespace.name === name)?.labels;
  // API servers write it into every namespace, directories leave it out.
  return labels === undefined ? undefined : { 'kubernetes.io/metadata.name': name, ...labels };
}

/** A pod of this cluster, or one that would be one, at the other end. */
export function podPeer(cluster: Pick<Seen, 'namespaces'>, pod: networkPolicies.PolicyPod): networkPolicies.PolicyPeer {
  return { is: 'pod', pod, namespaceLabels: namespaceLabels(cluster, pod.namespace) ?? {} };
}

/** The port of the pods behind a Service's port, by number where it is one. */
export function podPort({ targetPort }: Pick<ServicePort, 'targetPort'>): networkPolicies.PolicyPort {
  return typeof targetPort === 'number'
    ? { number: targetPort, protocol: 'TCP' }
    : { number: undefined, name: targetPort, protocol: 'TCP' };
}

/** Which policies refuse a call of one pod to another of the same cluster, and at which of its ends; nothing where none is seen to. */
export function refusal(
  cluster: Seen,
  from: Pod,
  to: Pod,
  port: networkPolicies.PolicyPort,
): Pick<Denial, 'direction' | 'policies'> | undefined {
  const out = networkPolicies.verdictOf(cluster.networkPolicies, from, 'egress', port, podPeer(cluster, to));
  if (out.is === 'denied') return { direction: 'egress', policies: out.policies };
  const into = networkPolicies.verdictOf(cluster.networkPolicies, to, 'ingress', port, podPeer(cluster, from));
  return into.is === 'denied' ? { direction: 'ingress', policies: into.policies } : undefined;
}

/** Denials by the same policies as one, with all their pods and ports. */
export function merged(denials: readonly Denial[]): Denial[] {
  const groups = groupBy(denials, ({ cluster, direction, policies }) =>
    [cluster, direction, ...policies.map(({ namespace, name }) => `${namespace}/${name}`)].join(' '),
  );
  return [...groups.values()].flatMap((group): Denial[] => {
    const [first] = group;
    if (first === undefined) return [];
    const pods = new Map(group.flatMap((one) => one.pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod] as const)));
    return [
      {
        ...first,
        pods: sortedBy([...pods.values()], ({ namespace, name }) => `${namespace}/${name}`),
        ports: [...new Set(group.flatMap(({ ports }) => ports))].sort((a, b) => a - b),
      },
    ];
  });
}

/** Whether a pod got ready after the last of these policies was made: what they refuse did not keep it. */
export function isContradicted(policies: readonly NetworkPolicy[], pods: readonly Pod[]): boolean {
  const made = policies.map(({ createdAt }) => createdAt);
  if (made.length === 0 || made.includes(undefined)) return false;
  const last = Math.max(...made.map((time) => Date.parse(time ?? '')));
  return pods.some(({ ready, startedAt }) => ready && startedAt !== undefined && Date.parse(startedAt) > last);
}
