import { type IstiodReplica, type IstiodSample, type IstiodState, istiodMetrics, type Observed, refKey, sortedBy } from '../api/index.ts';
import type { Judgement } from '../engine/types.ts';
import type { Report, ReportIstiod } from './schema.ts';

/** How each replica of istiod was asked and what it left open, by cluster and pod. Nothing where nobody was asked, or by a version that did not write down how. */
export function istiodsOf({ snapshot }: Pick<Judgement, 'snapshot'>): NonNullable<Report['istiods']> | undefined {
  const found = snapshot.observations.flatMap(({ istiods, istiodStates, istiodSamples }) => {
    const lists = new Map(valueOf(istiods).map((replica) => [refKey(replica.pod), replica]));
    const samples = new Map(valueOf(istiodSamples).map((sample) => [refKey(sample.pod), sample]));
    return valueOf(istiodStates).map((state) => reported(state, lists.get(refKey(state.pod)), samples.get(refKey(state.pod))));
  });
  return found.length === 0 ? undefined : sortedBy(found, ({ cluster, pod }) => `${cluster} ${pod}`);
}

function valueOf<T>(observed: Observed<readonly T[]> | undefined): readonly T[] {
  return observed?.status === 'observed' ? observed.value : [];
}

function reported(state: IstiodState, replica: IstiodReplica | undefined, sample: IstiodSample | undefined): ReportIstiod {
  const { pod, revision, rung } = state;
  return {
    cluster: pod.cluster,
    pod: `${pod.namespace ?? ''}/${pod.name}`,
    revision,
    rung: rung.by,
    ...(rung.port === undefined ? {} : { port: rung.port }),
    above: rung.above,
    gaps: gapsOf(state, replica, sample),
    rising: sample === undefined ? [] : istiodMetrics.risingErrors(sample).map(({ counter, by, seconds }) => ({ counter, by, seconds })),
  };
}

/** On lower rungs the upper ones are not gaps once more. */
function gapsOf(state: IstiodState, replica: IstiodReplica | undefined, sample: IstiodSample | undefined): ReportIstiod['gaps'] {
  const debug =
    state.rung.by !== 'debug'
      ? []
      : ([
          ['/debug/clusterz', replica?.clusters],
          ['/debug/networkz', replica?.gateways],
          ['/debug/mesh', state.mesh],
          ['/debug/configz', state.config],
          ['/debug/endpointShardz', replica?.shards],
          ['/debug/syncz', state.rejections],
          ...(replica?.nameTables ?? []).map(
            ({ proxy, table }) => [`/debug/ndsz of ${proxy.namespace ?? ''}/${proxy.name}`, table] as const,
          ),
          ...(replica?.gatewayProxies ?? []).map(({ proxy, at }) => [`/debug/ndsz of ${proxy.namespace ?? ''}/${proxy.name}`, at] as const),
          ['/metrics', state.metrics],
        ] as const);
  return [...debug, ['/metrics, read again', sample?.after] as const].flatMap(([question, answer]) =>
    answer !== undefined && 'failed' in answer ? [{ question, reason: answer.reason }] : [],
  );
}
