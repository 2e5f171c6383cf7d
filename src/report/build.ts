import type { Derived, Mesh, ObjectRef, probedNames } from '../api/index.ts';
import type { Finding, Outcome } from '../api/finding.ts';
import { distinct } from '../base/sort.ts';
import { count, list } from '../base/text.ts';
import type { Cause } from '../correlate/types.ts';
import type { Judgement } from '../engine/types.ts';
import type { ClusterFrame, SnapshotSource } from '../model/snapshot.ts';
import { checkResults, weight } from './cells.ts';
import { isIncomplete, missingOf, notChecked, unmeasured } from './gaps.ts';
import { type Acquaintance, comparisonWith, knownFindings, suppressionStates } from './known.ts';
import { istiodsOf } from './istiods.ts';
import { matrixOf } from './matrix.ts';
import { namesOf } from './names.ts';
import { exitCode, fails, type Policy } from './policy.ts';
import type { Report, ReportCheck, ReportCluster, ReportFinding, ReportMesh, ReportMissing } from './schema.ts';

/** What a report says of the run itself. */
export interface About {
  readonly version: string;
  /** The run's own date, when what runs out was judged by it. */
  readonly today?: string;
  readonly plugins?: Report['plugins'];
  readonly interrupted?: 'SIGINT' | 'SIGTERM' | undefined;
  /** What ends by itself, when it was asked for. */
  readonly forecast?: NonNullable<Report['forecast']> | undefined;
  /** Names given with `--service`. */
  readonly services?: readonly probedNames.NamedService[];
  /** What was known of findings before the run. */
  readonly told?: Acquaintance | undefined;
}

/** Everything a run found out, as one value. Pure: the same judgement gives the same report. `outcomes` carry resolved `blockedBy`. */
export function buildReport(judgement: Judgement, causes: readonly Cause[], policy: Policy, about: About): Report {
  const { snapshot, topology } = judgement;
  const byId = new Map(judgement.checks.map(({ check }) => [check.id, check]));
  const isAdvice = (finding: Finding): boolean => byId.get(finding.check)?.advice === true;
  const checks = checkResults(judgement.checks, judgement.outcomes);
  const known = about.told === undefined ? undefined : knownFindings(judgement.findings, about.told);
  const findings = judgement.findings.map((finding): ReportFinding => {
    const why = known?.get(finding.fingerprint);
    return {
      ...finding,
      advice: isAdvice(finding),
      fails: why === undefined && fails(finding, isAdvice(finding), policy),
      ...(why === undefined ? {} : { known: why }),
    };
  });
  const open = findings.filter((finding) => finding.known === undefined);
  const comparison = about.told === undefined ? undefined : comparisonWith(judgement.findings, checks, about.told);
  const suppressions = about.told === undefined ? undefined : suppressionStates(judgement.findings, checks, about.told);
  const cells = checks.flatMap((check) => check.results).filter(({ result }) => result !== 'not-applicable');
  const done = cells.filter(({ result }) => result !== 'unknown' && result !== 'crashed').length;
  const gaps = distinct(judgement.outcomes.filter((outcome) => isIncomplete(outcome, policy)).flatMap(cellKeys)).length;
  const crashed = distinct(judgement.outcomes.filter((outcome) => outcome.kind === 'crashed').flatMap(cellKeys)).length;
  const failing = findings.filter((finding) => finding.fails).length;
  const meshes = topology.meshes.map((mesh) => meshOf(mesh, judgement));
  const clusters = snapshot.clusters.map((cluster) => clusterOf(cluster, judgement, checks));
  const istiods = istiodsOf(judgement);
  return {
    schema: 1,
    tool: { name: 'meshdoctor', version: about.version },
    ...sourceOf(snapshot.source),
    ...(about.today === undefined ? {} : { today: about.today }),
    verdict: verdictOf({
      unmeasured: unmeasured({ ...sourceOf(snapshot.source), checks }).length,
      findings: open,
      known: findings.length - open.length,
      causes: causes.filter(({ finding }) => known?.has(finding.fingerprint) !== true).length,
      clusters,
      cells: cells.length,
      done,
      gaps,
      meshes: meshes.length,
      notGiven: distinct(meshes.flatMap((mesh) => mesh.notGiven)),
      isInterrupted: about.interrupted !== undefined,
    }),
    exit: exitCode(
      {
        failing,
        known: findings.length - open.length,
        gaps,
        crashed: Math.min(crashed, gaps),
        cells: cells.length,
        meshes: meshes.length,
        interrupted: about.interrupted,
      },
      policy,
    ),
    topology: { meshes, withoutIstio: topology.withoutIstio, unknownRelations: topology.unknownRelations.map(missingOf) },
    clusters,
    matrix: topology.meshes.map((mesh) =>
      matrixOf(mesh, { findings: judgement.findings, causes, outcomes: judgement.outcomes, checks: byId }),
    ),
    names: namesOf(judgement, about.services ?? []),
    ...(istiods === undefined ? {} : { istiods }),
    ...(about.forecast === undefined ? {} : { forecast: about.forecast }),
    ...(comparison === undefined ? {} : { comparison }),
    ...(suppressions === undefined ? {} : { suppressions }),
    causes: causes.map(({ finding, explains, severity }) => ({
      fingerprint: finding.fingerprint,
      code: finding.code,
      severity,
      certainty: finding.certainty,
      explains: explains.map((effect) => effect.fingerprint),
    })),
    findings,
    notChecked: notChecked(judgement.outcomes, policy),
    checks,
    counts: {
      findings: {
        error: findings.filter(({ severity }) => severity === 'error').length,
        warning: findings.filter(({ severity }) => severity === 'warning').length,
        info: findings.filter(({ severity }) => severity === 'info').length,
      },
      causes: causes.length,
      checks: checks.length,
      cells: cells.length,
      done,
    },
    plugins: about.plugins ?? [],
  };
}

function sourceOf(source: SnapshotSource): Pick<Report, 'source' | 'recorded'> {
  if (source.kind !== 'recorded') return { source: source.kind };
  const { at, version, of, parts } = source;
  return { source: 'recorded', recorded: { at, version, of, ...(parts === undefined ? {} : { parts }) } };
}

interface VerdictFacts {
  readonly unmeasured: number;
  readonly findings: readonly ReportFinding[];
  /** Findings beside these that somebody knew of before. */
  readonly known: number;
  readonly causes: number;
  readonly clusters: readonly ReportCluster[];
  readonly cells: number;
  readonly done: number;
  readonly gaps: number;
  readonly meshes: number;
  readonly notGiven: readonly string[];
  readonly isInterrupted: boolean;
}

/** The first and the last line: never an all-clear for what was not looked at. */
function verdictOf(facts: VerdictFacts): Report['verdict'] {
  const weights = facts.findings.map((finding) => weight(finding, finding.advice));
  const open = facts.cells - facts.done;
  const before = facts.known === 0 ? '' : `; ${facts.known} known before`;
  const rest = `${before}${open === 0 ? '' : `; ${open} of ${count(facts.cells, 'check')} not done`}`;
  const total = count(facts.clusters.length, 'cluster');
  const unread = facts.clusters.filter((cluster) => cluster.unread.length > 0).length;
  const closed = facts.clusters.filter((cluster) => cluster.unreached?.failure === 'forbidden').length;
  const unreached = facts.clusters.filter((cluster) => cluster.unreached !== undefined).length - closed;
  const files = [
    ...(unreached === 0 ? [] : [`; ${unreached} of ${total} not reached`]),
    ...(closed === 0 ? [] : [`; ${closed} of ${total} forbidden`]),
    ...(unread === 0 ? [] : [`; ${unread} of ${total} not read in full`]),
  ].join('');
  const explained = facts.findings.length - facts.causes;
  const what =
    explained > 0 && facts.causes > 0
      ? `${count(facts.causes, 'cause')} ${facts.causes === 1 ? 'explains' : 'explain'} ${count(explained, 'other finding')}`
      : count(facts.findings.length, 'finding');
  if (weights.includes('error')) return { state: 'broken', text: `BROKEN: ${what}${files}${rest}` };
  if (weights.includes('warning')) return { state: 'warning', text: `WARNING: ${what}${files}${rest}` };
  const strangers = facts.notGiven.length === 0 ? '' : `; ${list(facts.notGiven)} of the mesh not given`;
  const notes = facts.findings.length === 0 ? '' : `; ${count(facts.findings.length, 'note')}`;
  if (facts.isInterrupted)
    return { state: 'incomplete', text: `INTERRUPTED: no fault found until then${notes}${strangers}${files}${rest}` };
  if (facts.meshes === 0) return { state: 'incomplete', text: `NO MESH FOUND in ${count(facts.clusters.length, 'cluster')}${files}` };
  if (facts.gaps > 0) return { state: 'incomplete', text: `INCOMPLETE: no fault in what could be read${notes}${strangers}${files}${rest}` };
  if (open + unread + unreached + closed + facts.notGiven.length + facts.known > 0)
    return { state: 'clean', text: `NO ${facts.known > 0 ? 'NEW ' : ''}FAULT FOUND${notes}${strangers}${files}${rest}` };
  const configured = facts.unmeasured === 0 ? '' : `, ${facts.unmeasured} not measured`;
  return { state: 'clean', text: `HEALTHY: all ${facts.cells} checks passed${configured}${notes}` };
}

function cellKeys(outcome: Outcome): string[] {
  return outcome.clusters.map((cluster) => `${outcome.check} ${cluster}`);
}

function clusterOf(cluster: ClusterFrame, { topology, facts }: Judgement, checks: readonly ReportCheck[]): ReportCluster {
  const members = topology.meshes.flatMap((mesh) => mesh.members.get(cluster.name) ?? []);
  const controlPlanes = facts.get(cluster.name)?.controlPlanes;
  const own = controlPlanes?.status === 'collected' ? controlPlanes.value : [];
  const results = checks.flatMap((check) => check.results.filter((cell) => cell.cluster === cluster.name));
  const tally = (...wanted: readonly string[]): number => results.filter(({ result }) => wanted.includes(result)).length;
  return {
    name: cluster.name,
    ...(cluster.takenAt === undefined ? {} : { takenAt: cluster.takenAt }),
    ...(cluster.version === undefined ? {} : { kubernetes: cluster.version.gitVersion }),
    roles: distinct(members.flatMap((member) => ('known' in member.role ? [member.role.known] : []))),
    networks: distinct(
      members.flatMap((member) => ('known' in member.network && member.network.known !== undefined ? [member.network.known] : [])),
    ),
    revisions: distinct(own.length > 0 ? own.map((controlPlane) => controlPlane.revision) : members.flatMap((member) => member.revisions)),
    versions: distinct(own.flatMap((controlPlane) => controlPlane.version ?? [])),
    // What could not be read may be a member.
    isMember: members.length > 0 || !topology.withoutIstio.includes(cluster.name),
    results: { error: tally('error'), warning: tally('warning'), unknown: tally('unknown', 'crashed'), passed: tally('passed') },
    ...(cluster.unreached === undefined
      ? {}
      : { unreached: { server: cluster.unreached.server, failure: cluster.unreached.code, reason: cluster.unreached.reason } }),
    unread: cluster.unread.map(({ what, reason }) => ({ what, reason })),
    ...withheldOf(cluster),
    oddities: Object.values(cluster.oddities).reduce((sum, n) => sum + n, 0),
    skipped: cluster.skipped ?? 0,
  };
}

/** Kinds of which not everything is known that there may be. What nobody asked for is not withheld. */
function withheldOf({ kinds }: ClusterFrame): Pick<ReportCluster, 'withheld'> {
  const withheld = Object.entries(kinds).flatMap(([id, read]) => {
    if (read.status === 'read') return read.complete ? [] : [id];
    const isKnown = read.status === 'absent' || (read.status === 'not-asked' && read.because === 'deselected');
    return isKnown ? [] : [id];
  });
  return withheld.length === 0 ? {} : { withheld: distinct(withheld) };
}

function meshOf(mesh: Mesh, { snapshot, facts }: Judgement): ReportMesh {
  const members = [...mesh.members.values()];
  const declared = snapshot.intent?.meshes?.find(({ clusters }) =>
    clusters.some((cluster) => members.some((member) => member.cluster === cluster)),
  );
  const versionOf = ({ cluster, ref }: Mesh['controlPlanes'][number]): string | undefined => {
    const fact = facts.get(cluster)?.controlPlanes;
    return fact?.status === 'collected'
      ? fact.value.find((candidate) => candidate.ref.name === ref.name && candidate.ref.namespace === ref.namespace)?.version
      : undefined;
  };
  const controlPlaneOf = (controlPlane: Mesh['controlPlanes'][number]): ReportMesh['controlPlanes'][number] => {
    const version = versionOf(controlPlane);
    const { cluster, namespace, revision } = controlPlane;
    return { cluster, namespace, revision, ...(version === undefined ? {} : { version }) };
  };
  const name = declared?.name ?? meshId(mesh, facts);
  return {
    ...(name === undefined ? {} : { name }),
    kind: derivedOf(mesh.kind, (kind) => kind),
    networks: mesh.networks,
    dataPlanes: mesh.dataPlanes,
    controlPlanes: mesh.controlPlanes.map(controlPlaneOf),
    members: members.map((member) => ({
      cluster: member.cluster,
      role: derivedOf(member.role, (role) => role),
      network: derivedOf(member.network, (network) => network ?? null),
      clusterId: derivedOf(member.clusterId, (id) => id),
      systemNamespace: member.systemNamespace,
      revisions: member.revisions,
      servedBy: derivedOf(member.servedBy, (served) => served.map(controlPlaneOf)),
    })),
    notGiven: notGiven(mesh, facts),
    evidence: mesh.evidence,
  };
}

/** Cluster IDs of remote secrets that istiod reads and that lead to no cluster given. */
function notGiven(mesh: Mesh, facts: Judgement['facts']): string[] {
  const matched = new Set(
    mesh.couples.flatMap(({ credentials }) =>
      credentials.map(({ secret, entry }) => `${secret.ref.cluster} ${secret.name} ${entry.clusterId}`),
    ),
  );
  const ids = mesh.controlPlanes.flatMap(({ cluster, namespace }) => {
    const secrets = facts.get(cluster)?.remoteSecrets;
    if (secrets?.status !== 'collected') return [];
    return secrets.value
      .filter((secret) => secret.namespace === namespace && secret.multiClusterLabel === 'true')
      .flatMap((secret) => secret.entries.filter(({ clusterId }) => !matched.has(`${cluster} ${secret.name} ${clusterId}`)))
      .map(({ clusterId }) => clusterId);
  });
  const known = new Set<string>([...mesh.members.values()].flatMap(({ clusterId }) => ('known' in clusterId ? [clusterId.known] : [])));
  return distinct(ids.filter((id) => !known.has(id)));
}

/** The mesh ID that all its control planes agree on. */
function meshId(mesh: Mesh, facts: Judgement['facts']): string | undefined {
  const ids = distinct(
    mesh.controlPlanes.flatMap(({ cluster, namespace }) => {
      const configs = facts.get(cluster)?.meshConfigs;
      return configs?.status === 'collected'
        ? configs.value.flatMap((config) => (config.namespace === namespace ? (config.meshId ?? []) : []))
        : [];
    }),
  );
  return ids.length === 1 ? ids[0] : undefined;
}

type ReportDerived<T> = { readonly known: T; readonly evidence: readonly ObjectRef[] } | { readonly unknown: readonly ReportMissing[] };

function derivedOf<T, R>(derived: Derived<T>, value: (known: T) => R): ReportDerived<R> {
  return 'known' in derived ? { known: value(derived.known), evidence: derived.evidence } : { unknown: derived.unknown.map(missingOf) };
}
