import { Agent, request } from 'undici';
import { mesh } from '../../src/builder/mesh.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import { type Certificate, mintCertificate } from '../../src/sandbox/certificates.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../src/sandbox/server/server.ts';
import { openUsers, type Users } from '../../src/sandbox/server/users.ts';
import { type ObjectStore, openStore } from '../../src/sandbox/store.ts';

/** The present of every API server that a test starts, unless the test says otherwise. */
export const now = '2026-11-29T10:20:30.400Z';

const validity = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2100-01-01T00:00:00Z') };

/** Objects of cluster `east` of a healthy mesh with a Deployment and a Service `shop/abc`. */
export function eastObjects(): readonly KubeObject[] {
  const built = mesh().primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' }).namespace('shop', { injected: true });
  return built.service('abc.shop').objects().get('east')!;
}

export interface TestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as JSON; undefined when it is none. */
  readonly body: unknown;
}

export interface TestRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
  /** Default: that of `admin`; null: none. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

export interface TestServer {
  readonly api: ApiServer;
  readonly store: ObjectStore;
  readonly users: Users;
  readonly ca: Certificate;
  ask(path: string, options?: TestRequest): Promise<TestAnswer>;
  close(): Promise<void>;
}

export interface TestServerOptions extends Partial<Pick<ApiServerOptions, 'ports' | 'minor' | 'clock'>> {
  readonly objects?: readonly KubeObject[];
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const ca = await mintCertificate({ subject: [['CN', 'kubernetes']], isAuthority: true, ...validity });
  const certificate = await mintCertificate({
    subject: [['CN', 'kube-apiserver']],
    issuer: ca,
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
    usages: ['server'],
    ...validity,
  });
  const clock = options.clock ?? (() => now);
  const store = openStore('east', options.objects ?? eastObjects(), { clock });
  const users = openUsers();
  const { ports, minor } = options;
  const api = await startApiServer({
    cluster: 'east',
    store,
    users,
    clock,
    tls: { ...certificate, ca: ca.cert },
    ...(ports === undefined ? {} : { ports }),
    ...(minor === undefined ? {} : { minor }),
  });
  const dispatcher = new Agent({ connect: { ca: ca.cert }, connections: 1 });
  return {
    api,
    store,
    users,
    ca,
    ask: async (path, { method = 'GET', body, type = 'application/json', accept, token, headers = {} } = {}) => {
      const shown = token === undefined ? users.tokens.get('admin') : token;
      const answer = await request(`${api.url}${path}`, {
        dispatcher,
        method,
        headers: {
          ...(accept === undefined ? {} : { accept }),
          ...(shown === null ? {} : { authorization: `Bearer ${shown}` }),
          ...(body === undefined ? {} : { 'content-type': type }),
          ...headers,
        },
        body: body === undefined ? null : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      });
      const text = await answer.body.text();
      return { status: answer.statusCode, headers: answer.headers, text, body: parsed(text) };
    },
    close: async () => {
      await dispatcher.destroy();
      await api.close();
    },
  };
}

/** A client certificate of the server's authority for a user. */
export function clientCertificate(server: TestServer, user: string, groups: readonly string[] = []): Promise<Certificate> {
  const subject: [string, string][] = [...groups.map((group): [string, string] => ['O', group]), ['CN', user]];
  return mintCertificate({ subject, issuer: server.ca, usages: ['client'], ...validity });
}

/** A value inside an answer: `metadata.resourceVersion`, `items.0.kind`. */
export function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((found, key) => (found as Record<string, unknown> | undefined)?.[key], value);
}

/** A text inside an answer; fails when there is none. */
export function textIn(value: unknown, path: string): string {
  const found = at(value, path);
  if (typeof found !== 'string') throw new Error(`no text at ${path}`);
  return found;
}

/** Names of the items of a list. */
export function namesIn(value: unknown): readonly string[] {
  return (at(value, 'items') as KubeObject[]).map(({ metadata }) => metadata.name);
}

/** The items of a list as `namespace/name`. */
export function keysIn(value: unknown): readonly string[] {
  return (at(value, 'items') as KubeObject[]).map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
