import { defineReporter } from '../../api/reporter.ts';
import { count, list } from '../../base/text.ts';
import { openCauses } from '../known.ts';
import { nameOf, nearestPlace } from '../places.ts';
import type { Report, ReportCause, ReportCluster, ReportFinding } from '../schema.ts';

/** A comment of a pull request takes 65,536 characters; what is longer is cut between two causes. */
const longest = 60_000;
/** Causes that are told in full. */
const mostInFull = 20;

/** For a comment of a pull request or the summary of a step: verdict, clusters, causes, what was not checked. */
export const markdown = defineReporter({
  format: 'markdown',
  extension: 'md',
  render(report: Report): string {
    const open = openCauses(report);
    const known = report.findings.filter((finding) => finding.known !== undefined);
    const before = [heading(report), clusterTable(report.clusters)];
    const after = [knownBlock(known), comparisonBlock(report), gapBlock(report), ending(report)];
    const room = longest - [...before, ...after].join('\n\n').length;
    return `${[...before, ...causeBlocks(open, room), ...after].filter((block) => block !== '').join('\n\n')}\n`;
  },
});

const marks = { broken: '❌', warning: '⚠️', incomplete: '❔', clean: '✅' } as const satisfies Record<Report['verdict']['state'], string>;
const severityMarks = { error: '❌', warning: '⚠️', info: 'ℹ️' } as const;

/** The first line tells a comment of meshdoctor from others, so that it can be replaced. */
function heading(report: Report): string {
  return `<!-- meshdoctor -->\n### ${marks[report.verdict.state]} ${escaped(report.verdict.text)}`;
}

function clusterTable(clusters: readonly ReportCluster[]): string {
  const rows = clusters.map(({ name, roles, networks, revisions, results, unreached }) => {
    const result =
      unreached === undefined
        ? `❌ ${results.error} ⚠️ ${results.warning} ✅ ${results.passed} ❔ ${results.unknown}`
        : `not reached: ${escaped(unreached.reason)}`;
    return [code(name), list(roles, '?'), escaped(list(networks, '–')), escaped(list(revisions, '–')), result];
  });
  return [['Cluster', 'Role', 'Network', 'Revisions', 'Checks'], ['---', '---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

function causeBlocks(told: readonly { readonly cause: ReportCause; readonly finding: ReportFinding }[], room: number): string[] {
  const blocks: string[] = [];
  let left = room;
  for (const [index, { cause, finding }] of told.entries()) {
    const full = index < mostInFull ? causeBlock(cause, finding) : '';
    const block = full === '' || full.length > left - 500 ? titleOf(finding) : full;
    if (block.length > left - 200) return [...blocks, `… and ${count(told.length - index, 'more cause')}.`];
    blocks.push(block);
    left -= block.length + 2;
  }
  return blocks;
}

function titleOf(finding: ReportFinding): string {
  const place = nearestPlace(finding);
  const at = place === undefined ? '' : ` – ${code(`${place.file}:${place.line}`)}`;
  return `${severityMarks[finding.severity]} **${escaped(finding.code)}** ${escaped(finding.message)}${at}`;
}

function causeBlock(cause: ReportCause, finding: ReportFinding): string {
  const { at, field, between, expected, found, effect } = finding;
  const where = at.kind === 'Cluster' ? code(at.cluster) : `${code(at.cluster)} ${escaped(at.kind)} ${code(nameOf(at))}`;
  const items = [
    `${where}${field === undefined ? '' : ` ${code(field)}`}${between === undefined ? '' : `, from ${code(between.from)} to ${code(between.to)}`}`,
    ...(expected === undefined ? [] : [`expected: ${escaped(expected)}`]),
    ...(found === undefined ? [] : [`found: ${escaped(found)}`]),
    ...(effect === undefined ? [] : [`effect: ${escaped(effect)}`]),
    `${cause.certainty}${cause.explains.length === 0 ? '' : `; explains ${count(cause.explains.length, 'other finding')}`}; ${code(`meshdoctor explain ${finding.check}`)}`,
  ];
  const fix = finding.remedy.flatMap(({ command, note }) => [...command, ...(note === '' ? [] : [`# ${note}`])]);
  return [
    titleOf(finding),
    '',
    ...items.map((item) => `- ${item}`),
    ...(fix.length === 0 ? [] : ['', `<details><summary>Fix</summary>\n\n${fenced(fix.join('\n'))}\n\n</details>`]),
  ].join('\n');
}

function knownBlock(known: readonly ReportFinding[]): string {
  if (known.length === 0) return '';
  const lines = known.slice(0, 50).map((finding) => {
    const { by, reason, owner, until } = finding.known ?? { by: 'baseline' };
    const why = [by, reason, owner, until === undefined ? undefined : `until ${until}`].filter((part) => part !== undefined);
    return `- ${escaped(finding.code)} ${code(`${finding.at.cluster} ${finding.at.kind} ${nameOf(finding.at)}`)} (${escaped(why.join(', '))})`;
  });
  return [
    `<details><summary>Known before: ${count(known.length, 'finding')}</summary>\n`,
    ...lines,
    ...(known.length > 50 ? [`- … and ${known.length - 50} more`] : []),
    '\n</details>',
  ].join('\n');
}

function comparisonBlock({ comparison }: Report): string {
  if (comparison === undefined) return '';
  const { introduced, unchanged, gone, incomparable } = comparison;
  return `**Compared with ${comparison.with === 'overlay' ? 'the clusters without the overlay' : 'the baseline'}:** ${introduced} introduced, ${unchanged} unchanged, ${gone.length} fixed, ${incomparable.length} not comparable.`;
}

function gapBlock({ notChecked, counts }: Report): string {
  if (notChecked.length === 0) return '';
  const lines = notChecked.slice(0, 30).map(({ clusters, reason, checks, missing }) => {
    const what = missing.length === 0 ? '' : ` (${missing.map(({ fact }) => fact).join(', ')})`;
    return `- ${list(clusters)}: ${escaped(reason)}${what}: ${list(checks, 'none', 3)}`;
  });
  return [
    `<details><summary>Not checked: ${counts.cells - counts.done} of ${counts.cells}</summary>\n`,
    ...lines,
    ...(notChecked.length > 30 ? [`- … and ${notChecked.length - 30} more`] : []),
    '\n</details>',
  ].join('\n');
}

function ending({ exit, tool }: Report): string {
  return `meshdoctor ${tool.version} · exit ${exit.code}: ${escaped(exit.reason)}`;
}

/** Text that is to be read as it is: nothing of it is markup, and nobody is mentioned. */
export function escaped(text: string): string {
  return text
    .replaceAll(/[\\`*_[\]|]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[@#](?=[\w-])/g, '$&\u200B')
    .replaceAll(/\s+/g, ' ');
}

/** A code span, whatever is in it; a bar would end a cell of a table. */
export function code(text: string): string {
  const fence = text.includes('`') ? '``' : '`';
  const pad = text.includes('`') ? ' ' : '';
  return `${fence}${pad}${text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')}${pad}${fence}`;
}

function fenced(text: string): string {
  const longestRun = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longestRun + 1);
  return `${fence}sh\n${text}\n${fence}`;
}
