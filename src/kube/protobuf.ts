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

/** Reads a list while it comes and gives its items, of which `item` says what is read; comes to the list without them. */
export function listReader(item: Message, take: (item: Decoded) => void): BodyReader {
  const list: Decoded = { items: [] };
  let rest: Buffer = Buffer.alloc(0);
  /** How many bytes of the list are to come; nothing before it has begun. */
  let left: number | undefined;
  let hasMagic = false;
  const memory: Memory = new Map();

  /** Reads what is whole in the bytes from a place on; gives where the rest begins. */
  const step = (bytes: Buffer, at: number): number => {
    if (!hasMagic) {
      if (bytes.length < magic.length) return at;
      if (!bytes.subarray(0, magic.length).equals(magic)) throw new SyntaxError('not in the protobuf form of Kubernetes');
      hasMagic = true;
      return magic.length;
    }
    const tag = varintAt(bytes, at);
    const length = tag === undefined ? undefined : varintAt(bytes, tag.end);
    if (tag === undefined || length === undefined) return at;
    if ((tag.value & 7) !== sized) throw new SyntaxError('not the protobuf form of a list');
    const number = tag.value >> 3;
    const start = length.end;
    const end = start + length.value;
    if (left === undefined && number === envelopeField.raw) {
      left = end - start;
      return start;
    }
    if (end > bytes.length) return at;
    const from = new Source(bytes);
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
      const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
      let at = 0;
      while (at < bytes.length) {
        const next = step(bytes, at);
        if (next === at) break;
        at = next;
      }
      rest = bytes.subarray(at);
    },
    end() {
      if (rest.length > 0 || left !== 0) throw new SyntaxError('the list was cut');
      return list;
    },
  };
}

/** A number as it stands somewhere and where it ends; nothing when the bytes end before it. */
function varintAt(bytes: Buffer, start: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let at = start, factor = 1; ; at++, factor *= 128) {
    const byte = bytes[at];
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
      if (typeof seconds === 'number') into[name] = new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
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
