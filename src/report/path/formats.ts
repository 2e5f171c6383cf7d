import { mermaid } from './mermaid.ts';
import { svg } from './svg.ts';
import { text } from './text.ts';
import { definePathReporter, type PathReporter } from './words.ts';

/** The report itself, as docs/path.schema.json describes it. */
const json = definePathReporter({
  format: 'json',
  extension: 'json',
  render: (report) => `${JSON.stringify(report, null, 2)}\n`,
});

/** The formats of `path`, in the order in which help names them. */
export const pathReporters: readonly PathReporter[] = [text, json, mermaid, svg];
