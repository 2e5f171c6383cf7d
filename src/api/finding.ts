import type { FactName, MissingFact } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { Json } from '../model/kube.ts';
import type { ObjectRef } from '../model/refs.ts';
import type { Remedy } from './remedy.ts';

/** Istio's three levels. error: traffic or injection is broken now; warning: broken for some, or at the next restart; info: hygiene. */
export type Severity = 'error' | 'warning' | 'info';
/** certain: the evidence is sufficient on its own; likely: one benign explanation exists; possible: context, never fails a run. */
export type Certainty = 'certain' | 'likely' | 'possible';

/** Worst first. */
export const severities = ['error', 'warning', 'info'] as const satisfies readonly Severity[];
/** Surest first. */
export const certainties = ['certain', 'likely', 'possible'] as const satisfies readonly Certainty[];

/** One thing that was read and what it says. */
export interface Evidence {
  readonly ref: ObjectRef;
  /** JSON path with leading dot: `.metadata.labels["topology.istio.io/network"]`. */
  readonly field?: string;
  readonly observed: string;
  readonly expected?: string;
}

/** What a message function gives for its arguments. */
export interface Message {
  /** One sentence: capital, full stop, kind, namespace/name and cluster; fact first, consequence second; at most 160 characters aimed at. */
  readonly text: string;
  readonly expected?: string;
  readonly found?: string;
  /** What does not work because of it. */
  readonly effect?: string;
  /** Read-only command lines that show the fault by hand; the check's own docs.confirm when absent. */
  readonly confirm?: readonly string[];
  /** Ranked, best first, at most three. */
  readonly remedy?: readonly Remedy[];
  /** Lower than the check's own. */
  readonly severity?: Severity;
  readonly certainty?: Certainty;
}

/** What a check says is wrong. */
export interface Finding {
  /** Check id, or id/key where a check has several messages. */
  readonly code: string;
  readonly check: string;
  readonly area: string;
  /** Ids of the project's list of failure modes that this finding claims. */
  readonly catalogue: readonly string[];
  readonly severity: Severity;
  readonly certainty: Certainty;
  readonly message: string;
  readonly expected?: string;
  readonly found?: string;
  readonly effect?: string;
  readonly confirm: readonly string[];
  readonly args: Json;
  /** The nearest existing object. */
  readonly at: ObjectRef;
  readonly field?: string;
  /** Data plane direction, for pair scopes. */
  readonly between?: { readonly from: ClusterName; readonly to: ClusterName };
  readonly related: readonly ObjectRef[];
  readonly evidence: readonly Evidence[];
  readonly remedy: readonly Remedy[];
  /** Clusters whose working this fault touches: the coordinate of correlation. Sorted. */
  readonly concerns: readonly ClusterName[];
  /** code + subjects; never wording, never counts. */
  readonly fingerprint: string;
}

/** Outcome of one check for one subject. Healthy subjects are counted, not kept. */
export type Outcome = { readonly check: string; readonly clusters: readonly ClusterName[]; readonly subject: string } & (
  | { readonly kind: 'findings'; readonly findings: readonly Finding[] }
  | { readonly kind: 'healthy' }
  | { readonly kind: 'not-applicable'; readonly because: string }
  | { readonly kind: 'inconclusive'; readonly because: string; readonly missing: readonly MissingFact[]; readonly blockedBy?: string }
  | { readonly kind: 'skipped'; readonly because: string }
  | { readonly kind: 'crashed'; readonly error: { readonly name: string; readonly message: string; readonly stack: string } }
);

/** Something a check could not decide for part of its subject. */
export interface Undecided {
  readonly undecided: true;
  readonly because: string;
  readonly missing: readonly { readonly cluster: ClusterName; readonly fact: FactName }[];
  /** Code of a check whose finding in one of these clusters hides what this one looks for. */
  readonly blockedBy?: string;
  readonly clusters: readonly ClusterName[];
}
