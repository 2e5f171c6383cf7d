import { describe, expect, test } from 'vitest';
import { carriedOut, carriedOutWhereAllowed } from './carry-out.ts';
import type { Idle, Planned } from './plan.ts';

interface Told {
  readonly told: string;
}

const plan = (...targets: string[]): Planned<string> => ({ targets });
const tell = async (all: readonly string[]): Promise<Told[]> => all.map((told) => ({ told }));
const isCut = ({ told }: Told) => told === 'cut';

describe('carriedOut', () => {
  test('what was said to the targets is what was seen', async () => {
    expect(await carriedOut(plan('a', 'b'), tell, isCut)).toEqual({ status: 'observed', value: [{ told: 'a' }, { told: 'b' }] });
  });

  test('nothing to ask is passed on', async () => {
    const idle: Idle = { status: 'not-asked', because: 'nothing to probe' };
    expect(await carriedOut<string, Told>(idle, tell, isCut)).toBe(idle);
  });

  test('interrupted before anything was answered is a failure of the whole, afterwards of what is left', async () => {
    expect(await carriedOut(plan('cut', 'cut'), tell, isCut)).toMatchObject({ status: 'failed', code: 'interrupted' });
    expect(await carriedOut(plan('a', 'cut'), tell, isCut)).toEqual({ status: 'observed', value: [{ told: 'a' }, { told: 'cut' }] });
  });
});

describe('carriedOutWhereAllowed', () => {
  const forbidden = { verb: 'create', resource: 'pods/portforward' };
  const ask = async (targets: readonly string[]) =>
    new Map(targets.map((target) => [target, target.startsWith('no') ? { forbidden } : { told: target }]));
  const refused = (target: string) => ({ told: `${target} refused` });

  test('refused everywhere is forbidden, refused in places is an answer', async () => {
    expect(await carriedOutWhereAllowed(plan('no-1', 'no-2'), ask, isCut, refused)).toEqual({ status: 'forbidden', ...forbidden });
    expect(await carriedOutWhereAllowed(plan('a', 'no-1'), ask, isCut, refused)).toEqual({
      status: 'observed',
      value: [{ told: 'a' }, { told: 'no-1 refused' }],
    });
  });
});
