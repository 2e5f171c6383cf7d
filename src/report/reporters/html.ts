import { defineReporter, type RunFacts } from '../../api/reporter.ts';
import { count } from '../../base/text.ts';
import type { Report } from '../schema.ts';
import { html as markup } from './html/markup.ts';
import { sectionsOf } from './html/sections.ts';
import { spokenSign } from './html/signs.ts';
import { style } from './html/style.ts';
import { verdictMark } from './text.ts';

/** One file that needs nothing else: for a ticket, a mail, or a folder that a web server shows. Readable without scripts, by keyboard and in print. */
export const html = defineReporter({
  format: 'html',
  extension: 'html',
  render(report: Report, _style, run): string {
    const sections = sectionsOf(report).filter(({ body }) => body !== undefined);
    const page = markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><meta name="referrer" content="no-referrer">
<title>${report.verdict.text}</title><style>${{ markup: style }}</style></head>
<body><a class="skip" href="#main">To the report</a>
<header><h1>${spokenSign(verdictMark[report.verdict.state])} ${report.verdict.text}</h1><p>exit ${report.exit.code}: ${report.exit.reason}</p><p class="quiet">${aboutOf(report, run)}</p>
<nav aria-label="Parts of the report"><ul>${sections.map(({ id, title }) => markup`<li><a href="#${id}">${title}</a></li>`)}</ul></nav></header>
<main id="main">${sections.map(
      ({ id, title, body }) => markup`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${body}</section>
`,
    )}</main></body></html>
`;
    return page.markup;
  },
});

function aboutOf(report: Report, run: RunFacts | undefined): string {
  return [
    `meshdoctor ${report.tool.version}`,
    ...(run === undefined ? [] : [run.endedAt]),
    ...(report.recorded === undefined ? [] : [`recorded ${report.recorded.at}`]),
    count(report.clusters.length, 'cluster'),
    count(report.checks.length, 'check'),
    ...(report.today === undefined ? [] : [`expiry as of ${report.today}`]),
  ].join(' · ');
}
