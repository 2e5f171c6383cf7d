import { certainties, type Certainty, type Finding, severities, type Severity } from '../api/finding.ts';
import { count } from '../base/text.ts';
import type { MissingFact } from '../model/facts.ts';

export type FailOn = Severity | 'never';
export type IncompleteReason = 'forbidden' | 'unreachable';

/** What makes a run fail. Never what is shown. */
export interface Policy {
  readonly failOn: FailOn;
  /** A finding less certain than this never fails a run. `possible` cannot be asked for. */
  readonly minCertainty: Exclude<Certainty, 'possible'>;
  /** What was not asked makes a run incomplete too. */
  readonly requireComplete: boolean;
  /** Reasons that do not make a run incomplete. */
  readonly allowIncomplete: 'all' | readonly IncompleteReason[];
  /** 0 for findings and gaps. */
  readonly exitZero: boolean;
}

export const defaultPolicy: Policy = {
  failOn: 'error',
  minCertainty: 'likely',
  requireComplete: false,
  allowIncomplete: [],
  exitZero: false,
};

/** What the exit code is decided from: the whole result, before anything is hidden from display. */
export interface ExitFacts {
  readonly failing: number;
  /** Findings that do not count, because somebody knew of them before. */
  readonly known?: number;
  /** Checks × clusters without an answer because a fact could not be read, or the check crashed. */
  readonly gaps: number;
  readonly crashed: number;
  readonly cells: number;
  readonly meshes: number;
  readonly interrupted: 'SIGINT' | 'SIGTERM' | undefined;
}

/** 0 clean, 1 findings, 3 incomplete, 130 and 143 interrupted. Findings win over gaps: a known fault is more useful than a gap. */
export function exitCode(facts: ExitFacts, policy: Policy): { code: number; reason: string } {
  if (facts.interrupted !== undefined)
    return { code: facts.interrupted === 'SIGINT' ? 130 : 143, reason: `interrupted by ${facts.interrupted}` };
  const verdict = uninterrupted(facts, policy);
  return policy.exitZero && verdict.code !== 0 ? { code: 0, reason: `--exit-zero instead of ${verdict.code}: ${verdict.reason}` } : verdict;
}

function uninterrupted(facts: ExitFacts, policy: Policy): { code: number; reason: string } {
  if (facts.failing > 0) return { code: 1, reason: `${count(facts.failing, 'finding')} at or above --fail-on=${policy.failOn}` };
  if (facts.meshes === 0 && policy.allowIncomplete !== 'all') return { code: 3, reason: 'no mesh was found, so nothing was judged' };
  if (facts.crashed > 0 && facts.crashed === facts.gaps) return { code: 3, reason: `${count(facts.crashed, 'check')} crashed` };
  if (facts.gaps > 0) return { code: 3, reason: `${facts.gaps} of ${count(facts.cells, 'check')} could not be done` };
  if (policy.failOn === 'never') return { code: 0, reason: '--fail-on=never' };
  const known = facts.known ?? 0;
  const but = known === 0 ? '' : ` but ${known} known before`;
  return { code: 0, reason: `no finding at or above --fail-on=${policy.failOn}${but}` };
}

/** Whether a finding fails a run. Something merely possible never does, nor does advice. */
export function fails(finding: Pick<Finding, 'severity' | 'certainty'>, advice: boolean, policy: Policy): boolean {
  if (advice || policy.failOn === 'never') return false;
  return (
    severities.indexOf(finding.severity) <= severities.indexOf(policy.failOn) &&
    certainties.indexOf(finding.certainty) <= certainties.indexOf(policy.minCertainty)
  );
}

/** Whether a missing fact makes a run incomplete. */
export function isGap(why: MissingFact['why'], policy: Policy): boolean {
  switch (why.status) {
    case 'forbidden':
      return !allows(policy, 'forbidden');
    case 'failed':
      return !allows(policy, why.code === 'forbidden' || why.code === 'unauthorized' ? 'forbidden' : 'unreachable');
    case 'not-asked':
    case 'partial':
      return policy.requireComplete;
    case 'absent':
      return false;
    default:
      return why satisfies never;
  }
}

function allows(policy: Policy, reason: IncompleteReason): boolean {
  return policy.allowIncomplete === 'all' || policy.allowIncomplete.includes(reason);
}
