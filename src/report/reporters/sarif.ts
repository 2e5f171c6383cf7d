import { defineReporter } from '../../api/reporter.ts';
import type { Severity } from '../../api/finding.ts';
import { defined } from '../../model/decode.ts';
import { explainedBy, furtherPlaces, nameOf, nearestPlace } from '../places.ts';
import type { NotChecked, Report, ReportCheck, ReportFinding, ReportPlace } from '../schema.ts';

/*
 * SARIF 2.1.0, for code scanning. Files are relative to the folder in which meshdoctor ran, which is no fact of the report and therefore not in it.
 * What could not be judged are notifications of the tool: no result, and no all-clear either.
 */

const base = '%SRCROOT%';

export const sarif = defineReporter({
  format: 'sarif',
  extension: 'sarif',
  render: (report) => `${JSON.stringify(logOf(report), null, 2)}\n`,
});

function logOf(report: Report) {
  const found = new Set(report.findings.map((finding) => finding.check));
  const checks = report.checks.filter(({ id }) => found.has(id));
  const ruleIndex = new Map(checks.map(({ id }, index) => [id, index]));
  const causes = explainedBy(report);
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: report.tool.name, semanticVersion: report.tool.version, rules: checks.map(ruleOf) } },
        invocations: [
          {
            executionSuccessful: report.exit.code <= 1,
            exitCode: report.exit.code,
            exitCodeDescription: report.exit.reason,
            toolExecutionNotifications: report.notChecked.filter(({ incomplete }) => incomplete).map(notificationOf),
          },
        ],
        originalUriBaseIds: { [base]: { description: { text: 'The folder in which meshdoctor ran.' } } },
        columnKind: 'utf16CodeUnits',
        results: report.findings.map((finding) => resultOf(finding, ruleIndex.get(finding.check), causes.get(finding.fingerprint), report)),
        properties: { verdict: report.verdict.text },
      },
    ],
  };
}

const levels = { error: 'error', warning: 'warning', info: 'note' } as const satisfies Record<Severity, string>;
/** How sure a rule is, as code scanning calls it. */
const precisions = { certain: 'very-high', likely: 'high', possible: 'low' } as const satisfies Record<ReportCheck['certainty'], string>;
const problems = { error: 'error', warning: 'warning', info: 'recommendation' } as const satisfies Record<Severity, string>;

function ruleOf({ id, area, title, severity, certainty, docs }: ReportCheck) {
  const parts = [
    ['Why', docs.why],
    ['Confirm', docs.confirm],
    ['Fix', docs.fix],
    ...(docs.notWhen === undefined ? [] : [['When not to worry', docs.notWhen] as const]),
  ] as const;
  return {
    id,
    name: id,
    shortDescription: { text: title },
    fullDescription: { text: docs.why },
    help: {
      text: parts.map(([name, text]) => `${name}: ${text}`).join('\n\n'),
      markdown: parts.map(([name, text]) => `**${name}.** ${name === 'Confirm' ? `\`${text}\`` : text}`).join('\n\n'),
    },
    defaultConfiguration: { level: levels[severity] },
    properties: { tags: [area, 'istio'], precision: precisions[certainty], 'problem.severity': problems[severity] },
  };
}

function resultOf(finding: ReportFinding, ruleIndex: number | undefined, cause: string | undefined, report: Report) {
  const { at, field, known } = finding;
  const further = furtherPlaces(finding);
  return defined({
    ruleId: finding.check,
    ruleIndex,
    level: levels[finding.severity],
    message: { text: messageOf(finding) },
    locations: [
      {
        physicalLocation: physical(nearestPlace(finding), at.cluster, report),
        logicalLocations: [
          {
            kind: 'object',
            name: nameOf(at),
            fullyQualifiedName: `${at.cluster}:${at.kind}/${nameOf(at)}${field === undefined ? '' : ` ${field}`}`,
          },
        ],
      },
    ],
    relatedLocations:
      further.length === 0
        ? undefined
        : further.map(({ place, says }, id) => ({ id, message: { text: says }, physicalLocation: physical(place, at.cluster, report) })),
    partialFingerprints: { 'meshdoctor/v1': finding.fingerprint },
    baselineState: report.comparison === undefined ? undefined : known === undefined || known.by === 'suppression' ? 'new' : 'unchanged',
    suppressions:
      known?.by === 'suppression' ? [defined({ kind: 'external', status: 'accepted', justification: known.reason })] : undefined,
    properties: defined({
      code: finding.code,
      certainty: finding.certainty,
      fails: finding.fails,
      concerns: finding.concerns,
      explainedBy: cause,
    }),
  });
}

function messageOf(finding: ReportFinding): string {
  return [
    finding.message,
    ...(finding.expected === undefined ? [] : [`Expected: ${finding.expected}.`]),
    ...(finding.found === undefined ? [] : [`Found: ${finding.found}.`]),
    ...finding.remedy.slice(0, 1).flatMap(({ command }) => command.map((line) => `Fix: ${line}`)),
  ].join('\n');
}

/** What has no place in a file is given the directory it was read from, or the name of its cluster: code scanning takes no result without a file. */
function physical(place: ReportPlace | undefined, cluster: string, report: Report) {
  if (place === undefined) {
    const directory = report.clusters.find(({ name }) => name === cluster)?.directory;
    return { artifactLocation: artifact(directory ?? cluster) };
  }
  const { file, line, column, endLine, endColumn } = place;
  return { artifactLocation: artifact(file), region: { startLine: line, startColumn: column, endLine, endColumn } };
}

function artifact(file: string) {
  const uri = file
    .replaceAll('\\', '/')
    .replace(/^(?:\.\/)+/, '')
    .split('/')
    .map(encodeURIComponent)
    .join('/');
  return file.startsWith('/') ? { uri: `file://${uri}` } : { uri, uriBaseId: base };
}

function notificationOf({ checks, clusters, reason, why }: NotChecked) {
  return {
    level: why === 'crashed' ? 'error' : 'warning',
    descriptor: { id: `not-checked/${why}` },
    message: { text: `Not checked in ${clusters.join(', ')}: ${reason} (${checks.join(', ')}).` },
  };
}
