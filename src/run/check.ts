import { sideNeeds } from '../api/check.ts';
import type { ReporterDefinition } from '../api/reporter.ts';
import { UsageError } from '../base/errors.ts';
import { shellWord } from '../base/text.ts';
import { factCollectors, factsWithoutKinds, projectFacts } from '../collect/facts.ts';
import type { RunOptions } from '../config/options.ts';
import { correlate, withBlockers } from '../correlate/correlate.ts';
import { type Judged, type JudgeOptions, judge, judgeUnmeasured } from '../engine/judge.ts';
import type { Judgement, RegisteredCheck } from '../engine/types.ts';
import { forecastOf } from '../mesh/forecast.ts';
import type { Topology } from '../mesh/topology.ts';
import type { ClusterName } from '../model/ids.ts';
import type { ClusterFacts } from '../model/facts.ts';
import type { ClusterFrame, ClusterSnapshot, Snapshot, SnapshotFrame } from '../model/snapshot.ts';
import { type LoadedPlugin, loadPlugins } from '../plugin/load.ts';
import { buildReport } from '../report/build.ts';
import type { Policy } from '../report/policy.ts';
import type { Report } from '../report/schema.ts';
import { readManifests } from '../source/manifests.ts';
import { findPlaces, type Origins } from '../source/places.ts';
import type { Acquaintance } from '../report/known.ts';
import type { LiveIo, Meanwhile } from './live.ts';
import type { Part } from './merge.ts';
import type { OwnSnapshot } from './replay.ts';
import { withPlaces } from './place.ts';
import { select } from './select.ts';
import { acquaintanceOf, type Foreknowledge, foreknowledge } from './told.ts';

/** What a run needs from its host. */
export interface RunIo {
  readonly version: string;
  readonly nodeVersion: string;
  /** The checks that come with meshdoctor. */
  readonly builtIn: readonly RegisteredCheck[];
  /** Says, once it was interrupted, by what. The run then ends with what it knows. */
  readonly interrupted?: () => 'SIGINT' | 'SIGTERM' | undefined;
  readonly signal?: AbortSignal;
  /** Lets the host's events in; awaited between checks. */
  readonly pause?: () => Promise<void>;
  /** Reads standard input to its end, where a cluster comes from it. */
  readonly stdin?: () => Promise<string>;
  /** What asking live clusters takes; without it only directories can be read. */
  readonly live?: LiveIo;
}

/** What is known before anything is read: the selected checks, and what plug-ins bring. */
export interface Prepared {
  readonly checks: readonly RegisteredCheck[];
  readonly plugins: readonly LoadedPlugin[];
  readonly reporters: readonly ReporterDefinition[];
  /** What is known of findings before there are any. */
  readonly foreknown?: Foreknowledge;
}

/** The whole pipeline: source → facts → topology → checks → causes → report. */
export async function check(options: RunOptions, io: RunIo): Promise<Report> {
  return await judgeClusters(options, await prepare(options, io), io);
}

/** Loads plug-ins and selects checks. Whatever is wrong with what the user wrote comes out here. */
export async function prepare(options: RunOptions, io: RunIo): Promise<Prepared> {
  const plugins = await loadPlugins(options.plugins, { nodeVersion: io.nodeVersion, knownFacts });
  const registered = registry(io.builtIn, plugins);
  const checks = select(registered, options);
  const foreknown = await foreknowledge(options, registered);
  return { checks, plugins, reporters: plugins.flatMap((plugin) => plugin.reporters), foreknown };
}

/** Built-in checks, then those of plug-ins in the order in which they were named. */
export function registry(builtIn: readonly RegisteredCheck[], plugins: readonly LoadedPlugin[]): RegisteredCheck[] {
  return [...builtIn, ...plugins.flatMap((plugin) => plugin.checks.map((own) => ({ check: own, area: plugin.name, origin: plugin.name })))];
}

export const knownFacts: ReadonlySet<string> = new Set([...Object.keys(factCollectors), ...factsWithoutKinds]);

/** Reads, judges and reports with what `prepare` gave. */
export async function judgeClusters(options: RunOptions, prepared: Prepared, io: RunIo): Promise<Report> {
  if (options.from !== undefined && options.overlays === undefined) {
    const { options: asked, frame, facts } = await recordedFacts(options.from, options, prepared, io);
    return (await judgedFacts(frame, asked, prepared, io, { facts })).report;
  }
  const { snapshot, options: asked, known } = await readSource(options, prepared, io, meanwhileOf(options, prepared, io));
  return await judgeSnapshot(snapshot, asked, prepared, io, known);
}

/** What a run judges, wherever it reads it from, and with which options: those of a recording are in part its own. */
export async function readSource(
  given: RunOptions,
  prepared: Prepared,
  io: RunIo,
  meanwhile?: Meanwhile,
): Promise<{ readonly snapshot: Snapshot; readonly options: RunOptions; readonly known: Omit<ReadMesh, 'snapshot'> }> {
  if (given.from === undefined) {
    const { snapshot, ...known } = await readClusters(given, prepared.checks, io, meanwhile);
    return { snapshot, options: given, known };
  }
  const { snapshot, options } = await readRecordings(given.from, given, prepared.checks, io);
  return { snapshot, options, known: {} };
}

/** What recordings hold, as a run with this selection would have read it, and the options it would have had. */
export async function readRecordings(
  from: NonNullable<RunOptions['from']>,
  given: RunOptions,
  checks: readonly RegisteredCheck[],
  io: RunIo,
): Promise<{ readonly snapshot: OwnSnapshot; readonly options: RunOptions }> {
  const [{ readRecording }, { merged }] = await Promise.all([import('../source/recording.ts'), import('./merge.ts')]);
  const [first, ...rest] = from;
  const part = async ({ path, shown, as }: typeof first): Promise<Part> => ({
    shown,
    ...(as === undefined ? {} : { as }),
    recording: await readRecording(path, shown),
  });
  const { notes, ...read } = merged([await part(first), ...(await Promise.all(rest.map(part)))], given, checks);
  for (const note of notes) io.live?.onNote?.(note);
  return read;
}

/** The facts in recordings, and what else is told of these. */
async function recordedFacts(
  from: NonNullable<RunOptions['from']>,
  given: RunOptions,
  prepared: Prepared,
  io: RunIo,
): Promise<{ readonly options: RunOptions; readonly frame: SnapshotFrame; readonly facts: Facts }> {
  const { snapshot, options } = await readRecordings(from, given, prepared.checks, io);
  return { options, ...factsInstead(snapshot, options.now) };
}

/** What was read and seen of the clusters of a run, and what was already made of it on the way. */
export interface ReadMesh {
  readonly snapshot: Snapshot;
  readonly facts?: ReadonlyMap<ClusterName, ClusterFacts>;
  readonly topology?: Topology;
  readonly unmeasured?: Judged;
  /** Of objects that come from files. */
  readonly origins?: Origins;
  /** Findings that the same clusters have without an overlay. */
  readonly before?: Acquaintance['before'];
}

/** Asks the clusters of a run for what these checks need, or reads their directories. */
export async function readClusters(
  options: RunOptions,
  checks: readonly RegisteredCheck[],
  io: RunIo,
  meanwhile?: Meanwhile,
): Promise<ReadMesh> {
  if (options.live !== undefined && io.live !== undefined) {
    // Loaded only where clusters are asked: nothing of it is needed to read directories.
    const { openMesh } = await import('./live.ts');
    return await openMesh(options, options.live, checks, io.live, io.signal, meanwhile);
  }
  if (options.clusters.length === 0) {
    throw new UsageError('ERR_NO_CLUSTER', 'No cluster was given.', {
      hint: 'For example: meshdoctor check --manifests east=./east --manifests west=./west',
    });
  }
  const { clusters, origins } = await readManifests({
    clusters: options.clusters,
    complete: options.complete,
    takenAt: options.takenAt,
    signal: io.signal,
    stdin: io.stdin,
  });
  const snapshot: Snapshot = {
    schema: 1,
    source: { kind: 'manifests' },
    ...(options.topology === undefined ? {} : { intent: options.topology }),
    clusters,
    observations: [],
  };
  return { snapshot, origins };
}

type Facts = ReadonlyMap<ClusterName, ClusterFacts>;

/** What a snapshot's objects say and its probes saw, cluster by cluster. */
export function factsOf(snapshot: Snapshot, now: string): Facts {
  return new Map(snapshot.clusters.map((cluster) => [cluster.name, factsOfCluster(cluster, snapshot, now)]));
}

/** The same for whoever needs no object any more: those of a cluster are let go before the next one is looked at, so that the snapshot is left empty. */
function factsInstead({ clusters, ...snapshot }: OwnSnapshot, now: string): { readonly frame: SnapshotFrame; readonly facts: Facts } {
  const facts = new Map<ClusterName, ClusterFacts>();
  const frames: ClusterFrame[] = [];
  for (let next = clusters.shift(); next !== undefined; next = clusters.shift()) {
    facts.set(next.name, factsOfCluster(next, snapshot, now));
    frames.push(frameOf(next));
  }
  return { frame: { ...snapshot, clusters: frames }, facts };
}

function factsOfCluster(cluster: ClusterSnapshot, { observations }: Pick<Snapshot, 'observations'>, now: string): ClusterFacts {
  return projectFacts(
    cluster,
    now,
    observations.findLast((one) => one.cluster === cluster.name),
  );
}

function frameOf({ kinds, ...cluster }: ClusterSnapshot): ClusterFrame {
  return {
    ...cluster,
    kinds: Object.fromEntries(
      Object.entries(kinds).map(([id, read]) => [id, read.status === 'read' ? { status: read.status, complete: read.complete } : read]),
    ),
  };
}

/** From a snapshot to the report: what recordings, benchmarks and the demo share. */
export async function judgeSnapshot(
  snapshot: Snapshot,
  options: RunOptions,
  prepared: Prepared,
  io: RunIo,
  known: Omit<ReadMesh, 'snapshot'> = {},
): Promise<Report> {
  if (options.overlays !== undefined) return await judgeOverlaid(snapshot, { ...options, overlays: options.overlays }, prepared, io, known);
  return (await judgedSnapshot(snapshot, options, prepared, io, known)).report;
}

/** The report, and the judgement that it was made from. */
export async function judgedSnapshot(
  snapshot: Snapshot,
  options: RunOptions,
  prepared: Prepared,
  io: RunIo,
  known: Omit<ReadMesh, 'snapshot'> = {},
): Promise<{ readonly judgement: Judgement; readonly report: Report }> {
  const facts = known.facts ?? factsOf(snapshot, options.now);
  const { judgement, report } = await judgedFacts(snapshot, options, prepared, io, { ...known, facts });
  const { origins } = known;
  return { judgement, report: origins === undefined ? report : await withPlaces(report, snapshot, findPlaces(origins), options.clusters) };
}

async function judgedFacts(
  snapshot: SnapshotFrame,
  options: RunOptions,
  prepared: Prepared,
  io: RunIo,
  known: Omit<ReadMesh, 'snapshot' | 'origins'> & { readonly facts: Facts },
): Promise<{ readonly judgement: Judgement; readonly report: Report }> {
  // Who interrupted reading wants to see what was read by then: only an interruption from now on ends judging.
  const wasInterrupted = io.interrupted?.() !== undefined;
  const judgement = await judge(snapshot, known.facts, prepared.checks, {
    ...judging(options, prepared, io),
    ...(known.topology === undefined ? {} : { topology: known.topology }),
    ...(known.unmeasured === undefined ? {} : { unmeasured: known.unmeasured }),
    isInterrupted: () => !wasInterrupted && io.interrupted?.() !== undefined,
  });
  const today = usesToday(snapshot.clusters, prepared.checks) ? options.now.slice(0, 'YYYY-MM-DD'.length) : undefined;
  const report = buildReport({ ...judgement, outcomes: withBlockers(judgement) }, correlate(judgement), policyOf(options), {
    version: io.version,
    ...(today === undefined ? {} : { today }),
    interrupted: io.interrupted?.(),
    forecast: forecasts(judgement, options.forecast),
    services: options.services,
    told: acquaintanceOf(options, prepared.foreknown, judgement.findings, known.before),
    plugins: prepared.plugins.map(({ name, version, origin, checks }) => ({
      name,
      ...(version === undefined ? {} : { version }),
      origin,
      checks: checks.length,
    })),
  });
  return { judgement, report: options.live?.kubeconfig === undefined ? report : withKubeconfig(report, options.live.kubeconfig) };
}

/** What every judging of a run is told. */
function judging({ services }: RunOptions, prepared: Prepared, io: RunIo): Pick<JudgeOptions, 'services' | 'isOwnOnly' | 'pause'> {
  return { services, isOwnOnly: prepared.plugins.length === 0, ...(io.pause === undefined ? {} : { pause: io.pause }) };
}

/** What can be judged while probes wait. Nothing of a run with overlays: what it measures is not judged. */
export function meanwhileOf(options: RunOptions, prepared: Prepared, io: RunIo): Meanwhile | undefined {
  if (options.overlays !== undefined) return undefined;
  return async (facts, topology) => await judgeUnmeasured(facts, topology, prepared.checks, judging(options, prepared, io));
}

/** The clusters as they would be with the overlays, compared with what they are. Of both the same is known: nothing that was measured. */
async function judgeOverlaid(
  measured: Snapshot,
  { overlays, without = [], ...options }: RunOptions & { readonly overlays: NonNullable<RunOptions['overlays']> },
  prepared: Prepared,
  io: RunIo,
  known: Omit<ReadMesh, 'snapshot'>,
): Promise<Report> {
  const snapshot: Snapshot = { ...measured, observations: [] };
  const { withOverlays } = await import('./overlaid.ts');
  const laid = await withOverlays(snapshot, { overlays, without, complete: options.complete });
  const { findings } = await judge(snapshot, factsOf(snapshot, options.now), prepared.checks, judging(options, prepared, io));
  const origins: Origins = {
    texts: new Map([...(known.origins?.texts ?? []), ...laid.origins.texts]),
    traces: new Map([...(known.origins?.traces ?? []), ...laid.origins.traces]),
  };
  const files = [...overlays.flatMap(({ dir }) => dir ?? []), ...without.map(({ shown }) => `removal of ${shown}`)];
  return await judgeSnapshot(laid.snapshot, options, prepared, io, { origins, before: { with: 'overlay', files, findings } });
}

/** One for each mesh, only where it was asked for. */
function forecasts({ topology, facts }: Judgement, days: number | undefined): Report['forecast'] {
  return days === undefined ? undefined : topology.meshes.map((mesh) => ({ days, ...forecastOf(mesh, facts, days) }));
}

/** Commands name contexts; where those are not in the user's default kubeconfig, commands say in which. */
function withKubeconfig(report: Report, file: string): Report {
  const located = (lines: readonly string[]): string[] => inKubeconfig(lines, file);
  return {
    ...report,
    findings: report.findings.map((finding) => ({
      ...finding,
      confirm: located(finding.confirm),
      remedy: finding.remedy.map((remedy) => ({ ...remedy, command: located(remedy.command) })),
    })),
  };
}

/** Command lines about contexts of this kubeconfig file. */
export function inKubeconfig(lines: readonly string[], file: string): string[] {
  return lines.map((line) =>
    line.replaceAll(/\b(kubectl|istioctl) (?=(?:[a-z-]+ )*--context[ =])/g, `$1 --kubeconfig ${shellWord(file)} `),
  );
}

/** Whether anything was judged by the run's own clock: expiry, in a cluster that has no time of its own. */
function usesToday(clusters: readonly ClusterFrame[], checks: readonly RegisteredCheck[]): boolean {
  const reads = checks.some(({ check: { needs, uses } }) => [...sideNeeds(needs, 'any'), ...sideNeeds(uses, 'any')].includes('today'));
  return reads && clusters.some((cluster) => cluster.takenAt === undefined);
}

function policyOf({ failOn, minCertainty, requireComplete, allowIncomplete, exitZero }: RunOptions): Policy {
  return { failOn, minCertainty, requireComplete, allowIncomplete, exitZero };
}
