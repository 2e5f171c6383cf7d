import type { Report, ReportHistory } from '../report/schema.ts';
import type { HistoryState, Step, Track } from './state.ts';

/** The report with what its history says of it. `step` is what this run made of `before`. */
export function withHistory(report: Report, before: HistoryState | undefined, { state, transitions }: Step): Report {
  const appeared = new Map(
    transitions.flatMap((one) => (one.kind === 'appeared' ? [[one.finding.key, one.again ? 'again' : 'new'] as const] : [])),
  );
  const own = new Set(report.findings.map(({ fingerprint }) => fingerprint));
  const given = new Set(report.clusters.map(({ name }) => name));
  const selected = new Set(report.checks.map(({ id }) => id));
  const tracks = [
    ...report.findings.flatMap(({ fingerprint }) => state.findings.get(fingerprint) ?? []),
    ...[...state.findings.values()].filter(
      ({ finding, status }) => status === 'unseen' && !own.has(finding.key) && given.has(finding.cluster) && selected.has(finding.check),
    ),
  ];
  const history: ReportHistory = {
    since: state.since,
    at: state.at,
    runs: state.runs,
    ...(before === undefined ? {} : { previous: { at: before.at, exit: before.exit } }),
    findings: tracks.map((track) => ({
      ...timesOf(track),
      state: track.status === 'unseen' ? 'unseen' : (appeared.get(track.finding.key) ?? 'open'),
    })),
    cleared: transitions.flatMap((one) => {
      if (one.kind !== 'cleared') return [];
      const { key, code, cluster, message } = one.finding;
      return [{ fingerprint: key, code, cluster, message, since: state.findings.get(key)?.since ?? one.at, seconds: one.after }];
    }),
    clusters: [...state.clusters.values()]
      .filter(({ name }) => given.has(name))
      .map(({ name, since, unreadable }) => ({ cluster: name, state: unreadable === undefined ? 'readable' : 'unreadable', since })),
  };
  return { ...report, history };
}

function timesOf({ finding, firstSeen, since, lastSeen, flaps, clears, clearSeconds }: Track) {
  return { fingerprint: finding.key, firstSeen, since, lastSeen, flaps, clears, clearSeconds };
}
