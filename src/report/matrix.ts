import type { Finding, Outcome } from '../api/finding.ts';
import type { AnyCheck, Mesh } from '../api/index.ts';
import type { Cause } from '../correlate/types.ts';
import { weight } from './cells.ts';
import type { Cell, Report } from './schema.ts';

export interface MatrixFacts {
  readonly findings: readonly Finding[];
  readonly causes: readonly Cause[];
  readonly outcomes: readonly Outcome[];
  readonly checks: ReadonlyMap<string, AnyCheck>;
}

/** Who reaches whom, as predicted from objects: for every direction the worst finding that concerns it. */
export function matrixOf(mesh: Mesh, facts: MatrixFacts): Report['matrix'][number] {
  const clusters = [...mesh.members.values()]
    .filter((member) => !('known' in member.role && member.role.known === 'external'))
    .map((member) => member.cluster);
  const relevant = facts.findings
    .filter((finding) => finding.concerns.some((cluster) => clusters.includes(cluster)))
    .map((finding) => ({ finding, weight: weight(finding, facts.checks.get(finding.check)?.advice === true) }))
    .filter((item) => item.weight !== 'passed')
    .sort((a, b) => (a.weight === b.weight ? 0 : a.weight === 'error' ? -1 : 1));
  const causeOf = causesByEffect(facts.causes);
  const open = facts.outcomes.filter((outcome) => leavesOpen(outcome, facts.checks.get(outcome.check)));
  const cells = clusters.flatMap((from) =>
    clusters.map((to): Cell => {
      if (from === to) return { from, to, state: 'none' };
      const worst = relevant.find(({ finding }) => touches(finding, from, to, mesh));
      if (worst !== undefined) {
        const state = worst.weight === 'error' ? 'broken' : 'warning';
        return {
          from,
          to,
          state,
          cause: causeOf.get(worst.finding.fingerprint) ?? worst.finding.code,
          fingerprint: worst.finding.fingerprint,
        };
      }
      return { from, to, state: open.some((outcome) => concerns(outcome, from, to, facts.checks.get(outcome.check))) ? 'unknown' : 'ok' };
    }),
  );
  return { clusters, cells };
}

/**
 * Which directions a finding breaks. Its own `between` decides. Otherwise a finding about several clusters is about the ways
 * between them, and a finding about one cluster about the ways into it, out of it, or both, by area: nobody comes in through a
 * broken east-west gateway, while names are resolved on the way out.
 */
function touches(finding: Finding, from: string, to: string, mesh: Mesh): boolean {
  const { between, concerns: clusters } = finding;
  if (between !== undefined) return between.from === from && between.to === to;
  const has = (cluster: string): boolean => clusters.some((concerned) => concerned === cluster);
  if (clusters.length > 1) return has(from) && has(to);
  if (finding.area === 'east-west') return has(to);
  if (finding.area === 'dns') return has(from);
  if (finding.area === 'remote-secret') return has(to) || (has(from) && !runsIstiod(from, mesh));
  return has(from) || has(to);
}

/** A cluster that another's istiod serves gets nothing at all when that istiod cannot read it. */
function runsIstiod(cluster: string, mesh: Mesh): boolean {
  return mesh.controlPlanes.some((controlPlane) => controlPlane.cluster === cluster);
}

/** An answer that is missing matters to the matrix when it could have been an error; questions of age alone do not. */
function leavesOpen(outcome: Outcome, check: AnyCheck | undefined): boolean {
  if (check === undefined || check.severity !== 'error' || check.advice === true) return false;
  if (outcome.kind === 'crashed') return true;
  if (outcome.kind !== 'inconclusive') return false;
  return outcome.missing.length === 0 || outcome.missing.some(({ why }) => !(why.status === 'not-asked' && why.because === 'no clock'));
}

function concerns(outcome: Outcome, from: string, to: string, check: AnyCheck | undefined): boolean {
  if (check?.scope === 'pair' && outcome.subject !== 'mesh') return outcome.subject === `${from} ${to}`;
  return outcome.clusters.some((cluster) => cluster === from || cluster === to);
}

function causesByEffect(causes: readonly Cause[]): Map<string, string> {
  const codes = new Map<string, string>();
  for (const cause of causes) {
    for (const finding of [cause.finding, ...cause.explains])
      if (!codes.has(finding.fingerprint)) codes.set(finding.fingerprint, cause.finding.code);
  }
  return codes;
}
