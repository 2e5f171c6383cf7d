import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { appendSighting, readHistory, refuseUnwritableHistory, stateOf } from './file.ts';
import type { Sighting } from './sighting.ts';

const place = mkdtempSync(join(tmpdir(), 'meshdoctor-history-'));
afterAll(() => rmSync(place, { recursive: true }));
const fresh = (): string => join(mkdtempSync(join(place, 'h')), 'new', 'folder');

const run = (at: string, exit = 0): Sighting => ({
  at,
  version: '0.1.0',
  exit,
  verdict: 'clean',
  clusters: [{ name: 'east' }, { name: 'west', unreadable: 'timeout' }],
  findings: [],
  unjudged: { a: ['east'] },
  withheld: { east: ['pods'] },
  reads: { a: ['pods', 'nodes'] },
  unselected: [],
  expiries: [],
});

describe('a history', () => {
  test('gives back what was written, over months, and a run that saw the same costs a line of a few bytes', async () => {
    const dir = fresh();
    const runs = [run('2026-10-31T23:00:00Z'), run('2026-11-01T00:00:00Z'), run('2026-11-01T01:00:00Z'), run('2026-11-01T02:00:00Z', 1)];
    for (const one of runs) await appendSighting(dir, one);
    expect(await readHistory(dir)).toEqual({
      sightings: runs,
      damaged: 0,
      months: [
        { month: '2026-10', runs: 1 },
        { month: '2026-11', runs: 3 },
      ],
    });
    expect(readdirSync(dir)).toEqual(['2026-10.jsonl', '2026-11.jsonl']);
    expect(
      readFileSync(join(dir, '2026-11.jsonl'), 'utf8')
        .split('\n')
        .map((line) => line.length < 80),
    ).toEqual([false, true, false, true]);
  });

  test('loses nothing to writers at the same time', async () => {
    const dir = fresh();
    const runs = Array.from({ length: 40 }, (_, n) => run(`2026-11-01T00:00:${String(n).padStart(2, '0')}Z`, n % 3));
    await Promise.all(runs.map(async (one) => await appendSighting(dir, one)));
    const { sightings, damaged } = await readHistory(dir);
    expect(damaged).toBe(0);
    expect([...sightings].sort((a, b) => (a.at < b.at ? -1 : 1))).toEqual(runs);
  });

  test('survives a line that was cut off, and what is written after it', async () => {
    const dir = fresh();
    await appendSighting(dir, run('2026-11-01T00:00:00Z'));
    await appendSighting(dir, run('2026-11-01T01:00:00Z', 1));
    const file = join(dir, '2026-11.jsonl');
    truncateSync(file, statSync(file).size - 30);
    // What was cut off is not referred to: its content is written again.
    await appendSighting(dir, run('2026-11-01T02:00:00Z', 1));
    expect(await readHistory(dir)).toMatchObject({ sightings: [run('2026-11-01T00:00:00Z'), run('2026-11-01T02:00:00Z', 1)], damaged: 1 });
  });

  test('is empty where there is none, and other files beside it are nobody`s business', async () => {
    const dir = fresh();
    expect(stateOf(await readHistory(dir))).toBeUndefined();
    await appendSighting(dir, run('2026-11-01T00:00:00Z'));
    writeFileSync(join(dir, 'notes.jsonl'), 'x\n');
    expect(await readHistory(dir)).toMatchObject({ damaged: 0 });
  });

  test('of a later form is refused by name', async () => {
    const dir = fresh();
    await appendSighting(dir, run('2026-11-01T00:00:00Z'));
    appendFileSync(join(dir, '2026-11.jsonl'), '{"schema":2,"version":"9.0.0"}\n');
    await expect(readHistory(dir, 'h')).rejects.toThrow(
      'h/2026-11.jsonl has entries of meshdoctor 9.0.0 in form 2; this version reads no later form than 1.',
    );
    await expect(appendSighting(dir, run('2026-11-02T00:00:00Z'))).rejects.toThrow('in form 2');
  });

  test('is refused before any work where it is a file', async () => {
    const file = join(place, 'file');
    writeFileSync(file, '');
    await expect(refuseUnwritableHistory(file, 'file')).rejects.toThrow('The history in file cannot be written: it is a file.');
    await expect(refuseUnwritableHistory(join(file, 'below'), 'file/below')).rejects.toThrow('cannot be written');
    await expect(refuseUnwritableHistory(fresh(), 'new')).resolves.toBeUndefined();
  });
});
