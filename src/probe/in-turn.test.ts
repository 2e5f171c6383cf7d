import { PassThrough, type Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { UselessAnswer } from './failure.ts';
import { askInTurn, type Line } from './in-turn.ts';
import { gate } from './pace.ts';

interface Question {
  readonly name: string;
}

const questions = (...names: readonly string[]): Question[] => names.map((name) => ({ name }));

/** A pod whose streams are counted. `hang`: a name that is never answered. `lasts`: answers that one stream gives. */
function pod({ hang, lasts = 100, refused }: { hang?: string; lasts?: number; refused?: { verb: string; resource: string } } = {}) {
  const streams: Duplex[] = [];
  const given = new Map<Duplex, number>();
  const line: Line<Question, string> = {
    open: async () => {
      if (refused !== undefined) return { forbidden: refused };
      const stream = new PassThrough();
      streams.push(stream);
      return { stream };
    },
    ask: async (stream, { name }) => {
      if (name === hang) return await new Promise<never>(() => undefined);
      const count = (given.get(stream) ?? 0) + 1;
      given.set(stream, count);
      if (count > lasts) throw new UselessAnswer('reset', 'the connection ended before the answer');
      return name.toUpperCase();
    },
    paced: gate(8),
    onReply: undefined,
    isFirstDecisive: false,
    limits: { timeout: 600, signal: new AbortController().signal },
  };
  return { line, streams };
}

const said = async (line: Line<Question, string>, ...names: readonly string[]) =>
  Object.fromEntries((await askInTurn(questions(...names), line)).map(([{ name }, reply]) => [name, reply]));

describe('askInTurn', () => {
  test('all questions take one stream, which is let go', async () => {
    const { line, streams } = pod();
    expect(await said(line, 'a', 'b', 'c')).toEqual({ a: { answer: 'A' }, b: { answer: 'B' }, c: { answer: 'C' } });
    expect(streams.map(({ destroyed }) => destroyed)).toEqual([true]);
  });

  test('a question that hangs keeps none of the others waiting for its end', async () => {
    const { line, streams } = pod({ hang: 'a' });
    const order: string[] = [];
    const replies = await askInTurn(questions('a', 'b', 'c'), { ...line, onReply: () => order.push('reply') });
    expect(replies.map(([{ name }, reply]) => [name, 'answer' in reply])).toEqual([
      ['b', true],
      ['c', true],
      ['a', false],
    ]);
    expect(order).toHaveLength(3);
    expect(streams.map(({ destroyed }) => destroyed)).toEqual([true, true]);
  });

  test('a server that ends a stream after an answer is asked again on another', async () => {
    const { line, streams } = pod({ lasts: 1 });
    expect(await said(line, 'a', 'b')).toEqual({ a: { answer: 'A' }, b: { answer: 'B' } });
    expect(streams).toHaveLength(2);
  });

  test('what keeps a stream from being opened is said of all', async () => {
    const refused = { verb: 'create', resource: 'pods/portforward' };
    const { line } = pod({ refused });
    expect(await said(line, 'a', 'b')).toEqual({ a: { forbidden: refused }, b: { forbidden: refused } });
  });

  test('a first question that decides is waited for, and what became of it is said of all', async () => {
    const { line, streams } = pod({ hang: 'a' });
    expect(await said({ ...line, isFirstDecisive: true }, 'a', 'b')).toMatchObject({ a: { failed: 'timeout' }, b: { failed: 'timeout' } });
    expect(streams).toHaveLength(1);
  });

  test('the end of the run ends it', async () => {
    const { line } = pod({ hang: 'a' });
    const ending = AbortSignal.abort();
    expect(await said({ ...line, limits: { ...line.limits, signal: ending } }, 'a', 'b')).toMatchObject({
      a: { failed: 'interrupted' },
      b: { failed: 'interrupted' },
    });
  });

  test('nothing to ask opens nothing', async () => {
    const { line, streams } = pod();
    expect(await askInTurn([], line)).toEqual([]);
    expect(streams).toEqual([]);
  });
});
