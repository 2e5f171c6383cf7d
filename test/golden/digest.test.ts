import { expect, test } from 'vitest';
import { digest } from '../../src/report/reporters/digest.ts';
import type { Report } from '../../src/report/schema.ts';
import { sampleReport } from './sample.ts';

const style = { width: 120, colour: false, unicode: true, verbosity: 0 };
const sample = sampleReport();
const [first, second] = sample.causes;
const times = {
  firstSeen: '2026-11-20T00:00:00Z',
  since: '2026-11-22T00:00:00Z',
  lastSeen: '2026-11-24T00:00:00Z',
  flaps: 1,
  clears: 1,
  clearSeconds: 60,
};

const changed: Report = {
  ...sample,
  history: {
    since: '2026-11-20T00:00:00Z',
    at: '2026-11-24T00:00:00Z',
    runs: 9,
    previous: { at: '2026-11-23T23:00:00Z', exit: 3 },
    findings: [
      { ...times, fingerprint: first!.fingerprint, state: 'again' },
      { ...times, fingerprint: second!.fingerprint, state: 'open' },
      { ...times, fingerprint: 'old-fault south:Namespace/shop', state: 'unseen' },
    ],
    cleared: [{ fingerprint: 'x', code: 'gone', cluster: 'west', message: 'It [was] *wrong*.', since: times.since, seconds: 7200 }],
    clusters: [],
  },
};

/** Items below each heading. */
function itemsOf(text: string): Readonly<Record<string, readonly string[]>> {
  const blocks = [...text.matchAll(/^\*\*(.+) \(\d+\)\*\*\n\n((?:- .*\n)+)/gm)];
  return Object.fromEntries(blocks.map(([, title = '', items = '']): [string, string[]] => [title, items.trim().split('\n')]));
}

test('what changed comes apart from what did not, and what could not be looked at is neither', () => {
  const text = digest.render(changed, style);
  const items = itemsOf(text);
  expect(text).toContain('Since 2026-11-23T23:00:00Z (exit 3):');
  expect(items['Appeared']?.some((line) => line.includes(first!.code) && line.includes('back, flapped 1 time'))).toBe(true);
  expect(items['Still there']).toEqual([expect.stringContaining(second!.code)]);
  expect(items['Cleared']).toEqual(['- west: It \\[was\\] \\*wrong\\*. (`gone`, after 2 h)']);
  expect(items['It was there, and nobody could look now']).toEqual(['- `old-fault south:Namespace/shop`']);
});

test('every cause is in it once', () => {
  const { Appeared = [], 'Still there': still = [] } = itemsOf(digest.render(changed, style));
  expect(Appeared.length + still.length).toBe(sample.causes.length);
});

test('it says when it has nothing to compare with', () => {
  expect(digest.render(sample, style)).toContain('Without `--history`');
  expect(
    digest.render({ ...changed, history: { ...changed.history!, findings: [], cleared: [] }, causes: [], findings: [] }, style),
  ).toContain('nothing has appeared, and nothing has gone.');
});
