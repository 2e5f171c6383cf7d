import { sortedBy } from '../base/sort.ts';
import type { SeenFinding } from '../history/sighting.ts';
import type { HistoryState, Track } from '../history/state.ts';

/** What somebody knows already: causes that were told to them, and clusters that they were told nobody can read. */
export interface Told {
  /** By fingerprint; `hidden`: they know that nobody could look whether it is still there. */
  readonly causes: Readonly<Record<string, { readonly hidden: boolean }>>;
  readonly unreadable: readonly string[];
}

/** What is different from what was told. */
export interface News {
  readonly appeared: readonly Track[];
  readonly cleared: readonly Track[];
  /** They were there, and nobody can look whether they still are. */
  readonly hidden: readonly Track[];
  readonly unreadable: readonly { readonly cluster: string; readonly reason: string }[];
  readonly readable: readonly string[];
}

/** What to tell, and what is known once that has arrived. Causes only, since the rest follows from them; notes wake nobody. */
export function newsSince(told: Told | undefined, { findings, clusters }: HistoryState): { readonly news: News; readonly next: Told } {
  const known = told?.causes ?? {};
  const tracks = sortedBy(findings.values(), ({ finding }) => finding.key);
  const isKnown = ({ finding }: Track): boolean => finding.key in known;
  const appeared = tracks.filter((track) => track.status === 'open' && isLoud(track.finding) && !isKnown(track));
  const kept = tracks.filter((track) => track.status !== 'cleared' && isKnown(track));
  const dead = sortedBy(clusters.values(), ({ name }) => name).flatMap(({ name, unreadable }) =>
    unreadable === undefined ? [] : [{ cluster: name, reason: unreadable }],
  );
  const before = told?.unreadable ?? [];
  return {
    news: {
      appeared,
      cleared: tracks.filter((track) => track.status === 'cleared' && isKnown(track)),
      hidden: kept.filter(({ status, finding }) => status === 'unseen' && known[finding.key]?.hidden === false),
      unreadable: dead.filter(({ cluster }) => !before.includes(cluster)),
      readable: before.filter((name) => clusters.get(name) !== undefined && clusters.get(name)?.unreadable === undefined),
    },
    next: {
      causes: Object.fromEntries([...appeared, ...kept].map(({ finding, status }) => [finding.key, { hidden: status === 'unseen' }])),
      unreadable: dead.map(({ cluster }) => cluster),
    },
  };
}

export function isNothing(news: News): boolean {
  return Object.values(news).every((items: readonly unknown[]) => items.length === 0);
}

function isLoud({ isCause, severity }: SeenFinding): boolean {
  return isCause && severity !== 'info';
}
