import { defineReporter } from '../../api/reporter.ts';
import type { Severity } from '../../api/finding.ts';
import { explainedBy, nearestPlace } from '../places.ts';
import type { NotChecked, Report, ReportFinding } from '../schema.ts';

type Issue = Readonly<{
  description: string;
  check_name: string;
  fingerprint: string;
  severity: 'info' | 'minor' | 'major' | 'critical' | 'blocker';
  location: { path: string; lines: { begin: number } };
}>;

/** GitLab's code quality report: what is known before is left out, what could not be judged is an issue of its own. */
export const gitlab = defineReporter({
  format: 'gitlab',
  extension: 'json',
  render(report: Report): string {
    const causes = explainedBy(report);
    const issues = [
      ...report.findings
        .filter(({ known }) => known === undefined)
        .map((finding) => issueOf(finding, causes.get(finding.fingerprint), report)),
      ...report.notChecked.filter(({ incomplete }) => incomplete).map((gap) => gapOf(gap, report)),
    ];
    return `${JSON.stringify(issues, null, 2)}\n`;
  },
});

const severities = { error: 'critical', warning: 'major', info: 'info' } as const satisfies Record<Severity, Issue['severity']>;

function issueOf(finding: ReportFinding, cause: string | undefined, report: Report): Issue {
  const place = nearestPlace(finding);
  // What merely follows from a cause weighs less than the cause.
  const severity = finding.advice || cause !== undefined ? 'info' : severities[finding.severity];
  return {
    description: cause === undefined ? finding.message : `${finding.message} (explained by ${cause})`,
    check_name: finding.code,
    fingerprint: finding.fingerprint,
    severity,
    location: { path: pathOf(place?.file ?? directoryOf(finding.at.cluster, report)), lines: { begin: place?.line ?? 1 } },
  };
}

function gapOf({ checks, clusters, reason, why, missing }: NotChecked, report: Report): Issue {
  const cluster = clusters[0] ?? '';
  return {
    description: `Not checked in ${clusters.join(', ')}: ${reason} (${checks.join(', ')}).`,
    check_name: `not-checked/${why}`,
    fingerprint: ['not-checked', why, ...clusters, ...missing.map(({ fact }) => fact), ...checks].join(' '),
    severity: 'major',
    location: { path: pathOf(directoryOf(cluster, report)), lines: { begin: 1 } },
  };
}

function directoryOf(cluster: string, report: Report): string {
  return report.clusters.find(({ name }) => name === cluster)?.directory ?? cluster;
}

/** GitLab takes paths as they are in the repository. */
function pathOf(file: string): string {
  return file
    .replaceAll('\\', '/')
    .replace(/^(?:\.\/)+/, '')
    .replace(/\/+$/, '');
}
