import { defineReporter, type Style } from '../../api/reporter.ts';
import { count, list } from '../../base/text.ts';
import { hanging, uncoloured } from '../layout.ts';
import type { Report, ReportMesh } from '../schema.ts';
import { type Ink, inkOf, type Mark } from '../symbols.ts';
import { causeBlocks } from './text-causes.ts';
import { nameTable } from './text-names.ts';
import { clusterTable, matrixTable } from './text-tables.ts';
import { comparisonBlock, knownBlock, suppressionBlock } from './text-known.ts';
import { istiodBlock } from './text-istiods.ts';
import { forecastBlocks } from './text-forecast.ts';
import { historyBlock } from './text-history.ts';
import { gapBlock, unmeasuredBlock, unreachedBlock } from './text-gaps.ts';

/** The screen: verdict, what was looked at, clusters, directions, names, causes, what was not checked, verdict again. */
export const text = defineReporter({
  format: 'text',
  extension: 'txt',
  render(report: Report, style: Style): string {
    const ink = inkOf(style);
    const blocks = [
      [...verdict(report, ink, style), ...header(report, ink, style)],
      clusterTable(report, ink, style),
      ...(style.verbosity < 0
        ? []
        : report.matrix.map((matrix, index) => matrixTable(matrix, ink, style, report.matrix.length > 1 ? index + 1 : undefined))),
      ...(style.verbosity < 0 ? [] : [nameTable(report, ink, style)]),
      unreachedBlock(report, ink, style),
      ...causeBlocks(report, ink, style),
      historyBlock(report, ink, style),
      knownBlock(report, ink, style),
      comparisonBlock(report, ink, style),
      suppressionBlock(report, ink, style),
      ...forecastBlocks(report, ink, style),
      gapBlock(report, ink, style),
      istiodBlock(report, ink, style),
      unmeasuredBlock(report, ink, style),
      ...(style.verbosity > 0 ? [details(report, ink, style)] : []),
      ending(report, ink, style),
    ];
    return `${blocks
      .filter((block) => block.length > 0)
      .map((block) => block.join('\n'))
      .join('\n\n')}\n`;
  },
});

export const verdictMark = { broken: 'error', warning: 'warning', incomplete: 'unknown', clean: 'passed' } as const satisfies Record<
  Report['verdict']['state'],
  Mark
>;

function verdict(report: Report, ink: Ink, style: Style): string[] {
  return marked(report, report.verdict.text, ink, style).map((line) => ink.bold(line));
}

function header(report: Report, ink: Ink, style: Style): string[] {
  const dot = ` ${ink.character('dot')} `;
  const plugins = report.plugins.map(
    (plugin) => `plug-in ${plugin.name}${plugin.version === undefined ? '' : ` ${plugin.version}`} (${plugin.origin})`,
  );
  const first = [
    `meshdoctor ${report.tool.version}`,
    ...recordedAt(report),
    count(report.clusters.length, 'cluster'),
    count(report.checks.length, 'check'),
    ...(report.today === undefined ? [] : [`expiry as of ${report.today}`]),
    ...plugins,
  ].join(dot);
  const meshes = report.topology.meshes.map((mesh, index) => meshLine(mesh, report.topology.meshes.length > 1 ? ` ${index + 1}` : '', dot));
  return [first, ...meshes].flatMap((line) => hanging('', ink.plain(line), style.width)).map((line) => ink.dim(line));
}

/** When it was recorded; of several recordings each, by its clusters. */
function recordedAt({ recorded }: Report): string[] {
  if (recorded === undefined) return [];
  const parts = recorded.parts?.map(({ at, clusters }) => `${at} (${list(clusters)})`);
  return [`recorded ${parts === undefined ? recorded.at : list(parts, '', parts.length)}`];
}

/** What was inferred: kind, networks, and which control plane serves whom. */
function meshLine(mesh: ReportMesh, number: string, dot: string): string {
  const kind = 'known' in mesh.kind ? mesh.kind.known : 'kind unknown';
  const networks =
    mesh.networks.length === 0 ? 'no network named' : `${mesh.networks.length === 1 ? 'network' : 'networks'} ${list(mesh.networks)}`;
  const planes = mesh.controlPlanes.map((plane) => {
    const served = mesh.members.filter(
      ({ servedBy }) =>
        'known' in servedBy &&
        servedBy.known.some((by) => by.cluster === plane.cluster && by.namespace === plane.namespace && by.revision === plane.revision),
    );
    return `${plane.cluster} (${plane.revision}) serves ${list(
      served.map((member) => member.cluster),
      'nobody',
    )}`;
  });
  const ambient = mesh.dataPlanes.includes('ambient') ? ['ambient'] : [];
  const name = mesh.name === undefined ? '' : ` "${mesh.name}"`;
  return [
    `mesh${number}${name}: ${[kind, ...ambient].join(', ')}`,
    networks,
    ...(planes.length === 0 ? ['no control plane found'] : planes),
    ...(mesh.notGiven.length === 0 ? [] : [`also reads ${list(mesh.notGiven)}, not given`]),
  ].join(dot);
}

/** What -v adds: why the members belong together, and what was odd. */
function details(report: Report, ink: Ink, style: Style): string[] {
  const lines = report.topology.meshes.flatMap((mesh) =>
    mesh.evidence.map(
      ({ because, ref }) => `${because}: ${ref.cluster} ${ref.kind} ${ref.namespace === undefined ? '' : `${ref.namespace}/`}${ref.name}`,
    ),
  );
  const odd = report.clusters.flatMap(({ name, oddities, skipped }) => [
    ...(oddities > 0 ? [`${name}: ${count(oddities, 'field')} of unexpected type ignored`] : []),
    ...(skipped > 0
      ? [`${name}: ${count(skipped, 'document')} skipped that ${skipped === 1 ? 'is no object' : 'are no objects'} of Kubernetes`]
      : []),
  ]);
  const both = [...(lines.length === 0 ? [] : ['MEMBERS BELONG TOGETHER BECAUSE', ...lines.map((line) => `  ${line}`)]), ...odd];
  return both.flatMap((line) => hanging('', ink.plain(line), style.width, 4));
}

function ending(report: Report, ink: Ink, style: Style): string[] {
  const { findings, causes, cells, done } = report.counts;
  const hidden = findings.error + findings.warning + findings.info - report.findings.length;
  const found = [
    ...(findings.error > 0 ? [count(findings.error, 'error')] : []),
    ...(findings.warning > 0 ? [count(findings.warning, 'warning')] : []),
    ...(findings.info > 0 ? [count(findings.info, 'note')] : []),
    ...(causes > 0 ? [count(causes, 'cause')] : ['no findings']),
  ].join(', ');
  const share = cells === 0 ? '' : ` (${Math.floor((100 * done) / cells)}%)`;
  const parts = [
    found,
    `${done} of ${count(cells, 'check')} done${share}${cells > done ? `, ${cells - done} unknown` : ''}`,
    ...(hidden > 0 ? [`${count(hidden, 'finding')} not shown (--show)`] : []),
    `exit ${report.exit.code}: ${report.exit.reason}`,
  ];
  return marked(report, parts.map((part) => part.replaceAll(' ', unbroken)).join(' · '), ink, style).map((line) =>
    line.replaceAll(unbroken, ' '),
  );
}

/** Keeps the words of one part of the last line on one line. */
const unbroken = '\u00A0';

/** A line that carries the verdict's mark. */
function marked(report: Report, line: string, ink: Ink, style: Style): string[] {
  const mark = verdictMark[report.verdict.state];
  const shape = `${uncoloured(ink.mark(mark))} `;
  return hanging(shape, line, style.width).map((part) => ink.paint(mark, ink.plain(part)));
}
