import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Guidance } from '../../src/guide/types.ts';
import type { KubeObject } from '../../src/model/kube.ts';
import { complete } from '../../src/sandbox/complete.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { ran } from '../support/run-cli.ts';

/*
 * Clusters without Istio, asked through their API servers: check finds nothing to judge, and the guide begins. What needs istioctl is done on the real
 * tier, from here to the end.
 */

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
const place = mkdtempSync(join(tmpdir(), 'meshdoctor-guide-'));
const kubeconfig = join(place, 'kubeconfig');
const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system' } };
let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox(
    complete(
      new Map([
        ['east', [namespace]],
        ['west', [namespace]],
      ]),
    ),
  );
  writeFileSync(kubeconfig, sandbox.kubeconfig(), { mode: 0o600 });
});

afterAll(async () => {
  await sandbox.close();
  rmSync(place, { recursive: true });
});

const host = (): Parameters<typeof ran>[1] => ({
  env: { KUBECONFIG: kubeconfig, PATH: process.env['PATH'] },
  now: () => new Date().toISOString(),
});
const guide = 'guide primary-remote --primary east --remote west';

/** While this process goes on serving. @throws Error when it fails */
async function shell(line: string): Promise<void> {
  await promisify(execFile)('sh', ['-c', line], { env: { HOME: place, PATH: process.env['PATH'], KUBECONFIG: kubeconfig } });
}

test('check has nothing to judge where guide has everything to say', async () => {
  expect((await ran('check --context east,west -o json', host())).exit).toBe(3);
  const { stdout, exit } = await ran(`${guide} -o json`, host());
  const guidance = JSON.parse(stdout) as Guidance;
  expect([exit, guidance.exit, guidance.next]).toEqual([1, 1, 0]);
  expect(guidance.steps.map(({ state }) => state).filter((state) => state !== 'undone')).toEqual([]);
});

test('a kubeconfig that was named is named in every command', async () => {
  const { stdout } = await ran(`${guide} --kubeconfig ${kubeconfig} -v`, host());
  const commands = stdout.split('\n').filter((line) => /\b(kubectl|istioctl) /.test(line) && !line.startsWith('#'));
  expect(commands.length).toBeGreaterThan(8);
  for (const line of commands) expect(line).toContain(`--kubeconfig ${kubeconfig}`);
});

test('a cluster that does not answer is unknown, and nothing is said to be undone there', async () => {
  const away = join(place, 'away');
  writeFileSync(away, sandbox.kubeconfig().replace(sandbox.clusters.get('west')?.server ?? '?', 'https://127.0.0.1:1'), { mode: 0o600 });
  const { stdout } = await ran(`${guide} -o json`, { ...host(), env: { KUBECONFIG: away } });
  const guidance = JSON.parse(stdout) as Guidance;
  const states = guidance.steps.filter(({ step, cluster }) => cluster === 'west' || step === 'name-resolves').map(({ state }) => state);
  expect(new Set(states)).toEqual(new Set(['unknown']));
});

describe.skipIf(!hasKubectl)('followed', () => {
  test('what is printed is done, and the next step comes; --watch says what changed', async () => {
    let looks = 0;
    const { stdout, exit } = await ran(`${guide} --watch=10s`, {
      ...host(),
      now: () => `2026-11-29T12:00:0${looks}Z`,
      interrupted: () => (looks === 3 ? 'SIGINT' : undefined),
      sleep: async (milliseconds) => {
        expect(milliseconds).toBe(10_000);
        looks += 1;
        if (looks > 1) return;
        const now = JSON.parse((await ran(`${guide} -o json`, host())).stdout) as Guidance;
        for (const command of now.steps[now.next ?? -1]?.commands ?? []) await shell(command);
        await sandbox.settled();
      },
    });
    expect(exit).toBe(130);
    const later = stdout.split('\n').filter((line) => /^2026-11-29T12:00:0[12]Z/.test(line));
    expect(later).toEqual([
      '2026-11-29T12:00:01Z  east  Network label on namespace istio-system: undone -> done: topology.istio.io/network=network1',
      '2026-11-29T12:00:01Z  primary-remote: 1 of 14 steps done; next: istiod, revision default (east)',
    ]);
  });
});
