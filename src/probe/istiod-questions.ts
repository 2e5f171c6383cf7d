import { metricsRead } from '../istio/istiod-metrics.ts';
import type { Answer, IstiodReplica, IstiodState, ListedGatewayProxy, ListedNameTable } from '../model/observations.ts';
import type { Revision } from '../model/ids.ts';
import type { ObjectRef } from '../model/refs.ts';
import { clustersIn, configIn, gatewaysIn, meshIn, nameTableIn, refusing, rejectionsIn, shardsIn, takenObject } from './debug-answers.ts';
import type { Failure } from './failure.ts';
import type { Reply } from './forwarded.ts';
import { type Get, type HttpAnswer, mebibyte } from './http-get.ts';
import { decoded, type Exceptions, noExceptions, statusFailure } from './json-answer.ts';
import { metricsIn } from './metrics-text.ts';

/** An istiod pod, and what it is asked beside its clusters, gateways, mesh config and metrics. */
export interface IstiodTarget {
  readonly pod: ObjectRef;
  readonly namespace: string;
  readonly revision: Revision;
  /** FQDNs whose endpoints and records are asked for, sorted. */
  readonly hosts: readonly string[];
  /** Pods of the proxies whose name tables are asked for, sorted. */
  readonly proxies: readonly ObjectRef[];
  /** Pods of gateways that are looked for among those that are connected, sorted. */
  readonly gateways: readonly ObjectRef[];
  /** It knows so many services that listing the endpoints of all takes longer than everything else. */
  readonly isLarge: boolean;
  /** There are Istio's objects where it reads them, and no more than are worth asking for. */
  readonly hasConfig: boolean;
}

/** Everything a replica is asked at its debug port, and what becomes of the replies. */
export interface Questions {
  /** In the order in which they are asked: what decides comes first, the longest answer last, or at once where it is really long. */
  readonly gets: readonly Get[];
  /** The first of them: what becomes of it says whether the rest is worth reading. */
  readonly first: Get;
  /** What the replies say. */
  read(said: (get: Get) => Reply<HttpAnswer>): {
    readonly lists: Pick<IstiodReplica, 'clusters' | 'gateways' | 'shards' | 'nameTables' | 'gatewayProxies'>;
    readonly state: Pick<IstiodState, 'mesh' | 'config' | 'metrics'>;
  };
}

/** Bytes of an answer. */
const ordinary = 64 * mebibyte;
/** Tens of MiB in a mesh of ten thousand endpoints. */
const large = 384 * mebibyte;

/** At the monitoring port only. */
export const metrics: Get = { path: '/metrics', most: ordinary };
/** Kilobytes for each proxy. */
export const proxyStates: Get = { path: '/debug/syncz', most: large, sieve: { element: refusing } };

export function questionsTo(target: IstiodTarget, port: number): Questions {
  const { hosts } = target;
  const clusters: Get = { path: '/debug/clusterz', most: ordinary };
  const gateways: Get = { path: '/debug/networkz', most: ordinary };
  const mesh: Get = { path: '/debug/mesh', most: ordinary };
  const config = where(target.hasConfig, { path: '/debug/configz', most: ordinary, sieve: { element: takenObject } });
  const shards = where(hosts.length > 0, {
    path: '/debug/endpointShardz',
    most: large,
    sieve: { members: new Set(hosts) },
    ...(target.isLarge ? { isLong: true as const } : {}),
  });
  const series = where(port === monitoringPort, metrics);
  const ofProxy = (proxy: ObjectRef): { readonly proxy: ObjectRef; readonly get: Get } => {
    const proxyId = encodeURIComponent(`${proxy.name}.${proxy.namespace ?? ''}`);
    return { proxy, get: { path: `/debug/ndsz?proxyID=${proxyId}`, most: ordinary } };
  };
  const tables = target.proxies.map(ofProxy);
  const connections = target.gateways.map(ofProxy);
  return {
    first: clusters,
    gets: [
      clusters,
      // What takes longest is asked before all that does not wait for it.
      ...(target.isLarge ? [shards ?? []].flat() : []),
      gateways,
      mesh,
      ...[series ?? []].flat(),
      ...[...tables, ...connections].map(({ get }) => get),
      ...[config ?? [], target.isLarge ? [] : (shards ?? [])].flat(),
    ],
    read: (said) => {
      const of = <T>(get: Get, decode: (value: unknown) => T | undefined, exceptions: Exceptions<T> = noExceptions): Answer<T> => {
        const got = said(get);
        // The same pod was asked before, so the right is there.
        return 'forbidden' in got ? forbiddenAnswer : decoded(get.path, got, decode, exceptions);
      };
      const lists = {
        clusters: of(clusters, clustersIn),
        gateways: of(gateways, gatewaysIn),
        shards: shards === undefined ? { answer: [] } : of(shards, (value) => shardsIn(value, hosts)),
        nameTables: tables.map(
          ({ proxy, get }): ListedNameTable => ({ proxy, table: of(get, (value) => nameTableIn(value, hosts), nameTableExceptions) }),
        ),
        ...(connections.length === 0
          ? {}
          : {
              gatewayProxies: connections.map(
                ({ proxy, get }): ListedGatewayProxy => ({ proxy, at: of(get, (): 'here' | 'elsewhere' => 'here', connectionExceptions) }),
              ),
            }),
      };
      const state = {
        mesh: of(mesh, meshIn),
        ...(config === undefined ? {} : { config: of(config, configIn) }),
        ...(series === undefined ? {} : { metrics: metricsOf(said(series)) }),
      };
      return { lists, state };
    },
  };
}

/** How many questions a target is, at most. */
export function questionsOf(target: IstiodTarget): number {
  return questionsTo(target, monitoringPort).gets.length;
}

/** The port of metrics, which serves the debug endpoints, too; the other is the plain HTTP port of istiod. */
export const [monitoringPort, httpPort] = [15014, 8080] as const;

export function metricsOf(reply: Reply<HttpAnswer>): NonNullable<IstiodState['metrics']> {
  if ('forbidden' in reply) return forbiddenAnswer;
  if ('failed' in reply) return reply;
  const { status, body } = reply.answer;
  if (status !== 200) return statusFailure(status, body);
  const answer = metricsIn(body, metricsRead);
  return answer === undefined ? { failed: 'server-error', reason: 'the answer to /metrics is of an unknown form' } : { answer };
}

export function rejectionsOf(reply: Reply<HttpAnswer>): NonNullable<IstiodState['rejections']> {
  return 'forbidden' in reply ? forbiddenAnswer : decoded(proxyStates.path, reply, rejectionsIn);
}

function where<T>(isAsked: boolean, get: T): T | undefined {
  return isAsked ? get : undefined;
}

const nameTableExceptions: Exceptions<'none' | 'elsewhere'> = ({ status, body }) => {
  if (status === 404) return { answer: 'elsewhere' };
  // Up to 1.24; later versions give an empty dump.
  return status === 400 && /DNS capture is not enabled/i.test(body) ? { answer: 'none' } : undefined;
};

/** What is said of the names of a proxy is said of one that is connected here. */
const connectionExceptions: Exceptions<'here' | 'elsewhere'> = (answer) => {
  const said = nameTableExceptions(answer);
  if (said === undefined || 'failed' in said) return said;
  return { answer: said.answer === 'elsewhere' ? 'elsewhere' : 'here' };
};

export const forbiddenAnswer: Failure = { failed: 'forbidden', reason: 'port-forward was refused' };
