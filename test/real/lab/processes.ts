import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** A program of the lab. It ends with the lab, whatever becomes of us: all of them live in one process namespace. */
export interface Running {
  readonly pid: number;
  /** Settles when the process is gone. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Whether it is gone already. */
  hasEnded(): boolean;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface Launch {
  readonly command: readonly [program: string, ...args: string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** File that takes both streams. */
  readonly log: string;
}

/** How long a process may take to end before it is killed. */
const patience = 5000;

export function launch({ command: [program, ...args], env, cwd, log }: Launch): Running {
  mkdirSync(dirname(log), { recursive: true });
  const sink = createWriteStream(log, { flags: 'a' });
  const child: ChildProcess = spawn(program, args, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  child.stdout?.pipe(sink, { end: false });
  child.stderr?.pipe(sink, { end: false });
  let gone = false;
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('error', (error) => {
      gone = true;
      sink.end(`${error.message}\n`);
      resolve({ code: 127, signal: null });
    });
    child.on('close', (code, signal) => {
      gone = true;
      sink.end();
      resolve({ code, signal });
    });
  });
  const pid = child.pid ?? -1;
  return {
    pid,
    ended,
    hasEnded: () => gone,
    stop: async (signal = 'SIGTERM') => {
      if (gone) return;
      kill(pid, signal);
      const timer = setTimeout(() => kill(pid, 'SIGKILL'), patience);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** The whole group: a proxy is an agent and the Envoy it started. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It went by itself.
  }
}

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** It did not end within its time and was killed. */
  readonly timedOut: boolean;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds; default two minutes. */
  readonly limit?: number;
}

/** Runs a program to its end. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { input, env, cwd, limit = 120_000 }: RunOptions = {},
): Promise<Output> {
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  let timedOut = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  const timer = setTimeout(() => {
    timedOut = true;
    kill(child.pid ?? -1, 'SIGKILL');
  }, limit);
  const code = await new Promise<number>((resolve) => {
    child.on('error', (error) => {
      stderr += error.message;
      resolve(127);
    });
    child.on('close', (status) => resolve(status ?? 137));
  });
  clearTimeout(timer);
  return { code, stdout, stderr, timedOut };
}

/** Asks again until the answer is one, `between` milliseconds later, for at most `limit` milliseconds. @throws Error naming what did not come */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, limit = 60_000, between = 200): Promise<T> {
  const end = Date.now() + limit;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`No ${what} within ${limit / 1000} s.`, { cause: last });
    await pause(between);
  }
}

export async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}
