import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { faults } from '../real/faults/all.ts';
import { realPage } from '../real/results.ts';
import { topologies } from '../real/topologies/all.ts';

/*
 * docs/real.md and fixtures/recorded are written by a run on real components, which the fast tests cannot repeat: that they are about the faults and
 * meshes there are now, they can tell.
 */

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(resolve(root, 'docs/real.md'), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| '));

describe('docs/real.md', () => {
  test('follows from what was seen: npm run real:record', () => {
    expect(page).toBe(realPage());
  });

  test.each(faults)('has fault $id once', ({ about, topology }) => {
    expect(rows.filter((row) => row.startsWith(`| ${about.replaceAll('|', '\\|')} (${topology}) |`))).toHaveLength(1);
  });

  test.each(topologies)('has mesh $name once', ({ name, about }) => {
    expect(rows.filter((row) => row.startsWith(`| ${name} | ${about} |`))).toHaveLength(1);
  });

  test('shows nothing that was not as expected', () => {
    expect(rows.filter((row) => row.includes('NOT '))).toEqual([]);
  });
});

describe('fixtures/recorded', () => {
  const names = [...faults.map(({ id }) => id), ...topologies.map(({ name }) => name)];

  test.each(names)('has %s', (name) => {
    expect(existsSync(resolve(root, `fixtures/recorded/${name}.json.gz`))).toBe(true);
  });

  test('has no mesh that nobody makes any more', () => {
    const recorded = readdirSync(resolve(root, 'fixtures/recorded')).flatMap((file) => /^(.+)\.json\.gz$/u.exec(file)?.[1] ?? []);
    expect(recorded.filter((name) => !names.includes(name))).toEqual([]);
  });

  test('names are unique', () => {
    expect(new Set(names).size).toBe(names.length);
  });
});
