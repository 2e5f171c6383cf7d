import type { Finding } from '../api/finding.ts';
import { refKey } from '../model/refs.ts';
import type { Report, ReportCause, ReportCheck, ReportFinding, ReportKnown } from './schema.ts';

/** A finding of another time: what a baseline holds, or what clusters show without an overlay. */
export interface Before {
  readonly fingerprint: string;
  readonly code: string;
  readonly reason?: string | undefined;
  readonly owner?: string | undefined;
  /** The last day on which it counts as known. */
  readonly until?: string | undefined;
}

export interface Suppression {
  /** Code or id of a check; a star stands for anything. */
  readonly code: string;
  /** `west:Secret/istio-system/cacerts`, with stars; any object where it is not given. */
  readonly at?: string | undefined;
  readonly reason: string;
  readonly owner: string;
  /** The last day on which it counts, or `never`. */
  readonly until: string;
}

/** What a run is told about findings before it has any. */
export interface Acquaintance {
  readonly before?: { readonly with: 'baseline' | 'overlay'; readonly files: readonly string[]; readonly findings: readonly Before[] };
  readonly suppressions?: readonly Suppression[];
  /** The run's day. */
  readonly today: string;
  /** Codes by those that they had in earlier versions. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** A code of today for one of any time; what follows the id of a check stays, if only the id is another now. */
export function codeOfToday(code: string, renamed: ReadonlyMap<string, string>): string {
  const whole = renamed.get(code);
  if (whole !== undefined) return whole;
  const slash = code.lastIndexOf('/');
  const check = slash < 0 ? undefined : renamed.get(code.slice(0, slash));
  return check === undefined ? code : check + code.slice(slash);
}

function fingerprintOfToday({ fingerprint, code }: Before, renamed: ReadonlyMap<string, string>): string {
  return fingerprint.startsWith(`${code} `) ? codeOfToday(code, renamed) + fingerprint.slice(code.length) : fingerprint;
}

/** Why findings do not count, by fingerprint. A suppression that was written for a finding says more than a list of all that were there. */
export function knownFindings(findings: readonly Finding[], told: Acquaintance): ReadonlyMap<string, ReportKnown> {
  const known = new Map<string, ReportKnown>();
  const { before, suppressions = [] } = told;
  const entries = new Map((before?.findings ?? []).map((entry) => [fingerprintOfToday(entry, told.renamed), entry]));
  for (const finding of findings) {
    const entry = entries.get(finding.fingerprint);
    if (before !== undefined && entry !== undefined && !isOver(entry.until, told.today))
      known.set(finding.fingerprint, { by: before.with, ...said(entry) });
    const suppression = suppressions.find((one) => !isOver(one.until, told.today) && matches(one, finding, told.renamed));
    if (suppression !== undefined) known.set(finding.fingerprint, { by: 'suppression', ...said(suppression) });
  }
  return known;
}

function said({ reason, owner, until }: Pick<Before, 'reason' | 'owner' | 'until'>): Omit<ReportKnown, 'by'> {
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(owner === undefined ? {} : { owner }),
    ...(until === undefined || until === 'never' ? {} : { until }),
  };
}

/** Days are compared as they are written: the last one still counts. */
function isOver(until: string | undefined, today: string): boolean {
  return until !== undefined && until !== 'never' && until < today;
}

function matches({ code, at }: Suppression, finding: Finding, renamed: ReadonlyMap<string, string>): boolean {
  const wanted = codeOfToday(code, renamed);
  return (globs(wanted, finding.code) || globs(wanted, finding.check)) && (at === undefined || globs(at, refKey(finding.at)));
}

function globs(pattern: string, text: string): boolean {
  const source = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${source.join('.*')}$`).test(text);
}

/** What became of each suppression. One whose check could not look everywhere is not said to be of no use. */
export function suppressionStates(
  findings: readonly Finding[],
  checks: readonly ReportCheck[],
  told: Acquaintance,
): Report['suppressions'] {
  return told.suppressions?.map((one) => {
    const hit = findings.filter((finding) => matches(one, finding, told.renamed)).length;
    const asked = checks.filter(
      ({ id }) => globs(codeOfToday(one.code, told.renamed).replace(/\/(?!\*)[^/]*$/, '*'), id) || id === one.code,
    );
    const isJudged = asked.length > 0 && asked.every(hasJudged);
    const state = isOver(one.until, told.today) ? 'expired' : hit > 0 ? 'used' : isJudged ? 'unused' : 'undecided';
    return { code: one.code, ...(one.at === undefined ? {} : { at: one.at }), ...said(one), reason: one.reason, state, findings: hit };
  });
}

/** What is new, what was there, and what is gone, as far as that can be said: a check that could not judge everything cannot say that something is gone. */
export function comparisonWith(findings: readonly Finding[], checks: readonly ReportCheck[], told: Acquaintance): Report['comparison'] {
  const { before } = told;
  if (before === undefined) return undefined;
  const entries = before.findings.map((entry) => ({
    fingerprint: fingerprintOfToday(entry, told.renamed),
    code: codeOfToday(entry.code, told.renamed),
  }));
  const known = new Set(entries.map(({ fingerprint }) => fingerprint));
  const now = new Set(findings.map(({ fingerprint }) => fingerprint));
  const judged = new Set(checks.filter(hasJudged).map(({ id }) => id));
  const missing = entries.filter(({ fingerprint }) => !now.has(fingerprint));
  const isJudged = ({ code }: { readonly code: string }): boolean => judged.has(code) || judged.has(code.slice(0, code.lastIndexOf('/')));
  return {
    with: before.with,
    files: before.files,
    introduced: findings.filter(({ fingerprint }) => !known.has(fingerprint)).length,
    unchanged: findings.filter(({ fingerprint }) => known.has(fingerprint)).length,
    gone: missing.filter(isJudged),
    incomparable: missing.filter((entry) => !isJudged(entry)),
  };
}

function hasJudged({ results }: ReportCheck): boolean {
  return results.length > 0 && results.every(({ result }) => result !== 'unknown' && result !== 'crashed');
}

/** Causes that are to be told: those that nobody knew of, and what is new under those that somebody did. */
export function openCauses(report: Report): readonly { readonly cause: ReportCause; readonly finding: ReportFinding }[] {
  const findings = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
  const told = new Set<string>();
  return report.causes.flatMap((cause) => {
    const finding = findings.get(cause.fingerprint);
    if (finding === undefined) return [];
    if (finding.known === undefined) return [{ cause, finding }];
    return cause.explains.flatMap((fingerprint) => {
      const effect = findings.get(fingerprint);
      if (effect === undefined || effect.known !== undefined || told.has(fingerprint)) return [];
      told.add(fingerprint);
      const { code, severity, certainty } = effect;
      return [{ cause: { fingerprint, code, severity, certainty, explains: [] }, finding: effect }];
    });
  });
}
