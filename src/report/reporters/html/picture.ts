import { distinct } from '../../../base/sort.ts';
import type { Cell, Report, ReportCluster, ReportMesh } from '../../schema.ts';
import type { Mark } from '../../symbols.ts';
import { clusterMark } from '../text-tables.ts';
import { html, type Markup } from './markup.ts';
import { sign } from './signs.ts';

/* A mesh as a picture: a zone per network, a box per cluster, an arrow from a control plane to whom it serves, a line where a direction is broken. */

const box = { width: 190, height: 74, gapX: 56, gapY: 56 } as const;
const zone = { pad: 22, head: 26, gap: 56 } as const;
const margin = 8;
/** Widest picture that a page shows without scrolling. */
const widest = 1080;
/** Boxes side by side in one zone. */
const perRow = 4;
/** Longest name that a box holds, in characters. */
const longest = 20;
/** More lines than these are a tangle: the table below the picture has them all. */
const mostLines = 24;

interface Placed {
  readonly cluster: string;
  readonly x: number;
  readonly y: number;
}

export function picture(mesh: ReportMesh, cells: readonly Cell[], report: Report, index: number): Markup {
  const networks = networksOf(mesh);
  const zones = zonesOf(networks);
  const height = Math.max(...zones.map((one) => one.y + one.height)) + 8;
  const width = Math.max(...zones.map((one) => one.x + one.width)) + 8;
  const places = new Map(zones.flatMap(({ placed }) => placed.map((one) => [one.cluster, one])));
  const byName = new Map(report.clusters.map((cluster) => [cluster.name, cluster]));
  const id = `picture-${index}`;
  return html`<svg viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-labelledby="${id}-title ${id}-text">
<title id="${id}-title">${titleOf(mesh)}</title><desc id="${id}-text">${textOf(mesh, cells)}</desc>
<defs><marker id="${id}-tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0 10 5 0 10z" fill="context-stroke" /></marker></defs>
${zones.map((one) => html`<rect class="zone" x="${one.x}" y="${one.y}" width="${one.width}" height="${one.height}" rx="10" /><text class="small" x="${one.x + zone.pad}" y="${one.y + 22}">${one.name}</text>`)}
${servingLines(mesh, places, id)}${brokenLines(cells, places, id)}
${[...places.values()].map((place) => boxOf(place, byName.get(place.cluster), mesh, report))}
</svg>`;
}

interface Zone {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly placed: readonly Placed[];
}

/** Zones beside each other for as long as they fit, then below. */
function zonesOf(networks: readonly { readonly name: string; readonly clusters: readonly string[] }[]): Zone[] {
  const zones: Zone[] = [];
  let [x, y, rowHeight] = [margin, margin, 0];
  for (const { name, clusters } of networks) {
    const columns = Math.min(perRow, clusters.length);
    const rows = Math.ceil(clusters.length / perRow);
    const width = columns * box.width + (columns - 1) * box.gapX + 2 * zone.pad;
    const height = rows * box.height + (rows - 1) * box.gapY + 2 * zone.pad + zone.head;
    if (x > margin && x + width > widest) [x, y, rowHeight] = [margin, y + rowHeight + zone.gap, 0];
    const [left, top] = [x + zone.pad, y + zone.pad + zone.head];
    const placed = clusters.map(
      (cluster, at): Placed => ({
        cluster,
        x: left + (at % perRow) * (box.width + box.gapX),
        y: top + Math.floor(at / perRow) * (box.height + box.gapY),
      }),
    );
    zones.push({ name, x, y, width, height, placed });
    x += width + zone.gap;
    rowHeight = Math.max(rowHeight, height);
  }
  return zones;
}

function networksOf(mesh: ReportMesh): { readonly name: string; readonly clusters: readonly string[] }[] {
  const nameOf = ({ network }: ReportMesh['members'][number]): string =>
    'known' in network ? (network.known === null ? 'no network named' : network.known) : 'network not known';
  return distinct(mesh.members.map(nameOf)).map((name) => ({
    name,
    clusters: mesh.members.filter((member) => nameOf(member) === name).map(({ cluster }) => cluster),
  }));
}

function titleOf(mesh: ReportMesh): string {
  return `${mesh.name === undefined ? 'Mesh' : `Mesh ${mesh.name}`}: ${'known' in mesh.kind ? mesh.kind.known : 'kind not known'}`;
}

/** The picture in words, for whoever does not see it. */
function textOf(mesh: ReportMesh, cells: readonly Cell[]): string {
  const bad = cells.filter(isBad).map(({ from, to, state }) => `${from} to ${to} is ${state}`);
  return [
    ...networksOf(mesh).map(({ name, clusters }) => `${name}: ${clusters.join(', ')}.`),
    ...(bad.length === 0 ? [] : [`${bad.join('; ')}.`]),
  ].join(' ');
}

/** Gateways of a cluster that callers are sent to, as the names that were asked for tell. */
function gatewaysOf(cluster: string, { names }: Report): string[] {
  const ways = names.flatMap(({ callers }) => callers.flatMap(({ leadsTo }) => leadsTo));
  return distinct(ways.flatMap((way) => (way.cluster === cluster && way.gateway !== undefined ? [way.gateway] : [])));
}

/** A control plane's own cluster has square corners. */
function boxOf({ cluster, x, y }: Placed, found: ReportCluster | undefined, mesh: ReportMesh, report: Report): Markup {
  const mark: Mark = found === undefined ? 'unknown' : clusterMark(found, report);
  const roles = found?.roles ?? [];
  const isHome = mesh.controlPlanes.some((plane) => plane.cluster === cluster);
  const about = [roles.length === 0 ? 'role not known' : roles.join(', '), ...(found?.revisions ?? [])].join(' · ');
  const state = found?.unreached === undefined ? [...(found?.versions ?? []), ...gatewaysOf(cluster, report)].join(' · ') : 'not reached';
  return html`<g><rect class="box ${mark}" x="${x}" y="${y}" width="${box.width}" height="${box.height}" rx="${isHome ? 0 : 14}" />
<text class="${mark}" x="${x + 12}" y="${y + 27}">${sign(mark)}</text><text x="${x + 32}" y="${y + 27}" font-weight="600">${fitting(cluster)}</text>
<text class="small" x="${x + 12}" y="${y + 46}">${fitting(about, 27)}</text><text class="small" x="${x + 12}" y="${y + 63}">${fitting(state, 27)}</text></g>
`;
}

function servingLines(mesh: ReportMesh, places: ReadonlyMap<string, Placed>, id: string): Markup[] {
  const pairs = mesh.members.flatMap(({ cluster, servedBy }) =>
    'known' in servedBy
      ? servedBy.known.filter((plane) => plane.cluster !== cluster).map((plane) => ({ from: plane.cluster, to: cluster }))
      : [],
  );
  return pairs.length > mostLines ? [] : pairs.map((pair) => line(pair, places, id, 'none', 0));
}

function brokenLines(cells: readonly Cell[], places: ReadonlyMap<string, Placed>, id: string): Markup[] {
  const bad = cells.filter(isBad);
  return bad.length > mostLines ? [] : bad.map((cell) => line(cell, places, id, cell.state === 'broken' ? 'error' : 'warning', 12));
}

function isBad({ state }: Cell): boolean {
  return state === 'broken' || state === 'warning';
}

/** From the edge of one box to that of another, beside the line of the opposite direction. */
function line(
  { from, to }: { readonly from: string; readonly to: string },
  places: ReadonlyMap<string, Placed>,
  id: string,
  mark: Mark,
  aside: number,
): Markup {
  const [a, b] = [places.get(from), places.get(to)];
  if (a === undefined || b === undefined || a === b) return html``;
  const [ax, ay, bx, by] = [a.x + box.width / 2, a.y + box.height / 2, b.x + box.width / 2, b.y + box.height / 2];
  const length = Math.hypot(bx - ax, by - ay);
  const [ux, uy] = [(bx - ax) / length, (by - ay) / length];
  const reach = 2 + Math.min(box.width / 2 / Math.max(Math.abs(ux), 0.001), box.height / 2 / Math.max(Math.abs(uy), 0.001));
  const [sx, sy] = [-uy * aside, ux * aside];
  const points = [ax + ux * reach + sx, ay + uy * reach + sy, bx - ux * reach + sx, by - uy * reach + sy].map((value) => Math.round(value));
  return html`<g class="${mark}"><path class="link ${mark}" d="M${points[0] ?? 0} ${points[1] ?? 0}L${points[2] ?? 0} ${points[3] ?? 0}" marker-end="url(#${id}-tip)" /></g>
`;
}

function fitting(text: string, most: number = longest): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
