import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { KindCollector } from '../collect/kind.ts';
import type { Aside, ListRequest } from '../kube/connection.ts';
import type { ReducedObject } from '../model/snapshot.ts';
import type { Heard, Told } from './aside-thread.ts';

/** Threads at once, whatever the number of clusters: each takes some 30 MiB, and one core is for what is not read aside. */
const most = Math.min(4, availableParallelism() - 1);
let running = 0;

/** Bytes that cross over at once. */
const pieceSize = 512 << 10;
/** Pieces that wait to be read before the server is asked to wait, too. */
const mostWaiting = 32;

/** Where the thread's program is; it is not where sources run that were not built. */
const program = new URL('./aside-thread.js', import.meta.url);

/**
 * A thread for the rest of one list; nothing where no more of them should run, or none can.
 * @param take gets what is kept of the items, and how many odd things were met
 */
export function openAside(
  kind: KindCollector,
  { group, version }: Pick<ListRequest, 'group' | 'version'>,
  take: (objects: readonly ReducedObject[], odd: number) => void,
  thread: URL = program,
): Aside | undefined {
  if (running >= most || !existsSync(thread)) return undefined;
  running++;
  const worker = new Worker(thread, { stderr: true, stdout: true });
  let state: 'starting' | 'ready' | 'closed' = 'starting';
  let failure: Error | undefined;
  let items = 0;
  let waiting = 0;
  let piece = new Uint8Array(pieceSize);
  let length = 0;
  let goOn = (): void => {};
  let ended: { resolve: (list: unknown) => void; reject: (error: Error) => void } | undefined;

  const close = (): void => {
    if (state === 'closed') return;
    state = 'closed';
    running--;
    goOn();
    void worker.terminate();
  };
  const fail = (error: Error): void => {
    failure ??= error;
    close();
    ended?.reject(failure);
  };
  const tell = (told: Told, transfer: ArrayBuffer[] = []): void => {
    if (state !== 'closed') worker.postMessage(told, transfer);
  };
  worker.on('message', (heard: Heard) => {
    if (state === 'closed') return;
    if (heard === 'ready') state = 'ready';
    else if ('broken' in heard) fail(new SyntaxError(heard.broken));
    else if ('list' in heard) {
      close();
      ended?.resolve(heard.list);
    } else {
      items += heard.objects.length;
      waiting--;
      try {
        take(heard.objects, heard.odd);
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
      if (waiting < mostWaiting / 2) goOn();
    }
  });
  worker.on('error', fail);
  worker.on('exit', () => fail(new Error('the thread that read the list has ended')));

  const flush = (): void => {
    if (length === 0) return;
    const sent = piece.subarray(0, length);
    waiting++;
    tell({ piece: sent }, [piece.buffer]);
    piece = new Uint8Array(pieceSize);
    length = 0;
  };
  return {
    isReady: () => state === 'ready',
    begin(place) {
      tell({ kindId: kind.id, apiVersion: group === '' ? version : `${group}/${version}`, place });
    },
    write(bytes) {
      for (let at = 0; at < bytes.length; ) {
        const part = bytes.subarray(at, at + pieceSize - length);
        piece.set(part, length);
        length += part.length;
        at += part.length;
        if (length === pieceSize) flush();
      }
      if (waiting <= mostWaiting || state === 'closed') return undefined;
      return new Promise((resolve) => {
        goOn = resolve;
      });
    },
    async end() {
      flush();
      tell('end');
      const list = await new Promise<unknown>((resolve, reject) => {
        ended = { resolve, reject };
        if (failure !== undefined) reject(failure);
      });
      return { list, items };
    },
    close,
  };
}
