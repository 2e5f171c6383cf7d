import { resolve } from 'node:path';
import type { Host } from '../../src/cli/host.ts';
import { run } from '../../src/cli/run.ts';

export const root = resolve(import.meta.dirname, '../..');

/** Flags of check that are about live clusters: their table is in live-flags.test.ts. */
export const flagsOfLiveClusters = [
  'all-contexts',
  'as',
  'as-group',
  'as-uid',
  'context',
  'in-cluster',
  'istio-namespace',
  'kubeconfig',
  'max-targets',
  'probe',
  'request-timeout',
  'resolve',
  'stats',
  'timeout',
];

/** Flags of check that make it look more than once: they are in test/transport/watch.test.ts. */
export const flagsOfRounds = ['wait', 'watch'];

/** Flags of check about what is asked beyond the usual: tests of probe pods and of counters read twice are about them. */
export const flagsOfWiderProbes = ['probe-image', 'probe-namespace', 'sample'];

/** Flags of check that are about a webhook: transport/notify.test.ts is about them. */
export const flagsOfWebhooks = ['notify', 'notify-file', 'notify-format', 'notify-required'];

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
}

/** The command line in this process, with the streams of its own. */
export async function ran(line: string, more: Partial<Host> & { isTTY?: boolean } = {}): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const host: Host = {
    argv: line.split(' ').filter((word) => word !== ''),
    program: 'meshdoctor',
    cwd: root,
    env: {},
    stdout: { write: (text) => (stdout += text), isTTY: more.isTTY ?? false, columns: 100 },
    stderr: { write: (text) => (stderr += text), isTTY: false, columns: undefined },
    nodeVersion: '20.19.0',
    platform: 'linux-x64',
    now: () => '2026-11-24T12:00:00Z',
    seconds: () => 2.5,
    pause: async () => await Promise.resolve(),
    sleep: async () => await Promise.resolve(),
    interrupted: () => undefined,
    signal: new AbortController().signal,
    readStdin: async () => await Promise.resolve(''),
    home: undefined,
    isInteractive: false,
    ask: async () => await Promise.resolve(false),
    runPipe: async () => await Promise.resolve({ isDone: false, said: 'nothing is run here' }),
    terminal: undefined,
    ...more,
  };
  const exit = await run(host);
  return { stdout, stderr, exit };
}
