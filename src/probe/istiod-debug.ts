import type { IstiodReplica, Answer, ListedNameTable } from '../model/observations.ts';
import type { Revision } from '../model/ids.ts';
import type { ObjectRef } from '../model/refs.ts';
import { clustersIn, gatewaysIn, nameTableIn, shardsIn } from './debug-answers.ts';
import type { Failure } from './failure.ts';
import type { Refusal, Reply } from './forwarded.ts';
import { type Get, type HttpAnswer, mebibyte } from './http-get.ts';
import { decoded, type Exceptions, noExceptions } from './json-answer.ts';

/** An istiod pod, and what it is asked beside its clusters and gateways. */
export interface IstiodTarget {
  readonly pod: ObjectRef;
  readonly namespace: string;
  readonly revision: Revision;
  /** FQDNs whose endpoints and records are asked for, sorted. */
  readonly hosts: readonly string[];
  /** Pods of the proxies whose name tables are asked for, sorted. */
  readonly proxies: readonly ObjectRef[];
}

/** Asks a port of this pod. Every question has a reply. */
export type Ask = (port: number, gets: readonly Get[]) => Promise<ReadonlyMap<Get, Reply<HttpAnswer>>>;

/** How many questions a target is, at most. */
export function questionsOf(target: IstiodTarget): number {
  return 2 + (target.hosts.length === 0 ? 0 : 1) + target.proxies.length;
}

/** Asks one istiod what it holds. A refusal when the right is missing; whatever else goes wrong is in the answers. */
export async function askIstiod(target: IstiodTarget, ask: Ask): Promise<IstiodReplica | Refusal> {
  const gateways: Get = { path: '/debug/networkz', most: ordinary };
  const shards: Get | undefined = target.hosts.length === 0 ? undefined : { path: '/debug/endpointShardz', most: large };
  const tables = target.proxies.map((proxy) => {
    const proxyId = encodeURIComponent(`${proxy.name}.${proxy.namespace ?? ''}`);
    return { proxy, get: { path: `/debug/ndsz?proxyID=${proxyId}`, most: ordinary } };
  });
  // The longest answer last: they come one after the other.
  const others = [gateways, ...tables.map(({ get }) => get), ...(shards === undefined ? [] : [shards])];
  const replies = await askedAtFirstPort(ask, others);
  const said = (get: Get): Reply<HttpAnswer> => replies.get(get) ?? forbiddenAnswer;
  const first = said(clusters);
  if ('forbidden' in first) return first;
  const obstacle = obstacleIn(first);
  if (obstacle !== undefined) return withoutAnswers(target, obstacle);
  const decodedReply = <T>(get: Get, decode: (value: unknown) => T | undefined, exceptions: Exceptions<T> = noExceptions): Answer<T> => {
    const got = said(get);
    // The same pod was asked before, so the right is there.
    return 'forbidden' in got ? forbiddenAnswer : decoded(get.path, got, decode, exceptions);
  };
  return {
    ...identity(target),
    clusters: decodedReply(clusters, clustersIn),
    gateways: decodedReply(gateways, gatewaysIn),
    shards: shards === undefined ? { answer: [] } : decodedReply(shards, (value) => shardsIn(value, target.hosts)),
    nameTables: tables.map(
      ({ proxy, get }): ListedNameTable => ({
        proxy,
        table: decodedReply(get, (value) => nameTableIn(value, target.hosts), nameTableExceptions),
      }),
    ),
  };
}

/** The monitoring port, and the one that serves the same where that was moved or switched off. */
const debugPorts = [15014, 8080] as const;

/** Bytes of an answer. */
const ordinary = 64 * mebibyte;
/** Tens of MiB in a mesh of ten thousand endpoints. */
const large = 384 * mebibyte;

/** Asked first: what becomes of it says whether the rest is worth reading. */
const clusters: Get = { path: '/debug/clusterz', most: ordinary };

const nameTableExceptions: Exceptions<'none' | 'elsewhere'> = ({ status, body }) => {
  if (status === 404) return { answer: 'elsewhere' };
  // Up to 1.24; later versions give an empty dump.
  return status === 400 && /DNS capture is not enabled/i.test(body) ? { answer: 'none' } : undefined;
};

const forbiddenAnswer: Failure = { failed: 'forbidden', reason: 'port-forward was refused' };

/** All questions, at the first port that speaks HTTP. Where none does, what happened at the usual one. */
async function askedAtFirstPort(ask: Ask, others: readonly Get[]): Promise<ReadonlyMap<Get, Reply<HttpAnswer>>> {
  const [usual, other] = debugPorts;
  const replies = await ask(usual, [clusters, ...others]);
  const first = replies.get(clusters);
  if (first === undefined || !('failed' in first) || !isWorthAnotherPort(first)) return replies;
  const second = await ask(other, [clusters, ...others]);
  const said = second.get(clusters);
  return said !== undefined && 'answer' in said ? second : replies;
}

function isWorthAnotherPort({ failed }: Failure): boolean {
  return failed === 'refused' || failed === 'reset' || failed === 'server-error';
}

/** Why no further question is worth asking. */
function obstacleIn(reply: Answer<HttpAnswer>): Failure | undefined {
  if ('failed' in reply) return reply;
  if (reply.answer.status !== 404) return undefined;
  return { failed: 'not-found', reason: 'HTTP 404 for everything under /debug, which ENABLE_DEBUG_ON_HTTP=false switches off' };
}

/** A replica of which nothing was learnt. */
export function withoutAnswers(target: IstiodTarget, failure: Failure): IstiodReplica {
  return {
    ...identity(target),
    clusters: failure,
    gateways: failure,
    shards: failure,
    nameTables: target.proxies.map((proxy) => ({ proxy, table: failure })),
  };
}

function identity({
  pod,
  namespace,
  revision,
  hosts,
}: IstiodTarget): Pick<IstiodReplica, 'pod' | 'namespace' | 'revision' | 'shardsAsked'> {
  return { pod, namespace, revision, shardsAsked: hosts };
}
