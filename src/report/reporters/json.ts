import { defineReporter } from '../../api/reporter.ts';

/** The report itself, as docs/report.schema.json describes it. */
export const json = defineReporter({
  format: 'json',
  extension: 'json',
  render: (report) => `${JSON.stringify(report, null, 2)}\n`,
});
