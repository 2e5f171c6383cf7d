import { describe, expect, test } from 'vitest';
import { failureOf, UselessAnswer } from './failure.ts';
import { gate, within } from './pace.ts';

const never = () => new Promise<string>(() => undefined);
const limits = (timeout: number, signal = new AbortController().signal) => ({ timeout, signal });

describe('within', () => {
  test('gives what the work gives, or what its failure means', async () => {
    expect(await within(limits(60_000), async () => 'done', String)).toBe('done');
    const failing = () => Promise.reject(new UselessAnswer('server-error', 'garbage'));
    expect(await within<unknown>(limits(60_000), failing, (failure) => failure)).toEqual({ failed: 'server-error', reason: 'garbage' });
  });

  test('ends in time and tells the work, which need not listen', async () => {
    let told: AbortSignal | undefined;
    const ended = await within<unknown>(
      limits(20),
      (signal) => ((told = signal), never()),
      (failure) => failure,
    );
    expect(ended).toEqual({ failed: 'timeout', reason: 'no answer within 20ms' });
    expect(told?.aborted).toBe(true);
  });

  test('is interrupted at once, and does not begin after that', async () => {
    const run = new AbortController();
    const ended = within<unknown>(limits(60_000, run.signal), never, (failure) => failure);
    run.abort();
    expect(await ended).toMatchObject({ failed: 'interrupted' });
    let begun = false;
    const late = within<unknown>(
      limits(60_000, run.signal),
      async () => (begun = true),
      (failure) => failure,
    );
    expect(await late).toMatchObject({ failed: 'interrupted' });
    expect(begun).toBe(false);
  });

  test('however many wait, the signal has one listener', async () => {
    const run = new AbortController();
    const added: string[] = [];
    const add = run.signal.addEventListener.bind(run.signal);
    run.signal.addEventListener = (...given: Parameters<typeof add>) => (added.push(given[0]), add(...given));
    const all = Array.from({ length: 30 }, () => within<string>(limits(60_000, run.signal), never, ({ failed }) => failed));
    expect(await within(limits(60_000, run.signal), async () => 'done', String)).toBe('done');
    run.abort();
    expect(new Set(await Promise.all(all))).toEqual(new Set(['interrupted']));
    expect(added).toEqual(['abort']);
  });

  test('an error after the end is nobody’s', async () => {
    let fail: (error: Error) => void = () => undefined;
    const work = () => new Promise<unknown>((_, reject) => (fail = reject));
    expect(await within<unknown>(limits(10), work, ({ failed }) => failed)).toBe('timeout');
    fail(new Error('too late'));
    await new Promise((resolve) => setImmediate(resolve));
  });
});

describe('gate', () => {
  test('lets so many in at a time, in order, also past failures', async () => {
    const pass = gate(2);
    const order: string[] = [];
    let inside = 0;
    let most = 0;
    const work = (name: string) => async () => {
      most = Math.max(most, ++inside);
      order.push(name);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
      if (name === 'b') throw new Error('b');
    };
    const all = await Promise.allSettled(['a', 'b', 'c', 'd', 'e'].map((name) => pass(work(name))));
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
    expect(order).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(most).toBe(2);
  });
});

describe('failureOf', () => {
  const coded = (code: string, message = '') => Object.assign(new Error(message), { code });

  test('socket errors by their code', () => {
    expect(failureOf(coded('ECONNREFUSED'))).toEqual({ failed: 'refused', reason: 'connection refused' });
    expect(failureOf(coded('ENOTFOUND')).failed).toBe('dns');
    expect(failureOf(coded('ETIMEDOUT')).failed).toBe('timeout');
    expect(failureOf(coded('ECONNRESET')).failed).toBe('reset');
  });

  test('errors that say themselves what they are', () => {
    expect(failureOf(coded('refused', 'the pod does not listen on port 15014'))).toEqual({
      failed: 'refused',
      reason: 'the pod does not listen on port 15014',
    });
    expect(failureOf(coded('toString', 'odd'))).toEqual({ failed: 'reset', reason: 'odd' });
  });

  test('what a kubelet says of a port nobody listens on', () => {
    const said = 'error forwarding port 15014 to pod abc: exit status 1: dial tcp4 127.0.0.1:15014: connect: connection refused.\n';
    expect(failureOf(new Error(said))).toEqual({ failed: 'refused', reason: said.trim().slice(0, -1) });
  });

  test('anything else is told in one line without credentials', () => {
    expect(failureOf(new Error('odd\nstack'))).toEqual({ failed: 'reset', reason: 'odd' });
    expect(failureOf('text')).toEqual({ failed: 'reset', reason: 'the connection failed' });
    expect(failureOf(new Error(`token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.sig ${'x'.repeat(400)}`)).reason).toMatch(
      /^token \(redacted\) x{100,}…$/,
    );
  });
});
