import { Agent, request } from 'undici';

/** An object as the API server gives it; what this tier reads of one is checked where it is read. */
export interface Obj {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
  };
  // The parts of objects that differ by kind are read by path; see `at`.
  readonly [field: string]: unknown;
}

/** Value at a path of fields and indices, if all of it is there. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let here = value;
  for (const step of path) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = Reflect.get(here, step);
  }
  return here;
}

export function textAt(value: unknown, ...path: readonly (string | number)[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

export interface KubeAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The API of one cluster, as its administrator. */
export interface Kube {
  call(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown, contentType?: string): Promise<KubeAnswer>;
  /** Follows a list for ever: every object as it is, then every change; `undefined` when an object is gone. Starts again when the server went away. */
  follow(path: string, seen: (key: string, object: Obj | undefined) => void): Promise<void>;
  close(): void;
}

export function openKube(server: string, ca: string, token: string): Kube {
  const agent = new Agent({ connect: { ca }, headersTimeout: 0, bodyTimeout: 0, connections: 64 });
  const stop = new AbortController();
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };

  const call: Kube['call'] = async (method, path, body, contentType = 'application/json') => {
    const answer = await request(`${server}${path}`, {
      method,
      dispatcher: agent,
      headers: body === undefined ? headers : { ...headers, 'content-type': contentType },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, body: parsed(text) };
  };

  return {
    call,
    follow: async (path, seen) => {
      const known = new Set<string>();
      let synced: (() => void) | undefined;
      const first = new Promise<void>((resolve) => (synced = resolve));
      const round = async (): Promise<void> => {
        const list = await call('GET', path);
        if (list.status !== 200) throw new Error(`${path}: ${list.status}`);
        const now = new Set<string>();
        for (const item of listAt(list.body, 'items')) {
          if (!isObject(item)) continue;
          now.add(keyOf(item));
          seen(keyOf(item), item);
        }
        for (const key of known) if (!now.has(key)) seen(key, undefined);
        known.clear();
        for (const key of now) known.add(key);
        synced?.();
        const version = textAt(list.body, 'metadata', 'resourceVersion') ?? '';
        const watch = await request(`${server}${path}${path.includes('?') ? '&' : '?'}watch=1&resourceVersion=${version}`, {
          dispatcher: agent,
          headers,
          signal: stop.signal,
        });
        let rest = '';
        for await (const chunk of watch.body.setEncoding('utf8')) {
          const lines = (rest + String(chunk)).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) {
            const event = parsed(line);
            const object = at(event, 'object');
            if (textAt(event, 'type') === 'ERROR' || !isObject(object)) return;
            const key = keyOf(object);
            const gone = textAt(event, 'type') === 'DELETED';
            if (gone) known.delete(key);
            else known.add(key);
            seen(key, gone ? undefined : object);
          }
        }
      };
      const rounds = async (): Promise<void> => {
        while (!stop.signal.aborted) {
          await round().catch(() => undefined);
          await new Promise((resolve) => setTimeout(resolve, 300));
        }
      };
      void rounds();
      await first;
    },
    close: () => {
      stop.abort();
      void agent.destroy();
    },
  };
}

export function keyOf(object: Obj): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

function isObject(value: unknown): value is Obj {
  return textAt(value, 'metadata', 'name') !== undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
