import { compareText } from '../base/sort.ts';
import { errorCounters, istiodMetrics } from '../istio/istiod-metrics.ts';
import { behaves } from '../istio/releases.ts';
import { type ClusterId, clusterId } from '../model/ids.ts';
import type { Answer, IstiodReplica, IstiodSample, IstiodState, ListedMetric } from '../model/observations.ts';

/*
 * What the metrics of an istiod say. Counters count since the process started: what they count may be over long ago, unless they rise while
 * somebody looks.
 */

/** A counter of errors that rose between two readings. */
export interface RisingCounter {
  readonly name: string;
  readonly labels: ListedMetric['labels'];
  /** `name{label="value"}`, as Prometheus writes it. */
  readonly counter: string;
  readonly by: number;
  readonly seconds: number;
}

/** Counters of errors that rose between the two readings, sorted; nothing where one failed. */
export function risingErrors({
  seconds,
  before: first,
  after,
}: Pick<IstiodSample, 'seconds' | 'before' | 'after'>): readonly RisingCounter[] {
  if ('failed' in first || 'failed' in after) return [];
  const before = new Map(first.answer.map((one) => [spelled(one), one.value]));
  return after.answer
    .flatMap((one): RisingCounter[] => {
      const counter = spelled(one);
      const by = one.value - (before.get(counter) ?? 0);
      return errorCounters.includes(one.name) && by > 0 ? [{ name: one.name, labels: one.labels, counter, by, seconds }] : [];
    })
    .sort((a, b) => compareText(a.counter, b.counter));
}

/** Failed lists and watches in one cluster between the two readings. */
export function risingSyncErrors(sample: IstiodSample, id: ClusterId): RisingCounter | undefined {
  return risingErrors(sample).find(({ name, labels }) => name === istiodMetrics.syncErrors && labels['cluster'] === id);
}

type States = Extract<IstiodReplica['clusters'], { readonly answer: unknown }>['answer'];

/**
 * Clusters that a replica reads, as its clusterz says; where that does not answer, as its metrics say, of releases whose metrics can be
 * believed: before 1.29 they do not tell, and all of 1.29 say timeout of clusters that are read well. `from`: the endpoint that said it.
 */
export function clusterStates(
  { clusters }: Pick<IstiodReplica, 'clusters'>,
  metrics: IstiodState['metrics'],
  version: string | undefined,
): { readonly from: '/debug/clusterz' | '/metrics'; readonly states: Answer<States> } {
  if ('answer' in clusters || metrics === undefined || 'failed' in metrics) return { from: '/debug/clusterz', states: clusters };
  const isBelieved = behaves(version, 'writesSyncStatus') === true && behaves(version, 'writesFalseTimeouts') === false;
  if (!isBelieved) return { from: '/debug/clusterz', states: clusters };
  const states = metrics.answer.flatMap(({ name, labels, value }): States => {
    const { cluster, status } = labels;
    if (name !== istiodMetrics.syncStatus || value !== 1 || cluster === undefined || status === undefined) return [];
    return [{ id: clusterId(cluster), secret: '', syncStatus: status }];
  });
  return { from: '/metrics', states: { answer: states } };
}

function spelled({ name, labels }: ListedMetric): string {
  const inner = Object.entries(labels)
    .sort(([a], [b]) => compareText(a, b))
    .map(([key, value]) => `${key}="${value}"`);
  return inner.length === 0 ? name : `${name}{${inner.join(',')}}`;
}
