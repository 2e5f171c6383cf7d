import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mesh } from '../../src/builder/mesh.ts';
import type { Report } from '../../src/report/schema.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { type Ran, ran } from '../support/run-cli.ts';

/* Live clusters with a change that nobody made yet, and compared with what was recorded of them. */

const built = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop');
const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-overlay-'));
let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox(built.objects(), { takenAt: built.takenAt });
  writeFileSync(join(folder, 'kubeconfig'), sandbox.kubeconfig());
}, 60_000);
afterAll(async () => {
  await sandbox.close();
  rmSync(folder, { recursive: true });
});

const contexts = '--context east --context west';
const run = async (line: string): Promise<Ran> =>
  await ran(line, { env: { KUBECONFIG: join(folder, 'kubeconfig') }, cwd: folder, now: () => built.takenAt ?? '2026-11-24T12:00:00Z' });

const told = new Map<string, number>();
/** Requests of clusters since this was last asked that are no reading, and ways into pods. */
function touched(): readonly string[] {
  return [...sandbox.clusters].flatMap(([name, { requests }]) => {
    const news = requests.slice(told.get(name) ?? 0);
    told.set(name, requests.length);
    return news
      .filter(({ method, path }) => method !== 'GET' || path.includes('/portforward'))
      .map(({ method, path }) => `${method} ${path}`);
  });
}

function written(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const namespaceOf = (network: string): string => `apiVersion: v1
kind: Namespace
metadata: { name: istio-system, labels: { topology.istio.io/network: ${network} } }
`;
const gatewayGone = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: cross-network-gateway, namespace: istio-system }
$patch: delete
`;

describe('a change laid over live clusters', { timeout: 120_000 }, () => {
  test('is told from what is there, at its line; nothing is probed, and nothing is written', async () => {
    const file = written('network.yaml', namespaceOf('elsewhere'));
    touched();
    const { stdout, exit } = await run(`check ${contexts} --overlay west=${file} -o json`);
    const { comparison, findings } = JSON.parse(stdout) as Report;
    expect(exit).toBe(1);
    expect(comparison).toMatchObject({
      with: 'overlay',
      files: [file],
      introduced: findings.filter(({ known }) => !known).length,
    });
    expect(findings.filter(({ fails }) => fails).map(({ code }) => code)).toContain('mismatched-gateway-network');
    expect(touched()).toEqual([]);
  });

  test('that changes nothing introduces nothing', async () => {
    const file = written('same.yaml', namespaceOf('network2'));
    const { stdout, exit } = await run(`check ${contexts} --overlay west=${file} -o json`);
    expect([exit, (JSON.parse(stdout) as Report).comparison?.introduced]).toEqual([0, 0]);
  });

  test.each([
    ['by a manifest', () => `--overlay east=${written('gone.yaml', gatewayGone)}`, join(folder, 'gone.yaml')],
    [
      'by name',
      () => '--without east:Gateway/istio-system/cross-network-gateway',
      'removal of east:Gateway/istio-system/cross-network-gateway',
    ],
  ])('may delete %s', async (_, flags, file) => {
    const { stdout, exit } = await run(`check ${contexts} ${flags()} -o json`);
    const { comparison, findings } = JSON.parse(stdout) as Report;
    expect([exit, comparison?.files]).toEqual([1, [file]]);
    expect(findings.filter(({ fails }) => fails).map(({ code }) => code)).toEqual(['unexposed-services/unexposed']);
  });

  test('takes the pods of a Deployment along', async () => {
    const { stdout } = await run(`check ${contexts} --without east:Deployment/istio-system/istiod-1-31-0 -o json`);
    const { causes } = JSON.parse(stdout) as Report;
    expect(causes.map(({ code }) => code)).toEqual(['dangling-injector-service/unbacked']);
  });

  test.each([
    ['--without east:Gateway/istio-system/cross-network-gatewa', 'Did you mean east:Gateway/istio-system/cross-network-gateway?'],
    ['--without weste:Gateway/istio-system/x', 'Did you mean west?'],
    ['--without Gateway/istio-system/x', 'For example: --without east:Gateway/istio-system/cross-network-gateway'],
    ['--without east:Gateway/istio-system/x --baseline b.json', '--without compares with the clusters as they are'],
  ])('%s is refused', async (flags, said) => {
    const { stdout, stderr, exit } = await run(`check ${contexts} ${flags}`);
    expect([exit, stdout]).toEqual([2, '']);
    expect(stderr).toContain(said);
  });
});

describe('diff with live clusters', { timeout: 180_000 }, () => {
  test('tells what changed since a recording, who did it, and what it broke; and back', async () => {
    expect((await run(`record ${contexts} --probe=off -o before.tgz`)).exit).toBe(0);
    const same = await run(`diff before.tgz ${contexts} --probe=off`);
    expect([same.exit, same.stdout.split('\n')[0]]).toEqual([
      0,
      expect.stringMatching(/0 introduced, 0 fixed, .* 0 incomparable; 0 objects changed/),
    ]);

    await relabelled('west', 'elsewhere');
    const broken = await run(`diff before.tgz ${contexts} --probe=off -o json`);
    const told = JSON.parse(broken.stdout) as {
      introduced: { code: string; fingerprint: string }[];
      incomparable: unknown[];
      changes: { ref: { kind: string; name: string; cluster: string }; by: { manager: string }[]; explains: string[] }[];
    };
    expect(broken.exit).toBe(1);
    expect(told.introduced.map(({ code }) => code)).toContain('mismatched-gateway-network');
    expect(told.incomparable).toEqual([]);
    expect(told.changes[0]).toMatchObject({
      ref: { cluster: 'west', kind: 'Namespace', name: 'istio-system' },
      by: [{ manager: 'somebody' }],
    });
    const network = told.introduced.find(({ code }) => code === 'mismatched-gateway-network');
    expect(told.changes[0]?.explains).toContain(network?.fingerprint);

    expect((await run(`record ${contexts} --probe=off -o after.tgz`)).exit).toBe(0);
    await relabelled('west', 'network2');
    const back = await run(`diff after.tgz ${contexts} --probe=off`);
    expect([back.exit, back.stdout.split('\n')[0]]).toEqual([0, expect.stringMatching(/0 introduced, [1-9]\d* fixed/)]);
  });

  test('does not take for fixed what is in a cluster that does not answer', async () => {
    await relabelled('west', 'elsewhere');
    await run(`record ${contexts} --probe=off -o broken.tgz`);
    sandbox.clusters.get('west')!.setFault({ kind: 'reset' });
    const { stdout, exit } = await run(`diff broken.tgz ${contexts} --probe=off -o json`);
    sandbox.clusters.get('west')!.setFault(null);
    const { fixed, incomparable } = JSON.parse(stdout) as {
      fixed: { code: string }[];
      incomparable: { finding: { code: string }; blind: string }[];
    };
    expect(fixed.map(({ code }) => code)).not.toContain('mismatched-gateway-network');
    expect(incomparable.map(({ finding, blind }) => [finding.code, blind])).toContainEqual(['mismatched-gateway-network', 'after']);
    expect(exit).toBe(3);
  });
});

/** What `kubectl label` sends, as a user of that name would. */
async function relabelled(name: string, network: string): Promise<void> {
  const { server, ca, tokens } = sandbox.clusters.get(name)!;
  const { request } = await import('node:https');
  await new Promise<void>((resolve, reject) => {
    const sent = request(
      `${server}/api/v1/namespaces/istio-system?fieldManager=somebody`,
      { method: 'PATCH', ca, headers: { Authorization: `Bearer ${tokens.get('admin')}`, 'Content-Type': 'application/merge-patch+json' } },
      (answer) => answer.resume().on('end', resolve),
    );
    sent.on('error', reject);
    sent.end(JSON.stringify({ metadata: { labels: { 'topology.istio.io/network': network } } }));
  });
}
