import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { mesh } from '../../src/builder/mesh.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Report } from '../../src/report/schema.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { flagsOfLiveClusters, type Ran, ran } from '../support/run-cli.ts';

/* As in flags.test.ts: a flag that nothing reads is a promise nobody keeps. Here the clusters are served. */

const built = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop')
  .service('xyz.shop');
const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-live-flags-'));
const kubeconfig = join(folder, 'kubeconfig');
let sandbox: Sandbox;
let closedPort = 0;

beforeAll(async () => {
  sandbox = await startSandbox(built.objects(), { takenAt: built.takenAt });
  writeFileSync(kubeconfig, sandbox.kubeconfig());
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  closedPort = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((done) => server.close(done));
}, 60_000);
afterAll(async () => {
  await sandbox.close();
  rmSync(folder, { recursive: true });
});
afterEach(async () => {
  sandbox.clusters.get('west')!.setFault(null);
  await sandbox.stage([]);
});

const both = '--context east --context west';
/** Every address of the mesh leads to its listener, or to a port where nobody listens. */
const mapped = (to?: number): string =>
  sandbox.resolve.map(({ from, to: own }) => `--resolve ${from.host}:${from.port}=127.0.0.1:${to ?? own.port}`).join(' ');
const withSlowPods = (): void =>
  sandbox.clusters.get('west')!.setFault({ kind: 'stall', match: /\/pods\?/, milliseconds: 1500, phase: 'headers' });

async function live(line: string, env: Record<string, string> = { KUBECONFIG: kubeconfig }): Promise<Ran> {
  return await ran(line, { env, cwd: folder });
}

interface Pair {
  readonly without: () => string;
  readonly given: () => string;
  readonly before?: () => void;
  readonly env?: Record<string, string>;
}

const pairs: Readonly<Record<string, Pair>> = {
  'max-targets': {
    without: () => `check ${both} ${mapped()} --max-targets 1`,
    given: () => `check ${both} ${mapped()} --max-targets 2`,
    before: () => void sandbox.stage([{ on: 'gateway', cluster: 'west', port: 15443, does: 'end' }]),
  },
  context: { without: () => 'check --context east --probe=off', given: () => `check ${both} --probe=off` },
  'all-contexts': { without: () => 'check --probe=off', given: () => 'check --all-contexts --probe=off' },
  kubeconfig: {
    without: () => 'check --context east --probe=off',
    given: () => `check --context east --probe=off --kubeconfig ${kubeconfig}`,
    env: {},
  },
  'in-cluster': { without: () => 'check', given: () => 'check --in-cluster', env: {} },
  as: { without: () => `check ${both} --probe=off`, given: () => `check ${both} --probe=off --as nobody` },
  'as-group': {
    without: () => `check ${both} --probe=off --as nobody`,
    given: () => `check ${both} --probe=off --as nobody --as-group system:masters`,
  },
  probe: { without: () => `check ${both} ${mapped()} -o json --probe=off`, given: () => `check ${both} ${mapped()} -o json --probe=query` },
  resolve: {
    without: () => `check ${both} ${mapped()} --probe=connect -o json`,
    given: () => `check ${both} ${mapped(closedPort)} --probe=connect -o json`,
  },
  'request-timeout': {
    without: () => `check ${both} --probe=off`,
    given: () => `check ${both} --probe=off --request-timeout 300ms`,
    before: withSlowPods,
  },
  timeout: { without: () => `check ${both} --probe=off`, given: () => `check ${both} --probe=off --timeout 900ms`, before: withSlowPods },
  stats: { without: () => `check ${both} --probe=off`, given: () => `check ${both} --probe=off --stats` },
};
/** Flags that only requests show. */
const asked: Readonly<Record<string, readonly [line: () => string, isAsked: (request: { path: string; headers: object }) => boolean]>> = {
  'as-uid': [
    () => 'check --context east --probe=off --as admin --as-uid 1000',
    ({ headers }) => Object.entries(headers).some(([name, value]) => name.toLowerCase() === 'impersonate-uid' && value === '1000'),
  ],
  'istio-namespace': [
    () => 'check --context east --probe=off --istio-namespace elsewhere',
    ({ path }) => path.includes('/namespaces/elsewhere/configmaps'),
  ],
};

test('every flag about live clusters is in one of these tables', () => {
  expect([...Object.keys(pairs), ...Object.keys(asked)].sort()).toEqual(flagsOfLiveClusters);
});

describe('changes something', () => {
  test.each(Object.entries(pairs))('--%s', async (_, { without, given, before, env }) => {
    before?.();
    const bare = await live(without(), env);
    expect(await live(given(), env)).not.toEqual(bare);
  });

  test('whereas the same line twice does not', async () => {
    const line = `check ${both} --probe=off`;
    expect(await live(line)).toEqual(await live(line));
  });

  test.each(Object.entries(asked))('--%s', async (_, [line, isAsked]) => {
    const { requests } = sandbox.clusters.get('east')!;
    expect(requests.some(isAsked)).toBe(false);
    await live(line());
    expect(requests.some(isAsked)).toBe(true);
  });
});

describe('record', () => {
  const file = join(folder, 'mesh.json');
  const recorded = async (flags: string): Promise<Ran> => await live(`record -o ${file} ${flags}`);

  test('writes down clusters and what probes saw, and says in what', async () => {
    const { stdout, stderr, exit } = await recorded(`${both} ${mapped()} --service abc.shop:80`);
    expect([stdout, exit]).toEqual(['', 0]);
    expect(stderr).toMatch(
      /^Recorded east and west \(\d+ objects\) in .*mesh\.json\.\nmeshdoctor check --from .*mesh\.json judges it\.\n$/,
    );
    const judged = JSON.parse((await live(`check --from ${file} -o json`)).stdout) as Report;
    expect(judged).toMatchObject({ source: 'recorded', recorded: { of: 'live' }, findings: [] });
    expect(judged.names).toMatchObject([{ service: 'shop/abc', port: 80, named: true }]);
    expect(judged.names.flatMap(({ callers }) => callers.flatMap(({ measured }) => measured))).not.toEqual([]);
  });

  test('ends with 3 when something is missing in it, and says what', async () => {
    const refusal = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Forbidden', code: 403 };
    for (const [status, body, says] of [
      [403, JSON.stringify(refusal), 'Forbidden in west: secrets.'],
      [500, '{}', 'Not read in west: secrets.'],
    ] as const) {
      sandbox.clusters.get('west')!.setFault({ kind: 'status', status, body, contentType: 'application/json', match: /\/secrets/ });
      const gap = await recorded(`${both} --probe=off`);
      expect([gap.exit, gap.stderr]).toEqual([3, expect.stringContaining(`\n${says}\n`)]);
    }
    sandbox.clusters.get('west')!.setFault({ kind: 'reset' });
    const silent = await recorded(`${both} --probe=off`);
    expect([silent.exit, silent.stderr]).toEqual([3, expect.stringContaining('\nwest was not reached: ')]);
    expect((await live(`check --from ${file}`)).exit).toBe(3);
  });

  test('says that it was interrupted, and keeps what was read by then', async () => {
    const { stderr, exit } = await ran(`record -o ${file} ${both} --probe=off`, {
      env: { KUBECONFIG: kubeconfig },
      cwd: folder,
      interrupted: () => 'SIGTERM',
      signal: AbortSignal.abort(),
    });
    expect([exit, stderr]).toEqual([143, expect.stringContaining('Interrupted by SIGTERM')]);
    expect((await live(`check --from ${file}`)).exit).toBe(3);
  });
});

describe('what is wrong with them is said in a sentence, with exit code 2', () => {
  test.each([
    ['--context eats', 'Did you mean east?'],
    ["--context 'prod-*'".replaceAll("'", ''), 'No context of the kubeconfig matches "prod-*".'],
    ['--context east --timeout soon', '--timeout needs a duration such as 10s or 1m30s, not "soon".'],
    ['--context east --request-timeout 0s', '--request-timeout needs a duration'],
    ['--context east --resolve here', '--resolve needs ADDRESS:PORT=HOST:PORT, not "here".'],
    ['--context east --max-targets none', '--max-targets needs a number from 1 to 100, not "none".'],
    ['--context east --probe=deep', '--probe takes off, connect, query, dry-run, pod; not "deep".'],
    ['--context east --as-group admins', '--as-group needs --as.'],
    ['--context east --complete', '--complete is about directories'],
    ['--manifests east=. --probe=off', '--probe is about live clusters'],
    ['--in-cluster --context east', '--in-cluster reads the cluster it runs in'],
    ['--kubeconfig nowhere --context east', 'nowhere'],
  ])('check %s', async (flags, says) => {
    const { stdout, stderr, exit } = await live(`check ${flags}`);
    expect([stdout, exit]).toEqual(['', 2]);
    expect(stderr).toContain(says);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});
