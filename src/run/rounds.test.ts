import { describe, expect, test } from 'vitest';
import { mesh } from '../builder/mesh.ts';
import { snapshotOf } from '../collect/snapshot.ts';
import { builtin } from '../../checks/index.ts';
import { SourceError } from '../base/errors.ts';
import { runOptions } from '../config/options.ts';
import type { Report } from '../report/schema.ts';
import { judgeSnapshot } from './check.ts';
import { type Pace, repeat } from './rounds.ts';

const options = runOptions({ manifests: [] }, undefined, { cwd: '/', now: '2026-11-24T12:00:00Z' });
const prepared = { checks: builtin.slice(0, 1), plugins: [], reporters: [] };
const snapshot = snapshotOf(mesh().primaryRemote('east', 'west', { networks: 2 }).objects());
const report = await judgeSnapshot(snapshot, options, prepared, { version: '0', nodeVersion: '20', builtIn: builtin });
const gone = new SourceError('ERR_SOURCE_UNREADABLE', 'The kubeconfig is gone.');

/** Rounds by a clock that only waiting moves; `interruptAt`: the second at which somebody interrupts. */
function paced(interruptAt = Number.POSITIVE_INFINITY) {
  let seconds = 0;
  const failures: string[] = [];
  const pace: Pace = {
    now: () => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString(),
    sleep: async (milliseconds) => {
      seconds += milliseconds / 1000;
      await Promise.resolve();
    },
    isInterrupted: () => seconds >= interruptAt,
    onFailure: (error) => failures.push(error.message),
  };
  return { pace, failures, take: (n: number) => (seconds += n), now: () => seconds };
}

const named = (name: string): Report => ({ ...report, verdict: { ...report.verdict, text: name } });

describe('rounds', () => {
  test('follow each other until it is enough', async () => {
    const { pace, now } = paced();
    const looks: number[] = [];
    const judge = async (): Promise<Report> => {
      looks.push(now());
      return await Promise.resolve(named(`at ${now()}`));
    };
    const last = await repeat(judge, 30_000, pace, async (one) => await Promise.resolve(one.verdict.text === 'at 60' ? 'enough' : 'again'));
    expect([looks, last.verdict.text]).toEqual([[0, 30, 60], 'at 60']);
  });

  test('end with the last whole one when the next is interrupted', async () => {
    const { pace, take, now } = paced(35);
    const judge = async (): Promise<Report> => {
      const name = `at ${now()}`;
      take(10);
      return await Promise.resolve(named(name));
    };
    const told: string[] = [];
    const last = await repeat(judge, 20_000, pace, async ({ verdict }) => {
      told.push(verdict.text);
      return await Promise.resolve('again');
    });
    expect([told, last.verdict.text]).toEqual([['at 0'], 'at 0']);
  });

  test('survive one that could not be made, but not the first', async () => {
    const { pace, failures, now } = paced(100);
    const judge = async (): Promise<Report> => {
      if (now() === 30) throw gone;
      return await Promise.resolve(report);
    };
    const told: number[] = [];
    await repeat(judge, 30_000, pace, async () => {
      told.push(now());
      return await Promise.resolve('again');
    });
    expect([told, failures]).toEqual([[0, 60, 90], ['The kubeconfig is gone.']]);
    await expect(
      repeat(
        async () => await Promise.reject(gone),
        1,
        paced().pace,
        async () => await Promise.resolve('again'),
      ),
    ).rejects.toThrow(gone);
  });

  test('do not hide a bug', async () => {
    const bug = new TypeError('a bug');
    let round = 0;
    const judge = async (): Promise<Report> => {
      if (round++ > 0) throw bug;
      return await Promise.resolve(report);
    };
    await expect(repeat(judge, 1, paced().pace, async () => await Promise.resolve('again'))).rejects.toThrow(bug);
  });
});
