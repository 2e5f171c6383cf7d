import type { Style } from '../../api/reporter.ts';
import { count } from '../../base/text.ts';
import { hanging, uncoloured } from '../layout.ts';
import { findingLines, titleOf } from '../reporters/text-causes.ts';
import { type Ink, inkOf, type Mark } from '../symbols.ts';
import type { PathFinding, PathHop, PathReport, PathWay } from './schema.ts';
import { definePathReporter, endsOf, titles, wayTitle } from './words.ts';

const marks = {
  works: 'passed',
  broken: 'error',
  unknown: 'unknown',
  'not-applicable': 'none',
} as const satisfies Record<PathHop['verdict'], Mark>;

const labelWidth = Math.max(...Object.values(titles).map((title) => title.length));

/** The screen: verdict, the call, its hops one below the other, way by way, what broke it and how to mend that, verdict again. */
export const text = definePathReporter({
  format: 'text',
  extension: 'txt',
  render(report: PathReport, style: Style): string {
    const ink = inkOf(style);
    const { first, ways } = report;
    const findings = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
    const common = sharedCluster(ways);
    const blocks = [
      [...verdictLines(report, ink, style), ...header(report, ink, style)],
      [...report.hops, ...common].flatMap((hop) => hopLines(hop, findings, ink, style, first?.way === undefined && first?.hop === hop.hop)),
      ...ways.map((way, index) => wayLines(way, index, report, findings, { ink, style, skip: common.length })),
      ...causeBlocks(report, findings, ink, style),
      ending(report, ink, style),
    ];
    return `${blocks
      .filter((block) => block.length > 0)
      .map((block) => block.join('\n'))
      .join('\n\n')}\n`;
  },
});

/** The cluster hop, where all ways have it in common. */
function sharedCluster(ways: readonly PathWay[]): readonly PathHop[] {
  const [first, ...rest] = ways.map(({ hops }) => hops[0]);
  return first !== undefined && rest.every((hop) => JSON.stringify(hop) === JSON.stringify(first)) ? [first] : [];
}

function verdictLines({ verdict }: PathReport, ink: Ink, style: Style): string[] {
  const mark = marks[verdict.state];
  return hanging(`${uncoloured(ink.mark(mark))} `, verdict.text, style.width).map((line) => ink.bold(ink.paint(mark, ink.plain(line))));
}

function header(report: PathReport, ink: Ink, style: Style): string[] {
  const dot = ` ${ink.character('dot')} `;
  const { mesh, recorded } = report;
  const about = [
    `meshdoctor ${report.tool.version}`,
    ...(recorded === undefined ? [] : [`recorded ${recorded.at}`]),
    ...(mesh === undefined ? [] : [[mesh.kind, ...(mesh.dataPlanes.includes('ambient') ? ['ambient'] : [])].join(', ')]),
    ...(mesh === undefined || mesh.networks.length === 0 ? [] : [mesh.networks.join(', ')]),
  ].join(dot);
  return [endsOf(report), about].flatMap((line) => hanging('', ink.plain(line), style.width)).map((line) => ink.dim(line));
}

interface Look {
  readonly ink: Ink;
  readonly style: Style;
  /** Hops that were shown before. */
  readonly skip: number;
}

function wayLines(
  way: PathWay,
  index: number,
  { ways, first }: PathReport,
  findings: ReadonlyMap<string, PathFinding>,
  { ink, style, skip }: Look,
): string[] {
  const title = `WAY ${index + 1} of ${ways.length} ${ink.character('dot')} ${wayTitle(way)}`;
  const heading = ink.bold(ink.plain(way.verdict === 'unused' ? `${title} (not used)` : title));
  if (way.verdict === 'unused' && style.verbosity < 1) {
    const why = way.hops.find(({ hop }) => hop === 'endpoints');
    return [heading, ...(why === undefined ? [] : hopLines(why, findings, ink, style, false))];
  }
  return [
    heading,
    ...way.hops.slice(skip).flatMap((hop) => hopLines(hop, findings, ink, style, first?.way === index && first.hop === hop.hop)),
  ];
}

/** A hop in a line, and below it what was measured and found. */
function hopLines(hop: PathHop, findings: ReadonlyMap<string, PathFinding>, ink: Ink, style: Style, isFirst: boolean): string[] {
  if (style.verbosity < 0 && hop.verdict === 'not-applicable') return [];
  const mark = marks[hop.verdict];
  const shape = ink.mark(mark);
  const pad = ' '.repeat(ink.markWidth - uncoloured(shape).length);
  const label = titles[hop.hop].padEnd(labelWidth);
  const lead = `${shape}${pad} ${isFirst ? ink.bold(ink.paint(mark, label)) : label}  `;
  const indent = ink.markWidth + 1 + labelWidth + 2;
  const dim = hop.verdict === 'not-applicable' ? ink.dim : (line: string) => line;
  const lines = hanging(' '.repeat(indent), ink.plain(hop.predicted.text), style.width, indent).map((line, index) =>
    index === 0 ? `${lead}${dim(line.slice(indent))}` : dim(line),
  );
  if (style.verbosity < 0) return lines;
  const margin = ' '.repeat(indent);
  const below = (labelText: string, said: string): string[] =>
    hanging(`${margin}${ink.dim(labelText.padEnd(8))}  `, ink.plain(said), style.width, indent + 10);
  const shown = style.verbosity > 0 || hop.verdict !== 'works' ? hop.measured : hop.measured.slice(0, 1);
  const disagrees =
    hop.predicted.verdict !== hop.verdict &&
    hop.predicted.verdict !== 'not-applicable' &&
    hop.measured.some(({ decisive, verdict }) => decisive && verdict === hop.verdict);
  return [
    ...lines,
    ...shown.flatMap(({ by, text: said }) => below('measured', `${by}: ${said}`)),
    ...(disagrees
      ? below('but', `predicted was that it ${hop.predicted.verdict === 'works' ? 'works' : 'does not'}: what was measured counts`)
      : []),
    ...hop.findings.flatMap((fingerprint) => {
      const finding = findings.get(fingerprint);
      return finding === undefined
        ? []
        : below(
            'found',
            `${finding.code}${finding.cause === undefined ? '' : `, because of ${findings.get(finding.cause)?.code ?? 'another fault'}`}`,
          );
    }),
    ...(style.verbosity > 0
      ? hop.evidence.flatMap(({ ref, field, observed }) =>
          below(
            'evidence',
            `${ref.cluster} ${ref.kind} ${ref.namespace === undefined ? '' : `${ref.namespace}/`}${ref.name}  ${field ?? ''}  ${observed}`,
          ),
        )
      : []),
    ...(hop.verdict === 'unknown'
      ? hop.missing.slice(0, 3).flatMap(({ cluster, fact, reason }) => below('missing', `${fact} of ${cluster}: ${reason}`))
      : []),
  ];
}

/** What broke the first broken hop, or hides it: in full, causes before what they explain. What else was found by its title. */
function causeBlocks(report: PathReport, findings: ReadonlyMap<string, PathFinding>, ink: Ink, style: Style): string[][] {
  const { first } = report;
  const hop =
    first === undefined
      ? undefined
      : (first.way === undefined ? report.hops : (report.ways[first.way]?.hops ?? [])).find((one) => one.hop === first.hop);
  const own = (hop?.findings ?? []).flatMap((fingerprint) => findings.get(fingerprint) ?? []);
  const full = [...new Set(own.map((finding) => findings.get(finding.cause ?? '') ?? finding))];
  const rest = report.findings.filter((finding) => !full.includes(finding) && !own.includes(finding));
  return [
    ...full.map((finding, index) => [
      ...(index === 0
        ? [ink.bold(`WHY ${first === undefined ? '' : titles[first.hop]} ${first?.verdict === 'broken' ? 'is broken' : 'cannot be told'}`)]
        : []),
      ...titleOf(finding, ink, style),
      ...(style.verbosity < 0 ? [] : findingLines(finding, finding.fix, ink, style)),
    ]),
    ...(rest.length === 0 ? [] : [[ink.bold('ALSO FOUND ON THE WAY'), ...rest.flatMap((finding) => titleOf(finding, ink, style))]]),
  ];
}

function ending(report: PathReport, ink: Ink, style: Style): string[] {
  const mark = marks[report.verdict.state];
  const others = report.elsewhere === 0 ? [] : [`${count(report.elsewhere, 'error')} beside this way (meshdoctor check)`];
  const line = [
    ...(report.first === undefined ? [] : [`${report.first.verdict === 'broken' ? 'broken' : 'unknown'} at ${titles[report.first.hop]}`]),
    ...others,
    `exit ${report.exit.code}: ${report.exit.reason}`,
  ].join(' · ');
  return hanging(`${uncoloured(ink.mark(mark))} `, line, style.width).map((part) => ink.paint(mark, ink.plain(part)));
}
