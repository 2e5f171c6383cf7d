import { describe, expect, test } from 'vitest';
import { checkResults } from './cells.ts';
import { notChecked } from './gaps.ts';
import { escapeXml } from './reporters/junit.ts';
import { defaultPolicy } from './policy.ts';
import { east, judgement, sampleReport, south, west } from '../../test/golden/sample.ts';

const report = sampleReport();
const cluster = (name: string): (typeof report.clusters)[number] => report.clusters.find((row) => row.name === name)!;
const cell = (from: string, to: string): (typeof report.matrix)[number]['cells'][number] | undefined =>
  report.matrix[0]?.cells.find((one) => one.from === from && one.to === to);

describe('checks × clusters', () => {
  test('a check counts once in every cluster of its subjects, with its worst outcome there', () => {
    const rows = checkResults(judgement().checks, judgement().outcomes);
    const resultsOf = (id: string): Record<string, string> =>
      Object.fromEntries(rows.find((row) => row.id === id)!.results.map((one) => [one.cluster, one.result]));
    expect(resultsOf('unserved-gateway-revision')).toEqual({ east: 'error', south: 'unknown', west: 'error' });
    expect(resultsOf('expiring-root')).toEqual({ east: 'warning', south: 'unknown', west: 'not-applicable' });
    expect(resultsOf('acme/odd-name')).toEqual({ east: 'crashed' });
    expect(resultsOf('lonely-gateway')).toEqual({ west: 'passed' });
  });

  test('the rows add up to the counts', () => {
    const sum = report.clusters.reduce(
      (total, { results: { error, warning, unknown, passed } }) => total + error + warning + unknown + passed,
      0,
    );
    expect(sum).toBe(report.counts.cells);
    expect(report.clusters.reduce((total, { results }) => total + results.unknown, 0)).toBe(report.counts.cells - report.counts.done);
    expect(cluster('south').results).toEqual({ error: 0, warning: 0, unknown: 2, passed: 1 });
  });
});

describe('directions', () => {
  test('show the worst finding that concerns them, by its cause', () => {
    expect(cell(east, west)).toMatchObject({ state: 'broken', cause: 'unserved-gateway-revision' });
    expect(cell(west, west)).toEqual({ from: west, to: west, state: 'none' });
  });

  test('are unknown where an answer is missing that could have been an error', () => {
    expect(cell(west, south)).toEqual({ from: west, to: south, state: 'unknown' });
  });

  test('are in order when nothing is found or missing', () => {
    const healthy = sampleReport((outcome) => outcome.kind === 'healthy');
    expect(healthy.matrix[0]?.cells.filter(({ state }) => state !== 'none').map(({ state }) => state)).toEqual([
      'ok',
      'ok',
      'ok',
      'ok',
      'ok',
      'ok',
    ]);
  });
});

describe('what was not checked', () => {
  const gaps = notChecked(judgement().outcomes, defaultPolicy);

  test('is grouped by cluster, fact and reason, and names the right that is missing', () => {
    expect(gaps.find(({ why }) => why === 'forbidden')).toMatchObject({
      checks: ['duplicate-secret', 'expired-credential'],
      clusters: [east],
      missing: [{ fact: 'remoteSecrets', right: { verb: 'list', resource: 'secrets in istio-system' } }],
      incomplete: true,
    });
  });

  test('makes the run incomplete only where somebody was asked', () => {
    expect(gaps.filter(({ incomplete }) => incomplete).map(({ why }) => why)).toEqual(['crashed', 'failed', 'forbidden']);
  });
});

describe('the verdict never acquits from ignorance', () => {
  test.each([
    ['everything', () => true, 'broken', 1],
    ['only gaps', ({ kind }: { kind: string }) => kind === 'inconclusive' || kind === 'healthy', 'incomplete', 3],
    ['only a crash', ({ kind }: { kind: string }) => kind === 'crashed' || kind === 'healthy', 'incomplete', 3],
    [
      'only what was not asked',
      ({ check, kind }: { check: string; kind: string }) => check === 'stale-lease' || kind === 'healthy',
      'clean',
      0,
    ],
  ] as const)('%s', (_, keep, state, code) => {
    const made = sampleReport(keep);
    expect([made.verdict.state, made.exit.code]).toEqual([state, code]);
    expect(made.verdict.text.startsWith('HEALTHY')).toBe(false);
  });
});

test('what a run cannot know about itself is not in the report', () => {
  expect(JSON.stringify(sampleReport())).toBe(JSON.stringify(sampleReport()));
});

describe('XML', () => {
  test('is escaped, and characters it forbids are gone', () => {
    expect(escapeXml('a<b>&"c"\u0000\u0008\u001B[31m\uFFFE\uD800 é 🙂')).toBe('a&lt;b&gt;&amp;&quot;c&quot;[31m é 🙂');
  });
});
