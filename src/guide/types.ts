import type { ClusterFacts } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { ObjectRef } from '../model/refs.ts';
import type { Report } from '../report/schema.ts';

/** Set-ups that there is a guide for, in the words of Istio's own. */
export const guided = ['primary-remote', 'multi-primary'] as const;
export type GuidedTopology = (typeof guided)[number];

/** One cluster and the part it plays. */
export interface Site {
  readonly cluster: ClusterName;
  readonly role: 'primary' | 'remote';
  /** What Istio calls it, or will. */
  readonly clusterId: string;
  /** Empty: all clusters are on one network, which has no name. */
  readonly network: string;
}

/** What is to be set up, with every name that commands need. What nobody said is what the clusters say already, else what Istio's guides say. */
export interface Plan {
  readonly topology: GuidedTopology;
  readonly primaries: readonly Site[];
  readonly remotes: readonly Site[];
  readonly meshId: string;
  readonly revision: string;
  readonly namespace: string;
  /** Release of Istio, where one is installed or was asked for. */
  readonly release: string | undefined;
  /** Names are to resolve across clusters; empty: any that exists. `namespace/name` */
  readonly services: readonly string[];
}

/** What is known of the clusters: their facts, and what the checks made of them. */
export interface World {
  readonly facts: ReadonlyMap<ClusterName, ClusterFacts>;
  readonly report: Report;
}

/** Who wrote what a step leaves behind, as managedFields have it. */
export interface Written {
  readonly ref: ObjectRef;
  readonly manager?: string;
  /** RFC 3339. */
  readonly time?: string;
}

/** What there is of a step. Whether that is right, checks say. */
export type Look =
  | { readonly state: 'there'; readonly what: string; readonly by?: Written }
  | { readonly state: 'missing'; readonly what: string }
  /** It is there, and not as was asked for on the command line. */
  | { readonly state: 'other'; readonly what: string; readonly by?: Written }
  | { readonly state: 'unknown'; readonly because: string };

/** Where a step is done: in one cluster, or in `cluster` about `read`. */
export interface Place {
  readonly site: Site;
  /** The other cluster, of steps that join two. */
  readonly read?: Site;
}

/** Commands for what is undone, or the step that has to come first. */
export type Doing = { readonly commands: readonly string[]; readonly note?: string } | { readonly waitsFor: string };

/** One step of a set-up: what is looked for, which checks judge it, and what does it. Nothing is judged here. */
export interface Step {
  /** kebab-case, unique. */
  readonly id: string;
  /** What is done, as a noun phrase. */
  title(place: Place, plan: Plan): string;
  /** Ids of the checks that tell whether it is right. */
  readonly checks: readonly string[];
  /** Those of them that say: it was done after somebody had looked. */
  readonly tooLate?: readonly string[];
  /** Where it is done. */
  places(plan: Plan): readonly Place[];
  look(world: World, place: Place, plan: Plan): Look;
  doing(world: World, place: Place, plan: Plan): Doing;
}

export type StepState = 'done' | 'undone' | 'wrong' | 'too-late' | 'unknown';

/** What became of one step in one place. */
export interface StepResult {
  readonly step: string;
  readonly title: string;
  readonly cluster: string;
  readonly state: StepState;
  /** What was found, or what is wrong. */
  readonly says: string;
  readonly by?: Written;
  /** Findings that make it wrong. */
  readonly findings: readonly { readonly code: string; readonly message: string; readonly fingerprint: string }[];
  /** What does it, or puts it right; empty where nothing is to be done, or something else comes first. */
  readonly commands: readonly string[];
  readonly note?: string;
  /** Id of the step that has to come first. */
  readonly waitsFor?: string;
}

/** A guide as it stands. */
export interface Guidance {
  readonly schema: 1;
  readonly topology: GuidedTopology;
  readonly names: {
    readonly meshId: string;
    readonly revision: string;
    readonly namespace: string;
    readonly release?: string;
    readonly clusters: readonly Site[];
  };
  readonly steps: readonly StepResult[];
  /** Index in `steps` of what to do next. */
  readonly next?: number;
  /** What checks find beside the steps, causes only. */
  readonly others: readonly { readonly code: string; readonly message: string; readonly cluster: string }[];
  readonly counts: Readonly<Record<StepState, number>>;
  /** 0: all done; 1: something to do or wrong; 3: something could not be looked at. */
  readonly exit: 0 | 1 | 3;
}
