import { describe, expect, test } from 'vitest';
import { github } from '../../src/report/reporters/github.ts';
import { gitlab } from '../../src/report/reporters/gitlab.ts';
import { markdown } from '../../src/report/reporters/markdown.ts';
import { sarif } from '../../src/report/reporters/sarif.ts';
import type { Report } from '../../src/report/schema.ts';
import { sampleReport } from './sample.ts';

/* What formats promise beyond their schemas. */

const style = { width: 80, colour: false, unicode: true, verbosity: 0 };
const sample = sampleReport();
const [first, ...others] = sample.findings;
if (first === undefined) throw new Error('the sample has findings');

function withFirst(more: Partial<Report['findings'][number]>): Report {
  return { ...sample, findings: [{ ...first!, ...more }, ...others] };
}

const place = { file: 'west, old/50%:a.yaml', line: 12, column: 5, endLine: 12, endColumn: 9 };

describe('github', () => {
  test('escapes what would end a property or a command', () => {
    const [line = ''] = github.render(withFirst({ place, message: '100% broken:\r\n::error::not one' }), style).split('\n');
    expect(line).toMatch(
      /^::error file=west%2C old\/50%25%3Aa\.yaml,line=12,endLine=12,col=5,endColumn=9,title=meshdoctor%3A unserved-gateway-revision \(certain\)::100%25 broken:%0D%0A::error::not one%0A/,
    );
  });

  test('takes ten of a level and says how many are left', () => {
    const many = sampleReport(({ check }) => check === 'unresolvable-name');
    const lines = github.render(many, style).split('\n');
    expect(lines.filter((line) => line.startsWith('::warning '))).toHaveLength(10);
    expect(lines).toContain('meshdoctor: 13 more annotations not shown; GitHub takes 10 of a level');
  });

  test('annotates causes and gaps that count, not what they explain, and nothing that was known', () => {
    const annotations = github
      .render(sample, style)
      .split('\n')
      .filter((line) => line.startsWith('::'));
    expect(annotations.join('\n')).not.toContain('unresolvable-name');
    expect(annotations.filter((line) => line.includes('not checked in'))).toHaveLength(
      sample.notChecked.filter(({ incomplete }) => incomplete).length,
    );
    expect(github.render(withFirst({ known: { by: 'baseline' } }), style)).not.toContain(`meshdoctor%3A ${first.code} (`);
  });
});

describe('gitlab', () => {
  const issues = (report: Report): { fingerprint: string; location: { path: string; lines: { begin: number } } }[] =>
    JSON.parse(gitlab.render(report, style)) as ReturnType<typeof issues>;

  test('no two issues share a fingerprint, and none changes with its line', () => {
    const fingerprints = issues(sample).map(({ fingerprint }) => fingerprint);
    expect(new Set(fingerprints).size).toBe(fingerprints.length);
    expect(issues(withFirst({ place })).map(({ fingerprint }) => fingerprint)).toEqual(fingerprints);
  });

  test('paths are as in the repository', () => {
    const paths = issues(withFirst({ place: { ...place, file: './a/b.yaml' } })).map(({ location }) => location.path);
    expect(paths).toContain('a/b.yaml');
    expect(paths.filter((path) => path === '' || path.startsWith('.') || path.endsWith('/'))).toEqual([]);
  });
});

describe('sarif', () => {
  interface Result {
    readonly ruleId: string;
    readonly ruleIndex: number;
    readonly partialFingerprints: object;
    readonly locations: readonly [{ physicalLocation: { artifactLocation: { uri: string; uriBaseId?: string }; region?: object } }];
    readonly baselineState?: string;
    readonly suppressions?: readonly object[];
  }
  const runOf = (report: Report): { tool: { driver: { rules: { id: string; help: object }[] } }; results: Result[] } =>
    (JSON.parse(sarif.render(report, style)) as { runs: [ReturnType<typeof runOf>] }).runs[0];

  test('every result has its rule with help, a fingerprint and a place', () => {
    const { tool, results } = runOf(sample);
    expect(results).toHaveLength(sample.findings.length);
    for (const result of results) {
      expect(tool.driver.rules[result.ruleIndex]?.id).toBe(result.ruleId);
      expect(result.partialFingerprints).not.toEqual({});
      expect(result.locations[0].physicalLocation.artifactLocation.uri).not.toBe('');
    }
    expect(tool.driver.rules.every(({ help }) => 'text' in help && 'markdown' in help)).toBe(true);
  });

  test('the region is the field; addresses are relative and escaped', () => {
    const [{ physicalLocation }] = runOf(withFirst({ place })).results[0]!.locations;
    expect(physicalLocation).toEqual({
      artifactLocation: { uri: 'west%2C%20old/50%25%3Aa.yaml', uriBaseId: '%SRCROOT%' },
      region: { startLine: 12, startColumn: 5, endLine: 12, endColumn: 9 },
    });
  });

  test('what has no place is not said to be on line 1', () => {
    const [{ physicalLocation }] = runOf(withFirst({ at: { cluster: 'west', kind: 'Cluster', name: 'west' }, evidence: [], related: [] }))
      .results[0]!.locations;
    expect(physicalLocation).toEqual({ artifactLocation: { uri: 'west', uriBaseId: '%SRCROOT%' } });
  });

  test('what was known says so', () => {
    const comparison = { with: 'baseline' as const, files: ['b.json'], introduced: 1, unchanged: 1, gone: [], incomparable: [] };
    const suppressed = runOf({ ...withFirst({ known: { by: 'suppression', reason: 'planned' } }), comparison });
    expect(suppressed.results[0]).toMatchObject({ suppressions: [{ kind: 'external', justification: 'planned' }] });
    const known = runOf({ ...withFirst({ known: { by: 'baseline' } }), comparison });
    expect(known.results.slice(0, 2).map(({ baselineState }) => baselineState)).toEqual(['unchanged', 'new']);
    expect(runOf(sample).results.some(({ baselineState }) => baselineState !== undefined)).toBe(false);
  });
});

describe('markdown', () => {
  test('nothing in a message is markup, and nobody is mentioned', () => {
    const shown = markdown.render(withFirst({ message: '<img src=x> | **bold** `code` @team #12', found: '`a`' }), style);
    expect(shown).toContain('&lt;img src=x&gt; \\| \\*\\*bold\\*\\* \\`code\\` @\u200Bteam #\u200B12');
  });

  test('fits into a comment, and says what it left out', () => {
    const many = sampleReport(({ check }) => check === 'unresolvable-name');
    const finding = many.findings[0]!;
    const cause = many.causes[0]!;
    const grown: Report = {
      ...many,
      findings: Array.from({ length: 2000 }, (_, n) => ({ ...finding, fingerprint: String(n), message: 'x'.repeat(300) })),
      causes: Array.from({ length: 2000 }, (_, n) => ({ ...cause, fingerprint: String(n) })),
    };
    const shown = markdown.render(grown, style);
    expect(shown.length).toBeLessThan(65_536);
    expect(shown).toMatch(/… and \d+ more causes\./);
    expect(shown).toContain('exit 0');
  });
});
