import { count, duration } from '../../../base/text.ts';
import { markOfCell } from '../../name-marks.ts';
import type { Report, ReportFinding } from '../../schema.ts';
import type { Mark } from '../../symbols.ts';
import { markOf, pathOf, whereOf } from '../text-causes.ts';
import { merged } from '../text-gaps.ts';
import { sinceOf, unseenOf } from '../text-history.ts';
import { clusterMark, rowOf } from '../text-tables.ts';
import { html, type Markup } from './markup.ts';
import { picture } from './picture.ts';
import { spokenSign } from './signs.ts';

/** One part of the page; without a body it is left out. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Markup | undefined;
}

export function sectionsOf(report: Report): readonly Section[] {
  return [
    { id: 'changes', title: 'What changed', body: changes(report) },
    { id: 'mesh', title: 'Topology', body: report.topology.meshes.length === 0 ? undefined : html`${topology(report)}` },
    { id: 'clusters', title: 'Clusters', body: clusters(report) },
    { id: 'causes', title: `Causes (${report.causes.length})`, body: causes(report) },
    { id: 'names', title: 'Names', body: names(report) },
    { id: 'ends', title: 'What ends by itself', body: ends(report) },
    { id: 'gaps', title: `Not checked (${report.counts.cells - report.counts.done})`, body: gaps(report) },
    { id: 'checks', title: 'Checks', body: checks(report) },
  ];
}

function changes(report: Report): Markup | undefined {
  const { history } = report;
  if (history?.previous === undefined) return undefined;
  const fresh = report.findings.filter(({ fingerprint }) =>
    history.findings.some((one) => one.fingerprint === fingerprint && (one.state === 'new' || one.state === 'again')),
  );
  const unseen = unseenOf(report);
  const items = [
    ...fresh.map(
      (finding) =>
        html`<li>${spokenSign(markOf(finding))} ${sinceOf(report, finding.fingerprint).join(', ')}: ${finding.at.cluster}: ${finding.message}</li>`,
    ),
    ...history.cleared.map(
      ({ cluster, message, seconds }) => html`<li>${spokenSign('passed')} cleared after ${duration(seconds)}: ${cluster}: ${message}</li>`,
    ),
    ...unseen.map(({ fingerprint }) => html`<li>${spokenSign('unknown')} it was there, and nobody could look now: ${fingerprint}</li>`),
  ];
  return html`<p class="quiet">Since ${history.previous.at} (exit ${history.previous.exit}).</p>
${items.length === 0 ? html`<p>Nothing has appeared, and nothing has gone.</p>` : html`<ul>${items}</ul>`}`;
}

function topology(report: Report): Markup[] {
  return report.topology.meshes.map((mesh, index) => {
    const matrix = report.matrix[index];
    return html`<div class="scroll" tabindex="0" role="group" aria-label="Picture of the mesh">${picture(mesh, matrix?.cells ?? [], report, index)}</div>
<p class="quiet">Square corners: a control plane runs there. Grey arrows: it serves that cluster; coloured ones: a direction that is broken or has a warning.</p>
${matrix === undefined ? undefined : matrixTable(matrix)}
${mesh.notGiven.length === 0 ? undefined : html`<p>Its control planes also read ${mesh.notGiven.join(', ')}, which was not given.</p>`}`;
  });
}

const cellMarks = { none: 'none', ok: 'passed', broken: 'error', warning: 'warning', unknown: 'unknown' } as const satisfies Record<
  string,
  Mark
>;

function matrixTable({ clusters: all, cells }: Report['matrix'][number]): Markup | undefined {
  if (all.length < 2) return undefined;
  const byPair = new Map(cells.map((cell) => [`${cell.from}\n${cell.to}`, cell]));
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Table of directions"><table class="matrix"><caption>From each cluster (rows) to each other (columns)</caption>
<thead><tr><th></th>${all.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${all.map(
    (from) => html`<tr><th scope="row">${from}</th>${all.map((to) => {
      const cell = byPair.get(`${from}\n${to}`);
      const shown = spokenSign(cellMarks[cell?.state ?? 'unknown']);
      return html`<td>${cell?.fingerprint === undefined ? shown : html`<a href="#${anchorOf(cell.fingerprint)}" title="${cell.cause ?? ''}">${shown}</a>`}</td>`;
    })}</tr>
`,
  )}</tbody></table></div>`;
}

function clusters(report: Report): Markup {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Table of clusters"><table><thead><tr><th></th>${['Cluster', 'Role', 'Network', 'Revisions', 'Istio', 'Errors', 'Warnings', 'In order', 'Not known', 'Read'].map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${report.clusters.map((cluster) => {
    const { results, unreached, unread } = cluster;
    const [name = '', ...rest] = rowOf(cluster, report);
    const read =
      unreached === undefined
        ? unread.map(({ what, reason }) => `${what}: ${reason}`).join('; ') || (cluster.takenAt ?? '')
        : unreached.reason;
    const numbers = [results.error, results.warning, results.passed, results.unknown];
    return html`<tr><td>${spokenSign(clusterMark(cluster, report))}</td><th scope="row">${name}</th>${[...rest, ...numbers, read].map((value) => html`<td>${value}</td>`)}</tr>
`;
  })}</tbody></table></div>`;
}

function causes(report: Report): Markup | undefined {
  const findings = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
  const marked = new Set(report.causes.map(({ fingerprint }) => fingerprint));
  // A finding that several causes explain is a place in the page once.
  const placeOf = (fingerprint: string): Markup | undefined => {
    if (marked.has(fingerprint)) return undefined;
    marked.add(fingerprint);
    return html` id="${anchorOf(fingerprint)}"`;
  };
  const articles = report.causes.flatMap((cause, index) => {
    const finding = findings.get(cause.fingerprint);
    if (finding === undefined) return [];
    const effects = cause.explains.flatMap((fingerprint) => findings.get(fingerprint) ?? []);
    const about = [finding.advice ? 'advice' : cause.severity, cause.certainty, ...sinceOf(report, finding.fingerprint)].join(' · ');
    return html`<article class="${markOf(finding)}" id="${anchorOf(cause.fingerprint)}"><h3>${spokenSign(markOf(finding))} ${index + 1}. ${finding.message}</h3>
<p class="quiet">${finding.code} · ${about}</p>${fieldsOf(finding, report)}
${effects.length === 0 ? undefined : html`<details open><summary>explains ${count(effects.length, 'finding')}</summary><ul>${effects.map((effect) => html`<li${placeOf(effect.fingerprint)}>${spokenSign(markOf(effect))} ${effect.at.cluster}: ${effect.message} <span class="quiet">${effect.code}</span></li>`)}</ul></details>`}</article>
`;
  });
  return articles.length === 0 ? undefined : html`${articles}`;
}

function fieldsOf(finding: ReportFinding, report: Report): Markup {
  const field = (label: string, value: string | undefined): Markup | undefined =>
    value === undefined || value === '' ? undefined : html`<dt>${label}</dt><dd>${value}</dd>`;
  const commands = (label: string, lines: readonly string[]): Markup | undefined =>
    lines.length === 0 ? undefined : html`<dt>${label}</dt><dd><pre><code>${lines.join('\n')}</code></pre></dd>`;
  const fix = finding.remedy.flatMap(({ note, command }) => [`# ${note}`, ...command]);
  return html`<dl>${field('where', whereOf(finding))}${field('expected', finding.expected)}${field('found', finding.found)}${field('effect', finding.effect)}
${commands('confirm', finding.confirm)}${fix.length > 0 ? commands('fix', fix) : field('fix', report.checks.find(({ id }) => id === finding.check)?.docs.fix)}
${finding.evidence.length === 0 ? undefined : html`<dt>evidence</dt><dd><ul>${finding.evidence.map(({ ref, field: name, observed }) => html`<li>${pathOf(ref)} ${name}: ${observed}</li>`)}</ul></dd>`}</dl>`;
}

function names(report: Report): Markup | undefined {
  if (report.names.length === 0) return undefined;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Table of names"><table><thead><tr><th></th><th scope="col">Name</th><th scope="col">Called from</th><th scope="col">Result</th></tr></thead>
<tbody>${report.names.flatMap(({ service, port, named, callers }) =>
    callers.map(
      (
        caller,
      ) => html`<tr><td>${spokenSign(markOfCell({ named }, caller))}</td><th scope="row">${service}${port === undefined ? '' : `:${port}`}</th><td>${caller.cluster}</td><td>${caller.verdict}: ${caller.because}</td></tr>
`,
    ),
  )}</tbody></table></div>`;
}

function ends({ forecast = [] }: Report): Markup | undefined {
  const events = forecast.flatMap((one) => one.events);
  if (forecast.length === 0) return undefined;
  const unread = forecast.flatMap((one) => one.unread).map(({ cluster, fact }) => `${cluster}: ${fact}`);
  return html`${
    events.length === 0
      ? html`<p>Nothing within ${forecast[0]?.days} days.</p>`
      : html`<div class="scroll" tabindex="0" role="group" aria-label="Table of what ends"><table><thead><tr>${['Ends', 'Days', 'What', 'In', 'Stops'].map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${events.map(
          ({
            at,
            days,
            name,
            clusters: held,
            stops,
            gaps: missing,
          }) => html`<tr><td>${at}</td><td>${days}</td><td>${name}</td><td>${held.join(', ')}</td><td>${[stops, ...missing].filter((text) => text !== '').join('; ')}</td></tr>
`,
        )}</tbody></table></div>`
  }${unread.length === 0 ? undefined : html`<p>${spokenSign('unknown')} Not read, and may hold more: ${unread.join(', ')}.</p>`}`;
}

function gaps(report: Report): Markup | undefined {
  const groups = merged(report.notChecked);
  if (groups.length === 0) return undefined;
  return html`<ul>${groups.map(
    ({
      checks: waiting,
      clusters: of,
      facts,
      first,
    }) => html`<li>${spokenSign('unknown')} ${of.join(', ')}: ${first.reason}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}
<details><summary>${count(waiting.length, 'check')} without an answer</summary><p>${waiting.join(', ')}</p></details></li>
`,
  )}</ul>`;
}

const resultMarks = {
  error: 'error',
  warning: 'warning',
  unknown: 'unknown',
  crashed: 'crashed',
  passed: 'passed',
  'not-applicable': 'none',
} as const satisfies Record<string, Mark>;

function checks(report: Report): Markup {
  const all = report.clusters.map(({ name }) => name);
  return html`<details><summary>${count(report.checks.length, 'check')}, by cluster</summary><div class="scroll" tabindex="0" role="group" aria-label="Table of checks"><table><thead><tr><th scope="col">Check</th>${all.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${report.checks.map(
    ({ id, title, results }) => html`<tr><th scope="row">${id}<br><span class="quiet">${title}</span></th>${all.map((name) => {
      const result = results.find(({ cluster }) => cluster === name)?.result ?? 'not-applicable';
      return html`<td>${spokenSign(resultMarks[result])}</td>`;
    })}</tr>
`,
  )}</tbody></table></div></details>`;
}

/** A fingerprint as the name of a place in the page. */
function anchorOf(fingerprint: string): string {
  return `f-${fingerprint.replace(/[^\w.-]/g, (character) => `_${character.codePointAt(0)?.toString(16) ?? ''}`)}`;
}
