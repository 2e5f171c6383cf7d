/**
 * What is read of a message of Kubernetes' protobuf form, by field number: the other fields are passed over. Numbers never change; they are those of
 * the generated.proto files of k8s.io/api and k8s.io/apimachinery.
 */
export interface Message {
  readonly [number: number]: Field;
}

/**
 * A field, named as in JSON. A time is RFC 3339 there and seconds on the wire; an optional flag says something when it is false; a number or
 * text is an IntOrString.
 */
export interface Field {
  readonly name: string;
  readonly holds: 'text' | 'flag' | 'optional flag' | 'number' | 'number or text' | 'time' | 'text map' | Message;
  readonly isList?: true;
  /** Found to the byte in one object after the other: decoded once, and the same object each time. For messages. */
  readonly repeats?: true;
}

const text = (name: string): Field => ({ name, holds: 'text' });

export const protobufType = 'application/vnd.kubernetes.protobuf';
/** Before every message: k8s.io/apimachinery/pkg/runtime/serializer/protobuf. */
export const protobufMagic = 'k8s\0';
/** What is around every message: runtime.Unknown, with its TypeMeta, and the bytes of the message. */
export const envelopeField = { typeMeta: 1, raw: 2 } as const;
export const typeMetaMessage: Message = { 1: text('apiVersion'), 2: text('kind') };
/** A list of anything: ListMeta, and items. */
export const listField = { metadata: 1, items: 2 } as const;
export const listMetaMessage: Message = { 2: text('resourceVersion'), 3: text('continue') };
/** What a server says instead of what it was asked for. */
export const statusMessage: Message = {
  1: { name: 'metadata', holds: listMetaMessage },
  2: text('status'),
  3: text('message'),
  4: text('reason'),
  5: { name: 'details', holds: { 1: text('name'), 2: text('group'), 3: text('kind'), 5: { name: 'retryAfterSeconds', holds: 'number' } } },
  6: { name: 'code', holds: 'number' },
};
/** A time, the entry of a map, and a number or text, as messages. */
export const timeMessage: Message = { 1: { name: 'seconds', holds: 'number' } };
export const mapEntryMessage: Message = { 1: text('key'), 2: text('value') };
export const intOrStringMessage: Message = {
  1: { name: 'type', holds: 'number' },
  2: { name: 'number', holds: 'number' },
  3: text('text'),
};
