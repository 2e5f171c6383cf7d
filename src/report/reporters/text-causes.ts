import type { Style } from '../../api/reporter.ts';
import { count } from '../../base/text.ts';
import { weight } from '../cells.ts';
import { openCauses } from '../known.ts';
import { placeOf } from '../places.ts';
import { hanging, uncoloured } from '../layout.ts';
import type { Report, ReportCause, ReportFinding } from '../schema.ts';
import type { Ink, Mark } from '../symbols.ts';
import { sinceOf } from './text-history.ts';

/** Most explained findings listed under one cause without --show all. */
const foldLimit = 20;
const margin = ' '.repeat(10);

/** Causes of one kind that are told in full without --show all. */
const alikeLimit = 3;

interface Told {
  readonly cause: ReportCause;
  readonly finding: ReportFinding;
  /** Position among all causes, from 1. */
  readonly number: number;
}

/** One block per cause: what is wrong where, what it does, how to see it and how to mend it. Of many alike, the first are told in full. */
export function causeBlocks(report: Report, ink: Ink, style: Style): string[][] {
  const findings = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
  const all = openCauses(report).map((told, index): Told => ({ ...told, number: index + 1 }));
  if (style.verbosity < 0) return [all.flatMap(({ finding }) => titleOf(finding, ink, style))];
  const alike = new Map<string, number>();
  const isFull = ({ finding }: Told): boolean => {
    const before = alike.get(finding.code) ?? 0;
    alike.set(finding.code, before + 1);
    return before < alikeLimit || style.verbosity > 0;
  };
  const full: Told[] = [];
  const brief: Told[] = [];
  for (const told of all) (isFull(told) ? full : brief).push(told);
  return [
    ...full.map(({ cause, finding, number }) => {
      const effects = cause.explains.flatMap((fingerprint) => findings.get(fingerprint) ?? []);
      return [
        heading(cause, finding, `${number} of ${all.length}`, report, ink),
        ...titleOf(finding, ink, style),
        ...findingLines(finding, report.checks.find(({ id }) => id === finding.check)?.docs.fix, ink, style),
        ...folded(effects, ink, style),
      ];
    }),
    briefly(brief, ink, style),
  ];
}

/** Causes like others that were told in full. */
function briefly(causes: readonly Told[], ink: Ink, style: Style): string[] {
  if (causes.length === 0) return [];
  const shown = causes.length <= foldLimit ? causes : causes.slice(0, foldLimit - 1);
  const rest = causes.length - shown.length;
  return [
    ink.bold(`${count(causes.length, 'MORE CAUSE', 'MORE CAUSES')} of these kinds (--show all)`),
    ...shown.flatMap(({ finding }) => titleOf(finding, ink, style)),
    ...(rest > 0 ? [`${ink.character('ellipsis')} ${rest} more`] : []),
  ];
}

function heading(cause: ReportCause, finding: ReportFinding, number: string, report: Report, ink: Ink): string {
  const parts = [
    `CAUSE ${number}`,
    finding.advice ? 'advice' : cause.severity,
    cause.certainty,
    ...(cause.explains.length > 0 ? [`explains ${count(cause.explains.length, 'finding')}`] : []),
    ...sinceOf(report, finding.fingerprint),
  ];
  return ink.bold(parts.join(` ${ink.character('dot')} `));
}

export function markOf(finding: ReportFinding): Mark {
  return finding.severity === 'info' || finding.advice ? 'info' : weight(finding, false);
}

export function titleOf(finding: ReportFinding, ink: Ink, style: Style): string[] {
  const mark = markOf(finding);
  const [first = '', ...rest] = hanging('', ink.plain(`${finding.code}  ${finding.message}`), style.width - ink.markWidth - 1);
  const indent = ' '.repeat(ink.markWidth + 1);
  const coloured = first.startsWith(finding.code) ? `${ink.bold(ink.paint(mark, finding.code))}${first.slice(finding.code.length)}` : first;
  const pad = ' '.repeat(ink.markWidth - uncoloured(ink.mark(mark)).length);
  return [`${ink.mark(mark)}${pad} ${coloured}`, ...rest.map((line) => `${indent}${line}`)];
}

/** Where it is, what it does, how to see it and how to mend it: by commands, else in these words. */
export function findingLines(finding: ReportFinding, inWords: string | undefined, ink: Ink, style: Style): string[] {
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
    ...(fix.length > 0 ? commands('fix', fix) : prose('fix', inWords)),
    ...(style.verbosity > 0
      ? finding.evidence.flatMap((item) => prose('evidence', `${pathOf(item.ref)}  ${item.field ?? ''}  ${item.observed}`))
      : []),
    ...commands('more', [`meshdoctor explain ${finding.check}`]),
  ];
}

function labelled(label: string, ink: Ink): string {
  return `${margin}${ink.dim(label.padEnd(10))}`;
}

export function whereOf(finding: ReportFinding): string {
  const { at, field, between } = finding;
  const line = placeOf(finding);
  const origin = line === undefined ? '' : `  (${line.file}:${line.line})`;
  const direction = between === undefined ? '' : `  from ${between.from} to ${between.to}`;
  return `${pathOf(at)}${field === undefined ? '' : `  ${field}`}${direction}${origin}`;
}

export function pathOf(ref: ReportFinding['at']): string {
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
