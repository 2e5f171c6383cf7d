import { type Mishap, Mishaps } from '../mishaps.ts';
import type { OwnAnswer, PodLogs, PodPorts, Admission, Store } from '../sandbox.ts';
import type { Authorities } from './authorities.ts';
import { openIdentities } from './identities.ts';
import { type Listeners, openListeners } from './listeners.ts';
import { podLogs } from './pod-logs.ts';
import { podPorts } from './pod-ports.ts';
import { type Memory, firstMemory, madeAuthorities, reconcile, reconcileIstiods, renewals } from './reconcile.ts';
import { type Change, type WorldState, watchStores } from './state.ts';
import { type World, worldOf } from './world.ts';
import { admittedByHand } from './injection.ts';
import type { Knowledge } from './knowledge.ts';

export interface WorldOptions {
  readonly stores: ReadonlyMap<string, Store>;
  readonly authorities: Authorities;
  /** RFC 3339: the present. */
  readonly clock: () => string;
  /** Whether controllers and istiods write; they are asked and answer all the same. */
  readonly isReconciling: boolean;
  /** What istiods of a cluster answer instead of what they would. */
  readonly answers: ReadonlyMap<string, OwnAnswer>;
}

/** Controllers, istiods, proxies and gateways over some stores. */
export interface RunningWorld {
  readonly ports: PodPorts;
  readonly admission: Admission;
  readonly logs: PodLogs;
  readonly resolve: Listeners['resolve'];
  /** Resolves when nobody has anything more to do. */
  settled(): Promise<void>;
  readonly openCalls: () => number;
  /** What goes wrong beside the objects from now on, instead of what did. */
  stage(mishaps: readonly Mishap[]): Promise<void>;
  close(): Promise<void>;
}

/** How often locks are renewed, in milliseconds. */
const renewal = 5000;
/** Controllers that never agree are a fault of theirs. */
const mostRounds = 200;

export async function runWorld({ stores, authorities, clock, isReconciling, answers }: WorldOptions): Promise<RunningWorld> {
  const look = watchStores(stores, clock);
  let memory: Memory = firstMemory(look());
  let known: Knowledge = { state: look(), istiods: memory.istiods };
  const now = (): Knowledge => {
    const state = look();
    if (!isSameMoment(known, state, memory)) known = { state, istiods: memory.istiods };
    return known;
  };
  const mishaps = new Mishaps();
  const befalls = (cluster: string) => mishaps.find('proxy', cluster);
  const isCut = (from: string, to: string): boolean => mishaps.between('api-server', from, to) !== undefined;
  const world = worldOf(now, befalls);
  /** The world of a moment ago, for clusters whose proxies hear of nothing new. */
  const held = new Map<string, World>();
  const knownTo = (cluster: string): World => held.get(cluster) ?? world;
  const hold = (): void => {
    const moment = now();
    for (const cluster of moment.state.clusters.keys()) {
      const does = befalls(cluster)?.does;
      if (does !== 'keep' && does !== 'lose') held.delete(cluster);
      else if (!held.has(cluster))
        held.set(
          cluster,
          worldOf(() => moment),
        );
    }
  };
  const identities = openIdentities(authorities, () => Date.parse(clock()), mishaps);
  const listeners = openListeners(world, knownTo, identities, authorities, mishaps);
  /** What controllers saw last. */
  let done: WorldState | undefined;
  let isClosed = false;
  let work: Promise<void> = Promise.resolve();
  let failure: Error | undefined;

  const step = async (): Promise<void> => {
    let hasMore = true;
    for (let round = 0; hasMore; round++) {
      if (round === mostRounds) throw new Error('The controllers of the sandbox do not come to an end.');
      const state = look();
      const next = isSameObjects(done, state) ? reconcileIstiods(state, memory, isCut) : reconcile(state, memory, isCut);
      done = state;
      memory = next.memory;
      const changes = [...next.changes, ...(await madeAuthorities(look(), memory, authorities))];
      hasMore = isReconciling && !isClosed && changes.length > 0;
      if (hasMore) apply(stores, changes);
    }
    await listeners.update();
  };
  const schedule = (): void => {
    if (isClosed) return;
    work = work.then(step).catch((error: unknown) => {
      failure ??= error instanceof Error ? error : new Error(String(error));
    });
  };
  for (const store of stores.values()) store.onChange(schedule);
  schedule();
  const timer = setInterval(() => {
    if (isReconciling && !isClosed) apply(stores, renewals(look(), memory));
  }, renewal);
  timer.unref();

  const settled = async (): Promise<void> => {
    let before: Promise<void> | undefined;
    // Stores tell of changes in the next turn of the event loop.
    while (before !== work) {
      before = work;
      await work;
      await new Promise((done) => setImmediate(done));
    }
    if (failure !== undefined) throw failure;
  };
  await settled();
  return {
    ports: podPorts(world, knownTo, identities, listeners.serve, mishaps, (cluster) => answers.get(cluster)),
    logs: podLogs(world, listeners.resolve, mishaps),
    admission: (name, pod) => {
      const knowledge = now();
      const cluster = knowledge.state.clusters.get(name);
      return cluster === undefined ? { pod } : admittedByHand(pod, cluster, knowledge);
    },
    resolve: listeners.resolve,
    openCalls: listeners.count,
    settled,
    stage: async (staged) => {
      mishaps.stage(staged);
      hold();
      schedule();
      await settled();
    },
    close: async () => {
      isClosed = true;
      clearInterval(timer);
      await work;
      await listeners.close();
    },
  };
}

function apply(stores: ReadonlyMap<string, Store>, changes: readonly Change[]): void {
  for (const change of changes) {
    const store = stores.get(change.cluster);
    if (store === undefined) continue;
    if ('put' in change) store.put(change.put);
    else store.remove(change.remove.kind, change.remove.namespace, change.remove.name);
  }
}

function isSameMoment(known: Knowledge, state: WorldState, memory: Memory): boolean {
  return known.istiods === memory.istiods && known.state.now === state.now && isSameObjects(known.state, state);
}

function isSameObjects(before: WorldState | undefined, after: WorldState): boolean {
  return before !== undefined && [...after.clusters].every(([name, cluster]) => before.clusters.get(name) === cluster);
}
