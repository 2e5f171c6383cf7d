import { randomInt } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { type DecodedPacket, decode, RECURSION_DESIRED, streamEncode } from 'dns-packet';
import { UselessAnswer } from './failure.ts';

export type AddressType = 'A' | 'AAAA';

/** What a DNS server says of a name. */
export interface Resolution {
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL` …; `RCODE11` for one without a name. */
  readonly rcode: string;
  /** Addresses at the end of the name's CNAMEs, in the order of the answer. */
  readonly addresses: readonly string[];
}

/**
 * Asks a DNS server over a stream (RFC 1035 §4.2.2: two bytes of length before each message) for the addresses of a name without
 * trailing dot, one type after the other. An answer that knows the name wins over one that does not. Rejects when the stream ends
 * early, and with a `UselessAnswer` for what is no answer to the question. Afterwards the stream takes further questions, unless the
 * server said more than was asked: then it is destroyed.
 */
export async function askName(stream: Duplex, name: string, types: readonly AddressType[]): Promise<Resolution> {
  const answers: Resolution[] = [];
  const messages = messagesOf(stream);
  for (const type of types) {
    const id = randomInt(0x10000);
    stream.write(streamEncode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [{ type, name }] }));
    const next = await messages.next();
    if (next.done === true) throw new UselessAnswer('reset', 'the connection ended before the answer');
    answers.push(resolution(next.value, { id, name, type }));
  }
  await messages.return(undefined);
  const rcode = (answers.find((answer) => answer.rcode === 'NOERROR') ?? answers[0])?.rcode ?? 'NOERROR';
  return { rcode, addresses: answers.flatMap((answer) => answer.addresses) };
}

/** Messages as they come in; ends with the stream. Who returns early keeps the stream, when nothing was left of what had come. */
async function* messagesOf(stream: Duplex): AsyncGenerator<Buffer, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
      if (!Buffer.isBuffer(chunk)) continue;
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const end = 2 + rest.readUInt16BE(0);
        const message = rest.subarray(2, end);
        rest = rest.subarray(end);
        yield message;
      }
    }
  } finally {
    if (rest.length > 0) stream.destroy();
  }
  if (rest.length > 0) throw new UselessAnswer('reset', 'the connection ended in the middle of the answer');
}

function resolution(message: Buffer, question: { readonly id: number; readonly name: string; readonly type: AddressType }): Resolution {
  const packet = decoded(message);
  if (packet.type !== 'response') throw new UselessAnswer('server-error', 'what came back is no DNS answer');
  if (packet.id !== question.id) throw new UselessAnswer('server-error', 'the answer belongs to another question: its id differs');
  if (packet.flag_tc) throw new UselessAnswer('server-error', 'the answer is truncated');
  const [echoed] = packet.questions ?? [];
  // Servers may leave the question out of an error.
  if (echoed !== undefined && (lower(echoed.name) !== lower(question.name) || echoed.type !== question.type))
    throw new UselessAnswer('server-error', 'the answer belongs to another question: its name differs');
  return { rcode: rcodeOf(packet), addresses: addressesOf(packet, question) };
}

function decoded(message: Buffer): DecodedPacket {
  try {
    return decode(message);
  } catch {
    throw new UselessAnswer('server-error', 'the answer is no DNS message');
  }
}

function addressesOf(packet: DecodedPacket, { name, type }: { readonly name: string; readonly type: AddressType }): string[] {
  const answers = packet.answers ?? [];
  const names = new Set([lower(name)]);
  // A chain of CNAMEs in any order: each round follows at least one more, or all are followed.
  for (let before = 0; names.size > before; ) {
    before = names.size;
    for (const answer of answers) if (answer.type === 'CNAME' && names.has(lower(answer.name))) names.add(lower(answer.data));
  }
  return answers.flatMap((answer) => (answer.type === type && names.has(lower(answer.name)) ? [answer.data] : []));
}

/** RFC 1035 §4.1.1 and RFC 2136. */
const rcodes = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const;

function rcodeOf(packet: DecodedPacket): string {
  const code = (packet.flags ?? 0) & 0xf;
  return rcodes[code] ?? `RCODE${code}`;
}

function lower(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
