import { setMaxListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { type ClusterName, clusterName } from '../model/ids.ts';
import { type Caller, openCaller, type Said } from './caller.ts';
import { abortFault, answerFault, Fault, isPage, missingRight, type Scrub, statusOf } from './classify.ts';
import type { Connection, ListRequest, ListSink, Read, RequestRecord } from './connection.ts';
import { openCredentials } from './credentials.ts';
import { impersonationHeaders } from './headers.ts';
import { readList } from './list.ts';
import { type Forwarding, openForward } from './port-forward.ts';
import { type ClusterTarget, serverAddress } from './target.ts';
import { ownTerminal, type Terminal } from './terminal.ts';
import { openTransport } from './transport.ts';

export interface ConnectionOptions {
  /** Default: the target's name. */
  readonly name?: ClusterName;
  /** For proxies, authorities and exec plugins. Default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Longest that one request may take from its first byte to the last of its answer, in milliseconds; default 30,000. */
  readonly requestTimeout?: number;
  /** Longest that TCP, proxy and TLS may take together, in milliseconds; default 5,000, and never more than requestTimeout. */
  readonly connectTimeout?: number;
  /** Longest that an exec plugin may take that asks nobody, in milliseconds; default 30,000. */
  readonly pluginTimeout?: number;
  /** How often a request is sent again whose answer was cut; default 2. */
  readonly maxRetries?: number;
  /** Somebody sits at the terminal whom exec plugins may ask; `terminal` is then how. */
  readonly isInteractive?: boolean;
  readonly terminal?: Terminal;
  /** Ends every call: `failed` as timeout when its reason is a TimeoutError, else as interrupted. */
  readonly signal?: AbortSignal | undefined;
  readonly onRequest?: ((record: RequestRecord) => void) | undefined;
  /** Waits; rejects when the signal says stop. For tests. */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds since 1970, for the age of credentials. For tests. */
  readonly now?: () => number;
}

type NotRead = Exclude<Read<never>, { status: 'read' }>;

/** What was asked, as a refusal names it. */
export interface Right {
  readonly verb: string;
  readonly resource: string;
}

/** The way to an API server, whoever goes it: what reads and what writes share. */
export interface Channel {
  readonly name: ClusterName;
  readonly caller: Caller;
  readonly failed: (error: unknown) => NotRead;
  readonly refused: (said: Said, asked: Right) => NotRead;
  close(): Promise<void>;
}

export function openChannel(target: ClusterTarget, options: ConnectionOptions = {}): Channel & Forwarding {
  const { env = process.env, requestTimeout = 30_000, now = Date.now } = options;
  const name = options.name ?? clusterName(target.name);
  const closing = new AbortController();
  const signal = options.signal === undefined ? closing.signal : AbortSignal.any([options.signal, closing.signal]);
  // Whatever is open listens: forwards and connections, a dozen at a time. Node would take that for a leak.
  setMaxListeners(0, signal);
  const credentials = openCredentials(target, {
    env,
    pluginTimeout: options.pluginTimeout ?? 30_000,
    signal,
    now,
    ...(options.isInteractive === true ? { terminal: options.terminal ?? ownTerminal } : {}),
  });
  const transport = openTransport(target, { env, connectTimeout: Math.min(options.connectTimeout ?? 5000, requestTimeout), signal });
  const headers = impersonationHeaders(target.impersonate);
  const caller = openCaller({
    name,
    credentials,
    transport,
    headers: { ...headers, 'User-Agent': 'meshdoctor' },
    mayCompress: !target.disableCompression,
    requestTimeout,
    maxRetries: options.maxRetries ?? 2,
    sleep: options.sleep ?? pause,
    signal,
    onRequest: options.onRequest,
  });

  const failed = (error: unknown): NotRead => {
    if (!(error instanceof Fault)) throw error;
    return { status: 'failed', code: error.code, reason: caller.scrub(error.message) };
  };
  const refused = (said: Said, asked: Right): NotRead => {
    try {
      return refusalOf(said, asked, serverAddress(target)?.host ?? 'the server', caller.scrub);
    } catch (error) {
      return failed(error);
    }
  };

  return {
    name,
    caller,
    failed,
    refused,
    credentials,
    transport,
    headers,
    timeout: requestTimeout,
    ending: signal,
    async close() {
      closing.abort(new Fault('interrupted', 'the connection was closed'));
      await transport.close();
    },
  };
}

/**
 * Opens a cluster. Nothing is contacted, read or run before the first call, and no condition of the cluster is an exception: bad files, plugins
 * that fail, servers that do not answer are all `failed`.
 */
export function openConnection(target: ClusterTarget, options: ConnectionOptions = {}): Connection {
  const channel = openChannel(target, options);
  const { caller, failed, refused } = channel;
  return {
    name: channel.name,
    server: shownServer(target.server),
    async get(path, given = {}) {
      const asked = { verb: 'get', resource: given.resource ?? path };
      try {
        const said = await caller.call({ method: 'GET', path, headers: { Accept: given.accept ?? 'application/json' } }, given.signal);
        return isRead(said) ? { status: 'read', value: said.json } : refused(said, asked);
      } catch (error) {
        return failed(error);
      }
    },
    async text(path, { resource, signal: own }) {
      try {
        const said = await caller.call({ method: 'GET', path, headers: { Accept: 'text/plain, */*' } }, own);
        const { status, contentType, body } = said.answer;
        if (status === 200 && !isPage(contentType)) return { status: 'read', value: body.toString('utf8') };
        return refused(said, { verb: 'get', resource });
      } catch (error) {
        return failed(error);
      }
    },
    async list(request: ListRequest, sink: ListSink, own) {
      const asked = { verb: 'list', resource: rightName(request) };
      try {
        return await readList(caller, request, sink, (said) => refused(said, asked), own);
      } catch (error) {
        return failed(error);
      }
    },
    async mayI(right, own) {
      const resource = 'selfsubjectaccessreviews';
      const body = JSON.stringify({
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: right },
      });
      const sent = {
        method: 'POST',
        path: `/apis/authorization.k8s.io/v1/${resource}`,
        headers: { Accept: 'application/json', 'Content-Type': 'application/json' },
        body,
      } as const;
      try {
        const said = await caller.call(sent, own);
        return isRead(said)
          ? { status: 'read', value: isAllowed(said.json) }
          : refused(said, { verb: 'create', resource: `${resource}.authorization.k8s.io` });
      } catch (error) {
        return failed(error);
      }
    },
    async forward(pod, port, own) {
      try {
        return await openForward(channel, pod, port, caller.signalOf(own));
      } catch (error) {
        return failed(error);
      }
    },
    clock: caller.clock,
    close: channel.close,
  };
}

/** A success with an object in it: a page of a proxy may be called a success, too. */
export const isRead = ({ answer, json }: Said): boolean => answer.status >= 200 && answer.status < 300 && json !== undefined;

/** `deployments.apps`: as rules and `kubectl auth can-i` name a resource. */
function rightName({ group, resource }: ListRequest): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** @throws Fault for everything that is neither a refusal nor an absence */
function refusalOf({ answer, json }: Said, asked: Right, peer: string, scrub: Scrub): NotRead {
  const status = statusOf(json);
  if (answer.status === 403 && status !== undefined) return { status: 'forbidden', ...missingRight(scrub(status.message), asked) };
  if (answer.status === 404 && !isPage(answer.contentType)) return { status: 'absent' };
  if (answer.status >= 200 && answer.status < 300 && !isPage(answer.contentType))
    throw new Fault('server-error', `${peer} answered with ${answer.contentType.split(';')[0] || 'no content type'} instead of JSON`);
  throw answerFault(answer, answer.body.toString('utf8'), peer, scrub);
}

function isAllowed(review: unknown): boolean {
  if (typeof review !== 'object' || review === null || !('status' in review))
    throw new Fault('server-error', 'the answer to an access review is none');
  const { status } = review;
  return typeof status === 'object' && status !== null && 'allowed' in status && status.allowed === true;
}

/** A URL with a user in it is shown without. */
function shownServer(server: string): string {
  return server.replace(/(?<=:\/\/)[^/@\s]+@/, '');
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await wait(milliseconds, undefined, { signal }).catch(() => {
    throw abortFault(signal);
  });
}
