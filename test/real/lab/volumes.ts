import { mkdirSync, renameSync, rmSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Kube, type Obj, at, listAt, textAt } from './kube.ts';

/** Files of a pod's volumes, by path in the container. */
export type Files = Map<string, Buffer>;

/** Where volumes come from; Secrets and ConfigMaps by NAMESPACE/NAME, as they are now. */
export interface Sources {
  readonly kube: Kube;
  readonly secrets: ReadonlyMap<string, Obj>;
  readonly configmaps: ReadonlyMap<string, Obj>;
  /** Tokens that were given out already. */
  readonly tokens: Map<string, string>;
}

/**
 * What the volumes of one container hold, as a kubelet projects them: Secrets, ConfigMaps, tokens and the downward API. Empty folders are
 * entries that end in a slash. Undefined: something that is not optional is not there yet.
 */
export async function filesOf(sources: Sources, pod: Obj, container: unknown): Promise<Files | undefined> {
  const files: Files = new Map();

  for (const mount of listAt(container, 'volumeMounts')) {
    const path = textAt(mount, 'mountPath') ?? '/';
    const name = textAt(mount, 'name');
    const volume = listAt(pod, 'spec', 'volumes').find((candidate) => textAt(candidate, 'name') === name);
    const projected = at(volume, 'projected') === undefined ? [volume] : listAt(volume, 'projected', 'sources');
    files.set(`${path}/`, Buffer.alloc(0));
    for (const source of projected) {
      const part = await projection(sources, pod, source);
      if (part === undefined) return undefined;
      for (const [base, bytes] of part) files.set(join(path, base), bytes);
    }
  }
  return files;
}

/** Brings the folder to what `files` say; returns whether anything changed. */
export function writeFiles(root: string, files: Files, before: Files): boolean {
  let changed = false;
  for (const [path, bytes] of files) {
    const full = join(root, path);
    if (path.endsWith('/')) {
      mkdirSync(full, { recursive: true });
      continue;
    }
    if (before.get(path)?.equals(bytes) === true) continue;
    if (!before.has(path) && existsSync(full) && readFileSync(full).equals(bytes)) continue;
    mkdirSync(dirname(full), { recursive: true });
    // A watcher must never see half a file.
    writeFileSync(`${full}.new`, bytes);
    renameSync(`${full}.new`, full);
    changed = true;
  }
  for (const path of before.keys()) if (!files.has(path) && !path.endsWith('/')) rmSync(join(root, path), { force: true });
  return changed;
}

async function projection(sources: Sources, pod: Obj, source: unknown): Promise<Files | undefined> {
  for (const kind of ['secrets', 'configmaps'] as const) {
    const field = kind === 'secrets' ? 'secret' : 'configMap';
    const wanted = at(source, field);
    if (wanted === undefined) continue;
    const object = sources[kind].get(`${pod.metadata.namespace ?? ''}/${textAt(wanted, 'secretName') ?? textAt(wanted, 'name') ?? ''}`);
    if (object === undefined) return at(wanted, 'optional') === true ? new Map() : undefined;
    return itemsOf(wanted, dataOf(object, kind));
  }
  const token = at(source, 'serviceAccountToken');
  if (token !== undefined) {
    const audience = textAt(token, 'audience');
    const text = await tokenOf(sources, pod, audience);
    return text === undefined ? undefined : new Map([[textAt(token, 'path') ?? 'token', Buffer.from(text)]]);
  }
  const downward = at(source, 'downwardAPI');
  if (downward !== undefined) {
    const files: Files = new Map();
    for (const item of listAt(downward, 'items')) {
      const field = textAt(item, 'fieldRef', 'fieldPath') ?? '';
      files.set(textAt(item, 'path') ?? '', Buffer.from(fieldOf(pod, field) ?? ''));
    }
    return files;
  }
  return new Map();
}

function itemsOf(wanted: unknown, data: Files): Files {
  const items = listAt(wanted, 'items');
  if (items.length === 0) return data;
  const files: Files = new Map();
  for (const item of items) {
    const bytes = data.get(textAt(item, 'key') ?? '');
    if (bytes !== undefined) files.set(textAt(item, 'path') ?? '', bytes);
  }
  return files;
}

function dataOf(object: Obj, kind: 'secrets' | 'configmaps'): Files {
  const data = at(object, 'data');
  const entries = typeof data === 'object' && data !== null ? Object.entries(data) : [];
  return new Map(entries.map(([key, value]) => [key, Buffer.from(String(value), kind === 'secrets' ? 'base64' : 'utf8')]));
}

/** A token bound to the pod, good for the whole life of the lab. */
async function tokenOf({ kube, tokens }: Sources, pod: Obj, audience: string | undefined): Promise<string | undefined> {
  const account = textAt(pod, 'spec', 'serviceAccountName') ?? 'default';
  const key = `${pod.metadata.uid ?? ''} ${audience ?? ''}`;
  const known = tokens.get(key);
  if (known !== undefined) return known;
  const answer = await kube.call('POST', `/api/v1/namespaces/${pod.metadata.namespace ?? ''}/serviceaccounts/${account}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      ...(audience === undefined ? {} : { audiences: [audience] }),
      expirationSeconds: 86_400,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid },
    },
  });
  const token = textAt(answer.body, 'status', 'token');
  if (token !== undefined) tokens.set(key, token);
  return token;
}

/** A field of the downward API. */
export function fieldOf(pod: Obj, path: string): string | undefined {
  const member = /^metadata\.(labels|annotations)\['(.+)'\]$/u.exec(path);
  if (member?.[1] !== undefined && member[2] !== undefined) return textAt(pod, 'metadata', member[1], member[2]) ?? '';
  if (path === 'metadata.labels' || path === 'metadata.annotations') {
    const all = at(pod, ...path.split('.'));
    const entries = typeof all === 'object' && all !== null ? Object.entries(all) : [];
    return entries.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join('\n');
  }
  return textAt(pod, ...path.split('.'));
}
