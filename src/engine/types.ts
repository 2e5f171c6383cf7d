import type { Finding, Outcome } from '../api/finding.ts';
import type { AnyCheck } from '../api/check.ts';
import type { ClusterFacts } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { SnapshotFrame } from '../model/snapshot.ts';
import type { Topology } from '../mesh/topology.ts';

/** A check with where it comes from: `built-in`, or the name of its plug-in (then its id is `plugin/id`). */
export interface RegisteredCheck {
  readonly check: AnyCheck;
  readonly area: string;
  readonly origin: string;
}

/** Everything a run knows after judging: what reports are made of. */
export interface Judgement {
  readonly snapshot: SnapshotFrame;
  readonly facts: ReadonlyMap<ClusterName, ClusterFacts>;
  readonly topology: Topology;
  readonly checks: readonly RegisteredCheck[];
  readonly outcomes: readonly Outcome[];
  /** Distinct findings in report order: severity, certainty, code, cluster, object. */
  readonly findings: readonly Finding[];
}
