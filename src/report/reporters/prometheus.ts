import { defineReporter } from '../../api/reporter.ts';
import { metricsOf, type Sample } from './metrics.ts';

/** Prometheus' text format, version 0.0.4: for the textfile collector of node_exporter, whose files end in .prom. */
export const prometheus = defineReporter({
  format: 'prometheus',
  extension: 'prom',
  forecasts: true,
  render: (report, _style, run) =>
    metricsOf(report, run)
      .flatMap(({ name, help, samples }) => [
        `# HELP meshdoctor_${name} ${help}`,
        `# TYPE meshdoctor_${name} gauge`,
        ...samples.map((sample) => `meshdoctor_${name}${sampleText(sample)}`),
      ])
      .map((line) => `${line}\n`)
      .join(''),
});

/** OpenMetrics 1.0: of gauges without a unit the same lines, and a last one. */
export const openmetrics = defineReporter({
  ...prometheus,
  format: 'openmetrics',
  extension: 'txt',
  render: (report, style, run) => `${prometheus.render(report, style, run)}# EOF\n`,
});

function sampleText({ labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([name, text]) => `${name}="${escapeLabel(text)}"`);
  return `${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
