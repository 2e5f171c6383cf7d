import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtin } from '../../checks/index.ts';
import { modes } from '../../checks/modes.ts';
import { breakagePage } from './breakage-page.ts';
import { claimantsOf, coveragePage, detectedModes, firedInFaults } from './coverage-page.ts';
import { type KnownMiss, knownMisses, knownMissesInRecordings, knownStrangers } from './known-misses.ts';
import { isTold, shareOf, targets } from './matrix.ts';
import { resultsOfEverything } from './results.ts';
import { undecided } from './undecided.ts';

const results = await resultsOfEverything();
const { faults, singles, recorded, pairs } = results;

describe('faults', () => {
  test('have names and modes, and are enough', () => {
    const ids = faults.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    expect(ids.filter((id) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(id))).toEqual([]);
    const known = new Set(modes.map(({ id }) => id));
    expect(faults.filter(({ mode, also = [] }) => [mode, ...also].some((one) => !known.has(one))).map(({ id }) => id)).toEqual([]);
    expect(faults.filter(({ says }) => !/^\S.{15,}\.$/.test(says)).map(({ id }) => id)).toEqual([]);
    expect(faults.length).toBeGreaterThanOrEqual(200);
  });

  test('know no check', () => {
    const folder = resolve('test/breakage/faults');
    const importing = readdirSync(folder).filter((file) => /from '[^']*\/checks\//.test(readFileSync(join(folder, file), 'utf8')));
    expect(importing).toEqual([]);
  });
});

describe('single faults', () => {
  const named = (misses: readonly KnownMiss[]): string[] => misses.map(({ fault, mesh }) => `${fault} in ${mesh}`).sort();

  test('are found, but for those of which it is known why not', () => {
    const missed = singles.filter(({ told }) => told !== 'found').map(({ fault, mesh }) => `${fault.id} in ${mesh}`);
    expect(missed.sort()).toEqual(named(knownMisses));
    expect(shareOf(singles.length - missed.length, singles.length)).toBeGreaterThanOrEqual(targets.singlesFound);
  });

  test('have nothing unexpected beside them', () => {
    const strange = singles.filter(({ strangers }) => strangers.length > 0);
    const told = strange.map(({ fault, mesh, strangers }) => [`${fault.id} in ${mesh}`, strangers.join('\n')] as const);
    const known = named(knownStrangers);
    expect(told.filter(([name]) => !known.includes(name))).toEqual([]);
    expect(known.filter((name) => !told.some(([own]) => own === name))).toEqual([]);
    expect(shareOf(strange.length, singles.length)).toBeLessThanOrEqual(targets.unexpected);
  });

  test('are found in recordings of real meshes, too', () => {
    const missed = recorded.singles.filter(({ told }) => told !== 'found').map(({ fault, recording }) => `${fault.id} in ${recording}`);
    const known = named(knownMissesInRecordings);
    expect(missed.filter((name) => !known.includes(name))).toEqual([]);
    const found = recorded.singles.filter(({ told }) => told === 'found').map(({ fault, recording }) => `${fault.id} in ${recording}`);
    expect(found.filter((name) => known.includes(name))).toEqual([]);
    expect(recorded.singles.filter(({ strangers }) => strangers.length > 0).map(({ fault, strangers }) => [fault.id, strangers])).toEqual(
      [],
    );
  });
});

test('of two faults neither hides the other', () => {
  expect(pairs.pairs.length).toBeGreaterThanOrEqual(500);
  expect(shareOf(pairs.pairs.filter(isTold).length, pairs.pairs.length)).toBeGreaterThanOrEqual(targets.pairsFound);
});

describe('coverage', () => {
  test('every mode is detected, or it is said why not', () => {
    const detected = detectedModes(results);
    expect(modes.filter(({ id }) => !detected.has(id) && undecided[id] === undefined).map(({ id }) => id)).toEqual([]);
    expect(Object.keys(undecided).filter((id) => detected.has(id) || claimantsOf(id).length > 0)).toEqual([]);
  });

  test('what a check claims is proven', () => {
    const detected = detectedModes(results);
    const claimed = builtin.flatMap(({ check }) => (check.catalogue ?? []).map((mode) => `${check.id}: ${mode}`));
    expect(claimed.filter((line) => !detected.has(line.split(': ')[1] ?? ''))).toEqual([]);
  });

  test('every check fired somewhere', () => {
    const fired = firedInFaults(results);
    const silent = builtin.filter(
      ({ check: { id } }) => !fired.has(id) && !results.inRecordings.has(id) && !results.onRealComponents.has(id),
    );
    expect(silent.map(({ check }) => check.id)).toEqual([]);
  });
});

describe('pages are fresh', () => {
  test.each([
    ['docs/breakage.md', breakagePage],
    ['docs/coverage.md', coveragePage],
  ] as const)('%s', (path, page) => {
    const content = existsSync(resolve(path)) ? readFileSync(resolve(path), 'utf8') : '';
    expect(page(results) === content ? 'fresh' : `stale: npm run gen -- ${path.slice('docs/'.length, -'.md'.length)}`).toBe('fresh');
  });
});
