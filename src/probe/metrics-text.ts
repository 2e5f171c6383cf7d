import { compareText } from '../base/sort.ts';
import type { ListedMetric } from '../model/observations.ts';

/**
 * Series of Prometheus' text format that have one of these names, sorted by name and labels. Lines of another form are left out; nothing
 * for a text without any series. https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function metricsIn(text: string, names: ReadonlySet<string>): readonly ListedMetric[] | undefined {
  let isMetrics = false;
  const kept: (readonly [key: string, metric: ListedMetric])[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*(?=[{ ])/.exec(line)?.[0];
    if (name === undefined) continue;
    isMetrics = true;
    if (!names.has(name)) continue;
    const metric = metricIn(name, line.slice(name.length));
    if (metric !== undefined) kept.push([line, metric]);
  }
  return isMetrics ? kept.sort(([a], [b]) => compareText(a, b)).map(([, metric]) => metric) : undefined;
}

function metricIn(name: string, rest: string): ListedMetric | undefined {
  const [, inner, number = ''] = /^(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$/.exec(rest) ?? [];
  const value = Number(number);
  if (number === '' || !Number.isFinite(value)) return undefined;
  const labels: Record<string, string> = {};
  for (const [, key = '', quoted = ''] of (inner ?? '').matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g))
    labels[key] = quoted.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  return { name, labels, value };
}
