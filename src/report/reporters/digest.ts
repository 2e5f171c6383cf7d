import { defineReporter } from '../../api/reporter.ts';
import { count, duration, list } from '../../base/text.ts';
import type { Report, ReportFinding } from '../schema.ts';
import { code, escaped } from './markdown.ts';
import { sinceOf, unseenOf } from './text-history.ts';

/** Most items of one kind. */
const most = 20;
/** How far ahead it looks for what ends by itself, in days. */
const ahead = 30;

/** Markdown for a mail or a chat: what changed since the run before, and in one line each what did not. */
export const digest = defineReporter({
  format: 'digest',
  extension: 'md',
  forecasts: true,
  render(report: Report): string {
    const { history } = report;
    const found = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
    const causes = report.causes.flatMap(({ fingerprint }) => found.get(fingerprint) ?? []);
    const states = new Map(history?.findings.map(({ fingerprint, state }) => [fingerprint, state]));
    const isFresh = ({ fingerprint }: ReportFinding): boolean => ['new', 'again'].includes(states.get(fingerprint) ?? 'new');
    const still = causes.filter((finding) => !isFresh(finding));
    const blocks = [
      `## ${escaped(report.verdict.text)}`,
      sinceLine(report),
      block(
        history === undefined ? 'Found' : 'Appeared',
        causes.filter(isFresh).map((finding) => lineOf(finding, report)),
      ),
      block(
        'Cleared',
        (history?.cleared ?? []).map(
          (one) => `${escaped(one.cluster)}: ${escaped(one.message)} (${code(one.code)}, after ${duration(one.seconds)})`,
        ),
      ),
      block(
        'It was there, and nobody could look now',
        unseenOf(report).map(({ fingerprint }) => code(fingerprint)),
      ),
      block('Cannot be read', unreadable(report)),
      block(
        'Still there',
        still.map((finding) => lineOf(finding, report)),
      ),
      block(`Ends within ${ahead} days`, endings(report)),
      `${count(report.counts.done, 'check')} done, ${report.counts.cells - report.counts.done} not known · exit ${report.exit.code}: ${escaped(report.exit.reason)}`,
    ];
    return `${blocks.filter((one) => one !== '').join('\n\n')}\n`;
  },
});

function sinceLine({ history }: Report): string {
  if (history === undefined) return 'Without `--history` everything is as if it had just appeared.';
  if (history.previous === undefined) return 'The first run of its history.';
  const changes = history.cleared.length + history.findings.filter(({ state }) => state !== 'open').length;
  const since = `Since ${history.previous.at} (exit ${history.previous.exit})`;
  return changes === 0 ? `${since} nothing has appeared, and nothing has gone.` : `${since}:`;
}

function lineOf(finding: ReportFinding, report: Report): string {
  const about = [code(finding.code), finding.severity, finding.certainty, ...sinceOf(report, finding.fingerprint)];
  return `${escaped(finding.at.cluster)}: ${escaped(finding.message)} (${about.join(', ')})`;
}

function unreadable({ clusters }: Report): string[] {
  return clusters.flatMap(({ name, unreached, unread }) => [
    ...(unreached === undefined ? [] : [`${escaped(name)}: ${escaped(unreached.reason)}`]),
    ...unread.map(({ what, reason }) => `${escaped(name)}, ${escaped(what)}: ${escaped(reason)}`),
  ]);
}

function endings({ forecast = [] }: Report): string[] {
  return forecast
    .flatMap(({ events }) => events)
    .filter(({ days }) => days < ahead)
    .map(
      ({ at, name, clusters, stops }) =>
        `${at.slice(0, 'YYYY-MM-DD'.length)} ${escaped(name)} in ${escaped(list(clusters))}${stops === '' ? '' : `: ${escaped(stops)}`}`,
    );
}

function block(title: string, items: readonly string[]): string {
  if (items.length === 0) return '';
  const rest = items.length > most ? [`- … and ${items.length - most} more`] : [];
  return [`**${title} (${items.length})**`, '', ...items.slice(0, most).map((item) => `- ${item}`), ...rest].join('\n');
}
