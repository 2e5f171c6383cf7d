import { PbfWriter } from 'pbf';
import { fields, tally } from '../../model/decode.ts';
import type { KubeObject } from '../../model/kube.ts';
import {
  envelopeField,
  intOrStringMessage,
  listField,
  listMetaMessage,
  mapEntryMessage,
  type Field,
  type Message,
  protobufMagic,
  protobufType,
  statusMessage,
  timeMessage,
  typeMetaMessage,
} from '../../model/protobuf.ts';
import type { Answer } from './context.ts';

/*
 * What a simulated API server says in protobuf: of objects only what `Message` names, where a real one says everything. That the numbers are right
 * is proven by real servers.
 */

type Value = Readonly<Record<string, unknown>>;

/** Each as a field of its list. */
const encodedItems = new WeakMap<KubeObject, Uint8Array>();

/** The items of a list as one message. Lists are given more often than their items change. */
export function protobufList(kind: string, version: string, metadata: Value, items: readonly KubeObject[], message: Message): Buffer {
  const fields = items.map((item) => {
    const known = encodedItems.get(item);
    if (known !== undefined) return known;
    const bytes = sized(listField.items, encoded({ ...item }, message));
    encodedItems.set(item, bytes);
    return bytes;
  });
  const raw = Buffer.concat([sized(listField.metadata, encoded(metadata, listMetaMessage)), ...fields]);
  return enveloped({ apiVersion: version, kind: `${kind}List` }, raw);
}

/** A refusal in the form that was asked for. */
export function protobufStatus(answer: Answer): Answer {
  const status: unknown = JSON.parse(answer.body.toString());
  const body = enveloped({ apiVersion: 'v1', kind: 'Status' }, encoded(fields(tally(), status), statusMessage));
  return { ...answer, contentType: protobufType, body };
}

function enveloped(type: Value, raw: Uint8Array): Buffer {
  const typeMeta = sized(envelopeField.typeMeta, encoded(type, typeMetaMessage));
  return Buffer.concat([Buffer.from(protobufMagic), typeMeta, sized(envelopeField.raw, raw)]);
}

/** A field with a length. */
function sized(number: number, bytes: Uint8Array): Uint8Array {
  const head = new PbfWriter();
  head.writeTag(number, 2);
  head.writeVarint(bytes.length);
  return Buffer.concat([head.finish(), bytes]);
}

function encoded(value: Value, message: Message): Uint8Array {
  const writer = new PbfWriter();
  write(value, message, writer);
  return writer.finish();
}

function write(value: Value, message: Message, writer: PbfWriter): void {
  for (const [number, field] of Object.entries<Field>({ ...message })) {
    const held = value[field.name];
    const all: readonly unknown[] = field.isList === true ? (Array.isArray(held) ? held : []) : [held];
    for (const one of all) writeField(Number(number), field, one, writer);
  }
}

function writeField(number: number, { holds }: Field, value: unknown, writer: PbfWriter): void {
  if (value === undefined || value === null) return;
  switch (holds) {
    case 'text':
      if (typeof value === 'string') writer.writeStringField(number, value);
      return;
    case 'flag':
    case 'optional flag':
      if (typeof value === 'boolean') writer.writeBooleanField(number, value);
      return;
    case 'number':
      if (typeof value === 'number') writer.writeVarintField(number, value);
      return;
    case 'number or text':
      writer.writeBytesField(number, encoded(typeof value === 'number' ? { number: value } : { type: 1, text: value }, intOrStringMessage));
      return;
    case 'time':
      if (typeof value === 'string') writer.writeBytesField(number, encoded({ seconds: Date.parse(value) / 1000 }, timeMessage));
      return;
    case 'text map':
      for (const [key, item] of Object.entries(value)) writer.writeBytesField(number, encoded({ key, value: item }, mapEntryMessage));
      return;
    default:
      if (typeof value === 'object') writer.writeBytesField(number, encoded({ ...value }, holds));
  }
}
