import { decode, encode, type Answer, type Packet } from 'dns-packet';
import type { Duplex } from 'node:stream';
import { ipFamily } from '../../istio/addresses.ts';

/** What a DNS server knows of one name: addresses of both families, perhaps of another name that it stands for; or that there is no such name; or nothing, since whom it asks does not answer. */
export type Resolved = { readonly addresses: readonly string[]; readonly canonical?: string } | 'unknown' | 'failing';

export interface DnsOptions {
  /** It is the DNS of the cluster itself: that a name has no address of the family asked for is said by the zone. */
  readonly isZone?: boolean;
}

/** Serves DNS over TCP (RFC 1035 §4.2.2) on a stream: any number of questions, each answered by `resolve` of its name in lower case without trailing dot. */
export function serveDns(stream: Duplex, resolve: (name: string) => Resolved, { isZone = false }: DnsOptions = {}): void {
  let pending = Buffer.alloc(0);
  stream.on('error', () => stream.destroy());
  stream.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2) {
      const size = pending.readUInt16BE(0);
      if (pending.length < 2 + size) return;
      const message = pending.subarray(2, 2 + size);
      pending = pending.subarray(2 + size);
      const answer = answerTo(message, resolve, isZone);
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
const recursionDesired = 1 << 8;

function answerTo(message: Buffer, resolve: (name: string) => Resolved, isZone: boolean): Buffer | undefined {
  const query = parsed(message);
  const [question] = query?.questions ?? [];
  if (query === undefined || question === undefined) return undefined;
  const name = question.name.toLowerCase().replace(/\.$/, '');
  const resolved = resolve(name);
  const isAddress = question.type === 'A' || question.type === 'AAAA';
  const rcode = resolved === 'unknown' ? rcodes.nxdomain : resolved === 'failing' ? rcodes.servfail : rcodes.noerror;
  const answers = typeof resolved === 'string' || !isAddress ? [] : answersOf(name, question.type === 'A' ? 'A' : 'AAAA', resolved);
  // That a name of the cluster's zone does not exist only its DNS can say, whoever passes it on.
  const isDenied = name.endsWith(`.${zone}`) && (resolved === 'unknown' || (isZone && resolved !== 'failing' && answers.length === 0));
  const isOwn = typeof resolved !== 'string' || isDenied;
  // Recursion is not offered: neither CoreDNS nor the agent of a proxy says so of its own answers.
  const flags = ((query.flags ?? 0) & recursionDesired) | (isOwn ? authoritative : 0) | rcode;
  const authorities = isDenied ? [startOfAuthority] : [];
  return encode({ type: 'response', id: query.id ?? 0, flags, questions: query.questions ?? [], answers, authorities });
}

const zone = 'cluster.local';
const startOfAuthority: Answer = {
  type: 'SOA',
  class: 'IN',
  name: zone,
  ttl,
  data: { mname: `ns.dns.${zone}`, rname: `hostmaster.${zone}`, serial: 1, refresh: 7200, retry: 1800, expire: 86_400, minimum: ttl },
};

function answersOf(name: string, type: 'A' | 'AAAA', { addresses, canonical }: Exclude<Resolved, string>): Answer[] {
  const family = type === 'A' ? 4 : 6;
  const found = addresses.filter((address) => ipFamily(address) === family);
  // A name that stands for one without an address of this family is not said to stand for it.
  const isAlias = canonical !== undefined && (found.length > 0 || addresses.length === 0);
  const alias: Answer[] = isAlias ? [{ type: 'CNAME', name, ttl, class: 'IN', data: canonical }] : [];
  return [...alias, ...found.map((data): Answer => ({ type, name: canonical ?? name, ttl, class: 'IN', data }))];
}

function parsed(message: Buffer): Packet | undefined {
  try {
    return decode(message);
  } catch {
    return undefined;
  }
}
