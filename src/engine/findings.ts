import { certainties, type Finding, type Outcome, severities } from '../api/finding.ts';
import { compareText, distinct, groupBy, sortedBy } from '../base/sort.ts';
import type { ClusterName } from '../model/ids.ts';
import { refKey } from '../model/refs.ts';

/** Distinct findings in report order. The same fault seen through two subjects is one finding: the worse of the two. */
export function findingsOf(outcomes: readonly Outcome[]): Finding[] {
  const all = outcomes.flatMap((outcome) => (outcome.kind === 'findings' ? outcome.findings : []));
  const byFingerprint = groupBy([...all].sort(compareFindings), (finding) => finding.fingerprint);
  return [...byFingerprint.values()].map((same) => merged(same)).sort(compareFindings);
}

function merged(same: readonly Finding[]): Finding {
  const [first, ...rest] = same as [Finding, ...Finding[]];
  if (rest.length === 0) return first;
  return {
    ...first,
    concerns: distinct<ClusterName>(same.flatMap((finding) => finding.concerns)),
    related: once(
      same.flatMap((finding) => finding.related),
      refKey,
    ),
    evidence: once(
      same.flatMap((finding) => finding.evidence),
      ({ ref, field, observed }) => `${refKey(ref)} ${field ?? ''} ${observed}`,
    ),
  };
}

/** Each item once, sorted by its key. */
function once<T>(items: readonly T[], key: (item: T) => string): T[] {
  return sortedBy(new Map(items.map((item) => [key(item), item])).values(), key);
}

export function compareFindings(a: Finding, b: Finding): number {
  return (
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    certainties.indexOf(a.certainty) - certainties.indexOf(b.certainty) ||
    compareText(a.code, b.code) ||
    compareText(refKey(a.at), refKey(b.at)) ||
    compareText(a.fingerprint, b.fingerprint) ||
    compareText(a.message, b.message)
  );
}
