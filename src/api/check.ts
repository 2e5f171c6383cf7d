import type { Fact, FactName, FactTypes, ControlPlane, Service } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { Json } from '../model/kube.ts';
import type { ObservedFactName } from '../model/observations.ts';
import type { ObjectRef } from '../model/refs.ts';
import type { Derived } from '../mesh/derived.ts';
import type { HopName } from '../mesh/path/hop.ts';
import type { ControlPlaneRef, Couple, Member, Mesh } from '../mesh/topology.ts';
import type { Certainty, Evidence, Finding, Message, Severity, Undecided } from './finding.ts';

/**
 * What a check can see, and what a missing need silences:
 * cluster — one cluster; that cluster.
 * managed — one control plane and one cluster that it reads or must read; that couple.
 * pair — two clusters of a mesh in data plane direction; pairs touching the unreadable one.
 * service — one namespaced name with its instances and callers; that service.
 * mesh — everything; the whole check (closed world), unless `partial`.
 */
export type Scope = 'cluster' | 'managed' | 'pair' | 'service' | 'mesh';

export type Needs = readonly FactName[];

/** Needs of a scope: a list for every cluster in view, or a list per end for the two-ended scopes. */
export type NeedsOf<S extends Scope> =
  | Needs
  | (S extends 'managed'
      ? { readonly primary: Needs; readonly member: Needs }
      : S extends 'pair'
        ? { readonly from: Needs; readonly to: Needs }
        : never);

/** Names that end `K` of a two-ended scope may read. */
export type Side<N, K extends string> = N extends Needs
  ? N[number]
  : N extends { readonly [P in K]: infer L }
    ? L extends Needs
      ? L[number]
      : never
    : never;

/** What a check sees of one cluster: values of its needs, and `Fact`s of what it merely uses. Nothing else type-checks or exists. */
export type ClusterView<N extends FactName, U extends FactName> = {
  readonly name: ClusterName;
  /** Stands for the cluster as a whole. */
  readonly ref: ObjectRef;
  readonly member: Member;
  /** False when this list does not claim to hold every object: then absence proves nothing (see `lacks`). */
  readonly isComplete: (fact: N | U) => boolean;
} & { readonly [K in N]: FactTypes[K] } & { readonly [K in Exclude<U, N>]: Fact<FactTypes[K]> };

export type Messages = Readonly<Record<string, (args: never) => Message>>;

/** Where a finding is and what it rests on. */
export interface Where {
  /** The nearest existing object: about something missing, its namespace or cluster. */
  readonly at: ObjectRef;
  readonly field?: string;
  readonly between?: { readonly from: ClusterName; readonly to: ClusterName };
  readonly related?: readonly ObjectRef[];
  readonly evidence?: readonly Evidence[];
  /** Lists whose absence of an object is the evidence: if one of them is partial, the engine makes this inconclusive instead. */
  readonly lacks?: readonly { readonly cluster: ClusterName; readonly fact: FactName }[];
  /** What tells this finding from another of the same code at the same object. */
  readonly subject?: string;
  /** Clusters whose working is touched; default: the subject's (cluster, member, from and to, or all). */
  readonly concerns?: readonly ClusterName[];
}

type Args<M extends Messages, K extends keyof M> = Parameters<M[K]>[0];

/** What every scope's context offers. */
export interface Say<M extends Messages> {
  /** A finding of one of the check's own messages. Yield it. */
  finding<K extends keyof M & string>(key: K, args: Args<M, K>, where: Where): Finding | Undecided;
  /** Part of the subject could not be decided. Yield it. */
  undecided(
    because: string,
    options?: { missing?: readonly { cluster: ClusterName; fact: FactName }[]; blockedBy?: string; clusters?: readonly ClusterName[] },
  ): Undecided;
}

type N<S extends Scope, L extends NeedsOf<S>> = L extends Needs ? L[number] : never;

/** What `run` receives, by scope. */
export type Context<S extends Scope, L extends NeedsOf<S>, M extends Messages, U extends NeedsOf<S>> = Say<M> &
  (S extends 'cluster'
    ? { readonly cluster: ClusterView<N<S, L>, N<S, U>>; readonly mesh: Mesh }
    : S extends 'managed'
      ? {
          readonly primary: ClusterView<Side<L, 'primary'>, Side<U, 'primary'>>;
          readonly member: ClusterView<Side<L, 'member'>, Side<U, 'member'>>;
          readonly controlPlane: ControlPlane;
          readonly couple: Couple;
          readonly mesh: Mesh;
        }
      : S extends 'pair'
        ? {
            readonly from: ClusterView<Side<L, 'from'>, Side<U, 'from'>>;
            readonly to: ClusterView<Side<L, 'to'>, Side<U, 'to'>>;
            readonly mesh: Mesh;
          }
        : S extends 'service'
          ? {
              readonly service: {
                readonly namespace: string;
                readonly name: string;
                readonly instances: ReadonlyMap<ClusterName, Service>;
              };
              /** Named by the user with `--service`, perhaps with a port: then a missing name is an error, not context. */
              readonly named: { readonly port?: number } | undefined;
              readonly clusters: readonly ClusterView<N<S, L>, N<S, U>>[];
              readonly mesh: Mesh;
            }
          : { readonly clusters: readonly ClusterView<N<S, L>, N<S, U>>[]; readonly mesh: Mesh });

/** Which findings a check's finding explains: by code (check id, or id/key), where the coordinate agrees. */
export interface Explains {
  readonly code: string;
  /**
   * cluster — every cluster that the explained finding concerns is among those that this one concerns;
   * same-cluster, other-cluster — the same, and the two are at objects of one cluster, or of two: a fault of the primary, its
   * symptom in a remote;
   * within — the explained one is at an object of a cluster that this one concerns, whomever it concerns itself: a proxy that is cut
   * off from istiod, whatever it lacks and of whom;
   * object — both are at the same object;
   * pair — same direction; mesh — same mesh.
   */
  readonly match: 'cluster' | 'same-cluster' | 'other-cluster' | 'within' | 'object' | 'pair' | 'mesh';
  /** Only findings of these own message keys explain it; default all. */
  readonly keys?: readonly string[];
}

/** Where a call meets what a check finds. */
export interface OnPath {
  /** Hops that it can break: the first of these that does not work has it, and where all of them do, the first in this list. */
  readonly hops: readonly HopName[];
  /** It says why a hop does not work, and does not break one that does. */
  readonly onlyExplains?: true;
  /** Which of its findings are about calls between pods that run; absent: all. */
  readonly isOn?: (finding: Finding) => boolean;
}

export type TopologyKind = 'primary-remote' | 'multi-primary' | 'external' | 'single-cluster';

/** A check as its author writes it. */
export interface CheckDefinition<S extends Scope, L extends NeedsOf<S>, M extends Messages, U extends NeedsOf<S> = readonly []> {
  /** The public code: kebab-case noun phrase, failing adjective first. */
  readonly id: string;
  /** Positive sentence without full stop. */
  readonly title: string;
  readonly severity: Severity;
  readonly certainty: Certainty;
  readonly scope: S;
  /** Facts without which it cannot judge. */
  readonly needs: L;
  /** Facts that sharpen it. Losing one never adds a finding nor raises certainty or severity. */
  readonly uses?: U;
  /** Decided by the engine; an unknown topology makes the check inconclusive. */
  readonly applies?: {
    readonly topology?: readonly TopologyKind[];
    readonly dataPlane?: 'sidecar' | 'ambient';
    readonly networks?: 'multi';
    /** Only where one of these probes was made: without probes there is no such question. */
    readonly probed?: readonly ObservedFactName[];
  };
  /** Mesh scope only: sound on part of the mesh. */
  readonly partial?: true;
  /** Hygiene: shown with --advice only, never fails a run. */
  readonly advice?: true;
  readonly explains?: readonly Explains[];
  /** Where on the way of a call its findings stand; absent: they are about no call that is under way. */
  readonly path?: OnPath;
  /** Ids of the project's list of failure modes. */
  readonly catalogue?: readonly string[];
  /** Codes of earlier versions, each with what it is called now: `--only`, baselines and suppressions go on to understand them. */
  readonly formerly?: Readonly<Record<string, string>>;
  readonly docs: {
    readonly why: string;
    readonly confirm: string;
    readonly fix: string;
    readonly notWhen?: string;
    readonly since?: string;
    readonly see?: readonly string[];
  };
  readonly messages: M;
  run(ctx: Context<S, L, M, U>): Iterable<Finding | Undecided>;
}

/** Needs of any scope. */
export type AnyNeeds = Needs | { readonly primary: Needs; readonly member: Needs } | { readonly from: Needs; readonly to: Needs };

/** What the registry holds: any check, its needs by side. */
export interface AnyCheck {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly certainty: Certainty;
  readonly scope: Scope;
  readonly needs: AnyNeeds;
  readonly uses?: AnyNeeds;
  readonly applies?: {
    readonly topology?: readonly TopologyKind[];
    readonly dataPlane?: 'sidecar' | 'ambient';
    readonly networks?: 'multi';
    readonly probed?: readonly ObservedFactName[];
  };
  readonly partial?: true;
  readonly advice?: true;
  readonly explains?: readonly Explains[];
  readonly path?: OnPath;
  readonly catalogue?: readonly string[];
  readonly formerly?: Readonly<Record<string, string>>;
  readonly docs: {
    readonly why: string;
    readonly confirm: string;
    readonly fix: string;
    readonly notWhen?: string;
    readonly since?: string;
    readonly see?: readonly string[];
  };
  readonly messages: Messages;
  run(ctx: never): Iterable<Finding | Undecided>;
}

/** An identity function: it only gives `run` the types that follow from the definition's own fields. */
export function defineCheck<
  const S extends Scope,
  const L extends NeedsOf<S>,
  M extends Messages,
  const U extends NeedsOf<S> = readonly [],
>(definition: CheckDefinition<S, L, M, U>): CheckDefinition<S, L, M, U> {
  return definition;
}

/** Fact names of a side, or of all sides when the list is not split. */
export function sideNeeds(needs: AnyNeeds | undefined, side: 'primary' | 'member' | 'from' | 'to' | 'any'): Needs {
  if (needs === undefined) return [];
  if (!isSplit(needs)) return needs;
  const split: Readonly<Partial<Record<string, Needs>>> = needs;
  return side === 'any' ? [...new Set(Object.values(split).flatMap((list) => list ?? []))] : (split[side] ?? []);
}

function isSplit(needs: AnyNeeds): needs is Exclude<AnyNeeds, Needs> {
  return !Array.isArray(needs);
}

export type { ControlPlaneRef, Derived, Json };
