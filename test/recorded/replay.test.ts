import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { ZodError } from 'zod';
import { gatewayAddressPending } from '../../src/builder/edits/east-west.ts';
import type { Edit } from '../../src/builder/edits/edit.ts';
import { mesh } from '../../src/builder/mesh.ts';
import { text } from '../../src/report/reporters/text.ts';
import type { Report } from '../../src/report/schema.ts';
import { recordingOf } from '../../src/run/replay.ts';
import type { Fault } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { readRecording, type Recording, writeRecording } from '../../src/source/recording.ts';
import { readLive } from '../support/live-check.ts';
import { type Expectation, expectationOf, judgedRecording, readExpectation, reduceForFixture, unmet } from './expectation.ts';

/*
 * Meshes that were recorded once and are judged by every run of the tests: NAME.json.gz and, beside it, what is known of it from how it
 * was made in NAME.yaml. The recordings of fixtures/recorded are of real Kubernetes, istiod and Envoy.
 */

const suffix = '.json.gz';

/** Every recording of a folder, and every expectation; one without the other is a mistake. */
function pairsIn(folder: string): { readonly name: string; readonly recording: string; readonly expectation: string }[] {
  const names = new Set(
    readdirSync(folder).flatMap((file) =>
      file.endsWith(suffix) ? [file.slice(0, -suffix.length)] : file.endsWith('.yaml') ? [file.slice(0, -'.yaml'.length)] : [],
    ),
  );
  return [...names]
    .sort()
    .map((name) => ({ name, recording: join(folder, `${name}${suffix}`), expectation: join(folder, `${name}.yaml`) }));
}

async function replay({ recording, expectation }: { recording: string; expectation: string }): Promise<string[]> {
  const missing = [recording, expectation].filter((file) => !existsSync(file));
  if (missing.length > 0) return missing.map((file) => `${file} is missing`);
  return unmet(readExpectation(readFileSync(expectation, 'utf8')), await judgedRecording(await readRecording(recording)));
}

const fixtures = resolve(import.meta.dirname, '../../fixtures/recorded');
for (const pair of pairsIn(fixtures)) {
  test(`fixtures/recorded/${pair.name}`, async () => {
    expect(await replay(pair)).toEqual([]);
  });
}

describe('what nobody measured is not passed off as measured', () => {
  const style = { width: 100, colour: false, unicode: true, verbosity: 0 };
  const recordingNamed = async (name: string): Promise<Recording> => await readRecording(join(fixtures, `${name}${suffix}`));
  const judged = async (name: string): Promise<Report> => await judgedRecording(await recordingNamed(name));

  test('where probes were off, the checks that compare with measurements are named', async () => {
    const { asked, snapshot, ...rest } = await recordingNamed('ambient');
    const report = await judgedRecording({ ...rest, asked: { ...asked, probe: 'off' }, snapshot: { ...snapshot, observations: [] } });
    expect(report.verdict.text).toMatch(/^HEALTHY: all \d+ checks passed, \d+ not measured$/);
    expect(text.render(report, style)).toMatch(/NOT MEASURED \(\d+\)\nprobes are off, .*unanswered-name/s);
    expect(text.render(report, { ...style, verbosity: -1 })).not.toContain('NOT MEASURED');
  });

  test('where everything was measured there is nothing to name', async () => {
    const report = await judged('primary-remote');
    expect(report.verdict.text).toMatch(/^HEALTHY: all \d+ checks passed$/);
    expect(text.render(report, style)).not.toContain('NOT MEASURED');
  });
});

/* The same with meshes of the sandbox: that recordings are judged as they should be does not hang on the fixtures. */

const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

const built = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop');

async function recorded(edit: Edit, fault: Fault | null = null): Promise<Recording> {
  const sandbox = await startSandbox(built.edit(edit).objects(), { takenAt: built.takenAt, reconcile: false });
  try {
    sandbox.clusters.get('west')!.setFault(fault);
    const { read, options } = await readLive(sandbox);
    return recordingOf(read.snapshot, options, '0.0.0');
  } finally {
    await sandbox.close();
  }
}

const inOrder = await recorded((objects) => objects);
const broken = await recorded(gatewayAddressPending({ cluster: 'west' }));
const silent = await recorded((objects) => objects, { kind: 'reset' });
const expectations: Readonly<Record<string, readonly [Recording, Expectation]>> = {
  'in-order': [inOrder, { about: 'Nothing is wrong.', healthy: true }],
  pending: [broken, { about: 'The gateway of west waits for its address.', cause: 'unaddressed-gateway/pending', clusters: ['west'] }],
  silent: [silent, { about: 'The API server of west resets every connection.', unreached: ['west'] }],
};

describe('recordings of simulated clusters', () => {
  test.each(Object.entries(expectations))('%s', async (name, [recording, expected]) => {
    await writeRecording(join(folder, `${name}${suffix}`), reduceForFixture(recording));
    writeFileSync(join(folder, `${name}.yaml`), stringify(expected));
    const [pair] = pairsIn(folder).filter((one) => one.name === name);
    expect(await replay(pair!)).toEqual([]);
    // As it would have been written down by the machine.
    expect(expectationOf(await judgedRecording(recording), expected.about)).toEqual(expected);
  });

  test('one file of the two is not enough', async () => {
    await writeRecording(join(folder, `alone${suffix}`), inOrder);
    writeFileSync(join(folder, 'nothing.yaml'), 'about: Nothing.\nhealthy: true\n');
    const lonely = pairsIn(folder).filter(({ name }) => name === 'alone' || name === 'nothing');
    expect(await Promise.all(lonely.map(replay))).toEqual([
      [`${join(folder, 'alone.yaml')} is missing`],
      [`${join(folder, `nothing${suffix}`)} is missing`],
    ]);
  });

  test('what a fixture leaves out is read by no check', async () => {
    for (const [recording] of Object.values(expectations)) {
      const bare = (report: Report): unknown =>
        JSON.parse(JSON.stringify(report, (key, value: unknown) => (key === 'origin' ? undefined : value)));
      const reduced = reduceForFixture(recording);
      expect(JSON.stringify(reduced)).not.toMatch(/"(?:origin|resourceVersion)":/);
      expect(bare(await judgedRecording(reduced))).toEqual(bare(await judgedRecording(recording)));
    }
  });
});

describe('what is not as expected is named', () => {
  const about = 'A mesh.';
  test.each<[string, Recording, Expectation, readonly unknown[]]>([
    [
      'a fault in a healthy mesh',
      broken,
      { about, healthy: true },
      [expect.stringContaining('nobody expected unaddressed-gateway/pending')],
    ],
    ['none in a broken one', inOrder, { about, cause: 'divergent-roots', clusters: ['east'] }, ['divergent-roots was not found']],
    [
      'another fault, elsewhere',
      broken,
      { about, cause: 'divergent-roots', clusters: ['east'] },
      [
        expect.stringContaining('the first cause is unaddressed-gateway/pending, not divergent-roots'),
        'it is about west, not east',
        expect.stringContaining('nobody expected unaddressed-gateway/pending'),
      ],
    ],
    ['a check alone is enough', broken, { about, cause: 'unaddressed-gateway', clusters: ['west'] }, []],
    [
      'a gap in a healthy mesh',
      silent,
      { about, healthy: true },
      expect.arrayContaining([expect.stringContaining('could not tell')]) as [],
    ],
    [
      'no gap where one was expected',
      inOrder,
      { about, healthy: true, unproven: ['divergent-roots'] },
      ['divergent-roots is listed as unproven, and was proven'],
    ],
    ['a cluster that answers', inOrder, { about, unreached: ['west'] }, ['not reached were none, not west']],
  ])('%s', async (_, recording, expected, differences) => {
    expect(unmet(expected, await judgedRecording(recording))).toEqual(differences);
  });

  test.each([
    'about: a mesh\nhealthy: true',
    'about: A mesh.\nhealthy: false',
    'about: A mesh.\ncause: divergent-roots',
    'about: A mesh.\nhealthy: true\nalso: [divergent-roots]',
  ])('a file that is no expectation: %j', (text) => {
    expect(() => readExpectation(text)).toThrow(ZodError);
  });
});
