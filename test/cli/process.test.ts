import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/report/schema.ts';
import { ran, root } from './shell.ts';

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

test('two runs print the same bytes', () => {
  const command = `meshdoctor check ${demo('broken')} -o json`;
  expect(ran(command).stdout).toBe(ran(command).stdout);
});

test('explain says what the README of a check says', () => {
  const readme = readFileSync(join(root, 'checks/east-west/unexposed-services/README.md'), 'utf8');
  expect(readme).toContain(ran('meshdoctor explain unexposed-services').stdout.trimEnd());
});

describe('completion', () => {
  const checks = { bash: 'bash -n', zsh: 'zsh -n', fish: 'fish --no-execute' };

  for (const [shell, check] of Object.entries(checks)) {
    test.skipIf(ran(`command -v ${shell}`).exit !== 0)(`for ${shell} is what that shell reads`, () => {
      expect(ran(`meshdoctor completion ${shell} > $TMP/completion && ${check} $TMP/completion`)).toEqual({
        exit: 0,
        stdout: '',
        stderr: '',
      });
    });
  }
});
