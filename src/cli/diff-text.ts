import type { Style } from '../api/reporter.ts';
import { count, list } from '../base/text.ts';
import type { Comparison, RankedChange, Side } from '../compare/compare.ts';
import type { FieldChange } from '../compare/fields.ts';
import { objectPath } from '../model/refs.ts';
import { hanging } from '../report/layout.ts';
import { markOf } from '../report/reporters/text-causes.ts';
import type { ReportFinding } from '../report/schema.ts';
import { type Ink, inkOf } from '../report/symbols.ts';

/** Changes that are told in full without -v, and fields of each. */
const mostChanges = 10;
const mostSilent = 5;
const mostFields = 4;

/** The screen of `diff`: what appeared, what is gone, and the changes, those first that explain it. */
export function diffText(
  comparison: Comparison,
  {
    before,
    after,
    exit,
  }: { readonly before: Side; readonly after: Side; readonly exit: { readonly code: number; readonly reason: string } },
  style: Style,
): string {
  const ink = inkOf(style);
  const { introduced, fixed, unchanged, incomparable } = comparison;
  const failing = introduced.some(({ fails }) => fails);
  const mark = failing ? 'error' : introduced.length > 0 ? 'warning' : incomparable.length > 0 ? 'unknown' : 'passed';
  const verdict = `${introduced.length} introduced, ${fixed.length} fixed, ${unchanged.length} unchanged, ${incomparable.length} incomparable; ${count(comparison.changes.length, 'object')} changed`;
  const blocks = [
    [
      ink.bold(`${ink.mark(mark)} ${verdict}`),
      ink.dim(`before  ${before.at}  ${ink.plain(before.report.verdict.text)}`),
      ink.dim(`after   ${after.at}  ${ink.plain(after.report.verdict.text)}`),
      ...comparison.remade.map(
        (name) => `${ink.mark('warning')} ${name} was made anew in between: its kube-system namespace has another UID.`,
      ),
    ],
    findingBlock('INTRODUCED', introduced, ink, style),
    findingBlock('FIXED', fixed, ink, style, 'passed'),
    ...(style.verbosity > 0 ? [findingBlock('UNCHANGED', unchanged, ink, style)] : []),
    incomparableBlock(comparison, ink, style),
    changeBlock(comparison, ink, style),
    notComparedBlock(comparison, ink, style),
    [`exit ${exit.code}: ${exit.reason}`],
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

function findingBlock(title: string, findings: readonly ReportFinding[], ink: Ink, style: Style, mark?: 'passed'): string[] {
  if (findings.length === 0) return [];
  return [
    ink.bold(`${title} (${findings.length})`),
    ...findings.flatMap((finding) =>
      hanging(
        `${ink.mark(mark ?? markOf(finding))}  `,
        ink.plain(`${finding.code}  ${finding.at.cluster}  ${finding.message}`),
        style.width,
        ink.markWidth + 2,
      ),
    ),
  ];
}

function incomparableBlock({ incomparable }: Comparison, ink: Ink, style: Style): string[] {
  if (incomparable.length === 0) return [];
  return [
    ink.bold(`INCOMPARABLE (${incomparable.length})`),
    ...incomparable.flatMap(({ finding, blind }) => {
      const why = blind === 'before' ? 'there now; before, nobody could look' : 'there before; now, nobody could look';
      return hanging(
        `${ink.mark('unknown')}  `,
        ink.plain(`${finding.code}  ${finding.at.cluster}  ${why}: ${finding.message}`),
        style.width,
        ink.markWidth + 2,
      );
    }),
  ];
}

function changeBlock({ changes, introduced }: Comparison, ink: Ink, style: Style): string[] {
  if (changes.length === 0) return [];
  const isAll = style.verbosity > 0;
  const speaking = changes.filter(({ score }) => score > 0);
  const silent = changes.filter(({ isDerived, score }) => score === 0 && !isDerived);
  const told = isAll ? changes : [...speaking.slice(0, mostChanges), ...silent.slice(0, speaking.length > 0 ? mostSilent : mostChanges)];
  const rest = changes.length - told.length;
  const codes = new Map(introduced.map(({ fingerprint, code }) => [fingerprint, code]));
  return [
    ink.bold(`CHANGES (${changes.length})${introduced.length > 0 ? ', what explains most first' : ''}`),
    ...told.flatMap((change) => changeLines(change, codes, ink, style)),
    ...(rest === 0
      ? []
      : [`${ink.character('ellipsis')} ${rest} more, of which nothing that was introduced speaks, or that controllers make (-v)`]),
  ];
}

function changeLines(change: RankedChange, codes: ReadonlyMap<string, string>, ink: Ink, style: Style): string[] {
  const { ref, fields, by, explains } = change;
  const writers = by.slice(0, 3).map(({ manager, operation, at }) => `${manager} (${operation}${at === undefined ? '' : ` ${at}`})`);
  const who = writers.length === 0 ? '' : ` by ${list(writers)}`;
  const shown = style.verbosity > 0 ? fields : fields.slice(0, mostFields);
  const named = [...new Set(explains.flatMap((key) => codes.get(key) ?? []))];
  const indent = ' '.repeat(3);
  return [
    ...hanging('', ink.plain(`${ref.cluster}  ${objectPath(ref)}  ${change.change}${who}`), style.width, indent.length),
    ...shown.flatMap((field) => hanging(indent, ink.plain(fieldText(field)), style.width, indent.length + 2)),
    ...(fields.length > shown.length
      ? [`${indent}${ink.character('ellipsis')} ${count(fields.length - shown.length, 'more field', 'more fields')}`]
      : []),
    ...(named.length === 0 ? [] : hanging(`${indent}explains  `, ink.plain(list(named)), style.width)),
  ];
}

function fieldText({ path, before, after }: FieldChange): string {
  if (before === undefined) return `${path}  + ${after ?? ''}`;
  return after === undefined ? `${path}  - ${before}` : `${path}  ${before} → ${after}`;
}

function notComparedBlock({ notCompared }: Comparison, ink: Ink, style: Style): string[] {
  if (notCompared.length === 0) return [];
  const groups = new Map<string, string[]>();
  for (const { cluster, kind, side, why } of notCompared) {
    const key = `${cluster}  ${side}: ${why}`;
    groups.set(key, [...(groups.get(key) ?? []), kind]);
  }
  return [
    ink.bold('NOT COMPARED'),
    ...[...groups].flatMap(([what, kinds]) =>
      hanging(
        `${ink.mark('unknown')}  `,
        ink.plain(`${what}  ${list(kinds, '', style.verbosity > 0 ? kinds.length : 4)}`),
        style.width,
        ink.markWidth + 2,
      ),
    ),
  ];
}
