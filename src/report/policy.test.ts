import { describe, expect, test } from 'vitest';
import { defaultPolicy, exitCode, type ExitFacts, fails, isGap, type Policy } from './policy.ts';

const clean: ExitFacts = { failing: 0, gaps: 0, crashed: 0, cells: 10, meshes: 1, interrupted: undefined };
const code = (facts: Partial<ExitFacts>, policy: Partial<Policy> = {}): number =>
  exitCode({ ...clean, ...facts }, { ...defaultPolicy, ...policy }).code;

describe('exit code', () => {
  test.each<[string, Partial<ExitFacts>, Partial<Policy>, number]>([
    ['clean', {}, {}, 0],
    ['a finding', { failing: 1 }, {}, 1],
    ['a gap', { gaps: 1 }, {}, 3],
    ['a crash', { gaps: 1, crashed: 1 }, {}, 3],
    ['a finding wins over a gap', { failing: 1, gaps: 1 }, {}, 1],
    ['nothing was judged', { meshes: 0, cells: 0 }, {}, 3],
    ['nothing was judged, and that is allowed', { meshes: 0, cells: 0 }, { allowIncomplete: 'all' }, 0],
    ['--exit-zero', { failing: 1, gaps: 1 }, { exitZero: true }, 0],
    ['SIGINT wins over everything', { failing: 1, interrupted: 'SIGINT' }, { exitZero: true }, 130],
    ['SIGTERM', { interrupted: 'SIGTERM' }, {}, 143],
  ])('%s', (_, facts, policy, expected) => {
    expect(code(facts, policy)).toBe(expected);
  });

  test('--exit-zero says what it hides', () => {
    expect(exitCode({ ...clean, failing: 2 }, { ...defaultPolicy, exitZero: true }).reason).toBe(
      '--exit-zero instead of 1: 2 findings at or above --fail-on=error',
    );
  });
});

describe('a finding fails a run', () => {
  const failing = (
    severity: 'error' | 'warning' | 'info',
    certainty: 'certain' | 'likely' | 'possible',
    policy: Partial<Policy> = {},
    advice = false,
  ): boolean => fails({ severity, certainty }, advice, { ...defaultPolicy, ...policy });

  test('when it is an error that is certain or likely', () => {
    expect(failing('error', 'certain')).toBe(true);
    expect(failing('error', 'likely')).toBe(true);
    expect(failing('warning', 'certain')).toBe(false);
  });

  test('never when it is merely possible, or advice', () => {
    expect(failing('error', 'possible', { failOn: 'info' })).toBe(false);
    expect(failing('error', 'certain', { failOn: 'info' }, true)).toBe(false);
  });

  test('as --fail-on and --min-certainty say', () => {
    expect(failing('warning', 'likely', { failOn: 'warning' })).toBe(true);
    expect(failing('info', 'certain', { failOn: 'info' })).toBe(true);
    expect(failing('error', 'certain', { failOn: 'never' })).toBe(false);
    expect(failing('error', 'likely', { minCertainty: 'certain' })).toBe(false);
  });
});

describe('a missing fact makes a run incomplete', () => {
  const gap = (why: Parameters<typeof isGap>[0], policy: Partial<Policy> = {}): boolean => isGap(why, { ...defaultPolicy, ...policy });
  const forbidden = { status: 'forbidden', verb: 'list', resource: 'secrets' } as const;
  const unauthorized = { status: 'failed', code: 'unauthorized', reason: '401' } as const;
  const timeout = { status: 'failed', code: 'timeout', reason: 'too late' } as const;
  const notAsked = { status: 'not-asked', because: 'directory does not say' } as const;

  test('when it was forbidden or failed, not when nobody asked', () => {
    expect([forbidden, unauthorized, timeout].map((why) => gap(why))).toEqual([true, true, true]);
    expect([notAsked, { status: 'partial' } as const, { status: 'absent' } as const].map((why) => gap(why))).toEqual([false, false, false]);
  });

  test('unless that is allowed, all of it or by reason', () => {
    expect([forbidden, timeout].map((why) => gap(why, { allowIncomplete: 'all' }))).toEqual([false, false]);
    expect([forbidden, unauthorized, timeout].map((why) => gap(why, { allowIncomplete: ['forbidden'] }))).toEqual([false, false, true]);
    expect([forbidden, unauthorized, timeout].map((why) => gap(why, { allowIncomplete: ['unreachable'] }))).toEqual([true, true, false]);
  });

  test('and what nobody asked too with --require-complete', () => {
    expect([notAsked, { status: 'partial' } as const].map((why) => gap(why, { requireComplete: true }))).toEqual([true, true]);
  });
});
