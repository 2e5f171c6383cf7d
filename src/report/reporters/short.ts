import { defineReporter, type Style } from '../../api/reporter.ts';
import { explainedBy } from '../places.ts';
import type { NotChecked, Report, ReportFinding } from '../schema.ts';

/** One line per finding, fields in fixed order, then one per gap that makes the run incomplete (with -v: every gap). Nothing when all is well. */
export const short = defineReporter({
  format: 'short',
  extension: 'txt',
  render(report: Report, style: Style): string {
    const causes = explainedBy(report);
    const gaps = report.notChecked.filter((gap) => gap.incomplete || style.verbosity > 0);
    return [...report.findings.map((finding) => findingLine(finding, causes.get(finding.fingerprint))), ...gaps.map(gapLine)]
      .map((line) => `${line}\n`)
      .join('');
  },
});

function findingLine(finding: ReportFinding, cause: string | undefined): string {
  const { at } = finding;
  const object = [at.kind, ...(at.namespace === undefined ? [] : [at.namespace]), at.name].join('/');
  return words([
    finding.severity,
    finding.code,
    at.cluster,
    object,
    pair('certainty', finding.certainty),
    pair('expected', finding.expected),
    pair('found', finding.found),
    pair('from', finding.between?.from),
    pair('to', finding.between?.to),
    pair('explained-by', cause),
    pair('known', finding.known?.by),
  ]);
}

function gapLine(gap: NotChecked): string {
  return words([
    'unknown',
    gap.checks.join(','),
    gap.clusters.join(','),
    gap.why,
    pair('fact', gap.missing.map(({ fact }) => fact).join(',') || undefined),
    pair('reason', gap.reason),
  ]);
}

function pair(key: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : `${key}=${/^[^\s"'\\]+$/.test(value) ? value : JSON.stringify(value)}`;
}

function words(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join(' ');
}
