import {
  closeSync,
  cpSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { commands } from '../../src/cli/table.ts';
import { flagsOfLiveClusters, flagsOfRounds, flagsOfWebhooks, flagsOfWiderProbes, ran, root } from '../support/run-cli.ts';
import { reporters } from '../../src/report/formats.ts';

/*
 * The command line in this process: every line of the tables below would otherwise be a process of its own. Transcripts of the
 * built program are in test/cli.
 */

const place = mkdtempSync(join(tmpdir(), 'meshdoctor-run-'));
afterAll(() => rmSync(place, { recursive: true }));
cpSync(join(root, 'fixtures/demo/healthy'), join(place, 'gap'), { recursive: true });
cpSync(join(root, 'test/cli/files/broken-yaml/broken.yaml'), join(place, 'gap/east/broken.yaml'));
cpSync(join(root, 'fixtures/demo/broken'), join(place, 'timeless'), { recursive: true });
for (const cluster of ['east', 'west']) rmSync(join(place, 'timeless', cluster, 'meshdoctor.yaml'));

const directories = (folder: string): string => `--manifests east=${folder}/east --manifests west=${folder}/west`;
const healthy = directories('fixtures/demo/healthy');
const broken = directories('fixtures/demo/broken');
const gap = `--complete ${directories(join(place, 'gap'))}`;
const timeless = directories(join(place, 'timeless'));
const hesitant = `${healthy} --plugin ./fixtures/plugins/hesitant.mjs -o short`;
const partial = '--manifests east=test/cli/files/absurd -o short';
const recording = join(place, 'broken.json.gz');
const crashing = '--plugin ./fixtures/plugins/crashing.mjs --only crashing';

beforeAll(async () => {
  await ran(`check ${broken} --history ${join(place, 'history')}`);
  writeFileSync(join(place, 'values.yaml'), 'revision: r1\nglobal: {network: n1}\n');
  await ran(`check ${broken} --baseline ${join(place, 'baseline.json')} --write-baseline`);
  cpSync(join(place, 'baseline.json'), join(place, 'pruned-baseline.json'));
  writeFileSync(join(place, 'empty-baseline.json'), '{"kind":"meshdoctor baseline","schema":1,"version":"0","findings":[]}');
  await ran(`record ${broken} -o ${recording}`);
}, 60_000);

/* The exit code is decided before anything is rendered: whatever the format, it is the same, and stdout holds one document of it. */
describe('every format with every outcome', () => {
  const outcomes = {
    'nothing found': [healthy, 0],
    'an error': [broken, 1],
    'an error, not failing': [`${broken} --fail-on never`, 0],
    'an error, exit zero': [`${broken} --exit-zero`, 0],
    'a warning': [`${broken} --only policy`, 0],
    'a failing warning': [`${broken} --only policy --fail-on warning`, 1],
    'a gap': [gap, 3],
    'a gap, allowed': [`${gap} --allow-incomplete`, 0],
    'an error and a crash': [`${broken} ${crashing},east-west`, 1],
    'a crash': [`${healthy} ${crashing}`, 3],
    'nothing to judge': ['--manifests east=test/cli/files/copies', 3],
    'a recording': [`--from ${recording}`, 1],
    'a wrong word': ['--only nothing', 2],
  } as const satisfies Record<string, readonly [string, number]>;

  const isOneDocument = {
    text: (stdout: string) => stdout.match(/^meshdoctor \d/gm)?.length === 1,
    short: (stdout: string) => stdout.split('\n').every((line) => /^((error|warning|info|unknown) .*)?$/.test(line)),
    json: (stdout: string) => 'schema' in (JSON.parse(stdout) as object),
    yaml: (stdout: string) => 'schema' in (parse(stdout) as object),
    junit: (stdout: string) => stdout.match(/<testsuites /g)?.length === 1,
    sarif: (stdout: string) => (JSON.parse(stdout) as { runs: object[] }).runs.length === 1,
    github: (stdout: string) => stdout.split('\n').every((line) => /^(::(error|warning|notice) [^:]*::.*|meshdoctor: .*|)$/.test(line)),
    gitlab: (stdout: string) => Array.isArray(JSON.parse(stdout)),
    markdown: (stdout: string) => stdout.match(/^<!-- meshdoctor -->$/gm)?.length === 1,
    digest: (stdout: string) => stdout.match(/^## /gm)?.length === 1,
    html: (stdout: string) => stdout.match(/<!doctype html>/g)?.length === 1 && stdout.endsWith('</html>\n'),
    prometheus: (stdout: string) => stdout.split('\n').every((line) => /^((#|meshdoctor_).*)?$/.test(line)),
    openmetrics: (stdout: string) => stdout.split('# EOF\n').length === 2 && stdout.endsWith('# EOF\n'),
  } as const;

  test('every format is in this table', () => {
    expect(Object.keys(isOneDocument)).toEqual(reporters.map(({ format }) => format));
  });

  test.each(
    Object.entries(outcomes).flatMap(([outcome, [flags, code]]) =>
      Object.entries(isOneDocument).map(([format, isDocument]) => ({ outcome, format, flags, code, isDocument })),
    ),
  )('$outcome as $format: $code', async ({ format, flags, code, isDocument }) => {
    const { stdout, stderr, exit } = await ran(`check ${flags} -o ${format}`);
    expect(exit).toBe(code);
    if (code === 2) expect([stdout, stderr]).toEqual(['', expect.stringContaining('There is no check')]);
    else expect([isDocument(stdout), stderr]).toEqual([true, '']);
  });
});

/* A flag that nothing reads is a promise nobody keeps: for each of them a pair of command lines that end differently. */
describe('every flag of check changes something', () => {
  const pairs: Readonly<Record<string, readonly [without: string, given: string]>> = {
    manifests: [`check`, `check ${healthy}`],
    values: [
      'check --manifests primary=fixtures/pre-merge/clusters/primary/namespaces.yaml',
      `check --manifests primary=fixtures/pre-merge/clusters/primary/namespaces.yaml --values primary=${join(place, 'values.yaml')}`,
    ],
    from: [`check ${broken} -o json`, `check --from ${recording} -o json`],
    complete: [`check ${timeless} -o json`, `check ${timeless} -o json --complete`],
    'taken-at': [`check ${timeless} --complete -o json`, `check ${timeless} --complete -o json --taken-at 2026-11-22T21:27:43Z`],
    now: [
      `check ${timeless} -o json --only expired-credential`,
      `check ${timeless} -o json --only expired-credential --now 2036-01-01T00:00:00Z`,
    ],
    service: [`check ${healthy} -o json`, `check ${healthy} -o json --service nobody.default:5000`],
    output: [`check ${healthy}`, `check ${healthy} -o yaml`],
    overlay: [
      `check ${healthy}`,
      `check ${healthy} --overlay east=fixtures/demo/broken/east/namespaces.yaml --overlay west=fixtures/demo/broken/west/namespaces.yaml`,
    ],
    without: [`check ${healthy}`, `check ${healthy} --without east:Gateway/istio-system/cross-network-gateway`],
    baseline: [`check ${broken}`, `check ${broken} --baseline ${join(place, 'baseline.json')}`],
    'write-baseline': [
      `check ${broken} --baseline ${join(place, 'empty-baseline.json')}`,
      `check ${broken} --baseline ${join(place, 'other-baseline.json')} --write-baseline`,
    ],
    'prune-baseline': [
      `check ${healthy} --baseline ${join(place, 'pruned-baseline.json')}`,
      `check ${healthy} --baseline ${join(place, 'pruned-baseline.json')} --prune-baseline`,
    ],
    only: [`check ${broken}`, `check ${broken} --only dns`],
    skip: [`check ${broken}`, `check ${broken} --skip east-west`],
    'fail-on': [`check ${broken} -o short`, `check ${broken} -o short --fail-on never`],
    'min-certainty': [`check ${hesitant}`, `check ${hesitant} --min-certainty certain`],
    show: [`check ${broken}`, `check ${broken} --show error`],
    forecast: [`check ${healthy}`, `check ${healthy} --forecast=3650d`],
    history: [`check ${broken}`, `check ${broken} --history ${join(place, 'history')}`],
    advice: [`check ${hesitant}`, `check ${hesitant} --advice`],
    'require-complete': [`check ${partial}`, `check ${partial} --require-complete`],
    'allow-incomplete': [`check ${gap} -o short`, `check ${gap} -o short --allow-incomplete=unreachable`],
    'exit-zero': [`check ${broken} -o short`, `check ${broken} -o short --exit-zero`],
    plugin: [`check ${broken}`, `check ${broken} --plugin ./fixtures/plugins/acme/rules.mjs`],
    config: [`check ${broken}`, `check ${broken} --config fixtures/demo/healthy/east/meshdoctor.yaml`],
    color: [`check ${broken}`, `check ${broken} --color`],
    ascii: [`check ${broken}`, `check ${broken} --ascii`],
    width: [`check ${broken}`, `check ${broken} --width 60`],
    quiet: [`check ${broken}`, `check ${broken} -q`],
    verbose: [`check ${broken}`, `check ${broken} -v`],
  };
  test('and each is in this table', () => {
    expect([...Object.keys(pairs), ...flagsOfLiveClusters, ...flagsOfRounds, ...flagsOfWebhooks, ...flagsOfWiderProbes].sort()).toEqual(
      Object.keys(commands.find(({ name }) => name === 'check')?.flags ?? {}).sort(),
    );
  });

  test.each(Object.entries(pairs))('--%s', async (_, [without, given]) => {
    expect(await ran(given)).not.toEqual(await ran(without));
  });
});

describe('colour', () => {
  const isColoured = async (flags: string, env: Record<string, string>, isTTY: boolean): Promise<boolean> =>
    (await ran(`demo --healthy ${flags}`, { env, isTTY })).stdout.includes('\u001B[');
  test.each<[string, string, Record<string, string>, boolean, boolean]>([
    ['on a terminal', '', {}, true, true],
    ['not in a pipe', '', {}, false, false],
    ['not where NO_COLOR is set', '', { NO_COLOR: '1' }, true, false],
    ['where NO_COLOR is empty', '', { NO_COLOR: '' }, true, true],
    ['NO_COLOR wins over FORCE_COLOR', '', { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    ['in a pipe with FORCE_COLOR', '', { FORCE_COLOR: '1' }, false, true],
    ['not with FORCE_COLOR=0', '', { FORCE_COLOR: '0' }, true, false],
    ['not with CLICOLOR=0', '', { CLICOLOR: '0' }, true, false],
    ['not on a dumb terminal', '', { TERM: 'dumb' }, true, false],
    ['not in CI', '', { CI: 'true' }, true, false],
    ['the flag wins over NO_COLOR', '--color', { NO_COLOR: '1' }, false, true],
    ['--color=never wins over FORCE_COLOR', '--color=never', { FORCE_COLOR: '1' }, true, false],
    ['--no-color too', '--no-color', { FORCE_COLOR: '1' }, true, false],
  ])('%s', async (_, flags, env, isTTY, expected) => {
    expect(await isColoured(flags, env, isTTY)).toBe(expected);
  });
});

describe('characters', () => {
  test.each([
    [{ LANG: 'C.UTF-8' }, true],
    [{}, true],
    [{ LANG: 'C' }, false],
    [{ LANG: 'C.UTF-8', LC_ALL: 'POSIX' }, false],
  ])('%j', async (env, isUnicode) => {
    expect((await ran('demo --healthy', { env })).stdout.startsWith('✓')).toBe(isUnicode);
  });
});

describe('files', () => {
  test('are never seen in part: the new one takes the place of the old one', async () => {
    const file = join(place, 'mesh.prom');
    writeFileSync(file, 'of the last run', { mode: 0o640 });
    const before = statSync(file);
    const open = openSync(file, 'r');
    await ran(`check ${broken} -o prometheus=${file}`);
    expect(readFileSync(open, 'utf8')).toBe('of the last run');
    expect(readFileSync(file, 'utf8')).toContain('meshdoctor_exit_code 1\n');
    expect(statSync(file).mode).toBe(before.mode);
    expect(readdirSync(place).filter((name) => name.startsWith('.'))).toEqual([]);
    closeSync(open);
  });

  test('that are links, or no files at all, stay what they are', async () => {
    const [file, link] = [join(place, 'real.prom'), join(place, 'link.prom')];
    writeFileSync(file, '');
    symlinkSync(file, link);
    await ran(`check ${broken} -o prometheus=${link} -o short=/dev/null`);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(file, 'utf8')).toContain('meshdoctor_exit_code 1\n');
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  test('of metrics know every end, and the screen beside them only what was asked for', async () => {
    const screen = await ran(`check ${healthy}`);
    const both = await ran(`check ${healthy} -o text -o prometheus=${join(place, 'ends.prom')}`);
    expect(both).toEqual(screen);
    expect(readFileSync(join(place, 'ends.prom'), 'utf8')).toContain('meshdoctor_expiry_timestamp_seconds{cluster="east",what="root"}');
  });

  test('hold what stdout would, without colours', async () => {
    const file = join(place, 'screen.txt');
    const { stdout } = await ran(`check ${broken} -o text=${file}`, { env: { FORCE_COLOR: '1' } });
    expect(stdout).toBe('');
    expect(readFileSync(file, 'utf8')).toBe((await ran(`check ${broken}`)).stdout);
  });
});
