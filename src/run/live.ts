import { MeshdoctorError, SourceError } from '../base/errors.ts';
import { type Ahead, projectAhead, projectFacts, withObservations } from '../collect/facts.ts';
import type { LiveSource } from '../config/live.ts';
import type { RunOptions } from '../config/options.ts';
import type { Judged } from '../engine/judge.ts';
import type { RegisteredCheck } from '../engine/types.ts';
import { openConnection } from '../kube/connect.ts';
import type { Connection, RequestRecord } from '../kube/connection.ts';
import { dial, monotonic } from '../kube/socket.ts';
import { inClusterTarget } from '../kube/in-cluster.ts';
import { contextTarget, type Kubeconfig, loadKubeconfig } from '../kube/kubeconfig.ts';
import { type ClusterTarget, withOverrides } from '../kube/target.ts';
import { resolveCall } from '../mesh/path/path.ts';
import { inferTopology, type Topology } from '../mesh/topology.ts';
import type { ClusterFacts } from '../model/facts.ts';
import { type ClusterName, clusterName } from '../model/ids.ts';
import { reaches } from '../base/footprint.ts';
import type { ClusterObservations } from '../model/observations.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { ProbeIo } from '../probe/probe.ts';
import { observe } from '../probe/run.ts';
import { openLive, type ReadingProgress, withoutCopies } from '../source/live.ts';
import { ambiguous, chosenContexts, contextAt, remoteTargets } from './contexts.ts';
import { openMakers, ownPods } from './own-pods.ts';
import { plannedReads } from './plan.ts';

/** How far a cluster has come. */
export type LiveProgress =
  | ReadingProgress
  | { readonly cluster: ClusterName; readonly phase: 'probe'; readonly done: number; readonly planned: number };

/** What asking live clusters needs of its host. */
export interface LiveIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string | undefined;
  readonly platform: string;
  readonly cwd: string;
  /** Somebody sits at a terminal whom an exec plugin may ask. */
  readonly isInteractive: boolean;
  /** Aborts when the time of the run is over. */
  readonly deadline: (milliseconds: number) => AbortSignal;
  readonly onProgress?: (progress: LiveProgress) => void;
  /** Something the user should know beside the report, a sentence. */
  readonly onNote?: (note: string) => void;
  readonly onRequest?: (request: RequestRecord) => void;
  /** Puts something in the place of what probes ask through: a clock of its own, an address that takes no packet. */
  readonly probing?: (io: ProbeIo) => ProbeIo;
}

interface Known {
  readonly snapshot: Snapshot;
  readonly facts: ReadonlyMap<ClusterName, ClusterFacts>;
  readonly topology: Topology;
  readonly unmeasured?: Judged;
}

/** Judges what can be judged of clusters that were read, while probes wait for their answers. */
export type Meanwhile = (facts: Known['facts'], topology: Topology) => Promise<Judged>;

/** Clusters that are open: they can be read again and again over the same connections. */
export interface OpenedMesh {
  /** Reads and probes. A cluster that could not be asked the last time is opened anew, with what its kubeconfig says by then. */
  readonly read: (options: RunOptions, checks: readonly RegisteredCheck[], signal: AbortSignal, meanwhile?: Meanwhile) => Promise<Known>;
  readonly close: () => Promise<void>;
}

/** Opens, reads and probes the clusters of a run. Nothing stays open afterwards. */
export async function openMesh(
  options: RunOptions,
  live: LiveSource,
  checks: readonly RegisteredCheck[],
  io: LiveIo,
  interrupted: AbortSignal | undefined,
  meanwhile?: Meanwhile,
): Promise<Known> {
  const signal = untilDeadline(live, io, interrupted);
  const opened = await openClusters(live, io, signal);
  try {
    return await opened.read(options, checks, signal, meanwhile);
  } finally {
    await opened.close();
  }
}

/** Ends with the time of one reading, or by interruption. */
export function untilDeadline(live: LiveSource, io: LiveIo, interrupted: AbortSignal | undefined): AbortSignal {
  const deadline = io.deadline(live.timeout);
  return interrupted === undefined ? deadline : AbortSignal.any([interrupted, deadline]);
}

/** Opens the clusters of a run; `signal` ends everything that is open. */
export async function openClusters(live: LiveSource, io: LiveIo, signal: AbortSignal): Promise<OpenedMesh> {
  let connections = await connectionsOf(live, io, signal);
  let lost: readonly ClusterName[] = [];
  const said = new Set<string>();
  const note = (text: string): void => {
    if (!said.has(text)) io.onNote?.(text);
    said.add(text);
  };
  return {
    async read(options, checks, own, meanwhile) {
      if (lost.length > 0) connections = await reopened(connections, lost, async () => await connectionsOf(live, io, signal));
      const known = await readAll(connections, options, live, checks, { ...io, onNote: note }, own, meanwhile);
      lost = known.snapshot.clusters.flatMap(({ name, unreached }) => (unreached === undefined ? [] : [name]));
      return known;
    },
    close: async () => await closed(connections),
  };
}

async function closed(connections: readonly Connection[]): Promise<void> {
  await Promise.all(connections.map(async (connection) => await connection.close()));
}

/** The same connections, but new ones to the clusters that were lost: tokens may have been renewed, or the server moved. */
async function reopened(
  connections: readonly Connection[],
  lost: readonly ClusterName[],
  open: () => Promise<readonly Connection[]>,
): Promise<readonly Connection[]> {
  let fresh: readonly Connection[];
  try {
    fresh = await open();
  } catch (error) {
    // A kubeconfig that is just being written: the next time.
    if (error instanceof MeshdoctorError) return connections;
    throw error;
  }
  const replaced = connections.map((old) => (lost.includes(old.name) ? (fresh.find(({ name }) => name === old.name) ?? old) : old));
  await closed([...connections, ...fresh].filter((one) => !replaced.includes(one)));
  return replaced;
}

async function readAll(
  connections: readonly Connection[],
  options: RunOptions,
  live: LiveSource,
  checks: readonly RegisteredCheck[],
  io: LiveIo,
  signal: AbortSignal,
  meanwhile: Meanwhile | undefined,
): Promise<Known> {
  const ahead = new Map<ClusterName, Ahead>(connections.map(({ name }) => [name, projectAhead(name)]));
  const read = await openLive({
    connections,
    onObject: (cluster, kind, object) => ahead.get(cluster)?.take(kind, object),
    reads: plannedReads(checks, live.probe),
    ...(live.istioNamespace === undefined ? {} : { systemNamespaces: [live.istioNamespace] }),
    signal,
    ...(io.onProgress === undefined ? {} : { onProgress: io.onProgress }),
  });
  const { clusters, copies } = withoutCopies(read);
  for (const { of, copy } of copies) io.onNote?.(`Contexts ${of} and ${copy} reach one cluster; it is judged once, as ${of}.`);
  const facts = new Map<ClusterName, ClusterFacts>(
    clusters.map((cluster) => [cluster.name, projectFacts(cluster, options.now, undefined, ahead.get(cluster.name))]),
  );
  ahead.clear();
  const topology = inferTopology(facts, options.topology);
  // Words that name nothing are said before anything is probed.
  const call = options.call === undefined ? undefined : resolveCall(options.call, facts, topology);
  if (reaches(live.probe, 'pod'))
    io.onNote?.(
      `A pod is made in namespace ${live.probePod.namespace} of each cluster with callers, and removed again; what a killed run leaves, meshdoctor cleanup removes.`,
    );
  const { pods, tryCreatePod, end } = ownPods(connections, async () => {
    const late = io.deadline(live.timeout + lastCare);
    return openMakers(await targetsOf(live, io, late), {
      env: io.env,
      isInteractive: io.isInteractive,
      signal: late,
      onRequest: io.onRequest,
    });
  });
  const probing = {
    ...(io.probing ?? ((own) => own))(probeIo(connections, live)),
    ...(reaches(live.probe, 'dry-run') ? { tryCreatePod } : {}),
    ...(reaches(live.probe, 'pod') ? { pods } : {}),
  };
  let observations: readonly ClusterObservations[];
  let unmeasured: Judged | undefined;
  try {
    const observing = observe(facts, topology, probing, {
      footprint: live.probe,
      pod: live.probePod,
      services: call === undefined ? options.services : [call.target],
      caller: call?.caller.pod?.ref,
      ...(live.maxTargets === undefined ? {} : { maxTargets: live.maxTargets }),
      timeout: Math.min(live.requestTimeout, 5000),
      ...(live.sample === undefined ? {} : { sample: live.sample }),
      signal,
      ...(io.onProgress === undefined ? {} : { onProgress: (progress) => io.onProgress?.({ ...progress, phase: 'probe' }) }),
    });
    [observations, unmeasured] = await Promise.all([observing, meanwhile?.(facts, topology)]);
  } finally {
    await end();
  }
  const snapshot: Snapshot = {
    schema: 1,
    source: { kind: 'live' },
    ...(options.topology === undefined ? {} : { intent: options.topology }),
    clusters,
    observations,
  };
  const observationsOf = new Map(observations.map((one) => [one.cluster, one]));
  return {
    snapshot,
    facts: new Map([...facts].map(([name, own]) => [name, withObservations(own, observationsOf.get(name))])),
    topology,
    ...(unmeasured === undefined ? {} : { unmeasured }),
  };
}

/** Milliseconds beyond the time of a run in which what it made is taken away. */
const lastCare = 20_000;

function probeIo(connections: readonly Connection[], live: LiveSource): ProbeIo {
  const byName = new Map(connections.map((connection) => [connection.name, connection]));
  const unknown = { status: 'failed', code: 'not-found', reason: 'no such cluster is open' } as const;
  return {
    forward: async (cluster, pod, port, signal) => (await byName.get(cluster)?.forward(pod, port, signal)) ?? unknown,
    get: async (cluster, path, resource, signal) => (await byName.get(cluster)?.get(path, { resource, signal })) ?? unknown,
    connect: async (address, signal) => await dial(address, live.resolve, signal, live.onlyMapped),
    now: monotonic,
  };
}

/** Where the clusters of a run are and how they are opened, for whoever opens them otherwise than to read. */
export async function targetsOf(live: LiveSource, io: LiveIo, signal: AbortSignal): Promise<ReadonlyMap<ClusterName, ClusterTarget>> {
  const targets = new Map<ClusterName, ClusterTarget>();
  await closed(await connectionsOf(live, io, signal, (target) => targets.set(clusterName(target.name), target)));
  return targets;
}

/** One connection per cluster, none of them used yet. Whatever is wrong with what the user wrote comes out here. */
export async function connectionsOf(
  live: LiveSource,
  io: LiveIo,
  signal: AbortSignal,
  onOpen: (target: ClusterTarget) => void = () => {},
): Promise<readonly Connection[]> {
  const open = (target: ClusterTarget): Connection => {
    onOpen(target);
    return openConnection(target, {
      name: clusterName(target.name),
      requestTimeout: live.requestTimeout,
      env: io.env,
      isInteractive: io.isInteractive,
      signal,
      ...(io.onRequest === undefined ? {} : { onRequest: io.onRequest }),
    });
  };
  const overridden = (target: ClusterTarget): ClusterTarget =>
    withOverrides(target, {
      ...(live.impersonate.user === undefined ? {} : { as: live.impersonate.user, asGroups: live.impersonate.groups }),
      ...(live.impersonate.uid === undefined ? {} : { asUid: live.impersonate.uid }),
    });
  if (live.inCluster && live.kubeconfig === undefined) return await inClusterConnections(io, open, overridden, signal);
  const kubeconfig = await loadKubeconfig({
    ...(live.kubeconfig === undefined ? {} : { explicit: live.kubeconfig }),
    env: io.env,
    home: io.home,
    platform: io.platform,
    cwd: io.cwd,
  });
  if (live.inCluster) {
    const others = chosenContexts(kubeconfig, live.contexts.length === 0 ? ['*'] : live.contexts);
    return [await inClusterTarget(io.env), ...others.map((name) => contextTarget(kubeconfig, name))].map((target) =>
      open(overridden(target)),
    );
  }
  if (kubeconfig.contexts.length === 0) {
    const isPod = io.env['KUBERNETES_SERVICE_HOST'] !== undefined && live.kubeconfig === undefined && live.contexts.length === 0;
    if (isPod) return await inClusterConnections(io, open, overridden, signal);
    throw new SourceError('ERR_NO_CLUSTER', `No cluster was given, and there is no context in ${kubeconfig.where}.`, {
      hint: 'For example: meshdoctor check --context east --context west, or --manifests east=./east --manifests west=./west',
    });
  }
  const chosen = contextAt(chosenContexts(kubeconfig, live.contexts), live.contextIndex);
  if (chosen.length > 0) return chosen.map((name) => open(overridden(contextTarget(kubeconfig, name))));
  const [only, second] = kubeconfig.contexts;
  if (only !== undefined && second === undefined) return [open(overridden(contextTarget(kubeconfig, only.name)))];
  throw await noChoice(kubeconfig, live, open, signal);
}

async function noChoice(
  kubeconfig: Kubeconfig,
  live: LiveSource,
  open: (target: ClusterTarget) => Connection,
  signal: AbortSignal,
): Promise<SourceError> {
  if (kubeconfig.currentContext === undefined) return ambiguous(kubeconfig, [], live);
  let current: Connection;
  try {
    current = open(contextTarget(kubeconfig, kubeconfig.currentContext));
  } catch {
    return ambiguous(kubeconfig, [], live);
  }
  const { opened } = await remoteTargets(current, signal);
  await current.close();
  return ambiguous(kubeconfig, opened, live);
}

/** The cluster this runs in, and those that its remote secrets open, each with the credential that lies there for it. */
async function inClusterConnections(
  io: LiveIo,
  open: (target: ClusterTarget) => Connection,
  overridden: (target: ClusterTarget) => ClusterTarget,
  signal: AbortSignal,
): Promise<readonly Connection[]> {
  const home = open(overridden(await inClusterTarget(io.env)));
  const { opened, refused } = await remoteTargets(home, signal);
  for (const reason of refused) io.onNote?.(reason);
  return [home, ...opened.map(({ target }) => open(target))];
}
