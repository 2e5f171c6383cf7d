/** What a gateway looks at before it answers: the first record of a TLS client. */
export interface ClientHello {
  readonly serverName?: string;
  /** ALPN, in the order offered. */
  readonly protocols: readonly string[];
}

/** `more`: it has not come whole yet; `none`: whatever this is, it is no ClientHello. */
export type Peeked = ClientHello | 'more' | 'none';

const handshake = 22;
const clientHello = 1;
/** A ClientHello larger than this is none: Envoy's TLS inspector gives up at 64 KiB as well. */
const largest = 65_536;

/** Reads server name and protocols of the ClientHello (RFC 8446 §4.1.2) that some bytes begin with. It may be spread over records. */
export function peekClientHello(bytes: Uint8Array): Peeked {
  const message = messageOf(bytes);
  if (typeof message === 'string') return message;
  const reader = readerOf(message);
  reader.skip(2 + 32); // version, random
  reader.skip(reader.number(1)); // session
  reader.skip(reader.number(2)); // cipher suites
  reader.skip(reader.number(1)); // compression methods
  const end = reader.left() >= 2 ? reader.number(2) : 0;
  const extensions = readerOf(reader.take(end));
  let serverName: string | undefined;
  let protocols: readonly string[] = [];
  while (extensions.left() >= 4) {
    const type = extensions.number(2);
    const body = readerOf(extensions.take(extensions.number(2)));
    if (type === 0) serverName = serverNameOf(body);
    if (type === 16) protocols = protocolsOf(body);
  }
  if (reader.isShort() || extensions.isShort()) return 'none';
  return serverName === undefined ? { protocols } : { serverName, protocols };
}

function messageOf(bytes: Uint8Array): Uint8Array | 'more' | 'none' {
  const parts: Uint8Array[] = [];
  let length = 0;
  let offset = 0;
  for (;;) {
    const isOther = offset < bytes.length && bytes[offset] !== handshake;
    if (isOther || length > largest) return 'none';
    if (bytes.length < offset + 5) return 'more';
    const size = ((bytes[offset + 3] ?? 0) << 8) | (bytes[offset + 4] ?? 0);
    const part = bytes.subarray(offset + 5, offset + 5 + size);
    parts.push(part);
    length += part.length;
    const message = Buffer.concat(parts);
    if (message.length > 0 && message[0] !== clientHello) return 'none';
    if (message.length >= 4) {
      const whole = 4 + message.readUIntBE(1, 3);
      if (message.length >= whole) return message.subarray(4, whole);
    }
    if (part.length < size) return 'more';
    offset += 5 + size;
  }
}

function serverNameOf(body: BytesReader): string | undefined {
  const names = readerOf(body.take(body.number(2)));
  while (names.left() >= 3) {
    const type = names.number(1);
    const name = names.take(names.number(2));
    if (type === 0) return Buffer.from(name).toString('latin1').toLowerCase();
  }
  return undefined;
}

function protocolsOf(body: BytesReader): string[] {
  const list = readerOf(body.take(body.number(2)));
  const found: string[] = [];
  while (list.left() >= 1) found.push(Buffer.from(list.take(list.number(1))).toString('latin1'));
  return found;
}

interface BytesReader {
  number(size: 1 | 2): number;
  take(size: number): Uint8Array;
  skip(size: number): void;
  left(): number;
  /** More was taken than there was. */
  isShort(): boolean;
}

function readerOf(bytes: Uint8Array): BytesReader {
  let offset = 0;
  const reader: BytesReader = {
    number: (size) => {
      let value = 0;
      for (const byte of reader.take(size)) value = (value << 8) | byte;
      return value;
    },
    take: (size) => {
      const part = bytes.subarray(Math.min(offset, bytes.length), Math.min(offset + size, bytes.length));
      offset += size;
      return part;
    },
    skip: (size) => {
      offset += size;
    },
    left: () => Math.max(0, bytes.length - offset),
    isShort: () => offset > bytes.length,
  };
  return reader;
}
