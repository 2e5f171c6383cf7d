import type { X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { type Footprint, reaches } from '../base/footprint.ts';
import { groupBy } from '../base/sort.ts';
import { names as istioNames } from '../istio/labels.ts';
import { namesToProbe } from '../mesh/names.ts';
import { fields, tally, text } from '../model/decode.ts';
import type { ClusterName } from '../model/ids.ts';
import type {
  Answer,
  ClusterObservations,
  InjectionTrial,
  IstiodSample,
  NameAnswer,
  Observed,
  ProbePod,
  SidecarState,
} from '../model/observations.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import { askFromPod, withoutAnswers as withoutPod } from './ask-pod.ts';
import { askName } from './dns-question.ts';
import { callGateways } from './call-gateways.ts';
import { carriedOutWhereAllowed } from './carry-out.ts';
import { asFailure, openForward, type PodPort, type Refusal } from './forwarded.ts';
import { type Get, httpGet } from './http-get.ts';
import { askInTurn, type Line } from './in-turn.ts';
import { trialOutcome, trialPod } from './injection-trial.ts';
import { type Ask, type AskedIstiod, askAgain, askIstiod, withoutAnswers } from './istiod-debug.ts';
import { type IstiodTarget, questionsOf } from './istiod-questions.ts';
import { type Gate, gate, interrupted, type Limits, pause, turns, within } from './pace.ts';
import { type Idle, isPostQuantum, type PlanInput, type Planned } from './plan.ts';
import { type HandshakeTarget, planHandshakes, type RootPlace } from './plan-handshakes.ts';
import { type IstiodCall, planIstiodCalls } from './plan-istiod-calls.ts';
import { planIstiods } from './plan-istiods.ts';
import { type NameQuestion, planNames } from './plan-names.ts';
import { planSidecars } from './plan-sidecars.ts';
import { type AskedInPod, planPods, type PodTarget } from './plan-pods.ts';
import { planTrials } from './plan-trials.ts';
import { certificatesOf } from './presented-chain.ts';
import type { Observe, ProbeIo, ProbeOptions } from './probe.ts';
import { adminPort, questionsTo, sidecarState, type SidecarTarget, withoutState } from './sidecar-admin.ts';

/** Questions under way at a time: through one API server, and in all. */
const perCluster = 8;
const overall = 32;

/**
 * Runs all probes that the footprint allows, everywhere at once. Never rejects: what goes wrong with one question is its answer, and
 * what was not finished when `options.signal` ended the run is `interrupted`.
 */
export const observe: Observe = async (facts, topology, io, options) => {
  const clusters = [...facts.keys()];
  if (options.footprint === 'off') return clusters.map((cluster) => ({ cluster, ...nothingAsked }));
  const { caller } = options;
  const input: PlanInput = {
    facts,
    topology,
    names: namesToProbe(facts, topology, options.services),
    ...(caller === undefined ? {} : { caller }),
  };
  const when = async <T>(level: Footprint, otherwise: Idle, plan: () => Planned<T>): Promise<Planned<T>> =>
    reaches(options.footprint, level) ? await inTurn(plan) : otherwise;
  const inTurn = turns();
  // Istiods take longest to answer: they are asked before anything else is planned.
  const istiods = clusters.map((cluster) => when('query', off, () => planIstiods(cluster, input)));
  const handshakes = inTurn(() => planHandshakes(clusters, input, options.maxTargets));
  // One call of a service has no part in how remotes call istiod.
  const istiodCalls = inTurn(() => (caller === undefined ? planIstiodCalls(clusters, input) : new Map<ClusterName, Planned<IstiodCall>>()));
  const all = gate(overall);
  const roots = rootReader(io, options);
  return Promise.all(
    clusters.map(async (cluster, index) => {
      const plan: Plan = {
        istiods: istiods[index] ?? Promise.resolve(nothing),
        sidecars: when('query', off, () => planSidecars(cluster, input)),
        injectionTrials: when('dry-run', optIn, () => planTrials(cluster, input)),
        probePods: handshakes.then(async (known) => await when('pod', optIn, () => planPods(cluster, input, known))),
        nameAnswers: when('query', off, () => planNames(cluster, input)),
        gatewayHandshakes: handshakes.then((known) => known.get(cluster) ?? nothing),
        istiodHandshakes: istiodCalls.then((known) => known.get(cluster) ?? nothing),
        isPostQuantum: isPostQuantum(cluster, input),
      };
      return await observeCluster(cluster, plan, { io, options, all, roots });
    }),
  );
};

const off: Idle = { status: 'not-asked', because: 'probes off' };
const nothing: Idle = { status: 'not-asked', because: 'nothing to probe' };
const optIn: Idle = { status: 'not-asked', because: 'opt-in' };
const once: Idle = { status: 'not-asked', because: 'not sampled' };
const nobody = { istiods: off, istiodStates: off, istiodSamples: once } as const;
const nothingAsked = {
  ...nobody,
  sidecars: off,
  injectionTrials: optIn,
  probePods: optIn,
  nameAnswers: off,
  gatewayHandshakes: off,
  istiodHandshakes: off,
  gatewayReadiness: off,
} as const;

interface Plan {
  readonly istiods: Promise<Planned<IstiodTarget>>;
  readonly sidecars: Promise<Planned<SidecarTarget>>;
  readonly probePods: Promise<Planned<PodTarget>>;
  /** Namespaces. */
  readonly injectionTrials: Promise<Planned<string>>;
  readonly nameAnswers: Promise<Planned<NameQuestion>>;
  readonly gatewayHandshakes: Promise<Planned<HandshakeTarget>>;
  readonly istiodHandshakes: Promise<Planned<IstiodCall>>;
  readonly isPostQuantum: boolean;
}

interface Means {
  readonly io: ProbeIo;
  readonly options: ProbeOptions;
  readonly all: Gate;
  readonly roots: RootReader;
}

async function observeCluster(cluster: ClusterName, plan: Plan, { io, options, all, roots }: Means): Promise<ClusterObservations> {
  const limits: Limits = { timeout: options.timeout, signal: options.signal, after: io.after };
  const own = gate(perCluster);
  const paced: Gate = (work) => own(() => all(work));
  const progress = progressOf(cluster, options);

  /** Questions to one pod share streams: opening one is most of what a question costs. */
  const askPod = <Q extends object, T>(
    pod: ObjectRef,
    port: number,
    questions: readonly Q[],
    line: Pick<Line<Q, T>, 'ask' | 'isFirstDecisive' | 'isLong' | 'onReply'>,
  ) => askInTurn(questions, { ...line, open: (signal) => openForward(io, { cluster, pod: podOf(pod), port }, signal), paced, limits });

  const askReplica = async (target: IstiodTarget): Promise<readonly [IstiodTarget, Replica | Refusal]> => {
    const ask: Ask = async (port, gets) => {
      const get = (stream: Duplex, { path, most, sieve }: Get) => httpGet(stream, path, most, sieve);
      return new Map(
        await askPod(target.pod, port, gets, { ask: get, isFirstDecisive: true, isLong: (one) => one.isLong === true, onReply: undefined }),
      );
    };
    const asked = await askIstiod(target, ask);
    progress.done(questionsOf(target));
    return [target, 'forbidden' in asked ? asked : { ...asked, ...(await sampled(asked, options, ask)) }];
  };
  const askReplicas = async (targets: readonly IstiodTarget[]) => new Map(await Promise.all(targets.map(askReplica)));

  const askSidecar = async (target: SidecarTarget): Promise<readonly [SidecarTarget, SidecarState | Refusal]> => {
    const ask = (stream: Duplex, { path, most }: Get) => httpGet(stream, path, most);
    const replies = await askPod(target.pod, adminPort, questionsTo(target), {
      ask,
      isFirstDecisive: true,
      onReply: () => progress.done(1),
    });
    return [target, sidecarState(target, new Map(replies.map(([{ path }, reply]) => [path, reply])))];
  };
  const askSidecars = async (targets: readonly SidecarTarget[]) => new Map(await Promise.all(targets.map(askSidecar)));

  const askDns = async (questions: readonly NameQuestion[]): Promise<ReadonlyMap<NameQuestion, NameAnswer | Refusal>> => {
    const ask = (stream: Duplex, { asked, types }: NameQuestion) => askName(stream, asked, types);
    const lines = groupBy(questions, ({ pod, port }) => `${refKey(pod)} ${port}`);
    const replies = await Promise.all(
      [...lines.values()].flatMap((own) => {
        const [first] = own;
        return first === undefined
          ? []
          : askPod(first.pod, first.port, own, { ask, isFirstDecisive: false, onReply: () => progress.done(1) });
      }),
    );
    return new Map(replies.flat().map(([question, reply]) => [question, 'forbidden' in reply ? reply : answered(question, reply)]));
  };

  /** An API server waits ten seconds for a webhook that does not answer, and says so then. */
  const tryInjection = async (namespace: string): Promise<readonly [string, InjectionTrial | Refusal]> => {
    const tried = await paced(() =>
      within<InjectionTrial | Refusal>(
        { ...limits, timeout: Math.max(limits.timeout, webhookPatience) },
        async (signal) => {
          const read = (await io.tryCreatePod?.(cluster, namespace, trialPod(), signal)) ?? notAllowed;
          return read.status === 'forbidden'
            ? { forbidden: { verb: read.verb, resource: read.resource } }
            : { namespace, outcome: trialOutcome(read) };
        },
        ({ failed, reason }) => ({ namespace, outcome: { is: 'failed', code: failed, reason } }),
      ),
    );
    progress.done(1);
    return [namespace, tried];
  };
  const tryInjections = async (namespaces: readonly string[]) => new Map(await Promise.all(namespaces.map(tryInjection)));

  const askPods = async (targets: readonly PodTarget[]): Promise<ReadonlyMap<PodTarget, ProbePod | Refusal>> => {
    const { pods } = io;
    const where = options.pod ?? { namespace: 'default' };
    const asked = targets.map(async (target): Promise<readonly [PodTarget, ProbePod | Refusal]> => {
      const rootsOf = async (of: AskedInPod) =>
        'target' in of ? await roots(of.target.roots.filter((place) => place.cluster === cluster)) : [];
      const answer =
        pods === undefined
          ? withoutPod(where.namespace, { failed: 'forbidden', reason: notAllowed.reason })
          : await askFromPod(target, { cluster, io, pods, options: where, limits, rootsOf });
      progress.done(1);
      return [target, answer];
    });
    return new Map(await Promise.all(asked));
  };

  const [istiods, sidecars, injectionTrials, probePods, nameAnswers, gateways] = await Promise.all([
    carriedOutWhereAllowed(
      progress.of(plan.istiods, questionsOf),
      askReplicas,
      ({ replica }) => isInterrupted(replica.clusters),
      refusedReplica,
    ),
    carriedOutWhereAllowed(
      progress.of(plan.sidecars, (target) => questionsTo(target).length),
      askSidecars,
      ({ certificate }) => isInterrupted(certificate),
      (target, refusal) => withoutState(target, asFailure(refusal)),
    ),
    carriedOutWhereAllowed(progress.of(plan.injectionTrials), tryInjections, isCutTrial, refusedTrial),
    carriedOutWhereAllowed(
      progress.of(plan.probePods),
      askPods,
      ({ answers }) => isInterrupted(answers),
      (_, refusal) => withoutPod(options.pod?.namespace ?? 'default', asFailure(refusal)),
    ),
    carriedOutWhereAllowed(progress.of(plan.nameAnswers), askDns, ({ outcome }) => isInterrupted(outcome), refusedName),
    callGateways(
      {
        gatewayHandshakes: progress.of(plan.gatewayHandshakes),
        istiodHandshakes: progress.of(plan.istiodHandshakes),
        isPostQuantum: plan.isPostQuantum,
      },
      { io, cluster, roots, paced, limits, asksPods: reaches(options.footprint, 'query'), onDone: progress.done },
    ),
  ]);
  return {
    cluster,
    ...factsOfReplicas(istiods, options.sample !== undefined),
    sidecars,
    injectionTrials,
    probePods,
    nameAnswers,
    ...gateways,
  };
}

/** Milliseconds. */
const webhookPatience = 15_000;
const notAllowed = { status: 'failed', code: 'forbidden', reason: 'this run may not ask for pods' } as const;

function isCutTrial({ outcome }: InjectionTrial): boolean {
  return outcome.is === 'failed' && outcome.code === interrupted.failed;
}

function refusedTrial(namespace: string, refusal: Refusal): InjectionTrial {
  const { failed, reason } = asFailure(refusal);
  return { namespace, outcome: { is: 'failed', code: failed, reason } };
}

type Replica = AskedIstiod & { readonly sample?: IstiodSample };

/** The counters of a replica some time later, where that was asked for and there are any. Nothing is held open meanwhile. */
async function sampled(asked: AskedIstiod, { sample, signal }: ProbeOptions, ask: Ask): Promise<Pick<Replica, 'sample'>> {
  if (sample === undefined) return {};
  await pause(sample, signal);
  const again = await askAgain(asked, sample / 1000, ask);
  return again === undefined ? {} : { sample: again };
}

function refusedReplica(target: IstiodTarget, refusal: Refusal): Replica {
  return withoutAnswers(target, asFailure(refusal));
}

/** What replicas said, as facts. Counters are one only where two readings were asked for. */
function factsOfReplicas(seen: Observed<readonly Replica[]>, isSampled: boolean): Pick<ClusterObservations, keyof typeof nobody> {
  if (seen.status !== 'observed') return { istiods: seen, istiodStates: seen, istiodSamples: isSampled ? seen : once };
  const samples = seen.value.flatMap(({ sample }) => sample ?? []);
  return {
    istiods: { ...seen, value: seen.value.map(({ replica }) => replica) },
    istiodStates: { ...seen, value: seen.value.map(({ state }) => state) },
    istiodSamples: isSampled ? { ...seen, value: samples } : once,
  };
}

function answered({ port: _port, types: _types, ...question }: NameQuestion, outcome: NameAnswer['outcome']): NameAnswer {
  return { ...question, outcome };
}

function refusedName(question: NameQuestion, refusal: Refusal): NameAnswer {
  return answered(question, asFailure(refusal));
}

function isInterrupted(answer: Answer<unknown>): boolean {
  return 'failed' in answer && answer.failed === interrupted.failed;
}

function podOf({ namespace = '', name }: ObjectRef): PodPort['pod'] {
  return { namespace, name };
}

/** Counts the questions of one cluster for whoever watches. */
function progressOf(
  cluster: ClusterName,
  { onProgress }: ProbeOptions,
): {
  /** The same plan; its questions count as soon as they are known. */
  of<T>(plan: Promise<Planned<T>>, questionsOf?: (target: T) => number): Promise<Planned<T>>;
  done(questions: number): void;
} {
  let planned = 0;
  let done = 0;
  return {
    async of(plan, size = () => 1) {
      const known = await plan;
      if ('targets' in known) {
        for (const target of known.targets) planned += size(target);
        onProgress?.({ cluster, done, planned });
      }
      return known;
    },
    done(questions) {
      done += questions;
      onProgress?.({ cluster, done, planned });
    },
  };
}

type RootReader = (places: readonly RootPlace[]) => Promise<readonly X509Certificate[]>;

/** Reads the root ConfigMap of each place, once in a run. A place that cannot be read offers no root. */
function rootReader(io: Pick<ProbeIo, 'get'>, limits: Limits): RootReader {
  const read = new Map<string, Promise<readonly X509Certificate[]>>();
  const rootsIn = async (cluster: ClusterName, namespace: string, signal: AbortSignal) => {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps/${istioNames.rootConfigMap}`;
    const found = await io.get(cluster, path, 'configmaps', signal);
    if (found.status !== 'read') return [];
    const odd = tally();
    return certificatesOf(text(odd, fields(odd, fields(odd, found.value)['data'])[rootKey]) ?? '');
  };
  return async (places) => {
    const all = places.map(({ cluster, namespace }) => {
      const key = `${cluster}/${namespace}`;
      let roots = read.get(key);
      if (roots === undefined) {
        roots = within<readonly X509Certificate[]>(
          limits,
          (signal) => rootsIn(cluster, namespace, signal),
          () => [],
        );
        read.set(key, roots);
      }
      return roots;
    });
    return (await Promise.all(all)).flat();
  };
}

const rootKey = 'root-cert.pem';
