import { type Certainty, certainties, type Finding, type Outcome, severities } from '../api/finding.ts';
import type { Explains } from '../api/check.ts';
import { compareText } from '../base/sort.ts';
import { refKey } from '../model/refs.ts';
import type { Topology } from '../mesh/topology.ts';
import type { Judgement } from '../engine/types.ts';
import type { Cause } from './types.ts';

/** What correlation reads of a judgement. */
export type Correlated = Pick<Judgement, 'findings' | 'checks' | 'topology' | 'outcomes'>;

/**
 * Findings that nothing else explains, with everything they explain directly or through others. A finding explains another when
 * its check lists the other's code and the coordinate agrees. An explanation is at least `likely`, or as certain as what it
 * explains: something merely possible never hides something certain.
 */
export function correlate(judgement: Correlated): Cause[] {
  const { findings } = judgement;
  const effects = edges(judgement);
  const origins = reversed(effects);
  const covered = new Set<number>();
  const causes: Cause[] = [];
  const settle = (node: number, finding: Finding): void => {
    const reached = reach(node, effects);
    for (const other of [node, ...reached]) covered.add(other);
    causes.push(causeOf(finding, reached, findings));
  };
  findings.forEach((finding, node) => {
    if ((origins[node] ?? []).length === 0) settle(node, finding);
  });
  // What is left lies on or behind a cycle: one member, the first in report order, stands for a cycle that nothing else explains.
  findings.forEach((finding, node) => {
    if (covered.has(node)) return;
    const reached = reach(node, effects);
    if ([...reach(node, origins)].every((origin) => reached.has(origin))) settle(node, finding);
  });
  return causes.sort(compareCauses);
}

/** Outcomes whose `blockedBy` is the fingerprint of the finding of that code in one of their clusters; without one it is dropped. */
export function withBlockers(judgement: Correlated): Outcome[] {
  return judgement.outcomes.map((outcome) => {
    if (outcome.kind !== 'inconclusive' || outcome.blockedBy === undefined) return outcome;
    const { blockedBy, ...plain } = outcome;
    const blocker = judgement.findings.find(
      (finding) =>
        (finding.check === blockedBy || finding.code === blockedBy) &&
        outcome.clusters.some((cluster) => finding.concerns.includes(cluster) || finding.at.cluster === cluster),
    );
    return blocker === undefined ? plain : { ...plain, blockedBy: blocker.fingerprint };
  });
}

/** For each finding the indices of those that it explains directly. */
function edges({ findings, checks, topology }: Correlated): number[][] {
  const explains = new Map(checks.map(({ check }) => [check.id, check.explains ?? []]));
  const byCode = new Map<string, number[]>();
  findings.forEach((finding, index) => {
    for (const code of new Set([finding.check, finding.code])) {
      const same = byCode.get(code);
      if (same === undefined) byCode.set(code, [index]);
      else same.push(index);
    }
  });
  const coordinates = findings.map((finding) => coordinateOf(finding, topology));
  return findings.map((finding, index) => {
    const reached = new Set<number>();
    for (const rule of explains.get(finding.check) ?? []) {
      if (rule.keys !== undefined && !rule.keys.includes(keyOf(finding))) continue;
      for (const other of byCode.get(rule.code) ?? []) {
        const effect = findings[other];
        const own = coordinates[index];
        const its = coordinates[other];
        if (other === index || effect === undefined || own === undefined || its === undefined) continue;
        if (mayExplain(finding.certainty, effect.certainty) && agrees(rule.match, own, its)) reached.add(other);
      }
    }
    return [...reached];
  });
}

interface Coordinate {
  readonly object: string;
  readonly cluster: string;
  readonly direction: string | undefined;
  readonly concerns: ReadonlySet<string>;
  readonly meshes: ReadonlySet<number>;
}

function coordinateOf(finding: Finding, topology: Topology): Coordinate {
  const clusters = [finding.at.cluster, ...finding.concerns];
  return {
    object: refKey(finding.at),
    cluster: finding.at.cluster,
    direction: finding.between === undefined ? undefined : `${finding.between.from}>${finding.between.to}`,
    concerns: new Set(finding.concerns),
    meshes: new Set(topology.meshes.flatMap((mesh, index) => (clusters.some((cluster) => mesh.members.has(cluster)) ? [index] : []))),
  };
}

function agrees(match: Explains['match'], a: Coordinate, b: Coordinate): boolean {
  switch (match) {
    case 'cluster':
      return includes(a.concerns, b.concerns);
    case 'same-cluster':
      return a.cluster === b.cluster && includes(a.concerns, b.concerns);
    case 'other-cluster':
      return a.cluster !== b.cluster && includes(a.concerns, b.concerns);
    case 'within':
      return a.concerns.has(b.cluster);
    case 'object':
      return a.object === b.object;
    case 'pair':
      return a.direction !== undefined && a.direction === b.direction;
    case 'mesh':
      return intersects(a.meshes, b.meshes);
    default:
      return match satisfies never;
  }
}

/** Whether everything the effect touches is touched by the cause. */
function includes(cause: ReadonlySet<string>, effect: ReadonlySet<string>): boolean {
  return effect.size > 0 && [...effect].every((cluster) => cause.has(cluster));
}

function mayExplain(cause: Certainty, effect: Certainty): boolean {
  return cause !== 'possible' || effect === 'possible';
}

/** The message key in a code `id/key`; empty where the check has one message. */
function keyOf(finding: Finding): string {
  return finding.code.slice(finding.check.length + 1);
}

function intersects<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  for (const item of a) if (b.has(item)) return true;
  return false;
}

function reversed(graph: readonly (readonly number[])[]): number[][] {
  const back: number[][] = graph.map(() => []);
  graph.forEach((targets, node) => {
    for (const target of targets) back[target]?.push(node);
  });
  return back;
}

/** Every node that can be reached from `start`, without `start` itself. */
function reach(start: number, graph: readonly (readonly number[])[]): Set<number> {
  const seen = new Set([start]);
  const open = [start];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const next of graph[node] ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(next);
    }
  }
  seen.delete(start);
  return seen;
}

function causeOf(finding: Finding, reached: ReadonlySet<number>, findings: readonly Finding[]): Cause {
  const explains = findings.filter((_, index) => reached.has(index));
  const worst = Math.min(...[finding, ...explains].map(({ severity }) => severities.indexOf(severity)));
  return { finding, explains, severity: severities[worst] ?? finding.severity };
}

function compareCauses(a: Cause, b: Cause): number {
  return (
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    certainties.indexOf(a.finding.certainty) - certainties.indexOf(b.finding.certainty) ||
    b.explains.length - a.explains.length ||
    compareText(a.finding.code, b.finding.code) ||
    compareText(refKey(a.finding.at), refKey(b.finding.at)) ||
    compareText(a.finding.fingerprint, b.finding.fingerprint)
  );
}
