import type { IncomingMessage } from 'node:http';

/** What a request is about, as API servers read it off path and method before anything else. */
export interface ResourceRequest {
  readonly kind: 'resource';
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  /** Plural, as the path has it. */
  readonly resource: string;
  readonly subresource: string;
  /** Empty at the cluster scope. */
  readonly namespace: string;
  /** Empty for lists and creations. */
  readonly name: string;
}

export type RequestInfo = ResourceRequest | { readonly kind: 'path'; readonly verb: string; readonly path: string };

/** A request as handlers see it. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly info: RequestInfo;
  readonly message: IncomingMessage;
}

/** Path and query of a request; nothing when its target is no path. */
export function callOf(message: IncomingMessage): Call | undefined {
  const target = message.url ?? '/';
  const method = message.method ?? 'GET';
  try {
    const { pathname, searchParams } = new URL(target, 'https://kubernetes');
    return { method, path: pathname, query: searchParams, info: infoOf(method, pathname, searchParams), message };
  } catch {
    return undefined;
  }
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
  GET: 'get',
  HEAD: 'get',
};

function infoOf(method: string, path: string, query: URLSearchParams): RequestInfo {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const other: RequestInfo = { kind: 'path', verb: method.toLowerCase(), path };
  const [root, ...rest] = parts;
  if (root === 'api' && rest.length >= 2) return resourceInfo(method, '', rest[0] ?? '', rest.slice(1), query);
  if (root === 'apis' && rest.length >= 3) return resourceInfo(method, rest[0] ?? '', rest[1] ?? '', rest.slice(2), query);
  return other;
}

function resourceInfo(method: string, group: string, version: string, parts: readonly string[], query: URLSearchParams): ResourceRequest {
  const [first = '', second = '', third = ''] = parts;
  const isInNamespace = first === 'namespaces' && parts.length > 2 && third !== 'status' && third !== 'finalize';
  const [resource = '', name = '', ...further] = isInNamespace ? parts.slice(2) : parts;
  const verb = verbs[method] ?? method.toLowerCase();
  return {
    kind: 'resource',
    verb:
      name !== '' ? verb : verb === 'get' ? (isTrue(query.get('watch')) ? 'watch' : 'list') : verb === 'delete' ? 'deletecollection' : verb,
    group,
    version,
    resource,
    subresource: further.join('/'),
    // A namespace is in itself, so that rights in it cover it.
    namespace: isInNamespace || (first === 'namespaces' && group === '') ? second : '',
    name,
  };
}

/** Truth values of queries: `watch=1`, `watch=true`. */
export function isTrue(value: string | null): boolean {
  return value !== null && ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value);
}
