import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { appendSighting, readHistory, stateOf } from './file.ts';
import { forget, outdated } from './retention.ts';
import type { SeenFinding, Sighting } from './sighting.ts';
import { advance, folded } from './state.ts';

const place = mkdtempSync(join(tmpdir(), 'meshdoctor-retention-'));
afterAll(() => rmSync(place, { recursive: true }));
const fresh = (): string => mkdtempSync(join(place, 'h'));

const finding = (key: string, cluster = 'west'): SeenFinding => ({
  key,
  code: `${key}/code`,
  check: key,
  severity: 'error',
  certainty: 'certain',
  cluster,
  clusters: [cluster],
  rests: [cluster],
  message: key,
  fails: true,
  isCause: true,
});

const run = (at: string, found: readonly string[] = [], unreadable?: string): Sighting => ({
  at,
  version: '0.1.0',
  exit: 0,
  verdict: 'clean',
  clusters: [{ name: 'west', ...(unreadable === undefined ? {} : { unreadable }) }],
  findings: unreadable === undefined ? found.map((key) => finding(key)) : [],
  unjudged: {},
  withheld: {},
  reads: {},
  unselected: [],
  expiries: [],
});

async function history(runs: readonly Sighting[]): Promise<string> {
  const dir = fresh();
  for (const one of runs) await appendSighting(dir, one);
  return dir;
}

describe('which months go', () => {
  const months = ['2026-08', '2026-09', '2026-10', '2026-11'].map((month, index) => ({ month, runs: [50, 40, 30, 5][index] ?? 0 }));

  test.each([
    [{}, []],
    [{ days: 400 }, []],
    // September ended more than 30 days before, October did not.
    [{ days: 30 }, ['2026-08', '2026-09']],
    [{ days: 1 }, ['2026-08', '2026-09', '2026-10']],
    [{ runs: 1 }, ['2026-08', '2026-09', '2026-10']],
    [{ runs: 6 }, ['2026-08', '2026-09']],
    [{ runs: 35 }, ['2026-08', '2026-09']],
    [{ runs: 36 }, ['2026-08']],
    [{ runs: 1000 }, []],
    [{ runs: 1000, days: 60 }, ['2026-08']],
  ])('of four: %j', (keep, gone) => {
    expect(outdated(months, keep, '2026-11-12T00:00:00Z')).toEqual(gone);
  });

  test('never the newest, however old', () => {
    expect(outdated(months.slice(0, 1), { days: 1, runs: 1 }, '2030-01-01T00:00:00Z')).toEqual([]);
  });
});

describe('what is forgotten', () => {
  const runs = [
    run('2026-08-03T00:00:00Z', ['gone', 'flapping', 'staying']),
    run('2026-08-04T00:00:00Z', ['staying']),
    run('2026-09-04T00:00:00Z', ['staying', 'flapping']),
    run('2026-10-04T00:00:00Z', [], 'timeout'),
    run('2026-11-04T00:00:00Z', ['staying', 'flapping']),
  ];

  test('leaves since when what is there has been there, and nothing of what had cleared', async () => {
    const dir = await history(runs);
    await forget(dir, { days: 3 }, '0.1.0');
    expect(readdirSync(dir).sort()).toEqual(['2026-11.jsonl', 'before.json']);
    const state = stateOf(await readHistory(dir));
    expect(state).toMatchObject({ since: '2026-08-03T00:00:00Z', runs: 5 });
    expect(state?.findings.get('staying')).toMatchObject({ status: 'open', firstSeen: '2026-08-03T00:00:00Z', flaps: 0 });
    expect(state?.findings.get('flapping')).toMatchObject({ since: '2026-09-04T00:00:00Z', firstSeen: '2026-08-03T00:00:00Z', flaps: 1 });
    expect(state?.findings.has('gone')).toBe(false);
  });

  test('goes on being forgotten, month after month', async () => {
    const dir = await history(runs.slice(0, 2));
    for (const one of runs.slice(2)) {
      await appendSighting(dir, one);
      await forget(dir, { runs: 1 }, '0.1.0');
    }
    expect(readdirSync(dir).sort()).toEqual(['2026-11.jsonl', 'before.json']);
    expect(stateOf(await readHistory(dir))?.findings.get('staying')?.firstSeen).toBe('2026-08-03T00:00:00Z');
  });

  test('is left alone where nothing is old enough', async () => {
    const dir = await history(runs);
    await forget(dir, { days: 400, runs: 5 }, '0.1.0');
    expect(existsSync(join(dir, 'before.json'))).toBe(false);
    expect(stateOf(await readHistory(dir))).toEqual(folded(runs));
  });

  test('is not counted twice where a run ended between the two', async () => {
    const dir = await history(runs);
    await forget(dir, { days: 3 }, '0.1.0');
    const after = stateOf(await readHistory(dir));
    // As if the files had not come to go.
    for (const one of runs.slice(0, 4)) await appendSighting(dir, one);
    expect(stateOf(await readHistory(dir))).toEqual(after);
    await forget(dir, { days: 3 }, '0.1.0');
    expect([stateOf(await readHistory(dir)), readdirSync(dir).length]).toEqual([after, 2]);
  });

  test('and is refused, by name, when it is damaged or of a later form', async () => {
    const dir = await history(runs);
    writeFileSync(join(dir, 'before.json'), '{"schema":1,');
    await expect(readHistory(dir, 'h')).rejects.toThrow('h/before.json, in which the history keeps');
    writeFileSync(join(dir, 'before.json'), '{"schema":2,"version":"9.0.0"}');
    await expect(readHistory(dir, 'h')).rejects.toThrow('h/before.json has entries of meshdoctor 9.0.0 in form 2');
    // Nothing goes where it is not known what it would leave.
    await expect(forget(dir, { days: 3 }, '0.1.0')).rejects.toThrow('in form 2');
    expect(readdirSync(dir)).toHaveLength(5);
  });
});

test('whatever was forgotten when, what is there is told as if nothing had been', async () => {
  const keys = ['a', 'b', 'c'];
  const moment = fc.record({ found: fc.subarray(keys), hours: fc.integer({ min: 1, max: 900 }), isDead: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(moment, { minLength: 2, maxLength: 14 }), fc.integer({ min: 1, max: 60 }), async (moments, days) => {
      let at = Date.parse('2026-01-01T00:00:00Z');
      const runs = moments.map(({ found, hours, isDead }) => {
        at += hours * 3_600_000;
        return run(new Date(at).toISOString(), found, isDead ? 'timeout' : undefined);
      });
      const dir = fresh();
      let whole = folded([]);
      for (const one of runs) {
        const step = advance(whole, one);
        const shortened = advance(stateOf(await readHistory(dir)), one);
        // What comes back after its clearing was forgotten is new; everything else is the same.
        const told = (transitions: typeof step.transitions) => transitions.map((each) => ({ ...each, again: undefined }));
        expect(told(shortened.transitions)).toEqual(told(step.transitions));
        const still = [...step.state.findings.values()].filter(({ status }) => status !== 'cleared');
        for (const { finding: seen, since, status, lastSeen } of still)
          expect(shortened.state.findings.get(seen.key)).toMatchObject({ since, status, lastSeen });
        expect(shortened.state.runs).toBe(step.state.runs);
        whole = step.state;
        await appendSighting(dir, one);
        await forget(dir, { days }, '0.1.0');
      }
    }),
    { numRuns: 20 },
  );
}, 60_000);
