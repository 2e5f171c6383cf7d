import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder that lives as long as a test file. */
export interface Folder {
  readonly path: string;
  /** Writes a file, perhaps in a folder of its own; gives its path. */
  write(name: string, text: string): string;
  /** Writes a shell script that can be run. */
  script(name: string, text: string): string;
  remove(): void;
}

export function makeFolder(): Folder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'meshdoctor-kube-')));
  const write = (name: string, text: string): string => {
    const file = join(path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  return {
    path,
    write,
    script(name, text) {
      const file = write(name, `#!/bin/sh\n${text}`);
      chmodSync(file, 0o755);
      return file;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** For `expect.poll`: the machine may be busy. */
export const patient = { timeout: 20_000, interval: 5 };

/** A name that no resolver is asked for, since no such name can be. */
export const impossibleHost = `${'a'.repeat(64)}.test`;

/** Whether the real kubectl is here to be compared with; tests that need it are skipped visibly otherwise. */
export const hasKubectl = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0;

/** What the real kubectl makes of an environment. */
export function kubectl(args: readonly string[], env: Readonly<Record<string, string>>, cwd?: string): string {
  return execFileSync('kubectl', [...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
}

/** kubectl's complaint; empty when it has none. */
export function complaint(args: readonly string[], env: Readonly<Record<string, string>>): string {
  const run = spawnSync('kubectl', [...args], { env: { PATH: process.env['PATH'] ?? '', ...env }, encoding: 'utf8' });
  return run.status === 0 ? '' : run.stderr;
}
