import type { Duplex } from 'node:stream';
import type { ClusterName } from '../model/ids.ts';
import type { Answer } from '../model/observations.ts';
import { type Failure } from './failure.ts';
import type { ProbeIo } from './probe.ts';

/** The right that is missing. */
export interface Refusal {
  readonly forbidden: { readonly verb: string; readonly resource: string };
}

/** What a question got that needs a right to be asked at all. */
export type Reply<T> = Answer<T> | Refusal;

/** A port of a pod. */
export interface PodPort {
  readonly cluster: ClusterName;
  readonly pod: { readonly namespace: string; readonly name: string };
  readonly port: number;
}

/** Opens a stream to a port of a pod. Whoever gets it destroys it. Rejects with what goes wrong on the way to the API server. */
export async function openForward(
  io: Pick<ProbeIo, 'forward'>,
  { cluster, pod, port }: PodPort,
  signal: AbortSignal,
): Promise<{ readonly stream: Duplex } | Refusal | Failure> {
  const read = await io.forward(cluster, pod, port, signal);
  switch (read.status) {
    case 'forbidden':
      return { forbidden: { verb: read.verb, resource: read.resource } };
    case 'absent':
      return { failed: 'not-found', reason: `pod ${pod.namespace}/${pod.name} is gone` };
    case 'failed':
      return { failed: read.code, reason: read.reason };
    case 'read':
      // Whoever uses the stream hears of errors while it does; those that come after have no listener left.
      read.value.on('error', () => undefined);
      return { stream: read.value };
    default:
      return read satisfies never;
  }
}

/** A refusal where only an answer fits: others in the same cluster were let in. */
export function asFailure({ forbidden }: Refusal): Failure {
  return { failed: 'forbidden', reason: `may not ${forbidden.verb} ${forbidden.resource}` };
}
