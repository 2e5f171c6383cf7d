import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { mintCertificate } from '../../src/sandbox/certificates.ts';

/* The built program as a process: it serves, is interrupted, and leaves nothing behind. */

const root = resolve(import.meta.dirname, '../..');
const place = mkdtempSync(join(tmpdir(), 'meshdoctor-process-'));
const bin = join(root, 'bin/meshdoctor.js');

interface Running {
  readonly child: ChildProcess;
  readonly text: () => string;
  readonly ended: Promise<number | null>;
  /** Resolves when standard output and error match. */
  readonly says: (what: RegExp) => Promise<void>;
}

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  return follow(process.execPath, [bin, ...args], env);
}

function follow(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Running {
  const child = spawn(command, args, {
    cwd: place,
    env: { PATH: process.env['PATH'] ?? '', HOME: place, TMPDIR: place, ...env },
  });
  let text = '';
  let wanted: (() => void)[] = [];
  const heard = (chunk: Buffer): void => {
    text += chunk.toString('utf8');
    const waiting = wanted;
    wanted = [];
    for (const look of waiting) look();
  };
  child.stdout.on('data', heard);
  child.stderr.on('data', heard);
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
  const says = async (what: RegExp): Promise<void> => {
    while (!what.test(text)) {
      const over = await Promise.race([new Promise<false>((done) => wanted.push(() => done(false))), ended.then(() => true)]);
      if (over && !what.test(text)) throw new Error(`it ended without saying ${what.source}:\n${text}`);
    }
  };
  return { child, text: () => text, ended, says };
}

let served: Running;
let kubeconfig = '';
let blackHole: Server;
let authority = '';
const held = new Set<Socket>();

beforeAll(async () => {
  served = start(['demo', '--healthy', '--serve']);
  await served.says(/meshdoctor check/);
  kubeconfig = /KUBECONFIG=(\S+)/.exec(served.text())?.[1] ?? '';
  // It proves who it is and never answers: only the time of the request ends that.
  const [notBefore, notAfter] = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 3_600_000)];
  const root = await mintCertificate({ subject: [['CN', 'authority of south']], isAuthority: true, notBefore, notAfter });
  const own = await mintCertificate({ subject: [['CN', 'south']], issuer: root, ipAddresses: ['127.0.0.1'], notBefore, notAfter });
  authority = root.cert;
  blackHole = createServer({ cert: own.cert, key: own.key }, () => undefined);
  blackHole.on('connection', (socket: Socket) => held.add(socket));
  await new Promise<void>((done) => blackHole.listen(0, '127.0.0.1', done));
}, 60_000);
afterAll(() => {
  served.child.kill('SIGKILL');
  for (const socket of held) socket.destroy();
  blackHole.close();
  rmSync(place, { recursive: true, force: true });
});

/** The demonstration's kubeconfig with a third cluster that never answers. */
function withBlackHole(): string {
  const file = join(place, 'three');
  const config = parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: object[];
    contexts: { name: string; context: { user: string; cluster: string } }[];
  };
  const address = blackHole.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  config.clusters.push({
    name: 'south',
    cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': Buffer.from(authority).toString('base64') },
  });
  const [first] = config.contexts;
  config.contexts.push({ name: 'south', context: { user: first!.context.user, cluster: 'south' } });
  writeFileSync(file, stringify(config), { mode: 0o600 });
  return file;
}

test('what demo --serve prints can be run as it is', async () => {
  const line =
    served
      .text()
      .split('\n')
      .find((one) => one.includes('meshdoctor check')) ?? '';
  const check = start(line.trim().split(' ').slice(1), { KUBECONFIG: kubeconfig });
  expect(await check.ended, check.text()).toBe(0);
  expect(check.text()).toMatch(/^✓ (HEALTHY|NO FAULT)/m);
});

describe('an interruption', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s while a cluster does not answer: what is known is printed, the rest is not checked', async (signal, code) => {
    const check = start(['check', '--context', '*', '-v', '--request-timeout', '50s', '--probe=off'], { KUBECONFIG: withBlackHole() });
    await check.says(/east: \d+ lists read/);
    await check.says(/west: \d+ lists read/);
    check.child.kill(signal);
    expect(await check.ended, check.text()).toBe(code);
    expect(check.text()).toContain(`interrupted by ${signal}`);
    expect(check.text()).toMatch(/^\? INTERRUPTED: no fault found until then/m);
    expect(check.text()).toContain('primary-remote');
    // What had been read is judged.
    expect(Number(/· (\d+) of \d+ checks done/.exec(check.text())?.[1])).toBeGreaterThan(40);
    expect(check.text()).toContain('NOT CHECKED');
  });

  // A terminal of its own, as util-linux gives one.
  const hasTerminal = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout.includes('util-linux');
  test.skipIf(!hasTerminal)('Ctrl-C on a terminal, where progress is drawn, is no other', async () => {
    const line = `stty rows 40 cols 120; exec ${process.execPath} ${bin} check --context '*' --request-timeout 50s --probe=off`;
    const check = follow('script', ['-qec', line, '/dev/null'], { KUBECONFIG: withBlackHole(), TERM: 'xterm' });
    await check.says(/east {2}reading (\d+)\/\1[^]*west {2}reading (\d+)\/\2/);
    check.child.stdin?.write('\u0003');
    expect(await check.ended, check.text()).toBe(130);
    expect(check.text()).toContain('INTERRUPTED');
  });

  test('ends demo --serve, with its kubeconfig', async () => {
    expect(existsSync(kubeconfig)).toBe(true);
    served.child.kill('SIGINT');
    expect(await served.ended).toBe(0);
    expect(existsSync(dirname(kubeconfig))).toBe(false);
  });
});
