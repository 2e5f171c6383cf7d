import { compareText } from '../../../src/base/sort.ts';
import { istiodMetrics, metricsRead } from '../../../src/istio/istiod-metrics.ts';
import { metricsIn } from '../../../src/probe/metrics-text.ts';

/** Series of istiod's metrics that are read, with their labels and without their numbers. Nothing is pushed in the sandbox, so nothing takes time there. */
export function seriesIn(text: string): readonly string[] {
  return (metricsIn(text, metricsRead) ?? [])
    .filter(({ name }) => !name.startsWith(istiodMetrics.convergence))
    .map(({ name, labels }) => [name, ...Object.keys(labels).sort(compareText)].map((key) => `${key} ${labels[key] ?? ''}`).join(' '))
    .sort(compareText);
}
