import { compareText } from '../base/sort.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { sightingOf } from '../history/sighting.ts';
import { advance } from '../history/state.ts';
import type { Report, ReportFinding } from '../report/schema.ts';
import { changedObjects, type NotCompared, type ObjectChange } from './objects.ts';

/** One side of a comparison: what was read, what it was judged to be, and when. */
export interface Side {
  readonly snapshot: Snapshot;
  readonly report: Report;
  /** RFC 3339. */
  readonly at: string;
}

export interface RankedChange extends ObjectChange {
  /** How well it explains what was introduced; 0: nothing points at it. */
  readonly score: number;
  /** Fingerprints of introduced findings that point at the object, or whose cause does. */
  readonly explains: readonly string[];
}

/** What two looks at a mesh differ in. */
export interface Comparison {
  readonly introduced: readonly ReportFinding[];
  readonly fixed: readonly ReportFinding[];
  readonly unchanged: readonly ReportFinding[];
  /** Of one side only, and the other could not look. */
  readonly incomparable: readonly { readonly finding: ReportFinding; readonly blind: 'before' | 'after' }[];
  /** What explains most comes first. */
  readonly changes: readonly RankedChange[];
  readonly notCompared: readonly NotCompared[];
  /** Clusters that were made anew in between: another one under the same name. */
  readonly remade: readonly string[];
}

/** Compares two looks. `known` as in `sightingOf`: whether a side could have seen what the other saw is decided as a history decides it. */
export function compare(before: Side, after: Side, known: ReadonlyMap<string, readonly string[]>): Comparison {
  const [fixed, unseenAfter] = goneIn(before, after, known);
  const [introduced, unseenBefore] = goneIn(after, before, known);
  const own = new Set(before.report.findings.map(({ fingerprint }) => fingerprint));
  const { changes, notCompared, remade } = changedObjects(before.snapshot, after.snapshot);
  return {
    introduced,
    fixed,
    unchanged: after.report.findings.filter(({ fingerprint }) => own.has(fingerprint)),
    incomparable: [
      ...unseenBefore.map((finding) => ({ finding, blind: 'before' as const })),
      ...unseenAfter.map((finding) => ({ finding, blind: 'after' as const })),
    ],
    changes: ranked(changes, introduced, after.report),
    notCompared,
    remade,
  };
}

/** Findings of one side that the other looked for and does not have, and those that it could not look for. */
function goneIn(side: Side, other: Side, known: ReadonlyMap<string, readonly string[]>): [ReportFinding[], ReportFinding[]] {
  const { state } = advance(undefined, sightingOf(side.report, side.at, known));
  const { transitions } = advance(state, sightingOf(other.report, other.at, known));
  const gone = new Set(transitions.flatMap((one) => (one.kind === 'cleared' ? [one.finding.key] : [])));
  const there = new Set(other.report.findings.map(({ fingerprint }) => fingerprint));
  const missing = side.report.findings.filter(({ fingerprint }) => !there.has(fingerprint));
  return [missing.filter(({ fingerprint }) => gone.has(fingerprint)), missing.filter(({ fingerprint }) => !gone.has(fingerprint))];
}

/** How much it says that a finding names an object so. */
const weights = { at: 8, field: 8, remedy: 6, evidence: 5, related: 3, mention: 3, missing: 3, concerned: 1 } as const;

/** A change explains a finding that names its object, and what that finding explains: so causes weigh more than what follows from them. */
function ranked(changes: readonly ObjectChange[], introduced: readonly ReportFinding[], report: Report): RankedChange[] {
  const fresh = new Set(introduced.map(({ fingerprint }) => fingerprint));
  const effects = new Map(report.causes.map(({ fingerprint, explains }) => [fingerprint, explains.filter((one) => fresh.has(one))]));
  const scored = changes.map((change): RankedChange => {
    const pointing = introduced.flatMap((finding) => {
      const weight = pointsAt(finding, change);
      return weight === 0 ? [] : [{ finding, weight }];
    });
    const score = pointing.reduce((sum, { finding, weight }) => {
      const isCause = effects.has(finding.fingerprint);
      return sum + weight * (isCause ? 2 : 1) + (effects.get(finding.fingerprint)?.length ?? 0);
    }, 0);
    const explains = pointing
      .filter(({ weight }) => weight > weights.concerned)
      .flatMap(({ finding }) => [finding.fingerprint, ...(effects.get(finding.fingerprint) ?? [])]);
    // What controllers make is a consequence more often than a cause.
    return { ...change, score: change.isDerived ? score / 4 : score, explains: [...new Set(explains)] };
  });
  return scored.sort(
    (a, b) =>
      b.score - a.score ||
      Number(a.isDerived) - Number(b.isDerived) ||
      compareText(newest(b), newest(a)) ||
      compareText(refKey(a.ref), refKey(b.ref)),
  );
}

function newest({ by }: ObjectChange): string {
  return by[0]?.at ?? '';
}

function pointsAt(finding: ReportFinding, { ref, fields, change, isDerived }: ObjectChange): number {
  const { at, field, evidence, related, remedy, concerns } = finding;
  const isIt = (one: Pick<ObjectRef, 'kind' | 'namespace' | 'name'> & { readonly cluster: string }): boolean =>
    one.cluster === ref.cluster && one.kind === ref.kind && one.namespace === ref.namespace && one.name === ref.name;
  const touches = (path: string | undefined): boolean =>
    path !== undefined && fields.some((changed) => changed.path.startsWith(path) || path.startsWith(changed.path));
  return (
    (isIt(at) ? weights.at + (touches(field) ? weights.field : 0) : 0) +
    Math.max(0, ...evidence.map((one) => (isIt(one.ref) ? weights.evidence + (touches(one.field) ? weights.field : 0) : 0))) +
    (related.some(isIt) ? weights.related : 0) +
    (remedy.some((one) => one.ref !== undefined && isIt(one.ref)) ? weights.remedy : 0) +
    // What is gone cannot be pointed at: it is spoken of, or it is missed in a cluster that the fault touches.
    (mentions(finding, ref.name) ? weights.mention + (change === 'removed' ? weights.missing : 0) : 0) +
    (change === 'removed' && !isDerived && concerns.includes(ref.cluster) ? weights.concerned : 0)
  );
}

/** Whether a finding speaks of something by a name that is more than a word. */
function mentions({ message, expected, found, effect, args }: ReportFinding, name: string): boolean {
  if (!name.includes('-')) return false;
  const text = [message, expected, found, effect, JSON.stringify(args)].join(' ');
  return new RegExp(`(?<![\\w-])${name.replaceAll(/[.+?^${}()|[\]\\*]/g, '\\$&')}(?![\\w-])`).test(text);
}
