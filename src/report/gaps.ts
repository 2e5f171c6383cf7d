import type { Outcome } from '../api/finding.ts';
import { compareText, distinct } from '../base/sort.ts';
import type { MissingFact } from '../model/facts.ts';
import { asksForMore, countersReadOnce, notAskedThen, probesAreOff } from '../model/observations.ts';
import { isGap, type Policy } from './policy.ts';
import type { NotChecked, Report, ReportCheck, ReportMissing } from './schema.ts';

/** Checks that compare with measurements, of clusters that could have been probed and were not. */
export function unmeasured({ source, recorded, checks }: Pick<Report, 'source' | 'recorded' | 'checks'>): ReportCheck[] {
  if ((recorded?.of ?? source) === 'manifests') return [];
  return checks.filter(({ results }) => results.length > 0 && results.every(({ because }) => because === probesAreOff));
}

/** Everything that was not judged, grouped: one entry for each cluster, missing fact and reason, naming the checks that wait for it. */
export function notChecked(outcomes: readonly Outcome[], policy: Policy): NotChecked[] {
  const groups = new Map<string, { entry: Omit<NotChecked, 'checks'>; checks: Set<string> }>();
  const add = (check: string, entry: Omit<NotChecked, 'checks'>): void => {
    const key = JSON.stringify([entry.clusters, entry.why, entry.reason, entry.missing, entry.blockedBy]);
    const group = groups.get(key) ?? { entry, checks: new Set<string>() };
    group.checks.add(check);
    groups.set(key, group);
  };
  for (const outcome of outcomes) for (const entry of entriesOf(outcome, policy)) add(outcome.check, entry);
  return [...groups.values()].map(({ entry, checks }) => ({ ...entry, checks: distinct(checks) })).sort(compare);
}

/** Whether an outcome makes the run incomplete. */
export function isIncomplete(outcome: Outcome, policy: Policy): boolean {
  if (outcome.kind === 'crashed') return policy.allowIncomplete !== 'all';
  if (outcome.kind !== 'inconclusive' || outcome.blockedBy !== undefined) return false;
  return outcome.missing.some(({ why }) => isGap(why, policy)) || (policy.requireComplete && outcome.missing.length === 0);
}

function entriesOf(outcome: Outcome, policy: Policy): Omit<NotChecked, 'checks'>[] {
  const clusters = [...outcome.clusters];
  switch (outcome.kind) {
    case 'crashed':
      return [
        { clusters, why: 'crashed', reason: `crashed: ${outcome.error.message}`, missing: [], incomplete: isIncomplete(outcome, policy) },
      ];
    case 'skipped':
      return [{ clusters, why: 'skipped', reason: outcome.because, missing: [], incomplete: false }];
    case 'inconclusive': {
      const incomplete = isIncomplete(outcome, policy);
      const blocked = outcome.blockedBy === undefined ? {} : { blockedBy: outcome.blockedBy };
      if (outcome.missing.length === 0) {
        const why = outcome.because === 'interrupted' ? 'interrupted' : 'undecided';
        return [{ clusters, why, reason: outcome.because, missing: [], incomplete, ...blocked }];
      }
      return outcome.missing.map((missing) => ({
        clusters: [missing.cluster],
        why: missing.why.status,
        reason: reasonOf(missing),
        missing: [missingOf(missing)],
        incomplete: incomplete && isGap(missing.why, policy),
        ...blocked,
      }));
    }
    case 'findings':
    case 'healthy':
    case 'not-applicable':
      return [];
    default:
      return outcome satisfies never;
  }
}

export function missingOf(missing: MissingFact): ReportMissing {
  const { why } = missing;
  return {
    cluster: missing.cluster,
    fact: missing.fact,
    why: why.status,
    reason: reasonOf(missing),
    ...(why.status === 'forbidden' ? { right: { verb: why.verb, resource: why.resource } } : {}),
    ...(why.status === 'failed' ? { failure: why.code } : {}),
  };
}

function reasonOf({ why }: MissingFact): string {
  switch (why.status) {
    case 'forbidden':
      return `forbidden: needs "${why.verb}" on ${why.resource}`;
    case 'failed':
      return `not read: ${why.reason}`;
    case 'absent':
      return 'this API is not served';
    case 'not-asked':
      return notAskedReason[why.because];
    case 'partial':
      return 'the directory does not claim to hold every object';
    default:
      return why satisfies never;
  }
}

const notAskedReason = {
  'directory does not say': 'the directory does not say',
  'no clock': 'no clock: --taken-at is not given',
  deselected: 'not selected',
  'probes off': probesAreOff,
  'opt-in': asksForMore,
  'nothing to probe': 'there is nothing there to probe',
  'not sampled': countersReadOnce,
  'older recording': notAskedThen,
} as const satisfies Record<Extract<MissingFact['why'], { status: 'not-asked' }>['because'], string>;

const urgency = [
  'crashed',
  'interrupted',
  'failed',
  'forbidden',
  'partial',
  'not-asked',
  'absent',
  'undecided',
  'skipped',
] as const satisfies readonly NotChecked['why'][];

function compare(a: NotChecked, b: NotChecked): number {
  return (
    Number(b.incomplete) - Number(a.incomplete) ||
    urgency.indexOf(a.why) - urgency.indexOf(b.why) ||
    compareText(a.clusters.join(' '), b.clusters.join(' ')) ||
    compareText(a.reason, b.reason) ||
    compareText(a.missing[0]?.fact ?? '', b.missing[0]?.fact ?? '') ||
    compareText(a.checks.join(' '), b.checks.join(' '))
  );
}
