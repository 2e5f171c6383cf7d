import type { Style } from '../../api/reporter.ts';
import { count } from '../../base/text.ts';
import { fit, hanging, table, uncoloured } from '../layout.ts';
import type { Cell, Report, ReportCluster } from '../schema.ts';
import type { Ink, Mark } from '../symbols.ts';

/** One row per cluster: what it is, and how its checks went. */
export function clusterTable(report: Report, ink: Ink, style: Style): string[] {
  const head = ['', 'CLUSTER', 'ROLE', 'NETWORK', 'REVISIONS', 'ISTIO', 'RESULT'];
  const rows = report.clusters.map((cluster) => ({ cluster, mark: clusterMark(cluster, report), cells: rowOf(cluster, report) }));
  const plain = [
    head,
    ...rows.map(({ mark, cells, cluster }) => [' '.repeat(shape(ink, mark)), ...cells, resultText(cluster, ink, (_, text) => text)]),
  ];
  const widths = fit(plain, style.width, [1, 2, 3, 4, 5]);
  const lines = table(
    [
      head,
      ...rows.map(({ cluster, mark, cells }) => [
        ink.mark(mark),
        ...cells.map((cell) => ink.plain(cell)),
        resultText(cluster, ink, (m, text) => ink.paint(m, text)),
      ]),
    ],
    widths,
  );
  const unread = report.clusters.flatMap((cluster) =>
    cluster.unread.map(({ what, reason }) => `${cluster.name}: not read: ${what}: ${reason}`),
  );
  return [
    ink.dim(lines[0] ?? ''),
    ...lines.slice(1),
    ...unread.flatMap((line) => hanging('  ', ink.plain(line), style.width)).map((line) => ink.paint('unknown', line)),
  ];
}

export function rowOf(cluster: ReportCluster, report: Report): string[] {
  const known = (values: readonly string[], none: string): string => (values.length === 0 ? none : values.join(', '));
  const hasNoNetwork = report.topology.meshes.some((mesh) =>
    mesh.members.some((member) => member.cluster === cluster.name && 'known' in member.network && member.network.known === null),
  );
  return [
    cluster.name,
    known(cluster.roles, cluster.isMember ? '?' : '–'),
    known(cluster.networks, hasNoNetwork || !cluster.isMember ? '–' : '?'),
    known(cluster.revisions, cluster.isMember ? '?' : '–'),
    known(cluster.versions, '–'),
  ];
}

function resultText(cluster: ReportCluster, ink: Ink, paint: (mark: Mark, text: string) => string): string {
  if (cluster.unreached !== undefined) return paint('unknown', cluster.unreached.failure === 'forbidden' ? 'forbidden' : 'not reached');
  if (!cluster.isMember) return 'no Istio found';
  const { error, warning, passed, unknown } = cluster.results;
  const bare = (mark: Mark): string => uncoloured(ink.mark(mark));
  const part = (mark: Mark, n: number): string => (n === 0 && mark !== 'passed' ? `${bare(mark)} 0` : paint(mark, `${bare(mark)} ${n}`));
  return [part('error', error), part('warning', warning), part('passed', passed), ...(unknown > 0 ? [part('unknown', unknown)] : [])].join(
    '  ',
  );
}

/** A cluster is only called sound when no gap that makes the run incomplete is in it. */
export function clusterMark(cluster: ReportCluster, report: Report): Mark {
  const { error, warning, passed } = cluster.results;
  if (cluster.unreached !== undefined) return 'unknown';
  if (!cluster.isMember) return 'none';
  if (error > 0) return 'error';
  if (warning > 0) return 'warning';
  const open = cluster.unread.length > 0 || report.notChecked.some((gap) => gap.incomplete && gap.clusters.includes(cluster.name));
  return open || passed === 0 ? 'unknown' : 'passed';
}

function shape(ink: Ink, mark: Mark): number {
  return uncoloured(ink.mark(mark)).length;
}

/** Most clusters that a square of all directions is printed for; with more, only those directions that are not in order. */
const squareLimit = 6;

/** FROM → TO: who reaches whom. */
export function matrixTable(matrix: Report['matrix'][number], ink: Ink, style: Style, number?: number): string[] {
  if (matrix.clusters.length < 2) return [];
  const title = number === undefined ? '' : `mesh ${number}: `;
  const square = matrix.clusters.length <= squareLimit ? squareOf(matrix, ink, style, title) : undefined;
  return square ?? listOf(matrix, ink, title);
}

function squareOf(matrix: Report['matrix'][number], ink: Ink, style: Style, title: string): string[] | undefined {
  const cellAt = (from: string, to: string): Cell | undefined => matrix.cells.find((cell) => cell.from === from && cell.to === to);
  const square = (paint: boolean): string[][] => [
    [`  ${title}FROM \\ TO`, ...matrix.clusters],
    ...matrix.clusters.map((from) => [`  ${from}`, ...matrix.clusters.map((to) => cellText(cellAt(from, to), ink, paint))]),
  ];
  const widths = fit(square(false), Number.POSITIVE_INFINITY, []);
  if (widths.reduce((sum, n) => sum + n + 2, -2) > style.width) return undefined;
  const lines = table(square(true), widths);
  return [ink.dim(lines[0] ?? ''), ...lines.slice(1)];
}

function listOf(matrix: Report['matrix'][number], ink: Ink, title: string): string[] {
  const ways = matrix.cells.filter((cell) => cell.state !== 'none');
  const shown = ways.filter((cell) => cell.state !== 'ok');
  const rest = ways.length - shown.length;
  const arrow = ink.character('arrow');
  const width = Math.max(0, ...shown.map((cell) => cell.from.length + cell.to.length));
  const lines = shown.map(
    (cell) => `  ${cell.from} ${arrow} ${cell.to}${' '.repeat(width - cell.from.length - cell.to.length)}  ${cellText(cell, ink, true)}`,
  );
  const last =
    rest > 0
      ? [
          `  ${cellText({ from: '', to: '', state: 'ok' }, ink, true)} ${shown.length === 0 ? `all ${count(rest, 'direction')}` : count(rest, 'other direction')}`,
        ]
      : [];
  return [ink.dim(`  ${title}FROM ${arrow} TO`), ...lines, ...last];
}

function cellText(cell: Cell | undefined, ink: Ink, colours: boolean): string {
  const marks = { none: 'none', ok: 'passed', broken: 'error', warning: 'warning', unknown: 'unknown' } as const satisfies Record<
    Cell['state'],
    Mark
  >;
  const mark = marks[cell?.state ?? 'none'];
  const shown = colours ? ink.mark(mark) : ' '.repeat(shape(ink, mark));
  if (cell?.cause === undefined) return shown;
  return `${shown} ${colours ? ink.paint(mark, cell.cause) : cell.cause}`;
}
