import type { Style } from '../../api/reporter.ts';
import { count } from '../../base/text.ts';
import { weight } from '../cells.ts';
import { hanging, uncoloured } from '../layout.ts';
import type { Report, ReportCause, ReportFinding } from '../schema.ts';
import type { Ink, Mark } from '../symbols.ts';

/** Most explained findings listed under one cause without --show all. */
const foldLimit = 20;
const margin = ' '.repeat(10);

/** One block per cause: what is wrong where, what it does, how to see it and how to mend it. */
export function causeBlocks(report: Report, ink: Ink, style: Style): string[][] {
  const findings = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
  return report.causes.flatMap((cause, index) => {
    const finding = findings.get(cause.fingerprint);
    if (finding === undefined) return [];
    const title = titleOf(finding, ink, style);
    if (style.verbosity < 0) return [title];
    const effects = cause.explains.flatMap((fingerprint) => findings.get(fingerprint) ?? []);
    return [
      [heading(cause, finding, index, report, ink), ...title, ...fields(finding, report, ink, style), ...folded(effects, ink, style)],
    ];
  });
}

function heading(cause: ReportCause, finding: ReportFinding, index: number, report: Report, ink: Ink): string {
  const parts = [
    `CAUSE ${index + 1} of ${report.causes.length}`,
    finding.advice ? 'advice' : cause.severity,
    cause.certainty,
    ...(cause.explains.length > 0 ? [`explains ${count(cause.explains.length, 'finding')}`] : []),
  ];
  return ink.bold(parts.join(` ${ink.character('dot')} `));
}

export function markOf(finding: ReportFinding): Mark {
  return finding.severity === 'info' || finding.advice ? 'info' : weight(finding, false);
}

function titleOf(finding: ReportFinding, ink: Ink, style: Style): string[] {
  const mark = markOf(finding);
  const [first = '', ...rest] = hanging('', ink.plain(`${finding.code}  ${finding.message}`), style.width - ink.markWidth - 1);
  const indent = ' '.repeat(ink.markWidth + 1);
  const coloured = first.startsWith(finding.code) ? `${ink.bold(ink.paint(mark, finding.code))}${first.slice(finding.code.length)}` : first;
  const pad = ' '.repeat(ink.markWidth - uncoloured(ink.mark(mark)).length);
  return [`${ink.mark(mark)}${pad} ${coloured}`, ...rest.map((line) => `${indent}${line}`)];
}

function fields(finding: ReportFinding, report: Report, ink: Ink, style: Style): string[] {
  const check = report.checks.find(({ id }) => id === finding.check);
  const { confirm } = finding;
  const fix = finding.remedy.flatMap((remedy) =>
    remedy.command.map((line, index) => (index === remedy.command.length - 1 ? `${line}   # ${remedy.note}` : line)),
  );
  const prose = (label: string, value: string | undefined): string[] =>
    value === undefined || value === '' ? [] : hanging(labelled(label, ink), ink.plain(value), style.width, margin.length + 10);
  const commands = (label: string, lines: readonly string[]): string[] =>
    lines
      .filter((line) => line !== '')
      .map((line, index) => `${index === 0 ? labelled(label, ink) : margin + ' '.repeat(10)}${ink.plain(line)}`);
  return [
    ...prose('where', whereOf(finding)),
    ...prose('expected', finding.expected),
    ...prose('found', finding.found),
    ...prose('effect', finding.effect),
    ...commands(
      'confirm',
      confirm.flatMap((line) => line.split('\n')),
    ),
    ...(fix.length > 0 ? commands('fix', fix) : prose('fix', check?.docs.fix)),
    ...(style.verbosity > 0
      ? finding.evidence.flatMap((item) => prose('evidence', `${pathOf(item.ref)}  ${item.field ?? ''}  ${item.observed}`))
      : []),
    ...commands('more', [`meshdoctor explain ${finding.check}`]),
  ];
}

function labelled(label: string, ink: Ink): string {
  return `${margin}${ink.dim(label.padEnd(10))}`;
}

function whereOf(finding: ReportFinding): string {
  const { at, field, between } = finding;
  const origin = at.origin !== undefined && 'file' in at.origin ? `  (${at.origin.file}:${at.origin.line})` : '';
  const direction = between === undefined ? '' : `  from ${between.from} to ${between.to}`;
  return `${pathOf(at)}${field === undefined ? '' : `  ${field}`}${direction}${origin}`;
}

function pathOf(ref: ReportFinding['at']): string {
  if (ref.kind === 'Cluster') return ref.cluster;
  return `${ref.cluster}  ${ref.kind} ${ref.namespace === undefined ? '' : `${ref.namespace}/`}${ref.name}`;
}

/** What a cause explains, a line each. */
function folded(effects: readonly ReportFinding[], ink: Ink, style: Style): string[] {
  const all = effects.length <= foldLimit || style.verbosity > 0;
  const shown = all ? effects : effects.slice(0, foldLimit - 1);
  const lines = shown.flatMap((effect, index) => {
    const first = `${index === 0 ? labelled('explains', ink) : margin + ' '.repeat(10)}${ink.mark(markOf(effect))} `;
    return hanging(first, ink.plain(`${effect.code}  ${pathOf(effect.at)}`), style.width, margin.length + 12);
  });
  const rest = effects.length - shown.length;
  return rest > 0 ? [...lines, `${margin}${' '.repeat(10)}${ink.character('ellipsis')} ${rest} more (--show all)`] : lines;
}
