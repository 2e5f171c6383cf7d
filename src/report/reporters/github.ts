import { defineReporter } from '../../api/reporter.ts';
import type { Severity } from '../../api/finding.ts';
import { count } from '../../base/text.ts';
import { openCauses } from '../known.ts';
import { nearestPlace } from '../places.ts';
import type { NotChecked, Report, ReportCause, ReportFinding, ReportPlace } from '../schema.ts';

/** GitHub shows no more annotations of one level of a step. */
const mostOfLevel = 10;

type Level = 'error' | 'warning' | 'notice';

interface Annotation {
  readonly level: Level;
  readonly line: string;
}

/** Workflow commands: one annotation per cause, worst first, and one per gap that makes the run incomplete; the verdict behind them. */
export const github = defineReporter({
  format: 'github',
  extension: 'txt',
  render(report: Report): string {
    const all = [
      ...openCauses(report).map(({ cause, finding }) => annotationOf(cause, finding)),
      ...report.notChecked.filter(({ incomplete }) => incomplete).map(gapOf),
    ];
    const shown = (['error', 'warning', 'notice'] as const).flatMap((level) =>
      all.filter((one) => one.level === level).slice(0, mostOfLevel),
    );
    const rest = all.length - shown.length;
    return [
      ...shown.map(({ line }) => line),
      `meshdoctor: ${report.verdict.text}`,
      ...(rest > 0 ? [`meshdoctor: ${count(rest, 'more annotation')} not shown; GitHub takes ${mostOfLevel} of a level`] : []),
      `meshdoctor: exit ${report.exit.code}: ${report.exit.reason}`,
      '',
    ].join('\n');
  },
});

const levels = { error: 'error', warning: 'warning', info: 'notice' } as const satisfies Record<Severity, Level>;

function annotationOf(cause: ReportCause, finding: ReportFinding): Annotation {
  const level = finding.advice ? 'notice' : levels[cause.severity];
  const effects = cause.explains.length;
  const text = [
    finding.message,
    ...(finding.expected === undefined ? [] : [`expected: ${finding.expected}`]),
    ...(finding.found === undefined ? [] : [`found: ${finding.found}`]),
    ...(finding.effect === undefined ? [] : [`effect: ${finding.effect}`]),
    ...(effects === 0 ? [] : [`explains ${count(effects, 'other finding')}`]),
    `meshdoctor explain ${finding.check}`,
  ].join('\n');
  return { level, line: command(level, nearestPlace(finding), `${finding.code} (${cause.certainty})`, text) };
}

function gapOf({ checks, clusters, reason }: NotChecked): Annotation {
  return {
    level: 'warning',
    line: command('warning', undefined, `not checked in ${clusters.join(', ')}`, `${reason}: ${checks.join(', ')}`),
  };
}

function command(level: Level, place: ReportPlace | undefined, title: string, text: string): string {
  const properties = [...(place === undefined ? [] : placeProperties(place)), ['title', `meshdoctor: ${title}`] as const];
  return `::${level} ${properties.map(([key, value]) => `${key}=${escapeProperty(value)}`).join(',')}::${escapeData(text)}`;
}

/** Columns only count within one line. */
function placeProperties({ file, line, column, endLine, endColumn }: ReportPlace): (readonly [string, string])[] {
  const columns =
    line === endLine
      ? ([
          ['col', String(column)],
          ['endColumn', String(endColumn)],
        ] as const)
      : [];
  return [['file', file], ['line', String(line)], ['endLine', String(endLine)], ...columns];
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
