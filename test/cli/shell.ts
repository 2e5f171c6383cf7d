import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');

/** A folder of this test run: home, temporary files, and a `bin` in which the built program is installed. */
const place = mkdtempSync(join(tmpdir(), 'meshdoctor-cli-'));
const bin = join(place, 'bin');
mkdirSync(bin);
for (const name of ['meshdoctor', 'kubectl-meshdoctor']) symlinkSync(join(root, 'bin/meshdoctor.js'), join(bin, name));

export const environment = {
  PATH: [bin, dirname(process.execPath), process.env['PATH'] ?? ''].join(':'),
  HOME: place,
  TMP: place,
  LANG: 'C.UTF-8',
};

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number | string;
}

/** Runs a line of shell in the repository, with the built program on the path. What differs between machines is named instead. */
export function ran(command: string): Ran {
  const { stdout, stderr, status, signal } = spawnSync('bash', ['-c', command], {
    cwd: root,
    env: environment,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { stdout: steady(stdout), stderr: steady(stderr), exit: status ?? signal ?? 'unknown' };
}

function steady(text: string): string {
  return text
    .replaceAll(place, '$TMP')
    .replaceAll(root, '$ROOT')
    .replaceAll(process.versions.node, 'NODE_VERSION')
    .replaceAll(`${process.platform}-${process.arch}`, 'PLATFORM')
    .replace(/^ {6}at .*\n/gm, '')
    .replace(/\b(?:\d+ of )?\d+ checks\b/g, 'N checks') // Their number grows; the report made by hand in test/golden keeps counting.
    .replace(/(?<=✓ |\bok )\d+/g, 'N')
    .replace(/\(\d+%\)/g, '(N%)')
    .replace(/expiry as of \d{4}-\d\d-\d\d/g, 'expiry as of TODAY');
}
