import type { X509Certificate } from 'node:crypto';
import { randomBytes } from 'node:crypto';
import type { Changed, Read } from '../kube/connection.ts';
import { type Fields, fields, filled, objects, optionalFields, tally, text, whole } from '../model/decode.ts';
import type { ClusterName } from '../model/ids.ts';
import type { Answer, PodAnswer, ProbePod } from '../model/observations.ts';
import { type Failure, oneLine, UselessAnswer } from './failure.ts';
import type { Refusal } from './forwarded.ts';
import { type Limits, within } from './pace.ts';
import type { AskedInPod, PodTarget } from './plan-pods.ts';
import { addressesIn, callIn, handshakeIn } from './pod-answers.ts';
import { probeContainer, probePod } from './pod-manifest.ts';
import { argumentsOf, readLog, type Said } from './pod-script.ts';
import type { OwnPods, ProbeIo, ProbeOptions } from './probe.ts';

/** What asking from a pod takes. */
export interface PodMeans {
  readonly cluster: ClusterName;
  readonly io: Pick<ProbeIo, 'get'>;
  readonly pods: OwnPods;
  readonly options: NonNullable<ProbeOptions['pod']>;
  readonly limits: Pick<Limits, 'signal'>;
  readonly rootsOf: (asked: AskedInPod) => Promise<readonly X509Certificate[]>;
}

/** Milliseconds that a pod may take to be scheduled, pulled, started, and to ask. */
const patience = 60_000;
/** Milliseconds between looks at it. */
const pause = 500;

/**
 * Makes a pod, reads what it found, and takes it away again: also when it fails, and when the run is interrupted. Never rejects.
 * A right that is missing is the answer to the whole.
 */
export async function askFromPod({ questions, likeSidecarOf }: PodTarget, means: PodMeans): Promise<ProbePod | Refusal> {
  const { cluster, pods, options } = means;
  const { namespace } = options;
  const name = `meshdoctor-probe-${randomBytes(4).toString('hex')}`;
  const state: { image: string; isInjected: boolean; creating?: Promise<Read<Changed>>; forbidden?: Refusal } = {
    image: '',
    isInjected: false,
  };
  const ask = async (signal: AbortSignal): Promise<Answer<readonly PodAnswer[]>> => {
    state.image = options.image ?? (await sidecarImage(likeSidecarOf, means, signal));
    const ports = [...new Set(questions.flatMap(({ question }) => (question.is === 'handshake' ? [question.port] : [])))];
    const args = argumentsOf(questions.map(({ question }) => question));
    state.creating = pods.create(cluster, namespace, probePod(name, state.image, args, ports));
    state.isInjected = hasSidecar(createdIn(await state.creating, namespace));
    const said = await logOf(name, means, signal);
    return {
      answer: await Promise.all(questions.flatMap((asked, at) => (said[at] === undefined ? [] : [answerOf(asked, said[at], means)]))),
    };
  };
  const answers = await within<Answer<readonly PodAnswer[]>>(
    { timeout: patience, signal: means.limits.signal },
    async (signal) =>
      await ask(signal).catch((error: unknown) => {
        if (error instanceof MissingRight) state.forbidden = { forbidden: error.right };
        throw error;
      }),
    (failure) => failure,
  );
  // It may be made although nobody waited for that: it is known when the server has answered.
  if (state.creating !== undefined) {
    const created = await state.creating.catch(() => undefined);
    const isThere = created === undefined || created.status === 'failed' || (created.status === 'read' && created.value.is === 'done');
    if (isThere) await pods.remove(cluster, namespace, name).catch(() => undefined);
  }
  if (state.forbidden !== undefined) return state.forbidden;
  return { namespace, name, image: state.image, isInjected: state.isInjected, answers };
}

/** The pod as the server made it. @throws UselessAnswer when it did not */
function createdIn(created: Read<Changed>, namespace: string): Fields {
  if (created.status === 'absent') throw new UselessAnswer('not-found', `there is no namespace ${namespace}`);
  if (created.status === 'failed') throw new UselessAnswer(created.code, created.reason);
  if (created.status === 'forbidden') throw new MissingRight(created.verb, created.resource);
  if (created.value.is === 'denied') {
    const { code, message } = created.value;
    throw new UselessAnswer(
      code === 404 ? 'not-found' : code >= 500 ? 'server-error' : 'forbidden',
      `the pod was not let in: ${oneLine(message)}`,
    );
  }
  return fields(tally(), created.value.object);
}

function hasSidecar(pod: Fields): boolean {
  return containersIn(pod).some(({ name }) => name === 'istio-proxy');
}

function containersIn(pod: Fields): readonly Fields[] {
  const odd = tally();
  const spec = fields(odd, pod['spec']);
  return [...objects(odd, spec['containers']), ...objects(odd, spec['initContainers'])];
}

/** The image that the cluster runs sidecars of: it is on its nodes, or where they get theirs. @throws UselessAnswer when there is none to be had */
async function sidecarImage(like: PodTarget['likeSidecarOf'], { io, cluster }: PodMeans, signal: AbortSignal): Promise<string> {
  const path =
    like === undefined ? undefined : `/api/v1/namespaces/${encodeURIComponent(like.namespace ?? '')}/pods/${encodeURIComponent(like.name)}`;
  const read = path === undefined ? undefined : await io.get(cluster, path, 'pods', signal);
  const odd = tally();
  const container = read?.status === 'read' ? containersIn(fields(odd, read.value)).find(({ name }) => name === 'istio-proxy') : undefined;
  const image = filled(odd, container?.['image']);
  if (image === undefined) throw new UselessAnswer('not-found', 'no sidecar runs there whose image could be used; --probe-image names one');
  if (/distroless/.test(image))
    throw new UselessAnswer('not-found', `${image} has no shell; --probe-image names an image with sh, getent, openssl, curl and timeout`);
  return image;
}

/** Waits until the script is through. @throws UselessAnswer when it cannot come to that */
async function logOf(name: string, { cluster, pods, options: { namespace } }: PodMeans, signal: AbortSignal): Promise<readonly Said[]> {
  for (;;) {
    if (signal.aborted) throw new UselessAnswer('interrupted', 'the run ended before the answer came');
    const read = await pods.get(cluster, namespace, name, signal);
    if (read.status === 'absent') throw new UselessAnswer('not-found', 'the pod was taken away by somebody else');
    if (read.status !== 'read') throw notRead(read);
    const state = stateOf(fields(tally(), read.value));
    if (state.is === 'stuck') throw new UselessAnswer('server-error', state.reason);
    if (state.is === 'started') {
      const log = await pods.log(cluster, namespace, name, probeContainer, signal);
      if (log.status === 'forbidden') throw notRead(log);
      // Refused in words that are not Kubernetes' own, by what stands before the API server: which right that is is known all the same.
      if (log.status === 'failed' && log.code === 'forbidden') throw new MissingRight('get', 'pods/log');
      if (log.status === 'failed' && log.code === 'unauthorized') throw notRead(log);
      const { said, missing, isDone } = readLog(log.status === 'read' ? log.value : '');
      if (missing.length > 0) throw new UselessAnswer('not-found', `the image has no ${missing.join(', ')}; --probe-image names another`);
      if (isDone) return said;
      if (state.hasEnded && log.status === 'read') throw new UselessAnswer('server-error', 'the pod ended before it had asked everything');
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** What was refused of the life of the pod: without it nothing is learnt of the whole. */
class MissingRight extends UselessAnswer {
  readonly right: Refusal['forbidden'];
  constructor(verb: string, resource: string) {
    super('forbidden', `may not ${verb} ${resource}`);
    this.right = { verb, resource };
  }
}

function notRead(read: Exclude<Read<unknown>, { readonly status: 'read' | 'absent' }>): UselessAnswer {
  return read.status === 'forbidden' ? new MissingRight(read.verb, read.resource) : new UselessAnswer(read.code, read.reason);
}

/** Reasons of waiting that do not pass by themselves. */
const hopeless = /^(?:ErrImage\w*|ImagePullBackOff|InvalidImageName|CreateContainer\w*Error|RunContainerError|CrashLoopBackOff)$/;

type State =
  | { readonly is: 'waiting' }
  | { readonly is: 'started'; readonly hasEnded: boolean }
  | { readonly is: 'stuck'; readonly reason: string };

function stateOf(pod: Fields): State {
  const odd = tally();
  const status = fields(odd, pod['status']);
  const containers = [...objects(odd, status['initContainerStatuses']), ...objects(odd, status['containerStatuses'])];
  const own = containers.find(({ name }) => name === probeContainer);
  const state = fields(odd, own?.['state']);
  const ended = optionalFields(odd, state['terminated']);
  if (ended !== undefined) {
    const code = whole(odd, ended['exitCode']) ?? 0;
    // Without a shell nothing was started.
    if (code === 127 || code === 128)
      return { is: 'stuck', reason: `the pod could not be started: ${oneLine(text(odd, ended['message']) ?? 'no shell')}` };
    return { is: 'started', hasEnded: true };
  }
  if (optionalFields(odd, state['running']) !== undefined) return { is: 'started', hasEnded: false };
  for (const container of containers) {
    const waiting = fields(odd, fields(odd, container['state'])['waiting']);
    const reason = text(odd, waiting['reason']) ?? '';
    if (hopeless.test(reason))
      return { is: 'stuck', reason: `${reason}: ${oneLine(text(odd, waiting['message']) ?? text(odd, container['image']) ?? '')}` };
  }
  return text(odd, status['phase']) === 'Failed'
    ? { is: 'stuck', reason: `the pod failed: ${oneLine(text(odd, status['message']) ?? text(odd, status['reason']) ?? '')}` }
    : { is: 'waiting' };
}

async function answerOf(asked: AskedInPod, said: Said, { rootsOf }: PodMeans): Promise<PodAnswer> {
  if ('target' in asked) {
    const { roots: _places, door: _door, ...target } = asked.target;
    return { is: 'handshake', ...target, outcome: handshakeIn(said, await rootsOf(asked), Date.now()) };
  }
  if (asked.question.is === 'name')
    return { is: 'name', service: asked.service, asked: asked.question.asked, addresses: addressesIn(said) };
  if ('port' in asked.service) return { is: 'call', service: asked.service, ...callIn(said) };
  throw new RangeError('a call has a port');
}

/** A pod of which nothing was learnt. */
export function withoutAnswers(namespace: string, failure: Failure): ProbePod {
  return { namespace, name: '', image: '', isInjected: false, answers: failure };
}
