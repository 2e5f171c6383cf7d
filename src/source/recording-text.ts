import { isUtf8 } from 'node:buffer';
import { alike } from '../base/alike.ts';
import { fields, list as listIn, tally } from '../model/decode.ts';

/**
 * The JSON of a recording, read while it comes: each object of a cluster is parsed by itself, and what it has in common with the one before it is held
 * once. So memory holds neither the text nor every object as it was written.
 */
export interface RecordingReader {
  /** @throws SyntaxError */
  write(piece: Uint8Array): void;
  /** What the text comes to, as `JSON.parse` would have it. @throws SyntaxError */
  end(): unknown;
}

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [brace, braceEnd, bracket, bracketEnd] = [0x7b, 0x7d, 0x5b, 0x5d];
/** How deep `objects` lies: snapshot.clusters[].kinds.KIND.objects. */
const listDepth = 6;
const listKey = '"objects"';

export function recordingReader(): RecordingReader {
  /** The text without the objects: in place of each list stands its number. */
  const frame: Buffer[] = [];
  const lists: unknown[][] = [];
  let list: unknown[] | undefined;
  /** Bytes of what is under way, from earlier pieces. */
  let pending: Buffer[] = [];
  let depth = 0;
  let isInText = false;
  let isEscaped = false;
  /** Of the frame: where the last text began, as far as it may be the key of a list; whether it was one. */
  let key = '';
  let isKey = false;

  const taken = (piece: Buffer, from: number, to: number): Buffer => {
    const own = piece.subarray(from, to);
    const whole = pending.length === 0 ? own : Buffer.concat([...pending, own]);
    pending = [];
    return whole;
  };
  const finish = (into: unknown[], bytes: Buffer, isLast: boolean): void => {
    if (!isUtf8(bytes)) throw new SyntaxError('not UTF-8');
    const text = bytes.toString('utf8');
    if (isLast && into.length === 0 && text.trim() === '') return;
    const object: unknown = JSON.parse(text);
    into.push(alike(into.at(-1), object));
  };

  /** Steps through an element of a list, which is most of all bytes; gives where it stopped: behind its end, or at the end of the piece. */
  const within = (piece: Buffer, begin: number): number => {
    let [at, inner, text] = [begin, depth, isInText];
    for (; at < piece.length; at++) {
      const byte = piece[at];
      if (text) {
        if (byte === backslash) at++;
        else if (byte === quote) text = false;
      } else if (byte === quote) text = true;
      else if (byte === brace || byte === bracket) inner++;
      else if (byte === braceEnd || byte === bracketEnd) {
        if (inner === listDepth + 1) break;
        inner--;
      } else if (byte === comma && inner === listDepth + 1) break;
    }
    [depth, isInText, isEscaped] = [inner, text, at > piece.length];
    return Math.min(at, piece.length);
  };
  /** Steps through what lies outside of lists, up to where one begins. */
  const outside = (piece: Buffer, begin: number): number => {
    for (let at = begin; at < piece.length; at++) {
      const byte = piece[at];
      if (isEscaped) isEscaped = false;
      else if (isInText) {
        if (byte === backslash) isEscaped = true;
        else if (byte === quote) isInText = false;
        if (key.length < listKey.length + 1) key += String.fromCharCode(byte ?? 0);
      } else if (byte === quote) {
        isInText = true;
        isKey = false;
        key = '"';
      } else if (byte === comma) isKey = false;
      else if (byte === colon) isKey = depth === listDepth && key === listKey;
      else if (byte === brace || byte === bracket) {
        depth++;
        if (isKey && byte === bracket) return at + 1;
        isKey = false;
      } else if (byte === braceEnd || byte === bracketEnd) depth--;
    }
    return piece.length;
  };
  const written = (piece: Buffer): void => {
    let at = 0;
    if (isEscaped && list !== undefined) [at, isEscaped] = [1, false];
    /** Where what is under way begins in this piece. */
    let from = 0;
    while (at < piece.length) {
      if (list === undefined) {
        at = outside(piece, at);
        frame.push(Buffer.from(piece.subarray(from, at)));
        from = at;
        if (!isKey || depth !== listDepth + 1) continue;
        isKey = false;
        frame.push(Buffer.from(String(lists.length)));
        list = [];
        lists.push(list);
      } else {
        at = within(piece, at);
        if (at === piece.length) break;
        const isLast = piece[at] !== comma;
        finish(list, taken(piece, from, at), isLast);
        from = isLast ? at : at + 1;
        at = from;
        if (isLast) list = undefined;
      }
    }
    if (list !== undefined && from < piece.length) pending.push(Buffer.from(piece.subarray(from)));
  };

  return {
    write: (piece) => written(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)),
    end() {
      if (list !== undefined) throw new SyntaxError('a list without end');
      const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(frame));
      return withLists(JSON.parse(text), lists);
    },
  };
}

/** Puts each list where its number stands. */
function withLists(value: unknown, lists: readonly (readonly unknown[])[]): unknown {
  const odd = tally();
  let placed = 0;
  for (const cluster of listIn(odd, fields(odd, fields(odd, value)['snapshot'])['clusters'])) {
    for (const read of Object.values(fields(odd, fields(odd, cluster)['kinds']))) {
      const number: unknown = listIn(odd, fields(odd, read)['objects'])[0];
      const objects = typeof number === 'number' ? lists[number] : undefined;
      if (objects === undefined) continue;
      Object.assign(fields(odd, read), { objects });
      placed++;
    }
  }
  if (placed !== lists.length) throw new SyntaxError('objects where none can be');
  return value;
}
