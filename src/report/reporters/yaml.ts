import { stringify } from 'yaml';
import { defineReporter } from '../../api/reporter.ts';

/** The report itself, as YAML. */
export const yaml = defineReporter({
  format: 'yaml',
  extension: 'yaml',
  render: (report) => stringify(report, { aliasDuplicateObjects: false, lineWidth: 0 }),
});
