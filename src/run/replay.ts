import type { RunOptions } from '../config/options.ts';
import type { RegisteredCheck } from '../engine/types.ts';
import type { ClusterSnapshot, Snapshot } from '../model/snapshot.ts';
import type { Recording } from '../source/recording.ts';
import { plannedReads } from './plan.ts';

/** A snapshot whose list of clusters belongs to whoever has it. */
export interface OwnSnapshot extends Snapshot {
  readonly clusters: ClusterSnapshot[];
}

/** What a run with these options read, to be written down. */
export function recordingOf(snapshot: Snapshot, options: RunOptions, version: string): Recording {
  if (snapshot.source.kind === 'recorded') throw new RangeError('what was recorded is not recorded again');
  const { kind } = snapshot.source;
  return {
    at: options.now,
    version,
    asked: { probe: options.live?.probe ?? 'off', services: options.services },
    snapshot: { ...snapshot, source: { kind } },
  };
}

/**
 * A recording as a run with this selection would have read it that day: with the clock it was made by, and of clusters that were asked only
 * what these checks ask for. What the user says of the mesh today wins over what was said then.
 */
export function replayed(
  { at, version, asked, snapshot }: Recording,
  options: RunOptions,
  checks: readonly RegisteredCheck[],
): { readonly snapshot: OwnSnapshot; readonly options: RunOptions } {
  const of = snapshot.source.kind;
  const planned = new Set(plannedReads(checks, asked.probe).map(({ kind }) => kind.id));
  const intent = options.topology ?? snapshot.intent;
  return {
    snapshot: {
      schema: snapshot.schema,
      source: { kind: 'recorded', of, at, version },
      ...(intent === undefined ? {} : { intent }),
      clusters: of === 'live' ? snapshot.clusters.map((cluster) => narrowed(cluster, planned)) : [...snapshot.clusters],
      observations: snapshot.observations,
    },
    options: { ...options, now: at, services: options.services.length === 0 ? asked.services : options.services },
  };
}

/** More is recorded than one selection of checks asks for. */
function narrowed(cluster: ClusterSnapshot, planned: ReadonlySet<string>): ClusterSnapshot {
  const kinds = Object.entries(cluster.kinds).map(([id, read]): [string, typeof read] => [
    id,
    planned.has(id) ? read : { status: 'not-asked', because: 'deselected' },
  ]);
  const oddities = Object.entries(cluster.oddities).filter(([id]) => planned.has(id));
  return { ...cluster, kinds: Object.fromEntries(kinds), oddities: Object.fromEntries(oddities) };
}
