import { streamEncode } from 'dns-packet';
import { afterAll, describe, expect, test } from 'vitest';
import type { AddressType } from '../../src/probe/dns-question.ts';
import { askName } from '../../src/probe/dns-question.ts';
import { openForward } from '../../src/probe/forwarded.ts';
import { askInTurn } from '../../src/probe/in-turn.ts';
import { gate } from '../../src/probe/pace.ts';
import { clusterName } from '../../src/model/ids.ts';
import { dnsAnswer, type DnsQuestion, servers, worldIo } from '../support/probe-servers.ts';

const loopback = servers();
afterAll(() => loopback.close());

const name = 'abc.shop.svc.cluster.local';
const pod = { namespace: 'shop', name: 'caller' };

/** What a run would record of this server. */
async function ask(port: number, types: readonly AddressType[] = ['A'], timeout = 5000) {
  const io = worldIo({ pods: { 'west shop/caller:15053': port } });
  const limits = { timeout, signal: new AbortController().signal };
  const [reply] = await askInTurn([{ name }], {
    open: (signal) => openForward(io, { cluster: clusterName('west'), pod, port: 15053 }, signal),
    ask: (stream, question) => askName(stream, question.name, types),
    paced: gate(1),
    limits,
    onReply: undefined,
    isFirstDecisive: false,
  });
  return reply?.[1];
}

const served = async (
  answer: (question: DnsQuestion) => ReturnType<typeof dnsAnswer> | Buffer | undefined,
  types?: readonly AddressType[],
) => ask(await loopback.dns(answer), types);

describe('a DNS server answers', () => {
  test('with addresses', async () => {
    const answers = [
      { type: 'A', name, ttl: 30, data: '10.96.0.4' },
      { type: 'A', name, ttl: 30, data: '10.96.0.3' },
    ] as const;
    expect(await served((question) => dnsAnswer(question, answers))).toEqual({
      answer: { rcode: 'NOERROR', addresses: ['10.96.0.4', '10.96.0.3'] },
    });
  });

  test('through CNAMEs in any order, whatever the case of names; records of other names do not count', async () => {
    const answers = [
      { type: 'A', name: 'End.example.com', ttl: 30, data: '192.0.2.1' },
      { type: 'A', name: 'other.example.com', ttl: 30, data: '192.0.2.9' },
      { type: 'CNAME', name: 'middle.example.com', data: 'end.example.com' },
      { type: 'CNAME', name: name.toUpperCase(), data: 'Middle.example.com' },
    ] as const;
    expect(await served((question) => dnsAnswer(question, answers))).toEqual({ answer: { rcode: 'NOERROR', addresses: ['192.0.2.1'] } });
  });

  test('that it does not know the name, cannot tell, or will not say', async () => {
    const rcodeOf = (rcode: number) => served((question) => dnsAnswer(question, [], rcode));
    expect(await rcodeOf(3)).toEqual({ answer: { rcode: 'NXDOMAIN', addresses: [] } });
    expect(await rcodeOf(2)).toEqual({ answer: { rcode: 'SERVFAIL', addresses: [] } });
    expect(await rcodeOf(5)).toEqual({ answer: { rcode: 'REFUSED', addresses: [] } });
    expect(await rcodeOf(0)).toEqual({ answer: { rcode: 'NOERROR', addresses: [] } });
    expect(await rcodeOf(11)).toEqual({ answer: { rcode: 'RCODE11', addresses: [] } });
  });

  test('for both families, one after the other; knowing the name wins', async () => {
    const both = await served(
      (question) =>
        question.type === 'A' ? dnsAnswer(question, [], 3) : dnsAnswer(question, [{ type: 'AAAA', name, ttl: 30, data: 'fd00::4' }]),
      ['A', 'AAAA'],
    );
    expect(both).toEqual({ answer: { rcode: 'NOERROR', addresses: ['fd00::4'] } });
  });

  test('in pieces', async () => {
    const whole = await served((question) => {
      const bytes = streamEncode(dnsAnswer(question, [{ type: 'A', name, ttl: 30, data: '10.96.0.4' }]));
      question.socket.write(bytes.subarray(0, 1));
      setImmediate(() => question.socket.write(bytes.subarray(1, 9)));
      setTimeout(() => question.socket.write(bytes.subarray(9)), 5);
      return undefined;
    });
    expect(whole).toEqual({ answer: { rcode: 'NOERROR', addresses: ['10.96.0.4'] } });
  });
});

describe('what is no answer', () => {
  const garbage = (bytes: number) => Buffer.concat([Buffer.from([0, bytes]), Buffer.alloc(bytes, 0xff)]);

  test('garbage', async () => {
    expect(await served(() => garbage(3))).toEqual({ failed: 'server-error', reason: 'the answer is no DNS message' });
    expect(await served(() => garbage(40))).toMatchObject({ failed: 'server-error' });
  });

  test('the answer to another question, or a question', async () => {
    expect(await served((question) => dnsAnswer({ ...question, id: (question.id + 1) & 0xffff }, []))).toEqual({
      failed: 'server-error',
      reason: 'the answer belongs to another question: its id differs',
    });
    expect(await served((question) => dnsAnswer({ ...question, name: 'other.example.com' }, []))).toEqual({
      failed: 'server-error',
      reason: 'the answer belongs to another question: its name differs',
    });
    expect(await served((question) => ({ ...dnsAnswer(question, []), type: 'query' }))).toEqual({
      failed: 'server-error',
      reason: 'what came back is no DNS answer',
    });
  });

  test('a truncated answer', async () => {
    expect(await served((question) => dnsAnswer(question, [], 0x0200))).toEqual({
      failed: 'server-error',
      reason: 'the answer is truncated',
    });
  });

  test('half an answer, and none', async () => {
    expect(await served(({ socket }) => (socket.end(Buffer.from([0, 40, 1, 2])), undefined))).toEqual({
      failed: 'reset',
      reason: 'the connection ended in the middle of the answer',
    });
    expect(await served(({ socket }) => (socket.end(), undefined))).toEqual({
      failed: 'reset',
      reason: 'the connection ended before the answer',
    });
    expect(await served(({ socket }) => (socket.resetAndDestroy(), undefined))).toMatchObject({ failed: 'reset' });
  });

  test('silence', async () => {
    expect(await ask(await loopback.dns(() => undefined), ['A'], 40)).toEqual({ failed: 'timeout', reason: 'no answer within 40ms' });
  });

  test('a port that nobody listens on', async () => {
    expect(await ask(await loopback.unused())).toEqual({ failed: 'refused', reason: 'connection refused' });
  });
});

test('the stream is closed when the answer is there', async () => {
  let closed: Promise<unknown> | undefined;
  const port = await loopback.dns((question) => {
    closed = new Promise((resolve) => question.socket.once('close', resolve));
    return dnsAnswer(question, []);
  });
  await ask(port);
  expect(await closed).toBe(false);
});
