import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { builtin } from '../../checks/index.ts';
import { runOptions } from '../../src/config/options.ts';
import { clusterName } from '../../src/model/ids.ts';
import { judgeSnapshot } from '../../src/run/check.ts';
import { merged, type Part } from '../../src/run/merge.ts';
import { readRecording, type Recording } from '../../src/source/recording.ts';
import { prepared } from '../support/live-check.ts';
import { root } from '../support/run-cli.ts';

/* Recordings of real meshes, torn into one per cluster as different people would have made them, and judged as one mesh again. */

const given = runOptions({ from: ['x'] }, undefined, { cwd: '/', now: '2099-01-01T00:00:00Z' });
const io = { version: '0', nodeVersion: '20', builtIn: builtin };

const read = async (name: string): Promise<Recording> => await readRecording(join(root, 'fixtures/recorded', `${name}.json.gz`));

function torn(recording: Recording): readonly [Part, ...Part[]] {
  const { snapshot } = recording;
  const [first, ...rest] = snapshot.clusters.map(
    (cluster): Part => ({
      shown: `${cluster.name}.tgz`,
      recording: {
        ...recording,
        snapshot: { ...snapshot, clusters: [cluster], observations: snapshot.observations.filter((one) => one.cluster === cluster.name) },
      },
    }),
  );
  if (first === undefined) throw new RangeError('no cluster');
  return [first, ...rest];
}

async function judged(parts: readonly [Part, ...Part[]]) {
  const { snapshot, options } = merged(parts, given, builtin);
  const { recorded, ...report } = await judgeSnapshot(snapshot, options, prepared, io);
  return { recorded, report };
}

const later = (part: Part, at: string): Part => ({ ...part, recording: { ...part.recording, at } });

test.each(['annotation-left-out', 'multi-primary', 'external', 'ambient-gateway-missing'])(
  '%s gives the report of the whole',
  { timeout: 60_000 },
  async (name) => {
    const recording = await read(name);
    const whole = await judged([{ shown: 'x', recording }]);
    const parts = torn(recording);
    expect(parts.length).toBeGreaterThan(1);
    const again = await judged(parts);
    expect(again.report).toEqual(whole.report);
    expect(again.recorded?.parts).toHaveLength(parts.length);
    const [first, ...rest] = [...parts].reverse();
    const turned = await judged([first ?? parts[0], ...rest]);
    expect(turned.report.findings).toEqual(whole.report.findings);
    expect(turned.report.exit).toEqual(whole.report.exit);
  },
);

describe('recordings', () => {
  test('that are hours apart are judged by the latest, and it is said', async () => {
    const [one, two] = torn(await read('annotation-left-out'));
    const { options, notes } = merged([one, later(two!, '2030-01-01T00:00:00Z')], given, builtin);
    expect(options.now).toBe('2030-01-01T00:00:00Z');
    expect(notes).toEqual([expect.stringMatching(/^The recordings were made up to \d+ d apart/)]);
    expect(merged([one, two!], given, builtin).notes).toEqual([]);
  });

  test('that hold one cluster, or call two by one name, are refused in one sentence', async () => {
    const [one, two] = torn(await read('annotation-left-out'));
    const name = one.recording.snapshot.clusters[0]!.name;
    expect(() => merged([one, { ...one, shown: 'again.tgz' }], given, builtin)).toThrow(
      `${one.shown} and again.tgz both hold ${name}, and only one of them can be judged.`,
    );
    const namesake: Part = {
      ...two!,
      recording: {
        ...two!.recording,
        snapshot: { ...two!.recording.snapshot, clusters: [{ ...two!.recording.snapshot.clusters[0]!, name }] },
      },
    };
    expect(() => merged([one, namesake], given, builtin)).toThrow(`${one.shown} and ${two!.shown} both call a cluster ${name}`);
    expect(merged([one, { ...namesake, as: 'other' }], given, builtin).snapshot.clusters.map((cluster) => cluster.name)).toEqual([
      name,
      'other',
    ]);
  });

  test('of several clusters are not renamed', async () => {
    const recording = await read('annotation-left-out');
    expect(() => merged([{ shown: 'x.tgz', as: 'east', recording }], given, builtin)).toThrow(
      /^x\.tgz holds .*, so it cannot be called east\.$/,
    );
  });
});

test('a cluster that is named otherwise is named so everywhere', { timeout: 60_000 }, async () => {
  const recording = await read('annotation-left-out');
  const [one, two] = torn(recording);
  const before = two!.recording.snapshot.clusters[0]!.name;
  const plain = await judged([one, two!]);
  const named = await judged([one, { ...two!, as: 'elsewhere' }]);
  const keys = plain.report.findings.map(({ fingerprint }) => fingerprint.replaceAll(new RegExp(`\\b${before}\\b`, 'g'), 'elsewhere'));
  expect(named.report.findings.map(({ fingerprint }) => fingerprint).sort()).toEqual(keys.sort());
  expect(named.report.clusters.map(({ name }) => clusterName(name))).toContain('elsewhere');
  expect(JSON.stringify(named.report.findings)).not.toContain(`"cluster":"${before}"`);
});
