import type { Injector, Pod, WebhookTarget, Workload } from '../model/facts.ts';

/** Why an API server could not use a webhook, by its own words. */
export type RefusalKind =
  /** Nothing answered in time: a firewall, a dead address, an overloaded server. */
  | 'timeout'
  /** The API server does not go there at all, or has no tunnel to do it. */
  | 'barred'
  /** Somebody answered that nothing listens. */
  | 'refused'
  /** The connection was cut. */
  | 'reset'
  /** The certificate leads to no root that the webhook names. */
  | 'untrusted'
  /** The certificate is for other names. */
  | 'name'
  /** The Service is missing, or nothing is behind it. */
  | 'nowhere'
  | 'other';

/** A webhook that refused the pods of a workload by not answering properly, as its ReplicaSet reports it. */
export interface Refusal {
  readonly workload: Workload;
  readonly webhook: string;
  /** Service that was called; absent for a webhook that is called by URL. */
  readonly service?: { readonly namespace: string; readonly name: string };
  /** Host that was called, without port. */
  readonly host: string;
  readonly kind: RefusalKind;
  /** The API server's words behind the address. */
  readonly reason: string;
  /** RFC 3339: when it began; the words are of that time. Recordings of older versions do not say. */
  readonly since?: string;
}

/** First what fits. */
const kinds: readonly (readonly [RefusalKind, RegExp])[] = [
  ['name', /certificate is (?:not )?valid for|doesn't contain any IP SANs|not valid for any names/],
  ['untrusted', /x509:|unknown certificate authority/],
  ['nowhere', /no endpoints available|endpoints ".*" not found|service ".*" not found|unsupported service type/],
  ['barred', /Address is not allowed|No agent available/],
  ['refused', /connection refused/],
  ['reset', /connection reset|\bEOF\b/],
  ['timeout', /context deadline exceeded|i\/o timeout|Client\.Timeout exceeded|TLS handshake timeout|request canceled while waiting/],
];

/** Pods that could not be created because a webhook could not be called, one refusal for each workload. */
export function refusalsOf(workloads: readonly Workload[]): Refusal[] {
  return workloads.flatMap((workload) => {
    for (const { type, status, message, since } of workload.conditions) {
      if (type !== 'ReplicaFailure' || status !== 'True') continue;
      const refusal = refusalIn(message);
      if (refusal !== undefined) return [{ workload, ...refusal, ...(since === undefined ? {} : { since }) }];
    }
    return [];
  });
}

/** What an API server says of a webhook that it could not call; nothing for other words. */
export function refusalIn(message: string): Omit<Refusal, 'workload' | 'since'> | undefined {
  const [, webhook, rest] = /failed calling webhook "([^"]*)":\s*(.*)$/s.exec(message) ?? [];
  if (webhook === undefined || rest === undefined) return undefined;
  const [, url, words] = /Post "?(https:\/\/[^"\s]+?)"?:\s+(.*)$/s.exec(rest) ?? [];
  const reason = words ?? rest;
  const host = /^https:\/\/(\[[^\]]*\]|[^:/]+)/.exec(url ?? '')?.[1] ?? '';
  const [, name, namespace] = /^([^.]+)\.([^.]+)\.svc$/.exec(host) ?? [];
  const kind = kinds.find(([, words]) => words.test(reason))?.[0] ?? 'other';
  return {
    webhook,
    host,
    kind,
    reason,
    ...(name === undefined || namespace === undefined ? {} : { service: { namespace, name } }),
  };
}

/** Refusals by these injectors: by the Service or the URL that they call, whichever of their entries it was. */
export function refusalsBy(injectors: readonly Injector[], workloads: readonly Workload[]): Refusal[] {
  const called = new Set(injectors.flatMap(({ target }) => hostOf(target) ?? []));
  return called.size === 0 ? [] : refusalsOf(workloads).filter(({ host }) => called.has(host));
}

/** Host that an API server asks for, as its certificate has to have it. */
export function hostOf({ service, url }: WebhookTarget): string | undefined {
  if (service !== undefined) return `${service.name}.${service.namespace}.svc`;
  return url === undefined ? undefined : /^https:\/\/(\[[^\]]*\]|[^:/]+)/.exec(url)?.[1];
}

/** So long after its start an istiod may still be on its way: pulled, synchronised, ready, and a call that waits ten seconds. */
const startingSeconds = 120;

/** So long a controller may wait before it tries again to create a pod (the longest back-off of its queue, and some time to spare). */
const longestRetrySeconds = 20 * 60;

/**
 * Whether a refusal is what a start of istiod explains: it began while one of these pods of istiod was starting, and its controller need not
 * have tried again since. `now`: RFC 3339; without it everything that began so may be.
 */
export function isOfStart({ since }: Refusal, istiods: readonly Pick<Pod, 'startedAt'>[], now: string | undefined): boolean {
  if (since === undefined) return false;
  const began = Date.parse(since);
  const isOver = now !== undefined && Date.parse(now) - began > longestRetrySeconds * 1000;
  if (isOver) return false;
  return istiods.some(({ startedAt }) => {
    const after = startedAt === undefined ? Number.NaN : began - Date.parse(startedAt);
    return after >= 0 && after <= startingSeconds * 1000;
  });
}
