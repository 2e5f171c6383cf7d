import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readRecording } from '../../src/source/recording.ts';
import { codesAtFirst, followRecorded, outcomeOf } from './follow.ts';
import { besidePath, onPath } from './on-path.ts';

/*
 * Calls through meshes that were recorded on real Kubernetes, istiod and Envoy: where a fault lies on the way of a call, `path` names the
 * hop where the call meets it, and what `check` found stands there.
 */

const folder = resolve(import.meta.dirname, '../../fixtures/recorded');
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.json.gz') ? [file.slice(0, -'.json.gz'.length)] : []));
const expectationOf = (name: string): { readonly healthy?: true; readonly cause?: string } =>
  parse(readFileSync(join(folder, `${name}.yaml`), 'utf8')) as { readonly healthy?: true; readonly cause?: string };
const recorded = async (name: string) => await readRecording(join(folder, `${name}.json.gz`));

const directions = [
  ['cluster1/sample/client', 'def.sample:5000'],
  ['cluster2/sample/client', 'abc.sample:5000'],
] as const;
/** In ambient a cluster knows those services only that it declares itself. */
const ambientCalls = directions.map(([from]) => [from, 'both.sample:5000'] as const);
const guided = [
  ['cluster1/sample/hello-cluster1', 'hello-cluster2.sample'],
  ['cluster2/sample/hello-cluster2', 'hello-cluster1.sample'],
] as const;
const healthyCalls: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  ambient: ambientCalls,
  external: [directions[1]],
  'guided-multi-primary': guided,
  'guided-primary-remote': guided,
  canary: [
    ['cluster1/sample/abc', 'def.sample:5000'],
    ['cluster2/shop/def', 'abc.shop:5000'],
  ],
};

describe('a fault on the way of a call', () => {
  test.each(Object.entries(onPath))('%s', async (name, { from, to, hop, isOpen }) => {
    const report = await followRecorded(await recorded(name), from, to);
    expect(outcomeOf(report)).toBe(`${isOpen === true ? 'unknown' : 'broken'} at ${hop}`);
    expect(report.exit.code).toBe(isOpen === true ? 3 : 1);
    const { cause } = expectationOf(name);
    // What check names as the cause stands at that hop, or explains what does. Of a cluster that was not read nothing is found.
    if (cause !== undefined) expect(codesAtFirst(report).some((code) => code === cause || code.split('/')[0] === cause)).toBe(true);
  });
});

describe('a fault that no call meets', () => {
  test.each(Object.keys(besidePath))('%s', async (name) => {
    const isExternal = name.startsWith('external-') && name !== 'external-istiod-left-out';
    const calls = name.startsWith('ambient-') ? ambientCalls : isExternal ? [directions[1]] : directions;
    for (const [from, to] of calls) expect(outcomeOf(await followRecorded(await recorded(name), from, to))).toBe('works');
  });
});

describe('a healthy mesh', () => {
  test.each(names.filter((name) => expectationOf(name).healthy === true))('%s', async (name) => {
    for (const [from, to] of healthyCalls[name] ?? directions) {
      const report = await followRecorded(await recorded(name), from, to);
      expect([from, outcomeOf(report), report.exit.code, report.findings.map(({ code }) => code)]).toEqual([from, 'works', 0, []]);
      expect(
        [...report.hops, ...report.ways.flatMap(({ hops }) => hops)].filter(({ verdict }) => verdict === 'broken' || verdict === 'unknown'),
      ).toEqual([]);
    }
  });
});

test('what is predicted is what the real Envoy of the caller holds, its endpoints and its certificate', async () => {
  for (const name of ['guided-primary-remote', 'guided-multi-primary']) {
    for (const [from, to] of guided) {
      const report = await followRecorded(await recorded(name), from, to);
      const [way] = report.ways;
      const measuredBy = (hop: string) => way?.hops.find((one) => one.hop === hop)?.measured.filter(({ by }) => by.startsWith('Envoy of '));
      const gateway = way?.hops.find(({ hop }) => hop === 'gateway')?.predicted.text.split(';')[0];
      expect(measuredBy('endpoints')).toEqual([expect.objectContaining({ verdict: 'works', text: `holds ${gateway}`, decisive: true })]);
      expect(measuredBy('mtls')).toEqual([
        expect.objectContaining({
          verdict: 'works',
          text: expect.stringMatching(/\/ns\/sample\/sa\/.* and trusts who answers$/) as string,
          decisive: true,
        }),
      ]);
    }
  }
});

test('every recording is followed', () => {
  const broken = names.filter((name) => expectationOf(name).healthy !== true);
  expect([...Object.keys(onPath), ...Object.keys(besidePath)].toSorted()).toEqual(broken.toSorted());
});
