import { defineReporter } from '../../api/reporter.ts';
import { nearestPlace } from '../places.ts';
import type { Report, ReportCheck, ReportFinding } from '../schema.ts';

/** One suite per cluster, one case per check that applies there. Not checked is skipped, never passed; what does not fail the run does not fail a case. */
export const junit = defineReporter({
  format: 'junit',
  extension: 'xml',
  render(report: Report): string {
    const suites = report.clusters.map((cluster) => suiteOf(cluster.name, report));
    const sum = (key: 'tests' | 'failures' | 'errors'): number => suites.reduce((total, suite) => total + suite[key], 0);
    return [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<testsuites name="meshdoctor" tests="${sum('tests')}" failures="${sum('failures')}" errors="${sum('errors')}">`,
      ...suites.flatMap((suite) => suite.lines),
      '</testsuites>',
      '',
    ].join('\n');
  },
});

interface Suite {
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
  readonly skipped: number;
  readonly lines: readonly string[];
}

interface Case {
  readonly kind: 'passed' | 'failures' | 'errors' | 'skipped';
  readonly lines: readonly string[];
}

function suiteOf(cluster: string, report: Report): Suite {
  const cases = report.checks.flatMap((check) => {
    const cell = check.results.find((result) => result.cluster === cluster);
    return cell === undefined || cell.result === 'not-applicable' ? [] : [caseOf(check, cell, report)];
  });
  const tally = (kind: Case['kind']): number => cases.filter((item) => item.kind === kind).length;
  const counts = { tests: cases.length, failures: tally('failures'), errors: tally('errors'), skipped: tally('skipped') };
  return {
    ...counts,
    lines: [
      `  <testsuite name="${escapeXml(cluster)}" tests="${counts.tests}" failures="${counts.failures}" errors="${counts.errors}" skipped="${counts.skipped}">`,
      ...cases.flatMap((item) => item.lines),
      '  </testsuite>',
    ],
  };
}

function caseOf(check: ReportCheck, cell: ReportCheck['results'][number], report: Report): Case {
  const open = `    <testcase name="${escapeXml(`${check.id}: ${check.title}`)}" classname="${escapeXml(`${check.area}.${cell.cluster}`)}"`;
  const nested = (kind: Case['kind'], lines: readonly string[]): Case => ({ kind, lines: [`${open}>`, ...lines, '    </testcase>'] });
  if (cell.result === 'crashed') return nested('errors', [`      <error message="${escapeXml(cell.because ?? 'crashed')}"/>`]);
  // Its schema gives it a text and no message.
  if (cell.result === 'unknown') return nested('skipped', [`      <skipped>${escapeXml(cell.because ?? 'not checked')}</skipped>`]);
  const findings = report.findings.filter(
    (finding) => finding.check === check.id && (finding.at.cluster === cell.cluster || finding.concerns.includes(cell.cluster)),
  );
  const failing = findings.filter((finding) => finding.fails);
  if (failing.length > 0) return nested('failures', failing.map(failureOf));
  if (findings.length > 0) return nested('passed', [`      <system-out>${escapeXml(findings.map(sentence).join('\n'))}</system-out>`]);
  return { kind: 'passed', lines: [`${open}/>`] };
}

function failureOf(finding: ReportFinding): string {
  const details = [
    `${finding.at.cluster} ${finding.at.kind} ${finding.at.namespace === undefined ? '' : `${finding.at.namespace}/`}${finding.at.name} ${finding.field ?? ''}`.trim(),
    ...placed(finding),
    ...(finding.expected === undefined ? [] : [`expected: ${finding.expected}`]),
    ...(finding.found === undefined ? [] : [`found: ${finding.found}`]),
    ...(finding.effect === undefined ? [] : [`effect: ${finding.effect}`]),
    ...finding.remedy.flatMap((remedy) => remedy.command.map((line) => `fix: ${line}`)),
  ];
  return `      <failure type="${finding.severity}" message="${escapeXml(sentence(finding))}">${escapeXml(details.join('\n'))}</failure>`;
}

function placed(finding: ReportFinding): string[] {
  const place = nearestPlace(finding);
  return place === undefined ? [] : [`${place.file}:${place.line}`];
}

function sentence(finding: ReportFinding): string {
  return `${finding.severity} ${finding.certainty} ${finding.code}: ${finding.message}`;
}

/** Escapes markup, and removes the characters that no XML 1.0 document may hold. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;');
}
