import { statusOf } from './classify.ts';
import { type ConnectionOptions, isRead, openChannel } from './connect.ts';
import type { Changed, Read } from './connection.ts';
import type { ClusterName } from '../model/ids.ts';
import type { ClusterTarget } from './target.ts';

/** Makes and removes pods of meshdoctor itself, and nothing else. Who may import it is a list in test/architecture. */
export interface PodMaker {
  readonly name: ClusterName;
  /** `isTrial`: as a dry run. A webhook that does not answer is waited for. */
  create(namespace: string, pod: object, isTrial: boolean, signal?: AbortSignal): Promise<Read<Changed>>;
  remove(namespace: string, name: string, signal?: AbortSignal): Promise<Read<Changed>>;
  close(): Promise<void>;
}

/** Milliseconds that an API server may take to create a pod: it waits ten seconds for a webhook that does not answer. */
const webhookPatience = 15_000;

export function openPodMaker(target: ClusterTarget, options: ConnectionOptions = {}): PodMaker {
  const { name, caller, failed, refused, close } = openChannel(target, { ...options, maxRetries: 0 });
  const change = async (method: 'POST' | 'DELETE', path: string, body: object | undefined, own?: AbortSignal): Promise<Read<Changed>> => {
    const headers = { Accept: 'application/json', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) };
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    try {
      const said = await caller.call({ method, path, headers, timeout: webhookPatience, ...content }, own);
      if (isRead(said)) return { status: 'read', value: { is: 'done', object: said.json } };
      const { status: code } = said.answer;
      const status = code >= 400 && code !== 401 ? statusOf(said.json) : undefined;
      // Admission refuses with 403, too; who lacks a right is told what he cannot do.
      if (status === undefined || isMissingRight(status.message))
        return refused(said, { verb: method === 'POST' ? 'create' : 'delete', resource: 'pods' });
      return { status: 'read', value: { is: 'denied', code, message: caller.scrub(status.message) } };
    } catch (error) {
      return failed(error);
    }
  };
  const podsOf = (namespace: string): string => `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  return {
    name,
    create: async (namespace, pod, isTrial, own) => await change('POST', `${podsOf(namespace)}${isTrial ? '?dryRun=All' : ''}`, pod, own),
    remove: async (namespace, pod, own) =>
      await change('DELETE', `${podsOf(namespace)}/${encodeURIComponent(pod)}?gracePeriodSeconds=0`, undefined, own),
    close,
  };
}

const isMissingRight = (message: string): boolean => /cannot \S+ (?:resource|path) "/.test(message);
