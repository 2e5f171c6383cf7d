import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RunPipe } from '../remedy/commands.ts';
import type { Host } from './host.ts';

/** Most that is kept of what programs say, in bytes. */
const mostKept = 1 << 14;

/** Runs programs side by side without a shell, each reading what the one before writes. An interruption ends them. */
export function programRunner({ cwd, env, signal }: Pick<Host, 'cwd' | 'env' | 'signal'>): RunPipe {
  return async ({ programs, into }) => {
    let said = '';
    const keep = (stream: Readable | null): void => {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        if (said.length < mostKept) said += text;
      });
    };
    const children = programs.map(([program, ...args]) =>
      spawn(program.includes('/') ? resolve(cwd, program) : program, args, { cwd, env: { ...env }, signal, stdio: 'pipe' }),
    );
    const ended = children.map(endOf);
    for (const child of children) keep(child.stderr);
    // Whoever agreed to the command says yes to what it asks.
    children[0]?.stdin.on('error', ignored).end('y\n');
    for (const [index, child] of children.entries()) {
      const next = children[index + 1];
      // A program that ends early closes what it reads; its exit code says so.
      if (next !== undefined) {
        next.stdin.on('error', ignored);
        child.stdout.pipe(next.stdin);
      }
    }
    const last = children.at(-1)?.stdout;
    const written = last === undefined || into === undefined ? undefined : pipeline(last, createWriteStream(resolve(cwd, into)));
    if (written === undefined) keep(last ?? null);
    const problems = [...(await Promise.all(ended)), ...(written === undefined ? [] : [await written.then(() => undefined, messageOf)])];
    const problem = problems.find((one) => one !== undefined);
    return { isDone: problem === undefined, said: problem === undefined ? said : `${said}\n${problem}` };
  };
}

function ignored(): void {
  // Said by the exit code.
}

/** Why a program did not end well; nothing when it did. */
async function endOf(child: ChildProcess): Promise<string | undefined> {
  return await new Promise((settle) => {
    child.on('error', (error) => settle(messageOf(error)));
    child.on('close', (code, signal) => settle(code === 0 ? undefined : `exit ${code ?? signal ?? ''}`));
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
