import type { Fields } from '../../model/decode.ts';
import { protobufMagic } from '../../model/protobuf.ts';
import { messages } from './protobuf-messages.ts';

/*
 * Reading of what Go clients send as protobuf, which kubectl does for the kinds it has types for. Answers are JSON: those clients take both.
 */

const magic = Buffer.from(protobufMagic);

/**
 * An object in Kubernetes' protobuf as JSON has it, with `apiVersion` and `kind`. Nothing when it is none, is damaged, or has a kind or a
 * filled field that is not known here: it would be lost.
 */
export function protobufObject(body: Buffer): Fields | undefined {
  if (!body.subarray(0, magic.length).equals(magic)) return undefined;
  try {
    const wrapper = [...records(body.subarray(magic.length))];
    const [apiVersion, kind] = [...records(bytesAt(wrapper, 1))].map(({ value }) => (Buffer.isBuffer(value) ? value.toString() : ''));
    if (kind === undefined || messages[kind] === undefined) return undefined;
    return { apiVersion, kind, ...message(kind, bytesAt(wrapper, 2)) };
  } catch (error) {
    if (error instanceof Unreadable || error instanceof RangeError) return undefined;
    throw error;
  }
}

class Unreadable extends Error {}

interface WireRecord {
  readonly field: number;
  /** A whole number, or the bytes of a text, a message or a map's entry. */
  readonly value: bigint | Buffer;
}

function bytesAt(all: readonly WireRecord[], field: number): Buffer {
  const value = all.find((record) => record.field === field)?.value;
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

function* records(bytes: Buffer): Generator<WireRecord> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
    throw new Unreadable('a number has no end');
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const [field, type] = [key >> 3, key & 7];
    if (type === 0) {
      yield { field, value: varint() };
      continue;
    }
    if (type !== 2) throw new Unreadable(`wire type ${type} does not occur in objects of Kubernetes`);
    const length = Number(varint());
    if (length < 0 || at + length > bytes.length) throw new Unreadable('a field is longer than its message');
    yield { field, value: bytes.subarray(at, at + length) };
    at += length;
  }
}

function message(name: string, bytes: Buffer): Fields {
  const known = messages[name];
  const result: Record<string, unknown> = {};
  for (const { field, value } of records(bytes)) {
    const [, key, holds] = known?.find(([number]) => number === field) ?? [];
    if (key === undefined || holds === undefined) {
      if (Buffer.isBuffer(value) ? value.length > 0 : value !== 0n) throw new Unreadable(`${name} has an unknown field ${field}`);
      continue;
    }
    const next = decoded(holds, value, result[key]);
    if (next !== undefined) result[key] = next;
  }
  return result;
}

/** What a field holds, together with what it held `before` where it may occur several times; nothing when that is left out. */
function decoded(holds: string, value: bigint | Buffer, before: unknown): unknown {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.alloc(0);
  const number = Buffer.isBuffer(value) ? 0 : Number(value);
  const list: readonly unknown[] = Array.isArray(before) ? before : [];
  switch (holds) {
    case 'ignored':
      return undefined;
    case 'text':
      return bytes.toString() || undefined;
    case 'number':
      return number === 0 ? undefined : number;
    case 'number?':
      return number;
    case 'flag':
      return number === 0 ? undefined : true;
    case 'flag?':
      return number !== 0;
    case 'texts':
      return [...list, bytes.toString()];
    case 'map':
    case 'bytes':
      return { ...(typeof before === 'object' ? before : {}), ...entry(bytes, holds === 'map' ? 'utf8' : 'base64') };
    case 'intOrString':
      return intOrString(bytes);
    case 'time':
      return time(bytes);
    default:
      break;
  }
  if (holds.endsWith('[]')) return [...list, message(holds.slice(0, -2), bytes)];
  const inner = message(holds, bytes);
  return Object.keys(inner).length === 0 ? undefined : inner;
}

function entry(bytes: Buffer, encoding: 'utf8' | 'base64'): Fields {
  const all = [...records(bytes)];
  return { [bytesAt(all, 1).toString()]: bytesAt(all, 2).toString(encoding) };
}

function intOrString(bytes: Buffer): number | string | undefined {
  const all = [...records(bytes)];
  const isText = all.some(({ field, value }) => field === 1 && value === 1n);
  if (isText) return bytesAt(all, 3).toString() || undefined;
  const number = Number(all.find(({ field }) => field === 2)?.value ?? 0);
  return number === 0 ? undefined : number;
}

function time(bytes: Buffer): string | undefined {
  const seconds = [...records(bytes)].find(({ field }) => field === 1)?.value;
  return typeof seconds === 'bigint' ? new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z') : undefined;
}
