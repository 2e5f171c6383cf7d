import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { mesh } from '../../src/builder/mesh.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { type Ran, ran } from '../support/run-cli.ts';

/* check --watch and --wait of served clusters: the clock is the test's, and what happens happens while they sleep. */

const built = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop');
const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-watch-'));
const kubeconfig = join(folder, 'kubeconfig');
let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox(built.objects(), { takenAt: built.takenAt });
}, 60_000);
afterAll(async () => {
  await sandbox.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => sandbox.clusters.get('west')!.setFault(null));

const check = 'check --context east --context west --probe=off';
const west = () => sandbox.clusters.get('west')!;

/** A run that is interrupted when nothing is left to happen; each event happens while it sleeps. */
async function during(line: string, events: readonly (() => unknown)[]): Promise<Ran & { readonly slept: readonly number[] }> {
  writeFileSync(kubeconfig, sandbox.kubeconfig());
  const slept: number[] = [];
  let minute = 0;
  const result = await ran(line, {
    env: { KUBECONFIG: kubeconfig },
    cwd: folder,
    now: () => new Date(Date.UTC(2026, 10, 24, 12, minute)).toISOString(),
    interrupted: () => (slept.length > events.length ? 'SIGINT' : undefined),
    async sleep(milliseconds) {
      await events[slept.length]?.();
      slept.push(milliseconds);
      minute += 1;
    },
  });
  return { ...result, slept };
}

const unlabelled = async (network: string | undefined): Promise<void> => {
  const { server, tokens } = west();
  const { request } = await import('node:https');
  await new Promise<void>((resolve, reject) => {
    const sent = request(
      `${server}/api/v1/namespaces/istio-system`,
      {
        method: 'PATCH',
        ca: west().ca,
        headers: { Authorization: `Bearer ${tokens.get('admin')}`, 'Content-Type': 'application/merge-patch+json' },
      },
      (answer) => {
        answer.resume();
        answer.on('end', resolve);
      },
    );
    sent.on('error', reject);
    sent.end(JSON.stringify({ metadata: { labels: { 'topology.istio.io/network': network ?? null } } }));
  });
};

describe('--watch', () => {
  test('tells what appears and clears, and asks over the same connections', { timeout: 120_000 }, async () => {
    const before = { east: sandbox.clusters.get('east')!.handshakes(), west: west().handshakes() };
    const { stdout, exit, slept } = await during(`${check} --watch=10s -o text -o json=report.json`, [
      () => {},
      async () => await unlabelled(undefined),
      () => {},
      async () => await unlabelled('network2'),
    ]);
    expect(stdout.split('\n')[0]).toBe('Watching east, west every 10 s; only changes are told. Ctrl-C ends it.');
    expect(stdout).toMatch(/^12:02:00Z {2}✓→✗ {2}missing-network-label\S* {2}west {2}/m);
    expect(stdout).toMatch(/^12:04:00Z {2}✗→✓ {2}missing-network-label\S* {2}west {2}\(after 2 m\)$/m);
    expect(stdout).not.toMatch(/^12:0[13]:00Z/m);
    expect([exit, slept]).toEqual([0, [10_000, 10_000, 10_000, 10_000, 10_000]]);
    expect(JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))).toMatchObject({ exit: { code: 0 } });
    // A handful of connections per cluster, not per round.
    expect(west().handshakes() - before.west).toBeLessThanOrEqual(8);
    expect(sandbox.clusters.get('east')!.handshakes() - before.east).toBeLessThanOrEqual(8);
  });

  test('survives an API server that goes away, as JSON Lines', { timeout: 120_000 }, async () => {
    const { stdout, exit } = await during(`${check} --watch -o jsonl --history history`, [
      () => west().setFault({ kind: 'reset' }),
      () => {},
      () => west().setFault(null),
    ]);
    const events = stdout
      .trim()
      .split('\n')
      .map(
        (line) => JSON.parse(line) as { readonly event: string; readonly cluster?: string; readonly at: string; readonly after?: number },
      );
    const of = (...kinds: readonly string[]) => events.filter(({ event }) => kinds.includes(event));
    expect(of('unreadable', 'readable').map(({ event, cluster, after }) => [event, cluster, after])).toEqual([
      ['unreadable', 'west', undefined],
      ['readable', 'west', 120],
    ]);
    expect(of('cleared', 'appeared')).toEqual([]);
    expect([events[0]?.event, events.at(-1)]).toEqual(['started', expect.objectContaining({ event: 'ended', exit: 0 })]);
    expect(exit).toBe(0);
    // What changed nothing is not written down.
    const [file = ''] = readdirSync(join(folder, 'history'));
    expect(
      readFileSync(join(folder, 'history', file), 'utf8')
        .trim()
        .split('\n'),
    ).toHaveLength(3);
  });

  test('tells a webhook what changes, not each round, and again what it could not tell; a receiver that is down ends nothing', {
    timeout: 180_000,
  }, async () => {
    const told: { readonly appeared: readonly { code: string }[]; readonly cleared: readonly { code: string }[] }[] = [];
    let status = 200;
    const receiver = createServer((request, response) => {
      let text = '';
      request.on('data', (piece: Buffer) => (text += piece.toString()));
      request.on('end', () => {
        if (status === 200) told.push(JSON.parse(text) as (typeof told)[number]);
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
    const { port } = receiver.address() as AddressInfo;
    const { stderr, exit } = await during(`${check} --watch -o jsonl --history told --notify http://127.0.0.1:${port}/hook`, [
      async () => await unlabelled(undefined),
      () => {},
      async () => {
        // A refusal is not tried again within the round.
        status = 403;
        await unlabelled('network2');
      },
      () => (status = 200),
      () => {},
    ]);
    await new Promise((done) => receiver.close(done));
    expect(told.map(({ appeared, cleared }) => [appeared.map(({ code }) => code), cleared.map(({ code }) => code)])).toEqual([
      [['missing-network-label'], []],
      [[], ['missing-network-label']],
    ]);
    expect(stderr.match(/^What changed could not be told: .*answered 403/gm)).toHaveLength(1);
    expect(exit).toBe(0);
  });

  test('signs in with what the kubeconfig says by then when a token is over', { timeout: 120_000 }, async () => {
    const own = sandbox.kubeconfig();
    const { stdout, exit } = await during(`${check} --watch -o jsonl`, [
      () => {
        // Every token so far is refused; the file gets a new one a round later.
        west().setFault({ kind: 'status', status: 401, times: 1000 });
      },
      () => {
        const token = west().addUser('renewed', [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]);
        west().setFault(null);
        writeFileSync(kubeconfig, own.replaceAll(west().tokens.get('admin')!, token));
      },
      () => {},
    ]);
    expect(stdout).toContain('"event":"unreadable"');
    expect(stdout).toContain('"event":"readable"');
    expect(west().requests.at(-1)?.user).toBe('renewed');
    expect(exit).toBe(0);
  });
});

describe('--wait', () => {
  test('reports the first look that is green', { timeout: 120_000 }, async () => {
    west().setFault({ kind: 'reset' });
    const { stdout, stderr, exit, slept } = await during(`${check} --wait=5m`, [() => {}, () => west().setFault(null), () => {}, () => {}]);
    expect(stdout).toMatch(/^✓ /);
    expect(stderr.match(/^Not yet: .* Waiting \d+ m more at most\.$/gm)).toHaveLength(1);
    expect([exit, slept.length]).toEqual([0, 2]);
  });

  test('ends with the exit code of the last look when patience is over', { timeout: 120_000 }, async () => {
    west().setFault({ kind: 'reset' });
    const { stdout, exit, slept } = await during(`${check} --wait=2m`, [() => {}, () => {}, () => {}, () => {}]);
    expect(stdout).toContain('1 of 2 clusters not reached');
    expect([exit, slept.length]).toEqual([3, 2]);
  });
});

describe('what does not go together', () => {
  test.each([
    ['--watch --wait', '--watch goes on until it is interrupted, --wait until all is well; give one of them.'],
    ['--watch -o junit', '--watch prints changes as text or jsonl; not as junit.'],
    ['-o jsonl', '-o jsonl is how --watch prints changes.'],
    ['--watch=soon', '--watch needs a duration such as 10s or 1m30s, not "soon".'],
    ['--wait --from mesh.json.gz', '--wait does not go with --from: a recording never changes.'],
    ['--watch --now 2026-11-24T12:00:00Z --manifests a=b', '--watch does not go with --now: its clock runs on.'],
  ])('%s', async (flags, message) => {
    const { stdout, stderr, exit } = await ran(`check ${flags}`, { cwd: folder });
    expect([stdout, stderr.split('\n')[0], exit]).toEqual(['', message, 2]);
  });
});
