import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../sandbox.ts';

/** What goes wrong with the next requests. */
export interface Faults {
  set(fault: Fault | null): void;
  /** The fault that a request gets, which counts as one of its times. */
  take(path: string, isContinued: boolean): Fault | undefined;
}

export function openFaults(): Faults {
  let current: Fault | null = null;
  let left = 0;
  return {
    set: (fault) => {
      current = fault;
      left = fault?.times ?? Infinity;
    },
    take: (path, isContinued) => {
      if (current === null || left <= 0) return undefined;
      // A regular expression may remember where it stopped.
      if (current.match !== undefined && path.search(current.match) < 0) return undefined;
      if (current.kind === 'expired' && !isContinued) return undefined;
      left -= 1;
      return current;
    },
  };
}

/** Sends the first half of a body and ends it as the fault says, as if it were whole. `reset` resets the connection. */
export function sendCut(response: ServerResponse, by: Extract<Fault, { kind: 'cut' }>['by'], body: Buffer, reset: () => void): void {
  const half = body.subarray(0, Math.floor(body.length / 2));
  if (by === 'chunk-end') {
    response.removeHeader('Content-Length');
    response.write(half);
    response.end();
    return;
  }
  response.write(half, () => (by === 'reset' ? soon(reset) : response.socket?.end()));
}

/** A reset at once may overtake what was written before it: the client is given the time to read that. */
function soon(reset: () => void): void {
  setTimeout(reset, 25).unref();
}

/** Ends a watch in the middle of a line. */
export function cutWatch(response: ServerResponse, by: Extract<Fault, { kind: 'cut' }>['by'], reset: () => void): void {
  response.write('{"type":"MODIFIED","object":{"kind"', () => {
    if (by === 'reset') soon(reset);
    else if (by === 'close') response.socket?.end();
    else response.end();
  });
}

/** Waits, or ends early when the client leaves or the server closes. Gives whether there is still somebody to answer. */
export async function stalled(response: ServerResponse, milliseconds: number): Promise<boolean> {
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once('close', leave);
  try {
    await delay(milliseconds, undefined, { signal: gone.signal });
    return true;
  } catch {
    return false;
  } finally {
    response.off('close', leave);
  }
}
