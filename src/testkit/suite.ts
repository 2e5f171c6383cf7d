import type { AnyCheck } from '../api/check.ts';
import type { Finding, Outcome } from '../api/finding.ts';
import { projectFacts } from '../collect/facts.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import { judge, type JudgeOptions } from '../engine/judge.ts';
import type { Judgement, RegisteredCheck } from '../engine/types.ts';
import type { ClusterFacts } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { MeshObjects } from '../model/kube.ts';
import type { ClusterObservations } from '../model/observations.ts';
import { refKey } from '../model/refs.ts';
import type { DeclaredTopology, Snapshot } from '../model/snapshot.ts';
import { type MeshInput, objectsIn, timeOf } from './mesh-input.ts';

/** How a mesh is looked at, where that differs from a complete directory whose time is known. */
export interface CaseOptions {
  /** False: a directory that does not claim to hold every object. */
  readonly complete?: boolean;
  /** RFC 3339, or `unknown` for a directory without a present. What the builder says when absent. */
  readonly takenAt?: string;
  /** Names given with `--service`. */
  readonly services?: NonNullable<JudgeOptions['services']>;
  /** What the configuration file declares. */
  readonly intent?: DeclaredTopology;
  /** What probes see in the mesh of the case, or in a variation of it; without it probes are off. Pure. */
  readonly observed?: (mesh: MeshObjects) => readonly ClusterObservations[];
}

/** A mesh with how it is looked at and what may stay undecided: `because @ cluster cluster`. */
export interface HealthyCase {
  readonly mesh: MeshInput;
  readonly options?: CaseOptions;
  readonly inconclusive?: readonly string[];
}

/**
 * A mesh with everything that is found in it: `code @ cluster:Kind/namespace/name`, or with severity and certainty where they
 * matter: `code @ cluster:Kind/namespace/name (warning likely)`.
 */
export interface BrokenCase extends HealthyCase {
  readonly findings: readonly string[];
}

/** Sentences and meshes. A mesh alone is a healthy case without options. */
export interface Cases {
  readonly healthy: Readonly<Record<string, MeshInput | HealthyCase>>;
  readonly broken: Readonly<Record<string, BrokenCase>>;
}

export type FactsByCluster = ReadonlyMap<ClusterName, ClusterFacts>;

/** One case, read through the real collectors. */
export interface Prepared {
  readonly sentence: string;
  readonly isBroken: boolean;
  readonly mesh: MeshObjects;
  readonly options: CaseOptions;
  readonly findings: readonly string[];
  readonly inconclusive: readonly string[];
  readonly snapshot: Snapshot;
  readonly facts: FactsByCluster;
  /** The check's answer about it. */
  readonly judgement: Judgement;
}

/** A check with its cases: what every contract is asked about. */
export interface Suite {
  readonly check: AnyCheck;
  readonly registered: RegisteredCheck;
  readonly cases: readonly Prepared[];
}

export async function suiteOf(check: AnyCheck, cases: Cases): Promise<Suite> {
  const registered: RegisteredCheck = { check, area: 'testkit', origin: 'testkit' };
  const prepared: Prepared[] = [];
  for (const [sentence, given] of Object.entries(cases.healthy))
    prepared.push(await prepare(registered, sentence, isHealthyCase(given) ? given : { mesh: given }));
  for (const [sentence, given] of Object.entries(cases.broken)) prepared.push(await prepare(registered, sentence, given));
  return { check, registered, cases: prepared };
}

async function prepare(registered: RegisteredCheck, sentence: string, given: HealthyCase | BrokenCase): Promise<Prepared> {
  const takenAt = given.options?.takenAt ?? timeOf(given.mesh);
  const options = { ...given.options, ...(takenAt === undefined ? {} : { takenAt }) };
  const mesh = objectsIn(given.mesh);
  const snapshot = snapshotIn(mesh, options);
  const facts = factsOf(snapshot);
  const isBroken = 'findings' in given;
  return {
    sentence,
    isBroken,
    mesh,
    options,
    findings: isBroken ? given.findings : [],
    inconclusive: given.inconclusive ?? [],
    snapshot,
    facts,
    judgement: await judge(snapshot, facts, [registered], judgeOptions(options)),
  };
}

/** Objects → Snapshot, as a directory with these options would be read. */
export function snapshotIn(mesh: MeshObjects, options: CaseOptions): Snapshot {
  const { takenAt } = options;
  const snapshot = snapshotOf(mesh, {
    complete: options.complete ?? true,
    ...(takenAt === 'unknown' || takenAt === undefined ? {} : { takenAt }),
  });
  return {
    ...snapshot,
    ...(options.intent === undefined ? {} : { intent: options.intent }),
    ...(options.observed === undefined ? {} : { observations: options.observed(mesh) }),
  };
}

/** Facts of every cluster, projected as in a run. */
export function factsOf(snapshot: Snapshot): FactsByCluster {
  const observations = new Map(snapshot.observations.map((one) => [one.cluster, one]));
  return new Map(snapshot.clusters.map((cluster) => [cluster.name, projectFacts(cluster, undefined, observations.get(cluster.name))]));
}

export function judgeOptions(options: CaseOptions): JudgeOptions {
  return options.services === undefined ? {} : { services: options.services };
}

/** The check's answer when the facts of a case, or its options, are others. */
export function answer(suite: Suite, prepared: Prepared, facts: FactsByCluster = prepared.facts): Promise<Judgement> {
  return judge(prepared.snapshot, facts, [suite.registered], judgeOptions(prepared.options));
}

/** The check's answer to another mesh, read in the same way as the case. */
export function answerTo(suite: Suite, mesh: MeshObjects, options: CaseOptions): Promise<Judgement> {
  return answerAbout(suite, snapshotIn(mesh, options), options);
}

/** The check's answer to another snapshot. */
export function answerAbout(suite: Suite, snapshot: Snapshot, options: CaseOptions): Promise<Judgement> {
  return judge(snapshot, factsOf(snapshot), [suite.registered], judgeOptions(options));
}

/** `code @ west:Namespace/shop`. */
export function spelled(finding: Finding): string {
  return `${finding.code} @ ${refKey(finding.at)}`;
}

/** `because @ east west`. */
export function spelledOpen(outcome: Extract<Outcome, { kind: 'inconclusive' }>): string {
  return `${outcome.because} @ ${outcome.clusters.join(' ')}`;
}

/** Findings that break silence: at warning or above, and advice. */
export function loud(suite: Suite, findings: readonly Finding[]): Finding[] {
  return findings.filter((finding) => finding.severity !== 'info' || suite.check.advice === true);
}

export function crashes(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap((outcome) => (outcome.kind === 'crashed' ? [`crashed on ${outcome.subject}: ${outcome.error.stack}`] : []));
}

function isHealthyCase(given: MeshInput | HealthyCase): given is HealthyCase {
  return 'mesh' in given;
}
