import type { ClusterName } from '../model/ids.ts';
import type { IstiodReplica, NameAnswer } from '../model/observations.ts';
import type { ObjectRef } from '../model/refs.ts';
import { isFullName, isUnexportedTo } from './expected-answer.ts';
import { type FactsByCluster, listOf } from './topology.ts';

/** What somebody said about a name. */
export interface MeasuredAnswer {
  /** sidecar: the DNS proxy of a pod; cluster-dns: a DNS pod; istiod: its name table for a proxy. */
  readonly by: 'sidecar' | 'cluster-dns' | 'istiod';
  /** `namespace/name` of the pod that was asked; for istiod of the proxy whose table it is. */
  readonly pod: string;
  readonly outcome: 'answered' | 'unanswered' | 'failed';
  readonly addresses: readonly string[];
  /** The addresses, the response code, or why there is no answer. */
  readonly said: string;
}

/** Everything probes heard of a name for callers of a cluster: sidecars first, then cluster DNS, then istiods. One line for one pod that was asked in several ways. */
export function measuredAnswers(
  name: { readonly namespace: string; readonly name: string },
  cluster: ClusterName,
  facts: FactsByCluster,
): readonly MeasuredAnswer[] {
  const own = facts.get(cluster);
  const answers = (own === undefined ? [] : listOf(own.nameAnswers)).filter(
    ({ service }) => service.namespace === name.namespace && service.name === name.name,
  );
  const isNamed = (service: { readonly namespace: string; readonly name: string }): boolean =>
    service.namespace === name.namespace && service.name === name.name;
  const services = [...facts.values()].flatMap((of) => listOf(of.services).filter(isNamed));
  const isOwn = own !== undefined && listOf(own.services).some(isNamed);
  /** Of its own cluster's DNS alone: neither a record of istiod nor a short name says anything of it. */
  const isOfDns = (pod: ObjectRef): boolean => isOwn && isUnexportedTo(services, pod.namespace ?? '');
  const said = (via: NameAnswer['via']) =>
    answers.filter((one) => one.via === via && (via === 'cluster' || isFullName(one.asked) || !isOfDns(one.pod))).map(ofAnswer);
  const tables = [...facts.values()].flatMap((of) =>
    listOf(of.istiods).flatMap((replica) =>
      ofTables({ ...replica, nameTables: replica.nameTables.filter(({ proxy }) => !isOfDns(proxy)) }, name, cluster),
    ),
  );
  return oneForEach([...said('sidecar'), ...said('cluster'), ...tables]);
}

function ofAnswer({ via, pod, outcome }: NameAnswer): MeasuredAnswer {
  const base = { by: via === 'sidecar' ? ('sidecar' as const) : ('cluster-dns' as const), pod: podName(pod) };
  if ('failed' in outcome) return { ...base, outcome: 'failed', addresses: [], said: outcome.reason };
  const { rcode, addresses } = outcome.answer;
  if (addresses.length > 0) return { ...base, outcome: 'answered', addresses, said: addresses.join(', ') };
  return { ...base, outcome: 'unanswered', addresses: [], said: rcode === 'NOERROR' ? 'no address' : rcode };
}

function ofTables(
  { nameTables, shardsAsked }: IstiodReplica,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  cluster: ClusterName,
): MeasuredAnswer[] {
  const host = shardsAsked.find((one) => one.startsWith(`${name}.${namespace}.svc.`));
  if (host === undefined) return [];
  return nameTables.flatMap(({ proxy, table }): MeasuredAnswer[] => {
    if (proxy.cluster !== cluster || 'failed' in table || typeof table.answer === 'string') return [];
    const ips = table.answer.find((record) => record.host === host)?.ips ?? [];
    const base = { by: 'istiod' as const, pod: podName(proxy), addresses: ips };
    return [
      ips.length > 0
        ? { ...base, outcome: 'answered', said: ips.join(', ') }
        : { ...base, outcome: 'unanswered', said: 'not in the name table of istiod' },
    ];
  });
}

/** The same pod is asked for the full name and for the short one: the worse answer counts. */
function oneForEach(answers: readonly MeasuredAnswer[]): MeasuredAnswer[] {
  const order: readonly MeasuredAnswer['outcome'][] = ['unanswered', 'answered', 'failed'];
  const found = new Map<string, MeasuredAnswer>();
  for (const answer of answers) {
    const key = `${answer.by} ${answer.pod}`;
    const before = found.get(key);
    if (before === undefined || order.indexOf(answer.outcome) < order.indexOf(before.outcome)) found.set(key, answer);
  }
  return [...found.values()];
}

function podName({ namespace = '', name }: ObjectRef): string {
  return `${namespace}/${name}`;
}
