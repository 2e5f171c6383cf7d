import { describe, expect, test } from 'vitest';
import { sampleReport } from '../../test/golden/sample.ts';
import { github } from './reporters/github.ts';
import { text } from './reporters/text.ts';
import { type Acquaintance, codeOfToday, openCauses } from './known.ts';

const style = { width: 120, colour: false, unicode: true, verbosity: 0 };
const bare: Acquaintance = { today: '2026-11-29', renamed: new Map() };
const all = sampleReport().findings.map(({ fingerprint, code }) => ({ fingerprint, code }));
const gateway = 'unserved-gateway-revision';

function reported(told: Partial<Acquaintance>) {
  return sampleReport(undefined, {}, { told: { ...bare, ...told } });
}

function suppressed(suppression: Partial<NonNullable<Acquaintance['suppressions']>[number]>) {
  return reported({ suppressions: [{ code: gateway, reason: 'planned', owner: 'team', until: 'never', ...suppression }] });
}

describe('a baseline', () => {
  const of = (findings: typeof all) => reported({ before: { with: 'baseline', files: ['b.json'], findings } });

  test('that knows all fails nothing, and says so; what could not be looked at still counts', () => {
    const report = of(all);
    expect(report.findings.every(({ fails, known }) => !fails && known?.by === 'baseline')).toBe(true);
    expect(report.exit.code).toBe(3);
    expect(report.comparison).toMatchObject({ introduced: 0, unchanged: all.length, gone: [], incomparable: [] });
    expect(report.verdict).toMatchObject({ state: 'incomplete' });
  });

  test('that lacks a finding fails for that one', () => {
    const report = of(all.filter(({ code }) => code !== gateway));
    expect(report.exit).toEqual({ code: 1, reason: '1 finding at or above --fail-on=error' });
    expect(report.verdict.text).toMatch(/^BROKEN: 1 finding;.*known before/);
    expect(report.comparison).toMatchObject({ introduced: 1 });
  });

  test('what is new under a cause that was known is told', () => {
    const report = of(all.filter(({ code }) => code !== 'unreachable-services'));
    expect(openCauses(report).map(({ finding }) => finding.code)).toEqual(['unreachable-services']);
    expect(text.render(report, style)).toContain('CAUSE 1 of 1');
    expect(github.render(report, style)).toContain('title=meshdoctor%3A unreachable-services');
  });

  test('what is no longer there is gone only if its check could judge everything', () => {
    const entry = (code: string) => ({ code, fingerprint: `${code} east:Pod/x/y` });
    const { comparison } = of([...all, entry('unreachable-services'), entry('stale-lease'), entry('not-selected')]);
    expect(comparison?.gone.map(({ code }) => code)).toEqual(['unreachable-services']);
    expect(comparison?.incomparable.map(({ code }) => code)).toEqual(['stale-lease', 'not-selected']);
  });

  test('goes on to know what has another code now', () => {
    const [first, ...rest] = all;
    if (first === undefined) throw new Error('there are findings');
    const old = { code: 'old-name', fingerprint: first.fingerprint.replace(first.code, 'old-name') };
    const report = reported({
      before: { with: 'baseline', files: [], findings: [old, ...rest] },
      renamed: new Map([['old-name', first.code]]),
    });
    expect(report.comparison).toMatchObject({ introduced: 0, gone: [] });
  });
});

describe('a suppression', () => {
  test('takes a finding out of the exit code, with its reason, until its last day', () => {
    const report = suppressed({ until: '2026-11-29' });
    const finding = report.findings.find(({ code }) => code === gateway);
    expect(finding).toMatchObject({ fails: false, known: { by: 'suppression', reason: 'planned', owner: 'team', until: '2026-11-29' } });
    expect(report.suppressions).toMatchObject([{ state: 'used', findings: 1 }]);
  });

  test('whose last day is over does nothing but say so', () => {
    const report = suppressed({ until: '2026-11-28' });
    expect(report.findings.find(({ code }) => code === gateway)).toMatchObject({ fails: true });
    expect(report.suppressions).toMatchObject([{ state: 'expired', findings: 1 }]);
    expect(text.render(report, style)).toContain('ended on 2026-11-28, and 1 finding counts again  (team)');
  });

  test.each([
    [{ at: 'west:Deployment/*' }, 'used'],
    [{ at: 'east:*' }, 'undecided'],
    [{ code: 'unserved-*' }, 'used'],
    [{ code: 'unreachable-services', at: 'nobody:*' }, 'unused'],
    [{ code: 'not-selected' }, 'undecided'],
  ])('%j is %s', (suppression, state) => {
    expect(suppressed(suppression).suppressions).toMatchObject([{ state }]);
  });
});

test('codes of earlier versions', () => {
  const renamed = new Map([
    ['old', 'new'],
    ['id/was', 'id/is'],
  ]);
  expect(['old', 'old/key', 'id/was', 'id', 'older'].map((code) => codeOfToday(code, renamed))).toEqual([
    'new',
    'new/key',
    'id/is',
    'id',
    'older',
  ]);
});
