import { decode, encode, type Answer, type Packet } from 'dns-packet';
import type { Duplex } from 'node:stream';
import { ipFamily } from '../../istio/addresses.ts';

/** What a DNS server knows of one name: addresses of both families, perhaps of another name that it stands for; or that there is no such name; or nothing, since whom it asks does not answer. */
export type Resolved = { readonly addresses: readonly string[]; readonly canonical?: string } | 'unknown' | 'failing';

/** Serves DNS over TCP (RFC 1035 §4.2.2) on a stream: any number of questions, each answered by `resolve` of its name in lower case without trailing dot. */
export function serveDns(stream: Duplex, resolve: (name: string) => Resolved): void {
  let pending = Buffer.alloc(0);
  stream.on('error', () => stream.destroy());
  stream.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2) {
      const size = pending.readUInt16BE(0);
      if (pending.length < 2 + size) return;
      const message = pending.subarray(2, 2 + size);
      pending = pending.subarray(2 + size);
      const answer = answerTo(message, resolve);
      if (answer === undefined) {
        stream.destroy();
        return;
      }
      stream.write(Buffer.concat([Buffer.from([answer.length >> 8, answer.length & 0xff]), answer]));
    }
  });
  stream.on('end', () => stream.end());
}

const rcodes = { noerror: 0, servfail: 2, nxdomain: 3, notimp: 4 } as const;
/** Seconds; CoreDNS and the agent of a proxy use the same. */
const ttl = 30;
const authoritative = 1 << 10;
const recursionAvailable = 1 << 7;
const recursionDesired = 1 << 8;

function answerTo(message: Buffer, resolve: (name: string) => Resolved): Buffer | undefined {
  const query = parsed(message);
  const [question] = query?.questions ?? [];
  if (query === undefined || question === undefined) return undefined;
  const resolved = resolve(question.name.toLowerCase().replace(/\.$/, ''));
  const isAddress = question.type === 'A' || question.type === 'AAAA';
  const rcode = resolved === 'unknown' ? rcodes.nxdomain : resolved === 'failing' ? rcodes.servfail : rcodes.noerror;
  const answers =
    typeof resolved === 'string' || !isAddress ? [] : answersOf(question.name, question.type === 'A' ? 'A' : 'AAAA', resolved);
  const flags = ((query.flags ?? 0) & recursionDesired) | recursionAvailable | (typeof resolved === 'string' ? 0 : authoritative) | rcode;
  return encode({ type: 'response', id: query.id ?? 0, flags, questions: query.questions ?? [], answers });
}

function answersOf(name: string, type: 'A' | 'AAAA', { addresses, canonical }: Exclude<Resolved, string>): Answer[] {
  const family = type === 'A' ? 4 : 6;
  const alias: Answer[] = canonical === undefined ? [] : [{ type: 'CNAME', name, ttl, class: 'IN', data: canonical }];
  const found = addresses.filter((address) => ipFamily(address) === family);
  return [...alias, ...found.map((data): Answer => ({ type, name: canonical ?? name, ttl, class: 'IN', data }))];
}

function parsed(message: Buffer): Packet | undefined {
  try {
    return decode(message);
  } catch {
    return undefined;
  }
}
