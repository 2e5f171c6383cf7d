import { groupBy } from '../base/sort.ts';
import { list } from '../base/text.ts';
import type { ClusterName } from '../model/ids.ts';
import type { HandshakeOutcome } from '../model/observations.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import { daysLeft } from './expiry.ts';
import type { ForecastEvent } from './forecast.ts';
import { type FactsByCluster, listOf, type Mesh } from './topology.ts';

/** A certificate that somebody was seen to use, and who renews it. */
interface Used {
  readonly what: 'istiod-certificate' | 'workload-certificate';
  readonly cluster: ClusterName;
  readonly ref: ObjectRef;
  readonly notBefore: string;
  readonly notAfter: string;
  /** It was issued under a root of the mesh: agents and istiods then renew their own. */
  readonly isOfMesh: boolean;
  /** What fails once it is over. */
  readonly serves: string;
}

/**
 * Certificates that probes saw in use: those of istiods, and of workloads the one of each cluster that ends first. What its owner renews stops
 * nothing, unless the time to renew it is long past (pkg: security.secretmanager renews halfway).
 */
export function usedEvents(mesh: Mesh, facts: FactsByCluster, days: number): ForecastEvent[] {
  const found = [...mesh.members.keys()].flatMap((cluster): { readonly used: Used; readonly now: string }[] => {
    const of = facts.get(cluster);
    if (of === undefined || of.today.status !== 'collected') return [];
    const now = of.today.value.takenAt;
    const istiods = listOf(of.istiodHandshakes).flatMap(({ controlPlane, members, outcome }) =>
      presented(outcome).map(
        (times): Used => ({
          what: 'istiod-certificate',
          cluster,
          ref: controlPlane,
          ...times,
          serves: `proxies of ${list(members)} that connect to istiod, and pod creation there`,
        }),
      ),
    );
    const behind = listOf(of.gatewayHandshakes).flatMap(({ gateway, service, outcome }) =>
      service === undefined ? [] : presented(outcome).map((times): Used => ({ ...workload(cluster, gateway), ...times })),
    );
    const held = listOf(of.sidecars).flatMap(({ pod, certificate }) =>
      'answer' in certificate && certificate.answer !== 'none'
        ? [{ ...workload(cluster, pod), ...certificate.answer, isOfMesh: true }]
        : [],
    );
    return [...istiods, ...behind, ...held].map((used) => ({ used, now }));
  });
  const groups = groupBy(found, ({ used }) => `${used.what} ${used.what === 'istiod-certificate' ? refKey(used.ref) : used.cluster}`);
  return [...groups.values()].flatMap((same) => {
    const [first] = [...same].sort((a, b) => Date.parse(a.used.notAfter) - Date.parse(b.used.notAfter));
    return first === undefined ? [] : (eventOf(first.used, first.now, days) ?? []);
  });
}

const workload = (cluster: ClusterName, ref: ObjectRef) =>
  ({ what: 'workload-certificate', cluster, ref, serves: `mutual TLS of workloads in ${cluster}` }) as const;

function presented(outcome: HandshakeOutcome): Pick<Used, 'notBefore' | 'notAfter' | 'isOfMesh'>[] {
  if (outcome.stage !== 'certificate' || outcome.notBefore === undefined || outcome.notAfter === undefined) return [];
  return [{ notBefore: outcome.notBefore, notAfter: outcome.notAfter, isOfMesh: outcome.verifiedBy.length > 0 }];
}

/** How much of its time may be over before somebody should have renewed it: agents do so halfway, with some play. */
const overdue = 0.75;

function eventOf(
  { what, cluster, ref, notBefore, notAfter, isOfMesh, serves }: Used,
  now: string,
  days: number,
): ForecastEvent | undefined {
  const left = daysLeft(notAfter, now);
  if (left === undefined || left >= days) return undefined;
  const life = Date.parse(notAfter) - Date.parse(notBefore);
  const isOverdue = Date.parse(now) - Date.parse(notBefore) > life * overdue;
  const renews = what === 'istiod-certificate' ? 'istiod' : 'the agent of the workload';
  return {
    at: notAfter,
    days: Math.floor(left),
    what,
    name: `${ref.kind} ${ref.namespace ?? ''}/${ref.name}`,
    clusters: [cluster],
    stops: isOfMesh && !isOverdue ? '' : serves,
    gaps: isOfMesh ? [isOverdue ? `${renews} should have renewed it by now` : `${renews} renews it long before that`] : [],
    refs: [ref],
  };
}
