import { homedir } from 'node:os';
import { basename } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Host, Stream } from './host.ts';
import { run } from './run.ts';

/*
 * The process: its signals, streams and exit code. A first interruption ends the run with what is known by then, a second one at once.
 */

let interruptedBy: 'SIGINT' | 'SIGTERM' | undefined;
const abort = new AbortController();

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interruptedBy !== undefined) process.exit(signal === 'SIGINT' ? 130 : 143);
    interruptedBy = signal;
    abort.abort();
  });
}

// Whoever reads our output may stop reading: `meshdoctor check | head -1`. That is no error of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

function streamOf(stream: NodeJS.WriteStream): Stream {
  return { write: (text) => void stream.write(text), isTTY: stream.isTTY, columns: stream.columns };
}

const host: Host = {
  argv: process.argv.slice(2),
  program: basename(process.argv[1] ?? '').startsWith('kubectl-') ? 'kubectl meshdoctor' : 'meshdoctor',
  cwd: process.cwd(),
  env: process.env,
  stdout: streamOf(process.stdout),
  stderr: streamOf(process.stderr),
  nodeVersion: process.versions.node,
  platform: `${process.platform}-${process.arch}`,
  now: () => `${new Date().toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)}Z`,
  seconds: () => performance.now() / 1000,
  pause: () => new Promise((resolve) => setImmediate(resolve)),
  sleep: (milliseconds) =>
    new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        abort.signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, abort.signal.aborted ? 0 : milliseconds);
      abort.signal.addEventListener('abort', wake);
    }),
  interrupted: () => interruptedBy,
  signal: abort.signal,
  readStdin: async () => await text(process.stdin),
  home: homeOf(),
  isInteractive: process.stdin.isTTY && process.stderr.isTTY,
  ask: async (question) => {
    const { createInterface } = await import('node:readline/promises');
    const asking = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return /^y(es)?$/i.test((await asking.question(question, { signal: abort.signal })).trim());
    } catch {
      return false;
    } finally {
      asking.close();
    }
  },
  runPipe: async (pipe) => await (await import('./programs.ts')).programRunner(host)(pipe),
  terminal: process.stderr.isTTY && (process.env['CI'] ?? '') === '' && process.env['TERM'] !== 'dumb' ? process.stderr : undefined,
};

/** Some containers have none. */
function homeOf(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined;
  }
}

process.exitCode = await run(host);
