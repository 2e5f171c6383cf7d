import { PbfReader } from 'pbf';
import {
  envelopeField,
  type Field,
  intOrStringMessage,
  listField,
  listMetaMessage,
  mapEntryMessage,
  type Message,
  protobufMagic,
  statusMessage,
  timeMessage,
  typeMetaMessage,
} from '../model/protobuf.ts';
import type { BodyReader } from './exchange.ts';

/*
 * The form in which API servers keep built-in objects (k8s.io/apimachinery/pkg/runtime/serializer/protobuf). They answer with it several times faster
 * than with JSON, and what nobody reads of a message is one step to pass over. Objects come out as JSON would have them.
 */

const magic = Buffer.from(protobufMagic);
/** Type of a field that has a length: texts, messages, maps. */
const sized = 2;
const envelope: Message = {
  [envelopeField.typeMeta]: { name: 'type', holds: typeMetaMessage },
  [envelopeField.raw]: { name: 'raw', holds: statusMessage },
};

type Decoded = Record<string, unknown>;

class Source extends PbfReader {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    super(bytes);
    this.bytes = bytes;
  }
}

/** What a server says instead of a list. @throws SyntaxError */
export function decodedStatus(body: Buffer): unknown {
  if (!body.subarray(0, magic.length).equals(magic)) throw new SyntaxError('not in the protobuf form of Kubernetes');
  const from = new Source(body.subarray(magic.length));
  const { type, raw } = messageIn(from, from.length, envelope, new Map());
  return Object.assign({}, type, raw);
}

/** How far a list has been read, between two of its items: another reader goes on from here. */
export interface Place {
  /** What the list says of itself so far. */
  readonly list: Decoded;
  /** How many bytes of the list are to come; nothing before it has begun. */
  readonly left: number | undefined;
  readonly hasMagic: boolean;
  /** Bytes that came and are not read yet. */
  readonly held: Uint8Array;
}

export interface ListReader extends BodyReader {
  write(piece: Buffer): undefined;
  end(): Decoded;
  place(): Place;
}

/**
 * Reads a list while it comes and gives its items, of which `item` says what is read; comes to the list without them.
 * @param from where another reader of the same list has stopped; default: at its start
 */
export function listReader(item: Message, take: (item: Decoded) => void, from?: Place): ListReader {
  const list: Decoded = from?.list ?? { items: [] };
  const held = openHold();
  if (from !== undefined) held.add(from.held);
  let left = from?.left;
  let hasMagic = from?.hasMagic === true;
  const memory: Memory = new Map();

  /** Reads what is whole from a place up to where the bytes that came end; gives where the rest begins. */
  const step = (from: Source, at: number, came: number): number => {
    const { bytes } = from;
    if (!hasMagic) {
      if (came < magic.length) return at;
      if (!bytes.subarray(0, magic.length).equals(magic)) throw new SyntaxError('not in the protobuf form of Kubernetes');
      hasMagic = true;
      return magic.length;
    }
    const tag = varintAt(bytes, at, came);
    const length = tag === undefined ? undefined : varintAt(bytes, tag.end, came);
    if (tag === undefined || length === undefined) return at;
    if ((tag.value & 7) !== sized) throw new SyntaxError('not the protobuf form of a list');
    const number = tag.value >> 3;
    const start = length.end;
    const end = start + length.value;
    if (left === undefined && number === envelopeField.raw) {
      left = end - start;
      return start;
    }
    if (end > came) return at;
    from.pos = start;
    if (left === undefined || left === 0) {
      if (number === envelopeField.typeMeta) Object.assign(list, messageIn(from, end, typeMetaMessage, memory));
      // The raw bytes may be in another form, which nobody asked for.
      else if (end > start) throw new SyntaxError('another form inside the protobuf form');
      return end;
    }
    left -= end - at;
    if (left < 0) throw new SyntaxError('a message does not end where it should');
    if (number === listField.metadata) list['metadata'] = messageIn(from, end, listMetaMessage, memory);
    else if (number === listField.items) take(messageIn(from, end, item, memory));
    return end;
  };

  return {
    write(piece) {
      const from = held.add(piece);
      let at = 0;
      while (at < held.length()) {
        const next = step(from, at, held.length());
        if (next === at) break;
        at = next;
      }
      held.drop(at);
      return undefined;
    },
    end() {
      if (held.length() > 0 || left !== 0) throw new SyntaxError('the list was cut');
      return list;
    },
    place: () => ({ list, left, hasMagic, held: held.bytes() }),
  };
}

/** Bytes that came and are not read yet, in one place that is used again and again: pieces are small, and there are thousands of them. */
interface Hold {
  add(piece: Uint8Array): Source;
  drop(count: number): void;
  length(): number;
  /** A copy of them. */
  bytes(): Uint8Array;
}

function openHold(): Hold {
  let source = new Source(Buffer.allocUnsafe(1 << 17));
  let length = 0;
  return {
    add(piece) {
      const wanted = length + piece.length;
      if (wanted > source.bytes.length) {
        const larger = Buffer.allocUnsafe(wanted * 2);
        source.bytes.copy(larger, 0, 0, length);
        source = new Source(larger);
      }
      source.bytes.set(piece, length);
      length = wanted;
      return source;
    },
    drop(count) {
      source.bytes.copyWithin(0, count, length);
      length -= count;
    },
    length: () => length,
    bytes: () => Uint8Array.from(source.bytes.subarray(0, length)),
  };
}

/** A number as it stands somewhere and where it ends; nothing when the bytes that came end before it. */
function varintAt(bytes: Buffer, start: number, came: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let at = start, factor = 1; ; at++, factor *= 128) {
    const byte = at < came ? bytes[at] : undefined;
    if (byte === undefined) return undefined;
    value += (byte & 127) * factor;
    if (byte < 128) return { value, end: at + 1 };
    if (at - start > 8) throw new SyntaxError('a number without end');
  }
}

/** @throws SyntaxError whatever is wrong with it */
function messageIn(from: Source, end: number, message: Message, memory: Memory): Decoded {
  try {
    return decoded(from, end, message, memory);
  } catch (error) {
    throw error instanceof SyntaxError ? error : new SyntaxError('no protobuf', { cause: error });
  }
}

function decoded(from: Source, end: number, message: Message, memory: Memory): Decoded {
  const found: Decoded = {};
  // What is not read of a field is passed over.
  for (let number = from.nextField(end); number !== 0; number = from.nextField(end)) {
    const field = message[number];
    if (field !== undefined) read(from, field, found, memory);
  }
  if (from.pos !== end) throw new SyntaxError('a message does not end where it should');
  return found;
}

/** Empty texts, zeroes and false are on the wire and left out of JSON. */
function read(from: Source, { name, holds, isList, repeats }: Field, into: Decoded, memory: Memory): void {
  switch (holds) {
    case 'text': {
      const value = textAt(from);
      if (isList === true) listOf(into, name).push(value);
      else if (value !== '') into[name] = value;
      return;
    }
    case 'flag':
      if (from.readBoolean()) into[name] = true;
      return;
    case 'optional flag':
      into[name] = from.readBoolean();
      return;
    case 'number': {
      const value = from.readVarint(true);
      if (value !== 0) into[name] = value;
      return;
    }
    case 'number or text': {
      const { type, number = 0, text = '' } = decoded(from, endOf(from), intOrStringMessage, memory);
      into[name] = type === 1 ? text : number;
      return;
    }
    case 'time': {
      const { seconds } = decoded(from, endOf(from), timeMessage, memory);
      if (typeof seconds === 'number') into[name] = timeText(seconds);
      return;
    }
    case 'text map': {
      const { key = '', value = '' } = recalled(from, mapEntryMessage, memory);
      const known = into[name];
      const map = isDecoded(known) ? known : {};
      map[String(key)] = value;
      into[name] = map;
      return;
    }
    default: {
      const value = repeats === true ? recalled(from, holds, memory) : decoded(from, endOf(from), holds, memory);
      if (isList === true) listOf(into, name).push(value);
      else into[name] = value;
    }
  }
}

/** What parts of messages last came to, by kind of message and by how many bytes they were. */
type Memory = Map<Message, Remembered>;
type Remembered = Map<number, { readonly bytes: Buffer; readonly value: Decoded }>;

/** Thousands of objects are made within the same few seconds. */
let lastTime = { seconds: 0, text: '1970-01-01T00:00:00Z' };

function timeText(seconds: number): string {
  if (lastTime.seconds !== seconds) lastTime = { seconds, text: new Date(seconds * 1000).toISOString().replace('.000Z', 'Z') };
  return lastTime.text;
}

/**
 * A message that begins here. Pods of one workload are alike and follow one another: what came to the same bytes before is the same object again,
 * and whoever makes something of it may know it by that.
 */
function recalled(from: Source, message: Message, memory: Memory): Decoded {
  const end = endOf(from);
  const start = from.pos;
  const length = end - start;
  const known: Remembered = memory.get(message) ?? new Map();
  memory.set(message, known);
  const last = known.get(length);
  if (last?.bytes.compare(from.bytes, start, end) === 0) {
    from.pos = end;
    return last.value;
  }
  const value = decoded(from, end, message, memory);
  known.set(length, { bytes: Buffer.from(from.bytes.subarray(start, end)), value });
  return value;
}

function textAt(from: Source): string {
  const end = endOf(from);
  const value = from.bytes.toString('utf8', from.pos, end);
  from.pos = end;
  return value;
}

/** Where what begins here ends. */
function endOf(from: Source): number {
  const length = from.readVarint();
  const end = from.pos + length;
  if (end > from.length) throw new SyntaxError('the answer was cut');
  return end;
}

function listOf(into: Decoded, name: string): unknown[] {
  const known = into[name];
  if (Array.isArray(known)) return known;
  const list: unknown[] = [];
  into[name] = list;
  return list;
}

const isDecoded = (value: unknown): value is Decoded => typeof value === 'object' && value !== null;
