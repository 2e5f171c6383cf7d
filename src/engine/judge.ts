import { deepFreeze } from '../base/freeze.ts';
import { distinct, groupBy } from '../base/sort.ts';
import { redact } from '../base/text.ts';
import { type AnyCheck, sideNeeds } from '../api/check.ts';
import type { Finding, Outcome, Undecided } from '../api/finding.ts';
import { inferTopology, type Mesh, type Topology } from '../mesh/topology.ts';
import { untoldTargets } from '../mesh/whom-to-ask.ts';
import type { ClusterFacts, Fact, FactName, MissingFact, NotAsked } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import { asksForMore, countersReadOnce, notAskedThen, observedFacts, probesAreOff } from '../model/observations.ts';
import type { SnapshotFrame } from '../model/snapshot.ts';
import { findingsOf } from './findings.ts';
import { speaker } from './speaker.ts';
import { dataPlane, missingNeeds, type NamedServices, notAsked, type Subject, subjectsOf } from './subjects.ts';
import type { Judgement, RegisteredCheck } from './types.ts';

export interface JudgeOptions {
  /** Names given with `--service`. */
  readonly services?: NamedServices;
  /** Awaited between checks, so that an interruption can be noticed. */
  readonly pause?: () => Promise<void>;
  readonly isInterrupted?: () => boolean;
  /** What `inferTopology` gives for these facts, where somebody needed it before; what probes saw does not change it. */
  readonly topology?: Topology;
  /** Every check is built in. Their own tests run on frozen facts; to freeze a large mesh for them once more takes a tenth of the judging. */
  readonly isOwnOnly?: boolean;
  /** What `judgeUnmeasured` gave for the same facts and options. */
  readonly unmeasured?: Judged;
}

/** Outcomes of checks that have run already. */
export type Judged = ReadonlyMap<RegisteredCheck, readonly Outcome[]>;

/** Runs every check on every subject of its scope. A crash, a missing fact or an interruption is an outcome, never an exception. */
export async function judge(
  snapshot: SnapshotFrame,
  facts: ReadonlyMap<ClusterName, ClusterFacts>,
  checks: readonly RegisteredCheck[],
  options: JudgeOptions = {},
): Promise<Judgement> {
  const topology = options.topology ?? inferTopology(facts, snapshot.intent);
  if (options.isOwnOnly !== true) deepFreeze([facts, topology]);
  const outcomes: Outcome[] = [];
  for (const registered of checks) {
    const before = options.unmeasured?.get(registered);
    if (before !== undefined) {
      outcomes.push(...before);
      continue;
    }
    if (options.pause !== undefined) await options.pause();
    if (options.isInterrupted?.() === true) outcomes.push(...interrupted(registered.check, topology));
    else outcomes.push(...runCheck(registered, facts, topology, options));
  }
  return { snapshot, facts, topology, checks, outcomes, findings: findingsOf(outcomes) };
}

/** Runs those checks that read nothing that probes see: what they say is known while probes are still waiting for their answers. */
export async function judgeUnmeasured(
  facts: ReadonlyMap<ClusterName, ClusterFacts>,
  topology: Topology,
  checks: readonly RegisteredCheck[],
  options: Omit<JudgeOptions, 'topology' | 'unmeasured'> = {},
): Promise<Judged> {
  if (options.isOwnOnly !== true) deepFreeze([facts, topology]);
  const judged = new Map<RegisteredCheck, readonly Outcome[]>();
  for (const registered of checks) {
    if (readsMeasurements(registered.check)) continue;
    await options.pause?.();
    if (options.isInterrupted?.() === true) break;
    judged.set(registered, runCheck(registered, facts, topology, options));
  }
  return judged;
}

const measured: ReadonlySet<FactName> = new Set(observedFacts);

function readsMeasurements({ needs, uses }: AnyCheck): boolean {
  return [...sideNeeds(needs, 'any'), ...sideNeeds(uses, 'any')].some((fact) => measured.has(fact));
}

function runCheck(
  registered: RegisteredCheck,
  facts: ReadonlyMap<ClusterName, ClusterFacts>,
  topology: Topology,
  options: JudgeOptions,
): Outcome[] {
  const { check } = registered;
  const outcomes: Outcome[] = [];
  const without = withoutProbes(check, facts);
  if (without !== undefined) return unprobed(check, topology, without);
  for (const mesh of topology.meshes) {
    const clusters = dataPlane(mesh).map((member) => member.cluster);
    const applicability = applies(check, mesh, facts);
    if (applicability !== undefined) {
      outcomes.push({ check: check.id, clusters, subject: 'mesh', ...applicability });
      continue;
    }
    const strangers = isClosedWorld(check) ? possibleMembers(mesh, facts) : [];
    if (strangers.length > 0) {
      outcomes.push({
        check: check.id,
        clusters,
        subject: 'mesh',
        kind: 'inconclusive',
        because: 'it is not known which clusters belong together',
        missing: strangers,
      });
      continue;
    }
    const subjects = subjectsOf(check, mesh, facts, options.services ?? []);
    const results = subjects.flatMap((subject) => runSubject(registered, subject, mesh, facts));
    outcomes.push(...(check.scope === 'service' ? condensed(results) : results));
    const orphans = check.scope === 'managed' ? unmanaged(mesh) : [];
    const unread = [...facts.keys()].flatMap((cluster) => missingNeeds(cluster, facts, ['controlPlanes']));
    outcomes.push(
      ...orphans.map(
        (cluster): Outcome => ({
          check: check.id,
          clusters: [cluster],
          subject: cluster,
          kind: 'inconclusive',
          // A control plane in a cluster that could not be read may well be its own.
          because:
            unread.length > 0 ? 'it is not known which control plane serves it' : 'its control plane is not among the clusters given',
          missing: unread,
        }),
      ),
    );
    if (subjects.length === 0 && orphans.length === 0)
      outcomes.push({ check: check.id, clusters, subject: 'mesh', kind: 'not-applicable', because: 'nothing of this kind in the mesh' });
    if (check.partial === true && results.some((outcome) => outcome.kind !== 'inconclusive'))
      outcomes.push(...leftOut(check, clusters, facts));
  }
  outcomes.push(...unseen(check, facts, topology));
  if (topology.unknownRelations.length > 0 && check.scope !== 'cluster') {
    outcomes.push({
      check: check.id,
      clusters: distinct(topology.unknownRelations.map((fact) => fact.cluster)),
      subject: 'relations',
      kind: 'inconclusive',
      because: 'it is not known which clusters belong together',
      missing: topology.unknownRelations,
    });
  }
  return outcomes;
}

/** Probes that a run did not make at all. */
const unmade: ReadonlySet<NotAsked> = new Set<NotAsked>(['probes off', 'opt-in', 'not sampled']);

/** Why a check of what probes saw does not apply, in a run that made none of these probes anywhere. */
function withoutProbes({ applies: { probed } = {} }: AnyCheck, facts: ReadonlyMap<ClusterName, ClusterFacts>): string | undefined {
  const states = [...facts.values()].flatMap((own) => (probed ?? []).map((fact) => own[fact]));
  const reasons = states.map((state) => (state.status === 'not-asked' ? state.because : undefined));
  if (states.length === 0 || !reasons.every((because) => because !== undefined && unmade.has(because))) return undefined;
  if (reasons.includes('probes off')) return probesAreOff;
  return reasons.includes('not sampled') ? countersReadOnce : asksForMore;
}

function unprobed(check: AnyCheck, topology: Topology, because: string): Outcome[] {
  return topology.meshes.map((mesh) => ({
    check: check.id,
    clusters: dataPlane(mesh).map((member) => member.cluster),
    subject: 'mesh',
    kind: 'not-applicable',
    because,
  }));
}

/** Whether nothing is missing but probes that nobody made, or that found nobody to ask: then there is no question, and no gap. */
function isUnprobed(missing: readonly MissingFact[]): boolean {
  return missing.length > 0 && missing.every(wasNotProbed);
}

function wasNotProbed({ why }: MissingFact): boolean {
  return why.status === 'not-asked' && (why.because === 'probes off' || why.because === 'opt-in' || unprobedBecause.has(why.because));
}

/** What is really lacking: a probe that found nobody to ask lacks nothing of its own, and may have found nobody because of the rest. */
function reallyLacking(missing: readonly MissingFact[]): readonly MissingFact[] {
  const lacking = missing.filter((one) => !wasNotProbed(one));
  return lacking.length > 0 ? lacking : missing;
}

function nothingProbed(missing: readonly MissingFact[]): { readonly kind: 'not-applicable'; readonly because: string } {
  const reasons = missing.flatMap(({ why }) => (why.status === 'not-asked' ? (unprobedBecause.get(why.because) ?? []) : []));
  return { kind: 'not-applicable', because: reasons[0] ?? nothingThere };
}

const nothingThere = 'there is nothing there to probe';

/** Why nobody asked although probes were on. */
const unprobedBecause: ReadonlyMap<NotAsked, string> = new Map<NotAsked, string>([
  ['nothing to probe', nothingThere],
  ['not sampled', countersReadOnce],
  ['older recording', notAskedThen],
]);

/** Members that no control plane of the clusters given reads: a remote without its primary. */
function unmanaged(mesh: Mesh): ClusterName[] {
  return dataPlane(mesh)
    .map((member) => member.cluster)
    .filter((cluster) => mesh.couples.every((couple) => couple.member !== cluster));
}

/** Scopes in which something missing from every member is said to be missing from the mesh. */
function isClosedWorld(check: AnyCheck): boolean {
  return check.scope === 'service' || (check.scope === 'mesh' && check.partial !== true);
}

/** What would tell whether clusters outside a mesh belong to it after all. */
function possibleMembers(mesh: Mesh, facts: ReadonlyMap<ClusterName, ClusterFacts>): MissingFact[] {
  return [...facts.keys()]
    .filter((cluster) => !mesh.members.has(cluster))
    .flatMap((cluster) => missingNeeds(cluster, facts, ['controlPlanes']));
}

/** Clusters that a check of part of the mesh had to do without. */
function leftOut(check: AnyCheck, clusters: readonly ClusterName[], facts: ReadonlyMap<ClusterName, ClusterFacts>): Outcome[] {
  return clusters.flatMap((cluster): Outcome[] => {
    const missing = missingNeeds(cluster, facts, sideNeeds(check.needs, 'any'));
    return missing.length === 0 || isUnprobed(missing)
      ? []
      : [
          {
            check: check.id,
            clusters: [cluster],
            subject: cluster,
            kind: 'inconclusive',
            because: 'a fact it needs could not be read',
            missing: reallyLacking(missing),
          },
        ];
  });
}

/** Clusters that may hold subjects nobody can name, since what would tell was not read: they must not look healthy. */
function unseen(check: AnyCheck, facts: ReadonlyMap<ClusterName, ClusterFacts>, topology: Topology): Outcome[] {
  return [...facts.keys()].flatMap((cluster): Outcome[] => {
    const isMember = topology.meshes.some((mesh) => mesh.members.has(cluster));
    if (isMember && check.scope !== 'managed') return [];
    const missing = missingNeeds(cluster, facts, isMember ? ['controlPlanes'] : ['controlPlanes', 'injectors', 'pods']);
    if (missing.length === 0) return [];
    const because = isMember ? 'it is not known which control planes run there' : 'it is not known whether it is part of a mesh';
    return [{ check: check.id, clusters: [cluster], subject: cluster, kind: 'inconclusive', because, missing }];
  });
}

function runSubject(registered: RegisteredCheck, subject: Subject, mesh: Mesh, facts: ReadonlyMap<ClusterName, ClusterFacts>): Outcome[] {
  const { check } = registered;
  const base = { check: check.id, clusters: subject.clusters, subject: subject.name };
  /** A probe that found nobody because lists were not read misses those lists: between two clusters, of these two. */
  const told = (missing: readonly MissingFact[]): readonly MissingFact[] => {
    if (!isUnprobed(missing)) return missing;
    const isBetween = check.scope === 'managed' || check.scope === 'pair';
    const untold = missing
      .filter(({ why }) => why.status === 'not-asked' && why.because === 'nothing to probe')
      .flatMap(({ cluster, fact }) => untoldTargets(fact, cluster, mesh, facts))
      .filter(({ cluster }) => !isBetween || subject.clusters.includes(cluster));
    return untold.length > 0 ? untold : missing;
  };
  const lacking = told(subject.missing);
  if (isUnprobed(lacking)) return [{ ...base, ...nothingProbed(lacking) }];
  if (lacking.length > 0)
    return [{ ...base, kind: 'inconclusive', because: 'a fact it needs could not be read', missing: reallyLacking(lacking) }];
  try {
    const said = [...check.run({ ...subject.context(), ...speaker(registered, subject, facts) } as never)];
    // Thousands of services, each asked by dozens of checks, have nothing to say.
    if (said.length === 0) return [{ ...base, kind: 'healthy' }];
    const findings = said.filter((item): item is Finding => !('undecided' in item));
    const open = said.filter((item): item is Undecided => 'undecided' in item);
    const outcomes = open.map((item): Outcome => {
      const clusters = item.clusters.length > 0 ? item.clusters : base.clusters;
      const named = item.missing.flatMap(({ cluster, fact }): MissingFact[] => {
        const state = facts.get(cluster)?.[fact];
        // A check names what it would have needed of a cluster it did not get: what was read whole is not missing.
        return state?.status === 'collected' && state.partial !== true ? [] : [{ cluster, fact, why: whyMissing(state) }];
      });
      const missing = told(named);
      if (isUnprobed(missing)) return { ...base, clusters, ...nothingProbed(missing) };
      const blocked = item.blockedBy === undefined ? {} : { blockedBy: item.blockedBy };
      return { ...base, clusters, kind: 'inconclusive', because: item.because, missing: reallyLacking(missing), ...blocked };
    });
    const rest = base.clusters.filter((cluster) => !outcomes.some(({ clusters }) => clusters.includes(cluster)));
    const isUnasked = outcomes.length > 0 && outcomes.every(({ kind }) => kind === 'not-applicable');
    if (findings.length === 0 && isUnasked && rest.length > 0) outcomes.push({ ...base, clusters: rest, kind: 'healthy' });
    if (findings.length > 0) outcomes.push({ ...base, kind: 'findings', findings });
    return outcomes;
  } catch (error) {
    return [{ ...base, kind: 'crashed', error: serialised(error) }];
  }
}

function applies(
  check: AnyCheck,
  mesh: Mesh,
  facts: ReadonlyMap<ClusterName, ClusterFacts>,
):
  | Omit<Extract<Outcome, { kind: 'not-applicable' }>, 'check' | 'clusters' | 'subject'>
  | Omit<Extract<Outcome, { kind: 'inconclusive' }>, 'check' | 'clusters' | 'subject'>
  | undefined {
  const { topology, networks, dataPlane: plane } = check.applies ?? {};
  if (topology !== undefined) {
    if ('unknown' in mesh.kind) {
      const missing = mesh.kind.unknown.length > 0 ? mesh.kind.unknown : possibleMembers(mesh, facts);
      return { kind: 'inconclusive', because: 'the topology is not known', missing };
    }
    if (!topology.includes(mesh.kind.known)) return { kind: 'not-applicable', because: `the mesh is ${mesh.kind.known}` };
  }
  if (plane !== undefined && !mesh.dataPlanes.includes(plane)) {
    const telling = plane === 'ambient' ? ('controlPlanes' as const) : ('pods' as const);
    const missing = [...mesh.members.keys()].flatMap((cluster) => missingNeeds(cluster, facts, [telling]));
    if (missing.length > 0) return { kind: 'inconclusive', because: 'the data planes are not known', missing };
    return { kind: 'not-applicable', because: `the mesh has no ${plane} data plane` };
  }
  if (networks === 'multi' && mesh.networks.length < 2) {
    if (mesh.networkGaps.length > 0) return { kind: 'inconclusive', because: 'the networks are not known', missing: mesh.networkGaps };
    return { kind: 'not-applicable', because: 'the mesh has one network' };
  }
  return undefined;
}

/** Thousands of healthy services are one outcome. */
function condensed(outcomes: readonly Outcome[]): Outcome[] {
  const worse = outcomes.filter((outcome) => outcome.kind !== 'healthy');
  const distinctWorse = [
    ...groupBy(worse, (outcome) =>
      outcome.kind === 'inconclusive' || outcome.kind === 'not-applicable'
        ? `${outcome.kind} ${outcome.because} ${outcome.clusters.join()}`
        : outcome.subject,
    ).values(),
  ].map((same) => same[0] as Outcome);
  // Subjects of one mesh share one list of its clusters.
  const firsts = new Map<readonly ClusterName[], Outcome>();
  for (const outcome of outcomes) if (outcome.kind === 'healthy' && !firsts.has(outcome.clusters)) firsts.set(outcome.clusters, outcome);
  const healthy = groupBy([...firsts.values()], ({ clusters }) => clusters.join());
  return [...distinctWorse, ...[...healthy.values()].flatMap((same) => same.slice(0, 1))];
}

function interrupted(check: AnyCheck, topology: Topology): Outcome[] {
  return topology.meshes.map((mesh) => ({
    check: check.id,
    clusters: [...mesh.members.keys()],
    subject: 'mesh',
    kind: 'inconclusive',
    because: 'interrupted',
    missing: [],
  }));
}

function whyMissing(state: Fact<unknown> | undefined): MissingFact['why'] {
  if (state === undefined) return notAsked;
  return state.status === 'collected' ? { status: 'partial' } : state;
}

function serialised(error: unknown): { name: string; message: string; stack: string } {
  if (error instanceof Error) return { name: error.name, message: redact(error.message), stack: redact(error.stack ?? '') };
  return { name: 'Error', message: redact(String(error)), stack: '' };
}
