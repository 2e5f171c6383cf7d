import { compareText, distinct, groupBy, sortedBy } from '../base/sort.ts';
import { deepFreeze } from '../base/freeze.ts';
import { redact, shellWord } from '../base/text.ts';
import type { Certainty, Finding, Message, Outcome, Severity, Undecided } from '../api/finding.ts';
import { certainties, severities } from '../api/finding.ts';
import { type AnyCheck, type Needs, type Where, sideNeeds } from '../api/check.ts';
import type { ClusterFacts, Fact, FactName, MissingFact, NotAsked, Service } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { Json } from '../model/kube.ts';
import { asksForMore, countersReadOnce, notAskedThen, probesAreOff } from '../model/observations.ts';
import { clusterRef, type ObjectRef, refKey } from '../model/refs.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { inferTopology, listOf, type Member, type Mesh, type Topology } from '../mesh/topology.ts';
import { withKeepers } from './kept.ts';
import type { Judgement, RegisteredCheck } from './types.ts';

export interface JudgeOptions {
  /** Names given with `--service`. Port absent = any. */
  readonly services?: readonly { readonly namespace: string; readonly name: string; readonly port?: number }[];
  /** Awaited between checks, so that an interruption can be noticed. */
  readonly pause?: () => Promise<void>;
  readonly isInterrupted?: () => boolean;
  /** What `inferTopology` gives for these facts, where somebody needed it before; what probes saw does not change it. */
  readonly topology?: Topology;
  /** Every check is built in. Their own tests run on frozen facts; to freeze a large mesh for them once more takes a tenth of the judging. */
  readonly isOwnOnly?: boolean;
}

/** Runs every check on every subject of its scope. A crash, a missing fact or an interruption is an outcome, never an exception. */
export async function judge(
  snapshot: Snapshot,
  facts: ReadonlyMap<ClusterName, ClusterFacts>,
  checks: readonly RegisteredCheck[],
  options: JudgeOptions = {},
): Promise<Judgement> {
  const topology = options.topology ?? inferTopology(facts, snapshot.intent);
  if (options.isOwnOnly !== true) deepFreeze([facts, topology]);
  const outcomes: Outcome[] = [];
  for (const registered of checks) {
    if (options.pause !== undefined) await options.pause();
    if (options.isInterrupted?.() === true) outcomes.push(...interrupted(registered.check, topology));
    else outcomes.push(...runCheck(registered, facts, topology, options));
  }
  return { snapshot, facts, topology, checks, outcomes, findings: findingsOf(outcomes) };
}

/** One thing a check is asked about: what it sees, which clusters the answer counts for, and what it would need to see. */
interface Subject {
  readonly name: string;
  readonly clusters: readonly ClusterName[];
  /** Clusters whose working a finding touches unless it says otherwise. */
  readonly concerns: readonly ClusterName[];
  readonly missing: readonly MissingFact[];
  /** The clusters behind the words PRIMARY and REMOTE of a check's pages. */
  readonly ends?: { readonly primary: ClusterName; readonly remote: ClusterName; readonly systemNamespace: string };
  readonly context: () => object;
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
    const subjects = subjectsOf(check, mesh, facts, options);
    const results = subjects.flatMap((subject) => runSubject(registered, subject, facts));
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
  return (
    missing.length > 0 &&
    missing.every(
      ({ why }) =>
        why.status === 'not-asked' && (why.because === 'probes off' || why.because === 'opt-in' || unprobedBecause.has(why.because)),
    )
  );
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
    return missing.length === 0
      ? []
      : [
          {
            check: check.id,
            clusters: [cluster],
            subject: cluster,
            kind: 'inconclusive',
            because: 'a fact it needs could not be read',
            missing,
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

function runSubject(registered: RegisteredCheck, subject: Subject, facts: ReadonlyMap<ClusterName, ClusterFacts>): Outcome[] {
  const { check } = registered;
  const base = { check: check.id, clusters: subject.clusters, subject: subject.name };
  if (isUnprobed(subject.missing)) return [{ ...base, ...nothingProbed(subject.missing) }];
  if (subject.missing.length > 0)
    return [{ ...base, kind: 'inconclusive', because: 'a fact it needs could not be read', missing: subject.missing }];
  try {
    const said = [...check.run({ ...subject.context(), ...speaker(registered, subject, facts) } as never)];
    const findings = said.filter((item): item is Finding => !('undecided' in item));
    const open = said.filter((item): item is Undecided => 'undecided' in item);
    const outcomes = open.map((item): Outcome => {
      const clusters = item.clusters.length > 0 ? item.clusters : base.clusters;
      const missing = item.missing.flatMap(({ cluster, fact }): MissingFact[] => {
        const state = facts.get(cluster)?.[fact];
        // A check names what it would have needed of a cluster it did not get: what was read whole is not missing.
        return state?.status === 'collected' && state.partial !== true ? [] : [{ cluster, fact, why: whyMissing(state) }];
      });
      if (isUnprobed(missing)) return { ...base, clusters, ...nothingProbed(missing) };
      const blocked = item.blockedBy === undefined ? {} : { blockedBy: item.blockedBy };
      return { ...base, clusters, kind: 'inconclusive', because: item.because, missing, ...blocked };
    });
    const rest = base.clusters.filter((cluster) => !outcomes.some(({ clusters }) => clusters.includes(cluster)));
    const isUnasked = outcomes.length > 0 && outcomes.every(({ kind }) => kind === 'not-applicable');
    if (findings.length === 0 && isUnasked && rest.length > 0) outcomes.push({ ...base, clusters: rest, kind: 'healthy' });
    if (findings.length > 0) outcomes.push({ ...base, kind: 'findings', findings });
    return outcomes.length > 0 ? outcomes : [{ ...base, kind: 'healthy' }];
  } catch (error) {
    return [{ ...base, kind: 'crashed', error: serialised(error) }];
  }
}

function subjectsOf(check: AnyCheck, mesh: Mesh, facts: ReadonlyMap<ClusterName, ClusterFacts>, options: JudgeOptions): Subject[] {
  const members = dataPlane(mesh);
  const view = (cluster: ClusterName, side: 'primary' | 'member' | 'from' | 'to' | 'any'): object =>
    clusterView(cluster, mesh, facts, sideNeeds(check.needs, side), sideNeeds(check.uses, side));
  const lacking = (cluster: ClusterName, side: 'primary' | 'member' | 'from' | 'to' | 'any'): MissingFact[] =>
    missingNeeds(cluster, facts, sideNeeds(check.needs, side));
  switch (check.scope) {
    case 'cluster':
      return members.map(({ cluster }) => ({
        name: cluster,
        clusters: [cluster],
        concerns: [cluster],
        missing: lacking(cluster, 'any'),
        context: () => ({ cluster: view(cluster, 'any'), mesh }),
      }));
    case 'managed':
      return mesh.couples.map((couple) => {
        const primary = couple.controlPlane.cluster;
        const controlPlane = listOf(facts.get(primary)?.controlPlanes ?? notAsked).find(
          (candidate) => refKey(candidate.ref) === refKey(couple.controlPlane.ref),
        );
        return {
          name: `${refKey(couple.controlPlane.ref)} ${couple.member}`,
          clusters: distinct<ClusterName>([primary, couple.member]),
          concerns: [couple.member],
          ends: { primary, remote: couple.member, systemNamespace: couple.controlPlane.namespace },
          missing: [
            ...(couple.kind === 'undetermined' && 'unknown' in couple.serves ? couple.serves.unknown : []),
            ...lacking(primary, 'primary'),
            ...lacking(couple.member, 'member'),
          ],
          context: () => ({ primary: view(primary, 'primary'), member: view(couple.member, 'member'), controlPlane, couple, mesh }),
        };
      });
    case 'pair':
      return members.flatMap((from) =>
        members
          .filter((to) => to !== from)
          .map((to) => ({
            name: `${from.cluster} ${to.cluster}`,
            clusters: [from.cluster, to.cluster],
            concerns: [from.cluster, to.cluster],
            missing: [...lacking(from.cluster, 'from'), ...lacking(to.cluster, 'to')],
            context: () => ({ from: view(from.cluster, 'from'), to: view(to.cluster, 'to'), mesh }),
          })),
      );
    case 'service':
      return serviceSubjects(members, mesh, facts, options, view, lacking);
    case 'mesh': {
      const names = members.map((member) => member.cluster);
      const missing = names.flatMap((cluster) => lacking(cluster, 'any'));
      const readable = check.partial === true ? names.filter((cluster) => lacking(cluster, 'any').length === 0) : names;
      return [
        {
          name: 'mesh',
          clusters: names,
          concerns: names,
          missing: check.partial === true && readable.length > 0 ? [] : missing,
          context: () => ({ clusters: readable.map((cluster) => view(cluster, 'any')), mesh }),
        },
      ];
    }
    default:
      return check.scope satisfies never;
  }
}

function serviceSubjects(
  members: readonly Member[],
  mesh: Mesh,
  facts: ReadonlyMap<ClusterName, ClusterFacts>,
  options: JudgeOptions,
  view: (cluster: ClusterName, side: 'any') => object,
  lacking: (cluster: ClusterName, side: 'any') => MissingFact[],
): Subject[] {
  const names = members.map((member) => member.cluster);
  const missing = names.flatMap((cluster) => lacking(cluster, 'any'));
  const instances = new Map<string, { namespace: string; name: string; instances: Map<ClusterName, Service> }>();
  for (const cluster of names) {
    for (const service of listOf(facts.get(cluster)?.services ?? notAsked)) {
      const key = `${service.namespace}/${service.name}`;
      const entry = instances.get(key) ?? { namespace: service.namespace, name: service.name, instances: new Map() };
      entry.instances.set(cluster, service);
      instances.set(key, entry);
    }
  }
  const named = new Map(
    (options.services ?? []).map((service) => [
      `${service.namespace}/${service.name}`,
      service.port === undefined ? {} : { port: service.port },
    ]),
  );
  for (const { namespace, name } of options.services ?? []) {
    // What a cluster of another mesh has was asked of that mesh.
    if (hasService(facts, namespace, name)) continue;
    if (!instances.has(`${namespace}/${name}`)) instances.set(`${namespace}/${name}`, { namespace, name, instances: new Map() });
  }
  const clusters = names.map((cluster) => view(cluster, 'any'));
  return [...instances].map(([key, service]) => ({
    name: key,
    clusters: names,
    concerns: names,
    missing,
    context: () => ({ service, named: named.get(key), clusters, mesh }),
  }));
}

function hasService(facts: ReadonlyMap<ClusterName, ClusterFacts>, namespace: string, name: string): boolean {
  return [...facts.values()].some((own) =>
    listOf(own.services).some((service) => service.namespace === namespace && service.name === name),
  );
}

/** Only what the check declared: needs as values, uses as facts. */
function clusterView(cluster: ClusterName, mesh: Mesh, facts: ReadonlyMap<ClusterName, ClusterFacts>, needs: Needs, uses: Needs): object {
  const all = facts.get(cluster);
  const view: Record<string, unknown> = {
    name: cluster,
    ref: clusterRef(cluster),
    member: mesh.members.get(cluster),
    isComplete: (fact: FactName) => {
      const state = all?.[fact];
      return state?.status === 'collected' && state.partial !== true;
    },
  };
  for (const fact of uses) view[fact] = all?.[fact] ?? notAsked;
  for (const fact of needs) {
    const state = all?.[fact];
    // An API that is not served has no objects.
    view[fact] = state?.status === 'collected' ? state.value : [];
  }
  return Object.freeze(view);
}

function missingNeeds(cluster: ClusterName, facts: ReadonlyMap<ClusterName, ClusterFacts>, needs: Needs): MissingFact[] {
  return needs.flatMap((fact) => {
    const state = facts.get(cluster)?.[fact] ?? notAsked;
    return state.status === 'collected' || state.status === 'absent' ? [] : [{ cluster, fact, why: state }];
  });
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

function speaker(registered: RegisteredCheck, subject: Subject, facts: ReadonlyMap<ClusterName, ClusterFacts>): object {
  const { check } = registered;
  const keys = Object.keys(check.messages);
  return {
    finding: (key: string, args: unknown, where: Where): Finding | Undecided => {
      const partial = (where.lacks ?? []).filter(({ cluster, fact }) => isPartial(facts.get(cluster)?.[fact]));
      if (partial.length > 0) {
        return {
          undecided: true,
          because: 'the directory does not claim to hold every object',
          missing: partial,
          clusters: subject.clusters,
        };
      }
      const write = check.messages[key];
      if (write === undefined) throw new Error(`check ${check.id} has no message ${key}`);
      const message = (write as (args: unknown) => Message)(args);
      const remedies = withKeepers(message.remedy ?? [], facts);
      const code = keys.length === 1 ? check.id : `${check.id}/${key}`;
      return findingOf(registered, code, { ...message, remedy: remedies }, args, where, subject);
    },
    undecided: (
      because: string,
      more: { missing?: readonly { cluster: ClusterName; fact: FactName }[]; blockedBy?: string; clusters?: readonly ClusterName[] } = {},
    ): Undecided => ({
      undecided: true,
      because,
      missing: more.missing ?? [],
      clusters: more.clusters ?? [],
      ...(more.blockedBy === undefined ? {} : { blockedBy: more.blockedBy }),
    }),
  };
}

function findingOf(registered: RegisteredCheck, code: string, message: Message, args: unknown, where: Where, subject: Subject): Finding {
  const { check, area } = registered;
  const { at, between } = where;
  const direction = between === undefined ? '' : ` ${between.from}>${between.to}`;
  return {
    code,
    check: check.id,
    area,
    catalogue: check.catalogue ?? [],
    severity: lower(severities, check.severity, message.severity),
    certainty: lower(certainties, check.certainty, message.certainty),
    message: redact(message.text),
    ...optional('expected', message.expected),
    ...optional('found', message.found),
    ...optional('effect', message.effect),
    confirm: message.confirm ?? confirmOf(check, at, subject),
    args: jsonArgs(args),
    at,
    ...(where.field === undefined ? {} : { field: where.field }),
    ...(between === undefined ? {} : { between }),
    related: where.related ?? [],
    evidence: (where.evidence ?? []).map((item) => ({ ...item, observed: redact(item.observed) })),
    remedy: message.remedy ?? [],
    concerns: distinct<ClusterName>(where.concerns ?? subject.concerns),
    fingerprint: `${code} ${refKey(at)}${direction}${where.subject === undefined ? '' : ` ${where.subject}`}`,
  };
}

/** The check's own way to confirm, with the clusters of this finding for its placeholders and a context for every command. */
function confirmOf(check: AnyCheck, at: ObjectRef, { ends }: Subject): string[] {
  const here = shellWord(at.cluster);
  const primary = shellWord(ends?.primary ?? at.cluster);
  const remote = shellWord(ends?.remote ?? at.cluster);
  return check.docs.confirm.split(/;\s+(?=kubectl|istioctl|openssl)/).map((command) =>
    command
      .replaceAll(/--context[ =]PRIMARY\b/g, `--context ${primary}`)
      .replaceAll(/--context[ =]REMOTE\b/g, `--context ${remote}`)
      .replaceAll(/--context[ =]CLUSTER\b/g, `--context ${here}`)
      .replaceAll(/(^|\| )kubectl (?!--context)/g, `$1kubectl --context ${here} `)
      .replaceAll('-n istio-system', `-n ${shellWord(ends?.systemNamespace ?? 'istio-system')}`),
  );
}

function optional<K extends 'expected' | 'found' | 'effect'>(key: K, text: string | undefined): { readonly [P in K]?: string } {
  return text === undefined ? {} : ({ [key]: redact(text) } as { readonly [P in K]: string });
}

/** The later of two in an order of decreasing weight: a message may lower what the check says, never raise it. */
function lower<T extends Severity | Certainty>(order: readonly T[], own: T, message: T | undefined): T {
  return message !== undefined && order.indexOf(message) > order.indexOf(own) ? message : own;
}

/** Arguments for machines: entities become their reference, so that reports stay small and hold nothing that was not said. */
function jsonArgs(value: unknown): Json {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return redact(value);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(jsonArgs);
  if (typeof value !== 'object') return null;
  if ('ref' in value) return refKey(value.ref as ObjectRef);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonArgs(item)]));
}

/** Distinct findings in report order. The same fault seen through two subjects is one finding: the worse of the two. */
function findingsOf(outcomes: readonly Outcome[]): Finding[] {
  const all = outcomes.flatMap((outcome) => (outcome.kind === 'findings' ? outcome.findings : []));
  const byFingerprint = groupBy([...all].sort(compareFindings), (finding) => finding.fingerprint);
  return [...byFingerprint.values()].map((same) => merged(same)).sort(compareFindings);
}

function merged(same: readonly Finding[]): Finding {
  const [first, ...rest] = same as [Finding, ...Finding[]];
  if (rest.length === 0) return first;
  return {
    ...first,
    concerns: distinct<ClusterName>(same.flatMap((finding) => finding.concerns)),
    related: once(
      same.flatMap((finding) => finding.related),
      refKey,
    ),
    evidence: once(
      same.flatMap((finding) => finding.evidence),
      ({ ref, field, observed }) => `${refKey(ref)} ${field ?? ''} ${observed}`,
    ),
  };
}

/** Each item once, sorted by its key. */
function once<T>(items: readonly T[], key: (item: T) => string): T[] {
  return sortedBy(new Map(items.map((item) => [key(item), item])).values(), key);
}

export function compareFindings(a: Finding, b: Finding): number {
  return (
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    certainties.indexOf(a.certainty) - certainties.indexOf(b.certainty) ||
    compareText(a.code, b.code) ||
    compareText(refKey(a.at), refKey(b.at)) ||
    compareText(a.fingerprint, b.fingerprint) ||
    compareText(a.message, b.message)
  );
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
  const healthy = groupBy(
    outcomes.filter((outcome) => outcome.kind === 'healthy'),
    ({ clusters }) => clusters.join(),
  );
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

/** Members that traffic flows between: all but the cluster that only hosts an external control plane. */
function dataPlane(mesh: Mesh): Member[] {
  return [...mesh.members.values()].filter((member) => !('known' in member.role && member.role.known === 'external'));
}

function whyMissing(state: Fact<unknown> | undefined): MissingFact['why'] {
  if (state === undefined) return notAsked;
  return state.status === 'collected' ? { status: 'partial' } : state;
}

function isPartial(state: Fact<unknown> | undefined): boolean {
  return state?.status === 'collected' && state.partial === true;
}

function serialised(error: unknown): { name: string; message: string; stack: string } {
  if (error instanceof Error) return { name: error.name, message: redact(error.message), stack: redact(error.stack ?? '') };
  return { name: 'Error', message: redact(String(error)), stack: '' };
}

const notAsked = { status: 'not-asked', because: 'deselected' } as const;
