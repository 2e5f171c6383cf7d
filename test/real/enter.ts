import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { root } from './programs.ts';

/*
 * Everything real runs in a process, network and mount namespace of one run. When its first process ends, the kernel ends all others and nothing of
 * network or mounts is left, whatever happened: there is nothing to clean up by hand.
 */

/** The namespaces of a run. Without root, a user namespace in which we are root comes first. */
export function unshared(command: readonly string[], isRoot = process.getuid?.() === 0): readonly [string, ...string[]] {
  const rootless = isRoot ? [] : ['--user', '--map-root-user'];
  return ['unshare', ...rootless, '--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', ...command];
}

/** Runs a TypeScript file of the real tier in namespaces of its own. */
export function enterNew(
  file: string,
  args: readonly string[],
  options: {
    readonly detached?: boolean;
    readonly stdio?: 'inherit' | 'ignore' | 'pipe';
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): ChildProcess {
  const [program, ...rest] = unshared([process.execPath, resolve(root, 'scripts/run-ts.mjs'), file, ...args]);
  return spawn(program, rest, {
    cwd: root,
    stdio: options.stdio ?? 'inherit',
    detached: options.detached ?? false,
    env: { ...process.env, ...options.env },
  });
}

/** A command inside the namespaces of a run that is up; `pid` is its first process, as seen from outside. */
export function entered(pid: number, command: readonly string[], isRoot = process.getuid?.() === 0): readonly [string, ...string[]] {
  const rootless = isRoot ? [] : ['--user', '--preserve-credentials'];
  return ['nsenter', '--target', String(pid), ...rootless, '--mount', '--net', '--pid', '--wd=.', ...command];
}
