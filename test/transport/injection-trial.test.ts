import { afterEach, describe, expect, test } from 'vitest';
import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';
import { listOf } from '../../src/mesh/topology.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { checkLive, loud, readLive } from '../support/live-check.ts';
import { plannedReads, rulesFor } from '../../src/run/plan.ts';
import { builtin } from '../../checks/index.ts';

/* Pods that API servers are asked to create as a dry run. */

const shop = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop');

let sandbox: Sandbox | undefined;
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

async function serve(built: MeshBuilder): Promise<Sandbox> {
  sandbox = await startSandbox(built.objects(), { takenAt: built.takenAt });
  return sandbox;
}

const writesOf = ({ clusters }: Sandbox, cluster: string) =>
  (clusters.get(cluster)?.requests ?? []).filter(({ method, path }) => method !== 'GET' && !path.includes('selfsubject'));

describe('a healthy mesh', { timeout: 60_000 }, () => {
  test('every cluster injects what its webhook promises, and nothing stays', async () => {
    const running = await serve(shop);
    const { read } = await readLive(running, { probe: 'dry-run' });
    const trials = (cluster: string) =>
      [...(read.facts ?? [])].flatMap(([name, facts]) => (name === cluster ? listOf(facts.injectionTrials) : []));
    expect(trials('east')).toEqual([
      { namespace: 'shop', outcome: { is: 'made', proxy: { revision: '1-31-0', clusterId: 'east', network: 'network1' } } },
    ]);
    expect(trials('west')).toEqual([
      { namespace: 'shop', outcome: { is: 'made', proxy: { revision: '1-31-0', clusterId: 'west', network: 'network2' } } },
    ]);
    for (const cluster of ['east', 'west']) {
      expect(writesOf(running, cluster).map(({ method, path }) => `${method} ${path}`)).toEqual([
        'POST /api/v1/namespaces/shop/pods?dryRun=All',
      ]);
      const kept = (running.objects().get(cluster) ?? []).filter(({ metadata }) => metadata.name.startsWith('meshdoctor'));
      expect(kept).toEqual([]);
    }
  });

  test('is found healthy, and nobody asks for a pod without the flag', async () => {
    const running = await serve(shop);
    expect(loud((await checkLive(running, { probe: 'dry-run' })).report)).toEqual([]);
    const before = writesOf(running, 'west').length;
    const { report } = await checkLive(running, { probe: 'query' });
    expect(writesOf(running, 'west').length).toBe(before);
    expect(report.checks.find(({ id }) => id === 'failing-injection')?.results[0]?.because).toBe('it asks for more than it was allowed');
  });
});

describe('what goes wrong', { timeout: 60_000 }, () => {
  test('a remote whose API server does not get to istiod says so in its own words', async () => {
    const running = await serve(
      shop.break((m) => m.cluster('west').patch('MutatingWebhookConfiguration', undefined, injectorName, noBundle)),
    );
    const { report } = await checkLive(running, { probe: 'dry-run', only: ['failing-injection', 'stale-ca-bundle'] });
    const found = report.findings.filter(({ code }) => code.startsWith('failing-injection'));
    expect(found.map(({ code, message }) => [code, /x509: certificate signed by unknown authority/.test(message)])).toEqual([
      ['failing-injection/untrusted', true],
    ]);
  });

  test('without the right to create pods it is not known', async () => {
    const running = await serve(shop);
    for (const cluster of running.clusters.values())
      cluster.addUser(
        'reader',
        rulesFor(plannedReads(builtin, 'query'), 'query').map((rule) => ({ ...rule, verbs: [...rule.verbs] })),
      );
    const kubeconfig = running.kubeconfig({ user: 'reader' });
    const { report } = await checkLive(running, { probe: 'dry-run', only: ['failing-injection'] }, { kubeconfig });
    expect(report.exit.code).toBe(3);
    expect(report.notChecked.flatMap(({ missing }) => missing.map(({ fact }) => fact))).toContain('injectionTrials');
  });

  test('the printed role suffices', async () => {
    const running = await serve(shop);
    for (const cluster of running.clusters.values())
      cluster.addUser(
        'trying',
        rulesFor(plannedReads(builtin, 'dry-run'), 'dry-run').map((rule) => ({ ...rule, verbs: [...rule.verbs] })),
      );
    const { report } = await checkLive(running, { probe: 'dry-run' }, { kubeconfig: running.kubeconfig({ user: 'trying' }) });
    expect([report.exit.code, report.notChecked]).toEqual([0, []]);
  });
});

/** The injector of the remote. */
const injector = (shop.objects().get('west') ?? []).find(
  ({ kind, metadata }) => kind === 'MutatingWebhookConfiguration' && !metadata.name.includes('tag'),
);
const injectorName = injector?.metadata.name ?? '';

/** No root in any of its webhooks. */
const noBundle = {
  webhooks: ((injector?.['webhooks'] ?? []) as readonly { readonly clientConfig: object }[]).map((webhook) => ({
    ...webhook,
    clientConfig: { ...webhook.clientConfig, caBundle: '' },
  })),
};
