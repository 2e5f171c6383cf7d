import { compareText } from '../../../src/base/sort.ts';
import { errorCounters, istiodMetrics, metricsRead } from '../../../src/istio/istiod-metrics.ts';
import { metricsIn } from '../../../src/probe/metrics-text.ts';

/**
 * Series of istiod's metrics that are read, with their labels and without their numbers. Nothing is pushed in the sandbox, so nothing takes
 * time there; and what went wrong once since a real istiod started did not there.
 */
export function seriesIn(text: string): readonly string[] {
  return (metricsIn(text, metricsRead) ?? [])
    .filter(({ name }) => !name.startsWith(istiodMetrics.convergence) && !errorCounters.includes(name))
    .map(({ name, labels }) => [name, ...Object.keys(labels).sort(compareText)].map((key) => `${key} ${labels[key] ?? ''}`).join(' '))
    .sort(compareText);
}
