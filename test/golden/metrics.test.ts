import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openmetrics, prometheus } from '../../src/report/reporters/prometheus.ts';
import type { Report } from '../../src/report/schema.ts';
import { sampleReport } from './sample.ts';

const style = { width: 120, colour: false, unicode: true, verbosity: 0 };
const run = { endedAt: '2026-11-24T12:00:00Z', seconds: 2.5 };
const sample = sampleReport();

/** Samples by their line up to the value. */
function samples(report: Report): ReadonlyMap<string, number> {
  const lines = prometheus.render(report, style, run).split('\n');
  return new Map(
    lines.flatMap((line) => {
      const [, series, value] = /^([^#].*) (\S+)$/.exec(line) ?? [];
      return series === undefined ? [] : [[series, Number(value)] as const];
    }),
  );
}

test('the same report and run are the same numbers, and OpenMetrics ends as it must', () => {
  const once = prometheus.render(sample, style, run);
  expect(prometheus.render(sampleReport(), style, run)).toBe(once);
  expect(openmetrics.render(sample, style, run)).toBe(`${once}# EOF\n`);
});

test('every finding and every check is counted once', () => {
  const sum = (pattern: RegExp): number =>
    [...samples(sample)].filter(([series]) => pattern.test(series)).reduce((total, [, value]) => total + value, 0);
  expect(sum(/^meshdoctor_findings\{/)).toBe(sample.findings.length);
  expect(sum(/^meshdoctor_causes\{/)).toBe(sample.causes.length);
  expect(sum(/^meshdoctor_checks\{/)).toBe(
    sample.clusters.flatMap(({ results }) => Object.values(results)).reduce((total, value) => total + value, 0),
  );
});

test('what could not be looked at is a number of its own', () => {
  const found = samples(sample);
  expect(found.get('meshdoctor_cluster_readable{cluster="south"}')).toBe(0);
  expect(found.get('meshdoctor_checks_inconclusive{cluster="south",reason="failed"}')).toBeGreaterThan(0);
  expect(found.get('meshdoctor_checks_inconclusive{cluster="south",reason="skipped"}')).toBe(0);
  const unreached = { server: 'https://192.0.2.1', failure: 'timeout', reason: 'no answer' };
  const clusters = sample.clusters.map((one) => ({ ...one, unread: [], ...(one.name === 'west' ? { unreached } : {}) }));
  const report = { ...sample, notChecked: [], clusters };
  const states = [...samples(report)].filter(([series]) => series.startsWith('meshdoctor_cluster_rea'));
  expect(states.filter(([, value]) => value === 0).map(([series]) => series)).toEqual([
    'meshdoctor_cluster_reached{cluster="west"}',
    'meshdoctor_cluster_readable{cluster="west"}',
  ]);
});

test('the clock of the run is in it, and not where there was none', () => {
  expect(samples(sample).get('meshdoctor_run_timestamp_seconds')).toBe(Date.parse(run.endedAt) / 1000);
  expect(samples(sample).get('meshdoctor_run_duration_seconds')).toBe(2.5);
  expect(prometheus.render(sample, style)).not.toContain('meshdoctor_run_');
});

test('of many that end in a cluster the first counts', () => {
  const event = { days: 3, what: 'remote-secret-token', name: 'token in Secret a/b', stops: '', gaps: [], refs: [] } as const;
  const report: Report = {
    ...sample,
    forecast: [
      {
        days: 9,
        events: [
          { ...event, at: '2027-01-01T00:00:00Z', clusters: ['east', 'west'] },
          { ...event, at: '2026-12-01T00:00:00Z', clusters: ['east'] },
        ],
        unread: [{ cluster: 'west', fact: 'caSecrets' }],
      },
    ],
  };
  const ends = [...samples(report)].filter(([series]) => series.startsWith('meshdoctor_expiry_'));
  expect(ends).toEqual([
    ['meshdoctor_expiry_timestamp_seconds{cluster="east",what="remote-secret-token"}', Date.parse('2026-12-01T00:00:00Z') / 1000],
    ['meshdoctor_expiry_timestamp_seconds{cluster="west",what="remote-secret-token"}', Date.parse('2027-01-01T00:00:00Z') / 1000],
    ['meshdoctor_expiry_unread{cluster="west"}', 1],
  ]);
});

test('each is in the manual, and nothing else is', () => {
  const manual = readFileSync(join(import.meta.dirname, '../../docs/cron.md'), 'utf8');
  const unread = [{ cluster: 'west', fact: 'caSecrets' }];
  const event = {
    at: '2027-01-01T00:00:00Z',
    days: 3,
    what: 'root',
    name: 'r',
    clusters: ['east'],
    stops: '',
    gaps: [],
    refs: [],
  } as const;
  const full = {
    ...sample,
    forecast: [{ days: 9, events: [event], unread }],
    clusters: sample.clusters.map((one) => ({ ...one, takenAt: run.endedAt })),
  };
  const given = new Set([...samples(full).keys()].map((series) => series.replace(/\{.*/, '')));
  expect([...manual.matchAll(/^\| `(meshdoctor_\w+)`/gm)].map(([, name]) => name)).toEqual([...given]);
});

const tools = process.env['MESHDOCTOR_TOOLS'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'meshdoctor-tools');
const client = join(tools, 'prometheus_client');

/** A cluster may be called anything. */
const oddName = 'a "quoted" \\ back\\nslash\nand a line';

const script = `
import json, sys
from prometheus_client import parser
from prometheus_client.openmetrics import parser as strict
given = json.load(sys.stdin)
read = lambda families: [[s.name, s.labels, s.value] for f in families for s in f.samples]
print(json.dumps([read(parser.text_string_to_metric_families(given[0])), read(strict.text_string_to_metric_families(given[1]))]))
`;

describe.skipIf(!existsSync(client))(`as the Prometheus project's own parser reads it (${client})`, () => {
  test('both formats are valid, say the same, and give every label back as it was', { timeout: 60_000 }, () => {
    const named: Report = { ...sample, clusters: sample.clusters.map((one) => (one.name === 'east' ? { ...one, name: oddName } : one)) };
    const input = JSON.stringify([prometheus, openmetrics].map((format) => format.render(named, style, run)));
    const ran = spawnSync('python3', ['-c', script], { input, encoding: 'utf8', env: { ...process.env, PYTHONPATH: client } });
    expect(ran.stderr).toBe('');
    const [plain, strict] = JSON.parse(ran.stdout) as readonly (readonly [name: string, labels: Record<string, string>, value: number])[][];
    expect(strict).toEqual(plain);
    expect(plain).toHaveLength(samples(named).size);
    expect(plain?.some(([name, { cluster }]) => name === 'meshdoctor_cluster_reached' && cluster === oddName)).toBe(true);
  });
});
