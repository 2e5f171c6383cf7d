import { severities, type Severity } from '../api/finding.ts';
import type { Report } from './schema.ts';

/** What a screen shows: findings of a severity and worse, or all of them, unfolded. */
export type Show = Severity | 'all';

/** The report with only what is to be shown. Counts, verdict and exit code stay those of the whole. */
export function atLeast(report: Report, show: Show): Report {
  if (show === 'all' || show === 'info') return report;
  const isShown = (severity: Severity): boolean => severities.indexOf(severity) <= severities.indexOf(show);
  const causes = report.causes.filter((cause) => isShown(cause.severity));
  const kept = new Set(causes.map((cause) => cause.fingerprint));
  const findings = report.findings.filter((finding) => isShown(finding.severity) || kept.has(finding.fingerprint));
  return { ...report, causes, findings };
}

/** The report with no more of what ends by itself than was asked for: `days` ahead, or nothing. */
export function lookingAhead(report: Report, days: number | undefined): Report {
  const { forecast, ...rest } = report;
  if (forecast === undefined || days === undefined) return rest;
  return { ...rest, forecast: forecast.map((one) => ({ ...one, days, events: one.events.filter((event) => event.days < days) })) };
}
