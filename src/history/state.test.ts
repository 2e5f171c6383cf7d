import { describe, expect, test } from 'vitest';
import type { SeenFinding, Sighting } from './sighting.ts';
import { advance, folded, type HistoryState, type Transition } from './state.ts';

const at = (minute: number): string => new Date(Date.parse('2026-11-24T12:00:00Z') + minute * 60_000).toISOString();
const finding: SeenFinding = {
  key: 'a west:Namespace/shop',
  code: 'a',
  check: 'a',
  severity: 'error',
  certainty: 'certain',
  cluster: 'west',
  clusters: ['east', 'west'],
  rests: ['east', 'west'],
  message: 'A.',
  fails: true,
  isCause: true,
};

function run(minute: number, more: Partial<Sighting> = {}): Sighting {
  return {
    at: at(minute),
    version: '0',
    exit: 0,
    verdict: 'clean',
    clusters: [{ name: 'east' }, { name: 'west' }],
    findings: [],
    unjudged: {},
    withheld: {},
    reads: { a: ['pods'] },
    unselected: [],
    expiries: [],
    ...more,
  };
}
const found = (minute: number, more: Partial<SeenFinding> = {}): Sighting => run(minute, { findings: [{ ...finding, ...more }] });

/** What each run said, in short. */
function told(...runs: readonly Sighting[]): { readonly said: readonly string[]; readonly state: HistoryState | undefined } {
  const said: string[] = [];
  let state: HistoryState | undefined;
  for (const one of runs) {
    const step = advance(state, one);
    state = step.state;
    said.push(step.transitions.map(shortly).join(', '));
  }
  return { said, state };
}

function shortly(one: Transition): string {
  if (one.kind === 'cleared' || one.kind === 'readable') return `${one.kind} after ${one.after}`;
  return one.kind === 'appeared' && one.again ? 'appeared again' : one.kind;
}

describe('a finding', () => {
  test('appears, stays, clears and flaps', () => {
    const { said, state } = told(found(0), found(10), run(15), found(20), run(21));
    expect(said).toEqual(['appeared', '', 'cleared after 900', 'appeared again', 'cleared after 60']);
    expect(state?.findings.get(finding.key)).toEqual({
      finding,
      reads: ['pods'],
      withheld: {},
      status: 'cleared',
      firstSeen: at(0),
      since: at(20),
      lastSeen: at(20),
      clearedAt: at(21),
      flaps: 1,
      clears: 2,
      clearSeconds: 960,
    });
  });

  test('changes when it is worse, less sure, or says something else', () => {
    expect(
      told(found(0), found(1, { severity: 'warning' }), found(2, { severity: 'warning', message: 'B.' }), found(3, { message: 'B.' })).said,
    ).toEqual(['appeared', 'changed', 'changed', 'changed']);
  });

  test.each<[string, Partial<Sighting>]>([
    ['its cluster is not reached', { clusters: [{ name: 'east' }, { name: 'west', unreadable: 'timeout' }] }],
    ['another cluster that it concerns is not reached', { clusters: [{ name: 'east', unreadable: 'timeout' }, { name: 'west' }] }],
    ['its check could not judge there', { unjudged: { a: ['west'] } }],
    ['something that its check reads could not be listed', { withheld: { west: ['pods'] } }],
  ])('is not cleared where %s', (_, blind) => {
    const { said, state } = told(found(0), run(5, blind), run(6, blind), run(10));
    expect(said[1]).toContain('unseen');
    expect(said[2]).not.toContain('seen');
    expect(said[3]).toContain('cleared after 600');
    expect(state?.findings.get(finding.key)?.status).toBe('cleared');
  });

  test('is cleared where no less was seen than when it was there', () => {
    const partly = { withheld: { west: ['nodes', 'pods'] } };
    expect(told({ ...found(0), ...partly }, run(5, partly)).said[1]).toContain('cleared');
    expect(told(found(0), run(5, { withheld: { west: ['nodes'] } })).said[1]).toContain('cleared');
  });

  test('that was hidden and is still there goes on as one', () => {
    const { said, state } = told(found(0), run(5, { unjudged: { a: ['west'] } }), found(10));
    expect(said).toEqual(['appeared', 'unseen', 'seen']);
    expect(state?.findings.get(finding.key)).toMatchObject({ status: 'open', since: at(0), flaps: 0 });
  });

  test.each<[string, Partial<Sighting>]>([
    ['other checks', { unselected: ['a'] }],
    ['other clusters', { clusters: [{ name: 'east' }] }],
  ])('is not touched by a run of %s', (_, narrow) => {
    const { said, state } = told(found(0), run(5, narrow));
    expect(said[1]).toBe('');
    expect(state?.findings.get(finding.key)?.status).toBe('open');
  });
});

describe('a cluster', () => {
  const dead = (minute: number, reason: string): Sighting =>
    run(minute, { clusters: [{ name: 'east' }, { name: 'west', unreadable: reason }] });
  test('is unreadable and readable again, whatever the reasons in between', () => {
    expect(told(dead(0, 'timeout'), dead(1, 'refused'), run(2), run(3)).said).toEqual(['unreadable', '', 'readable after 120', '']);
  });
});

test('the order in which runs are written does not matter', () => {
  const runs = [found(0), run(5), found(9), found(12, { message: 'B.' })];
  expect(folded([...runs].reverse())).toEqual(folded(runs));
});

test('what ends by itself is kept by runs that do not look for it', () => {
  const expiries = [{ at: '2027-01-01T00:00:00Z', what: 'root', name: 'r', clusters: ['east'], stops: '' }] as const;
  expect(told(run(0, { expiries }), run(1)).state?.expiries).toEqual(expiries);
});
