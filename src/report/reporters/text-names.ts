import type { Style } from '../../api/reporter.ts';
import { groupBy, distinct } from '../../base/sort.ts';
import { list } from '../../base/text.ts';
import { hanging, uncoloured } from '../layout.ts';
import { markOfCell } from '../name-marks.ts';
import type { Report, ReportName } from '../schema.ts';
import type { Ink } from '../symbols.ts';

type Caller = ReportName['callers'][number];
type Source = Caller['measured'][number]['by'];

/** Whose word stands in which column, beside what was predicted. */
const sources = { istiod: 'istiod', sidecar: 'sidecar', 'cluster-dns': 'cluster DNS' } as const satisfies Record<Source, string>;
const bySource: readonly Source[] = ['istiod', 'sidecar', 'cluster-dns'];
const heads: readonly string[] = ['predicted', ...bySource.map((by) => sources[by])];

/** Columns that an explanation needs beside the others; with fewer left it has lines of its own. */
const readable = 40;

interface Row {
  /** Only with the first cluster that calls it. */
  readonly name: string;
  readonly caller: Caller;
  readonly mark: string;
  readonly cells: readonly string[];
}

/**
 * For each name and each cluster that may call it: what was predicted, what istiod's name table, the sidecar's DNS proxy and the DNS of
 * the cluster say, where the address leads, and why. What was not asked has no columns.
 */
export function nameTable(report: Report, ink: Ink, style: Style): string[] {
  const { names, source, recorded } = report;
  if (names.length === 0) return [];
  const isMeasured = names.some(({ callers }) => callers.some(({ measured }) => measured.length > 0));
  const rows = names.flatMap((name) =>
    name.callers.map((caller, index): Row => {
      const mark = ink.mark(markOfCell(name, caller));
      return {
        name: index === 0 ? spelled(name) : '',
        caller,
        mark: `${mark}${' '.repeat(ink.markWidth - uncoloured(mark).length)}`,
        cells: isMeasured ? [predictedCell(caller), ...bySource.map((by) => measuredCell(caller, by))] : [],
      };
    }),
  );
  const title = isMeasured
    ? 'NAMES'
    : `NAMES as predicted; ${(recorded?.of ?? source) === 'manifests' ? 'probes need live clusters' : 'probes are off'}`;
  const nameWidth = Math.max(...rows.map(({ name }) => name.length));
  const fromWidth = Math.max(...rows.map(({ caller }) => caller.cluster.length));
  // Long names stand on a line of their own, so that what is said of them keeps half of the width.
  const isNarrow = 2 * (nameWidth + fromWidth) > style.width;
  const place = ({ name, caller, mark }: Row): string => {
    const from = `from ${caller.cluster.padEnd(fromWidth)}  ${mark}  `;
    return isNarrow ? `    ${from}` : `  ${name.padEnd(nameWidth)}  ${from}`;
  };
  const own = ({ name }: Row, said: readonly string[]): string[] => (isNarrow && name !== '' ? [`  ${name}`, ...said] : [...said]);
  if (!isMeasured) {
    const lines = rows.flatMap((row) => {
      const first = place(row);
      return own(row, hanging(first, ink.plain(saying(row.caller, style)), style.width, uncoloured(first).length));
    });
    return [ink.dim(`  ${title}`), ...lines];
  }
  const placeWidth = uncoloured(rows.map(place)[0] ?? '').length;
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map(({ cells }) => cells[column]?.length ?? 0)));
  const columns = widths.reduce((sum, width) => sum + width + 2, 0);
  if (placeWidth + columns - 2 > style.width)
    return [ink.dim(`  ${title}`), ...rows.flatMap((row) => own(row, stacked(row, place(row), ink, style)))];
  const isWide = placeWidth + columns + readable <= style.width;
  const aligned = (cells: readonly string[]): string => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  const lines = rows.flatMap((row) => {
    const first = `${place(row)}${ink.plain(aligned(row.cells))}`;
    const why = ink.plain(saying(row.caller, style));
    if (isWide) return own(row, hanging(`${first}  `, why, style.width, placeWidth + columns));
    return own(row, [first.trimEnd(), ...hanging(' '.repeat(placeWidth), why, style.width)]);
  });
  const head = `  ${title}`.padEnd(placeWidth) + aligned(heads).trimEnd();
  return [ink.dim(head), ...lines];
}

/** Where the columns have no room, as with long addresses of IPv6, each stands with its head. */
function stacked({ caller, cells }: Row, place: string, ink: Ink, style: Style): string[] {
  const said = cells.map((cell, column) => `${heads[column] ?? ''} ${cell}`).join(', ');
  return hanging(place, ink.plain(`${said}; ${saying(caller, style)}`), style.width, uncoloured(place).length);
}

function spelled({ service, port }: ReportName): string {
  const [namespace = '', name = ''] = service.split('/');
  return `${name}.${namespace}${port === undefined ? '' : `:${port}`}`;
}

function predictedCell({ predicted: { by, addresses } }: Caller): string {
  if (by === 'nobody') return 'none';
  return by === 'unknown' ? 'unknown' : shortened(addresses, 'its pods');
}

/** `same`: an address that was predicted. Nobody there was asked: a dash. */
function measuredCell({ predicted, measured }: Caller, by: Source): string {
  const said = distinct(
    measured
      .filter((one) => one.by === by)
      .map(({ outcome, addresses, said: words }) => {
        if (outcome === 'failed') return 'no answer';
        if (outcome === 'unanswered') return by === 'istiod' ? 'not listed' : words;
        const isSame = predicted.addresses.length > 0 && addresses.every((address) => predicted.addresses.includes(address));
        return isSame ? 'same' : shortened(addresses, 'none');
      }),
  );
  return said.length === 0 ? '-' : said.join(' / ');
}

function shortened([first, ...more]: readonly string[], none: string): string {
  if (first === undefined) return none;
  return more.length === 0 ? first : `${first} +${more.length}`;
}

function saying(caller: Caller, style: Style): string {
  const { verdict, because, measured } = caller;
  const asked = style.verbosity > 0 && measured.length > 0 ? `; asked ${askedIn(caller)}` : '';
  if (verdict === 'broken' || verdict === 'unknown') return `${because}${asked}`;
  const address = measured.length > 0 ? '' : `${list(caller.predicted.addresses, 'its pods', 2)} `;
  return `${address}${address === '' ? because : `(${because})`} → ${leads(caller, style)}${asked}`;
}

/** Who was asked: pods before istiods, which tell what a pod should say. */
function askedIn({ measured }: Caller): string {
  const said = measured.map(({ by, pod }) => (by === 'istiod' ? `istiod for ${pod}` : `${sources[by]} ${pod}`));
  return list(said, '', said.length);
}

/** `west, east through 10.200.1.1:15443`. */
function leads({ leadsTo }: Caller, style: Style): string {
  const groups = [...groupBy(leadsTo, ({ cluster, via }) => `${cluster} ${via}`).values()];
  const parts = groups.flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const gateways = same.flatMap(({ gateway }) => gateway ?? []);
    const through = gateways.length === 0 ? '' : ` through ${list(gateways, '', 2)}`;
    const how = first.via === 'raw' ? ' (pod addresses of another network)' : through;
    return [`${first.cluster}${style.verbosity > 0 ? ` (${first.endpoints})` : ''}${how}`];
  });
  return parts.length === 0 ? 'nowhere' : parts.join(', ');
}
