import { istiodMetrics } from '../istio/istiod-metrics.ts';
import type { Answer, IstiodReplica, IstiodSample, IstiodState, Rung } from '../model/observations.ts';
import type { Failure } from './failure.ts';
import type { Refusal, Reply } from './forwarded.ts';
import type { Get, HttpAnswer } from './http-get.ts';
import {
  forbiddenAnswer,
  httpPort,
  type IstiodTarget,
  metrics,
  metricsOf,
  monitoringPort,
  proxyStates,
  questionsTo,
  rejectionsOf,
} from './istiod-questions.ts';
import { statusFailure } from './json-answer.ts';

/** Asks a port of this pod. Every question has a reply. */
export type Ask = (port: number, gets: readonly Get[]) => Promise<ReadonlyMap<Get, Reply<HttpAnswer>>>;

/**
 * Asks one istiod what it holds, on the highest rung that bears: the debug endpoints at its monitoring port, the same at its HTTP port, its
 * metrics. The others of Istio's own ladder are not for somebody who only looks: exec into the pod, and XDS with a token made for it.
 * A refusal when the right is missing; whatever else goes wrong is in the answers.
 */
export async function askIstiod(target: IstiodTarget, ask: Ask): Promise<AskedIstiod | Refusal> {
  const above: string[] = [];
  let usual: ReadonlyMap<Get, Reply<HttpAnswer>> | undefined;
  let obstacle: Failure | undefined;
  for (const port of [monitoringPort, httpPort]) {
    const questions = questionsTo(target, port);
    const replies = await ask(port, questions.gets);
    usual ??= replies;
    const first = replies.get(questions.first) ?? forbiddenAnswer;
    if ('forbidden' in first) return first;
    const inTheWay = obstacleIn(first);
    if (inTheWay === undefined) {
      const { lists, state } = questions.read((get) => replies.get(get) ?? forbiddenAnswer);
      const rejections = await askRejections(state.metrics, port, ask);
      return {
        replica: { ...identity(target), shardsAsked: target.hosts, ...lists },
        state: { ...identity(target), ...state, ...rejections, rung: { by: 'debug', port, above } },
      };
    }
    obstacle ??= inTheWay;
    above.push(`port ${port}: ${inTheWay.reason}`);
    if ('failed' in first && !isWorthAnotherPort(first)) break;
  }
  const failure = obstacle ?? forbiddenAnswer;
  const series = metricsOf(usual?.get(metrics) ?? failure);
  const rung: Rung = 'answer' in series ? { by: 'metrics', port: monitoringPort, above } : { by: 'none', above };
  return withoutAnswers(target, failure, { metrics: series, rung });
}

/** Asks for the metrics of a replica once more, so many seconds after it gave them. Nothing where it gave none. */
export async function askAgain({ state }: AskedIstiod, seconds: number, ask: Ask): Promise<IstiodSample | undefined> {
  const { pod, namespace, revision, metrics: before } = state;
  if (before === undefined || 'failed' in before) return undefined;
  const replies = await ask(monitoringPort, [metrics]);
  return { pod, namespace, revision, seconds, before, after: metricsOf(replies.get(metrics) ?? forbiddenAnswer) };
}

/** What one istiod said. */
export interface AskedIstiod {
  readonly replica: IstiodReplica;
  readonly state: IstiodState;
}

/** The state of every proxy is a long answer: it is asked for where some proxy refused something since istiod started. */
async function askRejections(series: IstiodState['metrics'], port: number, ask: Ask): Promise<Pick<IstiodState, 'rejections'> | undefined> {
  if (series === undefined || 'failed' in series) return undefined;
  if (!series.answer.some(({ name, value }) => name === istiodMetrics.rejects && value > 0)) return undefined;
  const replies = await ask(port, [proxyStates]);
  return { rejections: rejectionsOf(replies.get(proxyStates) ?? forbiddenAnswer) };
}

/** Whether the other port may do better: not where the pod itself is out of reach, or slow. */
function isWorthAnotherPort({ failed }: Failure): boolean {
  return failed === 'refused' || failed === 'reset' || failed === 'server-error';
}

/** Why no further question is worth asking at this port. */
function obstacleIn(reply: Answer<HttpAnswer>): Failure | undefined {
  if ('failed' in reply) return reply;
  const { status, body } = reply.answer;
  switch (status) {
    case 401:
    case 403:
      return statusFailure(status, body);
    case 404:
      return { failed: 'not-found', reason: 'HTTP 404 for everything under /debug, which ENABLE_DEBUG_ON_HTTP=false switches off' };
    default:
      return undefined;
  }
}

/** A replica of which nothing was learnt, but for what `known` says. */
export function withoutAnswers(
  target: IstiodTarget,
  failure: Failure,
  known: Pick<IstiodState, 'rung' | 'metrics'> = { rung: { by: 'none', above: [failure.reason] } },
): AskedIstiod {
  return {
    replica: {
      ...identity(target),
      shardsAsked: target.hosts,
      clusters: failure,
      gateways: failure,
      shards: failure,
      nameTables: target.proxies.map((proxy) => ({ proxy, table: failure })),
      ...(target.gateways.length === 0 ? {} : { gatewayProxies: target.gateways.map((proxy) => ({ proxy, at: failure })) }),
    },
    state: { ...identity(target), mesh: failure, ...known },
  };
}

function identity({ pod, namespace, revision }: IstiodTarget): Pick<IstiodReplica, 'pod' | 'namespace' | 'revision'> {
  return { pod, namespace, revision };
}
