import type { SidecarState } from '../model/observations.ts';
import type { ObjectRef } from '../model/refs.ts';
import { certificateIn, endpointsIn, rootsIn } from './envoy-answers.ts';
import type { Failure } from './failure.ts';
import type { Refusal, Reply } from './forwarded.ts';
import { type Get, type HttpAnswer, mebibyte } from './http-get.ts';
import { decoded } from './json-answer.ts';

/** A sidecar, and the hosts whose endpoints it is asked for. */
export interface SidecarTarget {
  readonly pod: ObjectRef;
  /** FQDNs, sorted. */
  readonly hosts: readonly string[];
}

/** Where the admin port of a proxy listens, on loopback only. */
export const adminPort = 15000;

/** What a sidecar is asked, reading only: its certificate first. Never for the secret with its key, which Envoy would black out. */
export function questionsTo({ hosts }: Pick<SidecarTarget, 'hosts'>): readonly Get[] {
  return [certificate, roots, ...(hosts.length === 0 ? [] : [endpointsOf(hosts)])];
}

/** What a sidecar says of itself, by its replies to these questions. */
export function sidecarState(target: SidecarTarget, replies: ReadonlyMap<string, Reply<HttpAnswer>>): SidecarState | Refusal {
  const { pod, hosts } = target;
  const first = replies.get(certificate.path);
  if (first !== undefined && 'forbidden' in first) return first;
  const read = <T>({ path }: Get, decode: (value: unknown) => T | undefined) => {
    const reply = replies.get(path) ?? unanswered;
    return decoded(path, 'forbidden' in reply ? unanswered : reply, decode);
  };
  return {
    pod,
    hosts,
    endpoints: hosts.length === 0 ? { answer: [] } : read(endpointsOf(hosts), endpointsIn),
    certificate: read(certificate, certificateIn),
    roots: read(roots, rootsIn),
  };
}

/** A sidecar of which nothing was learnt. */
export function withoutState({ pod, hosts }: SidecarTarget, failure: Failure): SidecarState {
  return { pod, hosts, endpoints: failure, certificate: failure, roots: failure };
}

const certificate: Get = { path: '/certs', most: 4 * mebibyte };
const roots: Get = { path: '/config_dump?resource=dynamic_active_secrets&name_regex=ROOTCA', most: 4 * mebibyte };
const unanswered: Failure = { failed: 'forbidden', reason: 'port-forward was refused' };

/**
 * Endpoints of the outbound clusters of these hosts and no others: `/clusters` of a large mesh is tens of MiB of text, which Envoy
 * writes in the thread that also takes its configuration.
 */
function endpointsOf(hosts: readonly string[]): Get {
  const anyOf = hosts.map((host) => host.replaceAll('.', '[.]')).join('|');
  const names = encodeURIComponent(`outbound[|][0-9]+[|][|](${anyOf})`);
  return { path: `/config_dump?include_eds&resource=dynamic_endpoint_configs&name_regex=${names}`, most: 16 * mebibyte };
}
