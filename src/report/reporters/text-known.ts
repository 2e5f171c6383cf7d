import type { Style } from '../../api/reporter.ts';
import { count, list } from '../../base/text.ts';
import { hanging } from '../layout.ts';
import { nameOf } from '../places.ts';
import type { Report, ReportFinding } from '../schema.ts';
import type { Ink } from '../symbols.ts';

/** Most findings listed as known without --show all. */
const foldLimit = 20;

/** What was known before and therefore fails nothing: a line each, with whoever answers for it. `-q` leaves its count to the verdict. */
export function knownBlock(report: Report, ink: Ink, style: Style): string[] {
  const known = report.findings.filter((finding) => finding.known !== undefined);
  if (known.length === 0 || style.verbosity < 0) return [];
  const shown = style.verbosity > 0 || known.length <= foldLimit ? known : known.slice(0, foldLimit - 1);
  return [
    ink.bold(`KNOWN BEFORE (${known.length})`),
    ...shown.flatMap((finding) => line(ink, style, `${finding.code}  ${whereOf(finding)}  ${whyOf(finding)}`)),
    ...(shown.length < known.length ? [`${ink.character('ellipsis')} ${known.length - shown.length} more (--show all)`] : []),
  ];
}

/** How this run differs from the baseline, or from the clusters without the overlay. */
export function comparisonBlock({ comparison }: Report, ink: Ink, style: Style): string[] {
  if (comparison === undefined) return [];
  const { introduced, unchanged, gone, incomparable, files } = comparison;
  const what = comparison.with === 'overlay' ? `the clusters without ${list(files)}` : list(files);
  const parts = [
    `${introduced} introduced`,
    `${unchanged} unchanged`,
    `${gone.length} gone`,
    ...(incomparable.length === 0 ? [] : [`${incomparable.length} not comparable`]),
  ];
  return [
    ...hanging('', ink.plain(`COMPARED WITH ${what}: ${parts.join(', ')}`), style.width).map((text) => ink.bold(text)),
    ...(style.verbosity < 0 ? [] : gone.flatMap(({ fingerprint }) => line(ink, style, `gone  ${fingerprint}`))),
    ...(style.verbosity > 0 ? incomparable.flatMap(({ fingerprint }) => line(ink, style, `not comparable  ${fingerprint}`)) : []),
  ];
}

/** Suppressions that no longer do what they were written for. */
export function suppressionBlock({ suppressions = [] }: Report, ink: Ink, style: Style): string[] {
  const stale = suppressions.filter(({ state }) => state === 'expired' || state === 'unused');
  if (stale.length === 0) return [];
  return [
    ink.bold(`SUPPRESSIONS TO LOOK AT (${stale.length})`),
    ...stale.flatMap(({ code, at, owner, until, state, findings }) => {
      const what = `${code}${at === undefined ? '' : ` at ${at}`}`;
      const why =
        state === 'expired'
          ? `ended on ${until ?? '?'}${findings === 0 ? '' : `, and ${count(findings, 'finding counts', 'findings count')} again`}`
          : 'suppresses nothing';
      return line(ink, style, `${what}  ${why}${owner === undefined ? '' : `  (${owner})`}`);
    }),
  ];
}

function line(ink: Ink, style: Style, text: string): string[] {
  return hanging('   ', ink.plain(text), style.width);
}

function whereOf({ at }: ReportFinding): string {
  return at.kind === 'Cluster' ? at.cluster : `${at.cluster}  ${at.kind} ${nameOf(at)}`;
}

const words = { baseline: 'in the baseline', overlay: 'there without the overlay', suppression: 'suppressed' } as const;

function whyOf({ known }: ReportFinding): string {
  if (known === undefined) return '';
  const { by, reason, owner, until } = known;
  const more = [
    ...(reason === undefined ? [] : [reason]),
    ...(owner === undefined ? [] : [owner]),
    ...(until === undefined ? [] : [`until ${until}`]),
  ];
  return `${words[by]}${more.length === 0 ? '' : `: ${more.join(', ')}`}`;
}
