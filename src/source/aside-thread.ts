import { parentPort } from 'node:worker_threads';
import { alike } from '../base/alike.ts';
import { reduceObject } from '../collect/kind.ts';
import { kinds } from '../collect/kinds.ts';
import { type ListReader, type Place, listReader } from '../kube/protobuf.ts';
import { tally } from '../model/decode.ts';
import type { ReducedObject } from '../model/snapshot.ts';
import { originOf } from './origin.ts';

/*
 * A thread that reads the rest of one list and gives what is kept of its items: nothing else of them leaves it. Its other side is aside.ts.
 */

/** What the thread is told, in this order: where to begin, pieces, the end. */
export type Told = { readonly kindId: string; readonly apiVersion: string; readonly place: Place } | { readonly piece: Uint8Array } | 'end';

/** What it says: that it is there; what came of one piece; the list without its items; or why it is none. */
export type Heard =
  | 'ready'
  | { readonly objects: readonly ReducedObject[]; readonly odd: number }
  | { readonly list: unknown }
  | { readonly broken: string };

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of a thread, not a window
const say = (heard: Heard): void => parentPort?.postMessage(heard);

let reader: ListReader | undefined;
let isBroken = false;
let objects: ReducedObject[] = [];
const odd = tally();

function begin({ kindId, apiVersion, place }: Exclude<Told, 'end' | { readonly piece: Uint8Array }>): void {
  const kind = kinds.find(({ id }) => id === kindId);
  if (kind?.message === undefined) throw new SyntaxError(`nobody reads ${kindId} in protobuf`);
  let last: ReducedObject | undefined;
  reader = listReader(
    kind.message,
    (item) => {
      const reduced = reduceObject(kind, Object.assign(item, { apiVersion, kind: kind.kind }), odd, originOf(item));
      if (reduced === undefined) return;
      // What is one object here is one object on the other side, too, and crosses over once.
      last = alike(last, reduced);
      objects.push(last);
    },
    place,
  );
}

/** Whatever came of a piece, also nothing, is said: it is also how much has been read. */
function give(): void {
  say({ objects, odd: odd.odd });
  objects = [];
  odd.odd = 0;
}

parentPort?.on('message', (told: Told) => {
  if (isBroken) return;
  try {
    if (told === 'end') say({ list: reader?.end() });
    else if ('piece' in told) {
      reader?.write(Buffer.from(told.piece.buffer, told.piece.byteOffset, told.piece.byteLength));
      give();
    } else begin(told);
  } catch (error) {
    isBroken = true;
    say({ broken: error instanceof Error ? error.message : String(error) });
  }
});
say('ready');
