import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Report } from '../../src/report/schema.ts';
import { environment, ran, root } from './shell.ts';

const demo = (mesh: string): string => `--manifests east=fixtures/demo/${mesh}/east --manifests west=fixtures/demo/${mesh}/west`;

describe('an interruption', () => {
  const interrupted = `meshdoctor check ${demo('healthy')} --plugin ./fixtures/plugins/interrupting.mjs --only interrupting -o json`;

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('by %s ends the run with what is known, and exit code %i', (signal, code) => {
    const { stdout, exit, stderr } = ran(`INTERRUPT_WITH=${signal} ${interrupted}`);
    expect([exit, stderr]).toEqual([code, '']);
    const report = JSON.parse(stdout) as Report;
    expect(report.exit).toEqual({ code, reason: `interrupted by ${signal}` });
    expect(report.verdict.text).toMatch(/^INTERRUPTED/);
    expect(report.notChecked).toMatchObject([{ checks: ['interrupting/second-check'], why: 'interrupted' }]);
    expect(report.findings).toEqual([]);
  });
});

/*
 * The exit code is decided before anything is rendered: whatever the format, it is the same, and stdout holds one document of it.
 */
describe('every format with every outcome', () => {
  const place = join(environment.TMP, 'formats');
  beforeAll(() => {
    cpSync(join(root, 'fixtures/demo/healthy'), place, { recursive: true });
    cpSync(join(root, 'test/cli/files/broken-yaml/broken.yaml'), join(place, 'east/broken.yaml'));
  });

  const outcomes = {
    'nothing found': [demo('healthy'), 0],
    'an error': [demo('broken'), 1],
    'an error, not failing': [`${demo('broken')} --fail-on never`, 0],
    'an error, exit zero': [`${demo('broken')} --exit-zero`, 0],
    'a warning': [`${demo('broken')} --only policy`, 0],
    'a failing warning': [`${demo('broken')} --only policy --fail-on warning`, 1],
    'a gap': ['--complete --manifests east=$TMP/formats/east --manifests west=$TMP/formats/west', 3],
    'a gap, allowed': ['--complete --manifests east=$TMP/formats/east --manifests west=$TMP/formats/west --allow-incomplete', 0],
    'a crash': [`${demo('healthy')} --plugin ./fixtures/plugins/crashing.mjs --only crashing`, 3],
  } as const satisfies Record<string, readonly [string, number]>;

  const documents = {
    text: (stdout: string) => expect(stdout.match(/^meshdoctor \d/gm)).toHaveLength(1),
    short: (stdout: string) => expect(stdout.split('\n').filter((line) => !/^((error|warning|info|unknown) .*)?$/.test(line))).toEqual([]),
    json: (stdout: string) => expect(JSON.parse(stdout)).toMatchObject({ schema: 1 }),
    yaml: (stdout: string) => expect(parse(stdout)).toMatchObject({ schema: 1 }),
    junit: (stdout: string) => expect(stdout.match(/<testsuites /g)).toHaveLength(1),
  } as const;

  test.each(
    Object.entries(outcomes).flatMap(([outcome, [flags, code]]) =>
      Object.entries(documents).map(([format, isOneDocument]) => ({ outcome, format, flags, code, isOneDocument })),
    ),
  )('$outcome as $format: $code', ({ format, flags, code, isOneDocument }) => {
    const { stdout, stderr, exit } = ran(`meshdoctor check ${flags} -o ${format}`);
    expect([exit, stderr]).toEqual([code, '']);
    isOneDocument(stdout);
  });
});

test('two runs print the same bytes', () => {
  const command = `meshdoctor check ${demo('broken')} -o json`;
  expect(ran(command).stdout).toBe(ran(command).stdout);
});

test('explain says what the README of a check says', () => {
  const readme = readFileSync(join(root, 'checks/east-west/unexposed-services/README.md'), 'utf8');
  expect(readme).toContain(ran('meshdoctor explain unexposed-services').stdout.trimEnd());
});

describe('completion', () => {
  test.each(['bash', 'zsh', 'fish'])('for %s is what that shell reads', (shell) => {
    const check = { bash: 'bash -n', zsh: 'zsh -n', fish: 'fish --no-execute' }[shell] ?? '';
    const { exit, stderr, stdout } = ran(
      `meshdoctor completion ${shell} > $TMP/completion; if command -v ${shell} >/dev/null; then ${check} $TMP/completion; else echo absent; fi`,
    );
    expect([exit, stderr]).toEqual([0, '']);
    if (stdout === 'absent\n') console.log(`${shell} is not installed: its completion script was not read`);
  });
});
