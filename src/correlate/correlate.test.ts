import { describe, expect, test } from 'vitest';
import type { AnyCheck, Explains } from '../api/check.ts';
import type { Finding, Outcome } from '../api/finding.ts';
import { clusterName } from '../model/ids.ts';
import { correlate, withBlockers, type Correlated } from './correlate.ts';

const west = clusterName('west');
const east = clusterName('east');

function finding(code: string, more: Partial<Finding> = {}): Finding {
  return {
    code,
    check: code.split('/')[0] as string,
    area: 'topology',
    catalogue: [],
    severity: 'error',
    certainty: 'certain',
    message: 'It is so.',
    confirm: [],
    args: null,
    at: { cluster: west, kind: 'Namespace', name: 'istio-system' },
    related: [],
    evidence: [],
    remedy: [],
    concerns: [west],
    fingerprint: `${code} west`,
    ...more,
  };
}

function judged(
  findings: readonly Finding[],
  explains: Record<string, readonly Explains[]>,
  outcomes: readonly Outcome[] = [],
): Correlated {
  const ids = new Set([...findings.map((item) => item.check), ...Object.keys(explains)]);
  const members = new Map([east, west].map((cluster) => [cluster, { cluster } as never]));
  return {
    findings,
    outcomes,
    checks: [...ids].map((id) => ({
      check: { id, explains: explains[id] ?? [] } as unknown as AnyCheck,
      area: 'topology',
      origin: 'built-in',
    })),
    topology: { meshes: [{ members } as never], withoutIstio: [], unknownRelations: [] },
  };
}

const summary = (judgement: Correlated): string[] =>
  correlate(judgement).map(
    (cause) => `${cause.severity} ${cause.finding.fingerprint} <- ${cause.explains.map((item) => item.fingerprint).join(', ')}`,
  );

describe('causes', () => {
  test('a finding that nothing explains is its own cause', () => {
    expect(summary(judged([finding('a'), finding('b')], {}))).toEqual(['error a west <- ', 'error b west <- ']);
  });

  test('what is explained through others is folded under the first cause, whose severity is the worst of all', () => {
    const findings = [finding('b'), finding('c'), finding('a', { severity: 'warning' })];
    const explains = { a: [{ code: 'b', match: 'cluster' }], b: [{ code: 'c', match: 'object' }] } as const;
    expect(summary(judged(findings, explains))).toEqual(['error a west <- b west, c west']);
  });

  test('the coordinate has to agree', () => {
    const other = finding('b', { at: { cluster: east, kind: 'Namespace', name: 'istio-system' }, concerns: [east], fingerprint: 'b east' });
    expect(summary(judged([finding('a'), other], { a: [{ code: 'b', match: 'cluster' }] }))).toHaveLength(2);
    expect(summary(judged([finding('a'), other], { a: [{ code: 'b', match: 'object' }] }))).toHaveLength(2);
    expect(summary(judged([finding('a'), other], { a: [{ code: 'b', match: 'pair' }] }))).toHaveLength(2);
    expect(summary(judged([finding('a'), other], { a: [{ code: 'b', match: 'mesh' }] }))).toHaveLength(1);
  });

  test('what is within a cluster that the cause concerns agrees, whomever it concerns itself', () => {
    const explains = { a: [{ code: 'b', match: 'within' }] } as const;
    const inWest = finding('b', { concerns: [east] });
    expect(summary(judged([finding('a'), inWest], explains))).toHaveLength(1);
    const inEast = finding('b', { at: { cluster: east, kind: 'Pod', namespace: 'shop', name: 'abc' }, concerns: [west] });
    expect(summary(judged([finding('a'), inEast], explains))).toHaveLength(2);
  });

  test('a direction agrees with the same direction only', () => {
    const there = { between: { from: east, to: west } };
    const back = { between: { from: west, to: east } };
    const explains = { a: [{ code: 'b', match: 'pair' }] } as const;
    expect(summary(judged([finding('a', there), finding('b', there)], explains))).toHaveLength(1);
    expect(summary(judged([finding('a', there), finding('b', back)], explains))).toHaveLength(2);
  });

  test('only the message keys that are named explain, and a code may name a message', () => {
    const explains = { a: [{ code: 'b/x', match: 'cluster', keys: ['one'] }] } as const;
    expect(summary(judged([finding('a/one'), finding('b/x')], explains))).toHaveLength(1);
    expect(summary(judged([finding('a/two'), finding('b/x')], explains))).toHaveLength(2);
    expect(summary(judged([finding('a/one'), finding('b/y')], explains))).toHaveLength(2);
  });

  test('something possible hides nothing that is more certain', () => {
    const explains = { a: [{ code: 'b', match: 'cluster' }] } as const;
    expect(summary(judged([finding('a', { certainty: 'possible' }), finding('b')], explains))).toHaveLength(2);
    expect(summary(judged([finding('a', { certainty: 'possible' }), finding('b', { certainty: 'possible' })], explains))).toHaveLength(1);
    expect(summary(judged([finding('a', { certainty: 'likely' }), finding('b')], explains))).toHaveLength(1);
  });

  test('a cycle that nothing explains has one cause, and a cycle that something explains has none of its own', () => {
    const cycle = {
      b: [{ code: 'c', match: 'cluster' }],
      c: [
        { code: 'b', match: 'cluster' },
        { code: 'd', match: 'cluster' },
      ],
    } as const;
    expect(summary(judged([finding('b'), finding('c'), finding('d')], cycle))).toEqual(['error b west <- c west, d west']);
    const explained = { ...cycle, a: [{ code: 'c', match: 'cluster' }] } as const;
    expect(summary(judged([finding('b'), finding('c'), finding('d'), finding('a')], explained))).toEqual([
      'error a west <- b west, c west, d west',
    ]);
  });

  test('order: severity, certainty, how much is explained, code', () => {
    const findings = [
      finding('z'),
      finding('y', { certainty: 'likely' }),
      finding('x', { severity: 'warning' }),
      finding('w'),
      finding('v', { concerns: [] }),
      finding('z2', { severity: 'info' }),
    ];
    const explains = { z: [{ code: 'z2', match: 'cluster' }] } as const;
    expect(correlate(judged(findings, explains)).map((cause) => cause.finding.code)).toEqual(['z', 'v', 'w', 'y', 'x']);
  });
});

describe('what hides an answer', () => {
  const blocked = (cluster: typeof west): Outcome => ({
    check: 'q',
    clusters: [cluster],
    subject: cluster,
    kind: 'inconclusive',
    because: 'no gateway to look at',
    missing: [],
    blockedBy: 'a',
  });

  test('is the finding of that code in the same cluster', () => {
    expect(withBlockers(judged([finding('a')], {}, [blocked(west)]))).toEqual([{ ...blocked(west), blockedBy: 'a west' }]);
  });

  test('is nothing when that finding was not made', () => {
    expect(withBlockers(judged([finding('a')], {}, [blocked(east)]))[0]).not.toHaveProperty('blockedBy');
  });
});
