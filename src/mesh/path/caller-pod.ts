import { UsageError } from '../../base/errors.ts';
import { distinct, sortedBy } from '../../base/sort.ts';
import { list, nearest } from '../../base/text.ts';
import type { ClusterFacts, Pod } from '../../model/facts.ts';
import type { ClusterName } from '../../model/ids.ts';
import type { ObjectRef } from '../../model/refs.ts';
import { selectsPods } from '../selectors.ts';
import { type FactsByCluster, listOf } from '../topology-types.ts';

/** Who calls: a pod that stands for the workload, Service or pod that was named. */
export interface Caller {
  readonly cluster: ClusterName;
  readonly namespace: string;
  /** What was named: `Deployment`, `Pod`, `Service`. */
  readonly ref: ObjectRef;
  /** Absent where there is none, or where pods were not read. */
  readonly pod: Pod | undefined;
  /** How many pods were to choose from. */
  readonly pods: number;
}

const kinds: Readonly<Record<string, string>> = {
  deploy: 'Deployment',
  deployment: 'Deployment',
  deployments: 'Deployment',
  sts: 'StatefulSet',
  statefulset: 'StatefulSet',
  statefulsets: 'StatefulSet',
  ds: 'DaemonSet',
  daemonset: 'DaemonSet',
  daemonsets: 'DaemonSet',
  rs: 'ReplicaSet',
  replicaset: 'ReplicaSet',
  job: 'Job',
  cronjob: 'CronJob',
  po: 'Pod',
  pod: 'Pod',
  pods: 'Pod',
  svc: 'Service',
  service: 'Service',
  services: 'Service',
};

const example = 'For example: meshdoctor path east/shop/deploy/client abc.shop:5000';

/** Understands the FROM of a call. @throws UsageError for what names nothing; what could not be looked up is a caller without pod. */
export function callerOf(text: string, facts: FactsByCluster): Caller {
  const clusters = [...facts.keys()];
  // Contexts may have slashes in their names: the longest that fits is meant.
  const cluster = clusters.filter((name) => text.startsWith(`${name}/`)).sort((a, b) => b.length - a.length)[0];
  if (cluster === undefined) throw unknownCluster(text, clusters);
  const [namespace = '', ...rest] = text.slice(cluster.length + 1).split('/');
  const [kindOrName = '', named] = rest;
  const name = named ?? kindOrName;
  const kind = named === undefined ? undefined : kinds[kindOrName.toLowerCase()];
  if (namespace === '' || name === '' || rest.length > 2 || (named !== undefined && kind === undefined))
    throw new UsageError(
      'ERR_BAD_VALUE',
      `FROM needs CLUSTER/NAMESPACE/NAME, or CLUSTER/NAMESPACE/KIND/NAME, not ${JSON.stringify(text)}.`,
      {
        hint: kind === undefined && named !== undefined ? `Kinds are pod, svc, deploy, sts, ds and job, not ${kindOrName}.` : example,
      },
    );
  return inCluster({ cluster, namespace, kind, name }, facts.get(cluster));
}

interface Named {
  readonly cluster: ClusterName;
  readonly namespace: string;
  readonly kind: string | undefined;
  readonly name: string;
}

function inCluster({ cluster, namespace, kind, name }: Named, own: ClusterFacts | undefined): Caller {
  const pods = (own === undefined ? [] : listOf(own.pods)).filter((pod) => pod.namespace === namespace && isThere(pod));
  const services = (own === undefined ? [] : listOf(own.services)).filter((service) => service.namespace === namespace);
  const caller = (ofKind: string, found: readonly Pod[]): Caller => ({
    cluster,
    namespace,
    ref: { cluster, kind: ofKind, namespace, name },
    pod: sortedBy(found, standing)[0],
    pods: found.length,
  });
  const owned = pods.filter(({ owner }) => owner?.name === name && (kind === undefined || owner.kind === kind));
  if (owned[0] !== undefined) return caller(owned[0].owner?.kind ?? 'Pod', owned);
  const exact = pods.filter((pod) => pod.name === name);
  if (exact.length > 0 && (kind === undefined || kind === 'Pod')) return caller('Pod', exact);
  const service = services.find((one) => one.name === name);
  if (service !== undefined && (kind === undefined || kind === 'Service'))
    return caller(
      'Service',
      pods.filter((pod) => selectsPods(service.selector, pod.labels)),
    );
  const workload = (own === undefined ? [] : listOf(own.workloads)).find((one) => one.namespace === namespace && one.name === name);
  if (workload !== undefined && (kind === undefined || kind === workload.kind)) return caller(workload.kind, []);
  const isWhole = own?.pods.status === 'collected' && own.pods.partial !== true;
  if (!isWhole) return caller(kind ?? 'Pod', []);
  throw unknownCaller({ cluster, namespace, kind, name }, own, [
    ...pods.flatMap(({ owner }) => owner?.name ?? []),
    ...services.map((one) => one.name),
    ...pods.map((one) => one.name),
  ]);
}

function isThere({ phase }: Pod): boolean {
  return phase !== 'Succeeded' && phase !== 'Failed';
}

/** Ready before not, with a sidecar before without, then by name. */
function standing(pod: Pod): string {
  return `${pod.ready ? 0 : 1} ${pod.proxy === undefined ? 1 : 0} ${pod.name}`;
}

function unknownCluster(text: string, clusters: readonly ClusterName[]): UsageError {
  const word = text.split('/')[0] ?? text;
  const isShort = text.split('/').length < 3;
  const meant = nearest(word, clusters);
  return new UsageError(
    'ERR_BAD_VALUE',
    isShort
      ? `FROM needs CLUSTER/NAMESPACE/NAME, not ${JSON.stringify(text)}; clusters are ${list(clusters)}.`
      : `There is no cluster ${JSON.stringify(word)} among those given: ${list(clusters)}.`,
    { hint: isShort || meant === undefined ? example : `Did you mean ${[meant, ...text.split('/').slice(1)].join('/')}?` },
  );
}

function unknownCaller({ cluster, namespace, kind, name }: Named, own: ClusterFacts | undefined, names: readonly string[]): UsageError {
  const namespaces = own === undefined ? [] : listOf(own.namespaces).map((one) => one.name);
  if (names.length === 0 && namespaces.length > 0 && !namespaces.includes(namespace)) {
    const meant = nearest(namespace, namespaces);
    return new UsageError('ERR_BAD_VALUE', `There is no namespace ${namespace} in ${cluster}.`, {
      hint: meant === undefined ? `Namespaces are ${list(distinct(namespaces))}.` : `Did you mean ${cluster}/${meant}/${name}?`,
    });
  }
  const meant = nearest(name, names);
  return new UsageError('ERR_BAD_VALUE', `There is no ${kind ?? 'workload, Service or Pod'} ${namespace}/${name} in ${cluster}.`, {
    hint:
      meant === undefined
        ? names.length === 0
          ? undefined
          : `There are ${list(distinct(names))}.`
        : `Did you mean ${cluster}/${namespace}/${meant}?`,
  });
}
