import { compareText, sortedBy } from '../base/sort.ts';
import type { SeenExpiry, SeenFinding, Sighting } from './sighting.ts';

/** How long something has been so. Times are RFC 3339, durations seconds. */
export interface Track {
  /** As it was seen last. */
  readonly finding: SeenFinding;
  /** What its check reads, and what of that was not to be had when it was seen last. */
  readonly reads: readonly string[];
  readonly withheld: Sighting['withheld'];
  /** open: seen by the last run that looked; unseen: it was open, and could not be looked at since; cleared: looked at, and gone. */
  readonly status: 'open' | 'unseen' | 'cleared';
  readonly firstSeen: string;
  /** When it appeared this time, or the last time. */
  readonly since: string;
  readonly lastSeen: string;
  /** The last time it was gone. */
  readonly clearedAt?: string;
  /** How often it came back after it had been cleared. */
  readonly flaps: number;
  /** How often it was cleared, and how long that took, in all. */
  readonly clears: number;
  readonly clearSeconds: number;
}

export interface ClusterTrack {
  readonly name: string;
  /** Since when it is as it is. */
  readonly since: string;
  /** Why it cannot be read; absent where it can. */
  readonly unreadable?: string;
}

/** What all runs so far add up to. */
export interface HistoryState {
  /** The first and the last run. */
  readonly since: string;
  readonly at: string;
  readonly runs: number;
  readonly exit: number;
  readonly verdict: Sighting['verdict'];
  /** By fingerprint. */
  readonly findings: ReadonlyMap<string, Track>;
  readonly clusters: ReadonlyMap<string, ClusterTrack>;
  /** What ends by itself, as the last run that looked for it said. */
  readonly expiries: readonly SeenExpiry[];
}

/** What one run changed. `after`: seconds that what ended had lasted. */
export type Transition =
  /** `again`: it had been cleared before. */
  | { readonly kind: 'appeared'; readonly at: string; readonly finding: SeenFinding; readonly again: boolean }
  | { readonly kind: 'cleared'; readonly at: string; readonly finding: SeenFinding; readonly after: number }
  | { readonly kind: 'changed'; readonly at: string; readonly finding: SeenFinding; readonly before: SeenFinding }
  /** It was there, and nobody could look whether it still is. */
  | { readonly kind: 'unseen'; readonly at: string; readonly finding: SeenFinding }
  /** It was still there when it could be looked at again. */
  | { readonly kind: 'seen'; readonly at: string; readonly finding: SeenFinding }
  | { readonly kind: 'unreadable'; readonly at: string; readonly cluster: string; readonly reason: string }
  | { readonly kind: 'readable'; readonly at: string; readonly cluster: string; readonly after: number };

export interface Step {
  readonly state: HistoryState;
  /** Clusters first, then findings by their keys. */
  readonly transitions: readonly Transition[];
}

/** The state after one more run, and what it changed. Pure; runs are given in the order of their times. */
export function advance(before: HistoryState | undefined, sighting: Sighting): Step {
  const clusters = clustersAfter(before, sighting);
  const findings = findingsAfter(before, sighting);
  return {
    state: {
      since: before?.since ?? sighting.at,
      at: sighting.at,
      runs: (before?.runs ?? 0) + 1,
      exit: sighting.exit,
      verdict: sighting.verdict,
      findings: findings.tracks,
      clusters: clusters.tracks,
      expiries: sighting.expiries.length === 0 ? (before?.expiries ?? []) : sighting.expiries,
    },
    transitions: [...clusters.transitions, ...findings.transitions],
  };
}

/**
 * The state after all of these runs, in the order of their times, whatever order they are given in. `before`: what runs up to its time added up to; of
 * these no more is counted.
 */
export function folded(sightings: readonly Sighting[], before?: HistoryState): HistoryState | undefined {
  const further = before === undefined ? sightings : sightings.filter(({ at }) => Date.parse(at) > Date.parse(before.at));
  const inOrder = [...further].sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || compareText(a.at, b.at));
  return inOrder.reduce<HistoryState | undefined>((state, sighting) => advance(state, sighting).state, before);
}

function clustersAfter(before: HistoryState | undefined, { at, clusters }: Sighting) {
  const tracks = new Map(before?.clusters);
  const transitions: Transition[] = [];
  for (const { name, unreadable } of clusters) {
    const known = tracks.get(name);
    const isSame = known !== undefined && (known.unreadable === undefined) === (unreadable === undefined);
    tracks.set(name, { name, since: isSame ? known.since : at, ...(unreadable === undefined ? {} : { unreadable }) });
    if (isSame) continue;
    if (unreadable !== undefined) transitions.push({ kind: 'unreadable', at, cluster: name, reason: unreadable });
    else if (known !== undefined) transitions.push({ kind: 'readable', at, cluster: name, after: seconds(known.since, at) });
  }
  return { tracks, transitions };
}

function findingsAfter(before: HistoryState | undefined, sighting: Sighting) {
  const { at } = sighting;
  const tracks = new Map(before?.findings);
  const transitions: Transition[] = [];
  const seen = new Map(sighting.findings.map((finding) => [finding.key, finding]));
  for (const finding of seen.values()) {
    const track = tracks.get(finding.key);
    tracks.set(finding.key, seenAgain(track, finding, sighting));
    if (track === undefined || track.status === 'cleared') transitions.push({ kind: 'appeared', at, finding, again: track !== undefined });
    else if (track.status === 'unseen') transitions.push({ kind: 'seen', at, finding });
    else if (isChanged(track.finding, finding)) transitions.push({ kind: 'changed', at, finding, before: track.finding });
  }
  for (const [key, track] of tracks) {
    const { finding } = track;
    if (seen.has(key) || track.status === 'cleared') continue;
    const looked = lookedAt(track, sighting);
    if (looked === 'yes') {
      const after = seconds(track.since, at);
      tracks.set(key, { ...track, status: 'cleared', clearedAt: at, clears: track.clears + 1, clearSeconds: track.clearSeconds + after });
      transitions.push({ kind: 'cleared', at, finding, after });
    } else if (looked === 'no' && track.status === 'open') {
      tracks.set(key, { ...track, status: 'unseen' });
      transitions.push({ kind: 'unseen', at, finding });
    }
  }
  return { tracks, transitions: sortedBy(transitions, (one) => ('finding' in one ? one.finding.key : '')) };
}

function seenAgain(track: Track | undefined, finding: SeenFinding, { at, reads, withheld }: Sighting): Track {
  const seen = { finding, reads: reads[finding.check] ?? [], withheld, status: 'open', lastSeen: at } as const;
  if (track === undefined) return { ...seen, firstSeen: at, since: at, flaps: 0, clears: 0, clearSeconds: 0 };
  const isBack = track.status === 'cleared';
  return { ...track, ...seen, since: isBack ? at : track.since, flaps: track.flaps + (isBack ? 1 : 0) };
}

function isChanged(a: SeenFinding, b: SeenFinding): boolean {
  return a.severity !== b.severity || a.certainty !== b.certainty || a.message !== b.message;
}

/**
 * Whether a run would have seen a finding: `not meant` when it was not asked for its check or its clusters, which says nothing about it. Who sees no less
 * than was seen when it was there, and does not see it, sees that it is gone.
 */
function lookedAt({ finding, reads, withheld }: Track, run: Sighting): 'yes' | 'no' | 'not meant' {
  const given = new Map(run.clusters.map((cluster) => [cluster.name, cluster]));
  if (run.unselected.includes(finding.check) || finding.rests.some((name) => !given.has(name))) return 'not meant';
  const isHidden = finding.rests.some((name) => {
    if (given.get(name)?.unreadable !== undefined || run.unjudged[finding.check]?.includes(name) === true) return true;
    return run.withheld[name]?.some((kind) => reads.includes(kind) && withheld[name]?.includes(kind) !== true) === true;
  });
  return isHidden ? 'no' : 'yes';
}

function seconds(from: string, to: string): number {
  return Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
}
