import type { Style } from '../../api/reporter.ts';
import { distinct, groupBy } from '../../base/sort.ts';
import { count, list } from '../../base/text.ts';
import { probesAreOff } from '../../model/observations.ts';
import { unmeasured } from '../gaps.ts';
import { hanging, uncoloured } from '../layout.ts';
import type { NotChecked, Report } from '../schema.ts';
import type { Ink } from '../symbols.ts';

/** Clusters that could not be asked, before all causes: what is found without them is only part of the picture. */
export function unreachedBlock(report: Report, ink: Ink, style: Style): string[] {
  const gone = report.clusters.flatMap(({ name, unreached }) => (unreached === undefined ? [] : [{ name, ...unreached }]));
  if (gone.length === 0) return [];
  return [
    ink.bold(
      ink.paint('unknown', `${gone.every(({ failure }) => failure === 'forbidden') ? 'FORBIDDEN' : 'NOT REACHED'} (${gone.length})`),
    ),
    ...gone.flatMap(({ name, server, reason }) => {
      const open = report.notChecked.filter((gap) => gap.clusters.includes(name)).flatMap((gap) => gap.checks);
      const line = `${name}  ${server}: ${reason}; ${count(distinct(open).length, 'check')} without an answer because of it`;
      return hanging(`${ink.mark('unknown')}  `, ink.plain(line), style.width, uncoloured(ink.mark('unknown')).length + 2);
    }),
  ];
}

/** What nobody looked at, with the weight of a warning. `-q` leaves its count. */
export function gapBlock(report: Report, ink: Ink, style: Style): string[] {
  const open = report.counts.cells - report.counts.done;
  const relations = report.topology.unknownRelations;
  if (report.notChecked.length === 0 && relations.length === 0) return [];
  const title = ink.bold(ink.paint('unknown', `NOT CHECKED (${open})`));
  if (style.verbosity < 0) return [title];
  const known =
    relations.length === 0
      ? []
      : [
          `which clusters belong together  ${list(distinct(relations.map(({ cluster }) => cluster)))}  ${list(distinct(relations.map((item) => `${item.fact} (${item.reason})`)), '', 3)}`,
        ];
  const lines = [...known, ...merged(report.notChecked).map((group) => lineOf(group, report, style))];
  return [
    title,
    ...lines.flatMap((line) =>
      hanging(`${ink.mark('unknown')}  `, ink.plain(line), style.width, uncoloured(ink.mark('unknown')).length + 2),
    ),
  ];
}

/** What only configuration says, where clusters could have been probed. `-q` leaves it to the verdict. */
export function unmeasuredBlock(report: Report, ink: Ink, style: Style): string[] {
  const checks = unmeasured(report);
  if (checks.length === 0 || style.verbosity < 0) return [];
  const title = `NOT MEASURED (${checks.length})`;
  const line = `${probesAreOff}, so that nothing was compared with what configuration promises: ${list(
    checks.map(({ id }) => id),
    'none',
    checks.length,
  )}`;
  return [ink.bold(ink.paint('unknown', title)), ...hanging('', ink.plain(line), style.width)];
}

interface Group {
  readonly checks: readonly string[];
  readonly clusters: readonly string[];
  readonly facts: readonly string[];
  readonly first: NotChecked;
}

/** Facts of one cluster that were not read for one reason are one line, and so are clusters in which the same is missing. */
export function merged(entries: readonly NotChecked[]): Group[] {
  const reasonOf = (entry: NotChecked): unknown[] => [entry.why, entry.reason, entry.blockedBy, entry.incomplete];
  const byCluster = [...groupBy(entries, (entry) => JSON.stringify([entry.clusters, ...reasonOf(entry)])).values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const checks = distinct(same.flatMap((entry) => entry.checks));
    return [{ checks, clusters: first.clusters, facts: distinct(same.flatMap((entry) => entry.missing.map(({ fact }) => fact))), first }];
  });
  return [...groupBy(byCluster, ({ checks, facts, first }) => JSON.stringify([checks, facts, ...reasonOf(first)])).values()].flatMap(
    (same) => {
      const [first] = same;
      return first === undefined ? [] : [{ ...first, clusters: distinct(same.flatMap(({ clusters }) => clusters)) }];
    },
  );
}

function lineOf({ checks, clusters, facts, first }: Group, report: Report, style: Style): string {
  const names = checks.length <= 3 || style.verbosity > 0 ? checks.join(', ') : count(checks.length, 'check');
  const blocker = first.blockedBy === undefined ? undefined : report.findings.find(({ fingerprint }) => fingerprint === first.blockedBy);
  const blocked = blocker === undefined ? '' : ` (blocked by ${blocker.code})`;
  const what = facts.length === 0 ? '' : ` (${list(facts, '', style.verbosity > 0 ? facts.length : 4)})`;
  return `${names}  ${clusters.join(', ')}  ${first.reason}${what}${blocked}`;
}
