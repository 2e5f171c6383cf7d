import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { builtin } from '../../checks/index.ts';
import { mesh } from '../../src/builder/mesh.ts';
import { text } from '../../src/report/reporters/text.ts';
import { plannedReads, rulesFor } from '../../src/run/plan.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { checkLive, loud } from '../support/live-check.ts';

/* A whole check of a healthy served mesh: as whom, from where, and until when. */

const built = mesh()
  .primaryRemote('east', 'west', { networks: 2, revision: '1-31-0' })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['east'], port: 5000 })
  .workload('client.shop', { in: ['west'] });
let sandbox: Sandbox;
const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-live-'));

beforeAll(async () => {
  sandbox = await startSandbox(built.objects(), { takenAt: built.takenAt });
}, 60_000);
afterAll(async () => {
  await sandbox.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  for (const cluster of sandbox.clusters.values()) cluster.setFault(null);
});

describe('a healthy mesh with default probes', () => {
  test('is silent, and the name is measured in every cluster', async () => {
    const { report, progress } = await checkLive(sandbox, { service: ['abc.shop:5000'] });
    expect(report.exit).toMatchObject({ code: 0 });
    expect(loud(report)).toEqual([]);
    expect(report.notChecked.filter(({ incomplete }) => incomplete)).toEqual([]);
    const [name] = report.names;
    expect(name?.callers.map(({ cluster, verdict }) => [cluster, verdict])).toEqual([
      ['east', 'ok'],
      ['west', 'ok'],
    ]);
    expect(JSON.stringify(name?.callers.find(({ cluster }) => cluster === 'west')?.leadsTo)).toContain('15443');
    for (const cluster of ['east', 'west'])
      expect([...new Set(progress.filter((one) => one.cluster === cluster).map(({ phase }) => phase))]).toEqual([
        'connect',
        'list',
        'read',
        'probe',
      ]);
  });

  test('twice the same, but for the clocks', async () => {
    const still = async (): Promise<string> => {
      const { report } = await checkLive(sandbox, { service: ['abc.shop:5000'] });
      // Leases are renewed meanwhile: resourceVersion and clocks go on.
      return JSON.stringify(report).replaceAll(/"resourceVersion":"\d+"|"takenAt":"[^"]+"/g, '');
    };
    expect(await still()).toBe(await still());
  });

  test('asks nothing by port-forward with --probe=connect, and nothing at all with --probe=off', async () => {
    const forwards = async (probe: string): Promise<number> =>
      (await checkLive(sandbox, { probe })).requests.filter(({ path }) => path.includes('portforward')).length;
    expect(await forwards('connect')).toBe(0);
    expect(await forwards('off')).toBe(0);
    expect(await forwards('query')).toBeGreaterThan(2);
  });
});

describe('the rights that rbac prints', () => {
  const rules = rulesFor(plannedReads(builtin, 'query'), 'query');

  test('are enough for everything', async () => {
    for (const cluster of sandbox.clusters.values()) cluster.addUser('sre', rules);
    const { report, requests } = await checkLive(
      sandbox,
      { service: ['abc.shop:5000'] },
      { kubeconfig: sandbox.kubeconfig({ user: 'sre' }) },
    );
    expect(requests.filter(({ status }) => status === 403)).toEqual([]);
    expect(report.exit).toMatchObject({ code: 0 });
    expect(report.names[0]?.callers.map(({ verdict }) => verdict)).toEqual(['ok', 'ok']);
  });

  // The Gateway API is not served here: nobody asks for it.
  const asked = rules.filter(({ apiGroups }) => apiGroups[0] !== 'gateway.networking.k8s.io');
  test.each(
    asked.flatMap(({ apiGroups, resources, verbs }) =>
      resources.map((resource) => [`${verbs.join(',')} ${resource}`, apiGroups[0] ?? '', resource]),
    ),
  )('without %s the report says so, and accuses nobody', async (_, group, resource) => {
    const less = rules.map((rule) => ({
      ...rule,
      resources: rule.apiGroups[0] === group ? rule.resources.filter((one) => one !== resource) : rule.resources,
    }));
    const user = `less-${resource.replaceAll('/', '-')}-${group}`;
    for (const cluster of sandbox.clusters.values()) cluster.addUser(user, less);
    const { report, requests } = await checkLive(sandbox, { service: ['abc.shop:5000'] }, { kubeconfig: sandbox.kubeconfig({ user }) });
    expect(loud(report)).toEqual([]);
    expect(requests.some(({ status }) => status === 403)).toBe(true);
    const said = report.notChecked.some(({ reason }) => reason.includes(resource));
    // A fact that only sharpens others is not missed by name.
    const isNeeded = report.exit.code === 3;
    if (isNeeded) expect(said, report.notChecked.map(({ reason }) => reason).join('\n')).toBe(true);
  });

  test('without any right in one cluster that cluster heads the report, and the other is judged', async () => {
    const [east, west] = [sandbox.clusters.get('east')!, sandbox.clusters.get('west')!];
    east.addUser('half', rules);
    west.addUser('half', []);
    const { report } = await checkLive(sandbox, {}, { kubeconfig: sandbox.kubeconfig({ user: 'half' }) });
    expect(report.clusters.map(({ name, unreached }) => [name, unreached?.failure])).toEqual([
      ['east', undefined],
      ['west', 'forbidden'],
    ]);
    expect(report.verdict.text).toContain('1 of 2 clusters forbidden');
    expect([report.exit.code, loud(report)]).toEqual([3, []]);
    expect(report.clusters.find(({ name }) => name === 'east')!.results.passed).toBeGreaterThan(20);
    const screen = text.render(report, { width: 120, colour: false, unicode: true, verbosity: 0 });
    expect(screen.indexOf('FORBIDDEN (1)')).toBeGreaterThan(0);
    expect(screen.indexOf('FORBIDDEN (1)')).toBeLessThan(screen.indexOf('NOT CHECKED'));
  });

  test('without port-forward everything is judged that objects tell, and what was not measured is said', async () => {
    const bare = rulesFor(plannedReads(builtin, 'query'), 'connect');
    for (const cluster of sandbox.clusters.values()) cluster.addUser('reader', bare);
    const { report } = await checkLive(sandbox, {}, { kubeconfig: sandbox.kubeconfig({ user: 'reader' }) });
    expect(loud(report)).toEqual([]);
    expect(report.exit.code).toBe(3);
    expect(report.notChecked.some(({ reason }) => reason.includes('pods/portforward'))).toBe(true);
    const { report: allowed } = await checkLive(
      sandbox,
      { allowIncomplete: 'forbidden' },
      { kubeconfig: sandbox.kubeconfig({ user: 'reader' }) },
    );
    expect(allowed.exit.code).toBe(0);
  });
});

describe('which clusters', () => {
  test('several contexts and no choice: exit 2 with the command that the remote secrets suggest', async () => {
    await expect(checkLive(sandbox, { context: [] })).rejects.toMatchObject({
      code: 'ERR_NO_CLUSTER',
      hint: expect.stringContaining('--context east --context west') as string,
    });
  });

  test('a context that is not there: exit 2, nearest match', async () => {
    await expect(checkLive(sandbox, { context: ['eats'] })).rejects.toMatchObject({ hint: expect.stringContaining('east') as string });
  });

  test('two contexts of one cluster are judged once, and that is said', async () => {
    const kubeconfig = parse(sandbox.kubeconfig()) as { contexts: { name: string; context: object }[] };
    kubeconfig.contexts.push({ ...kubeconfig.contexts.find(({ name }) => name === 'west')!, name: 'again' });
    const { report, notes } = await checkLive(sandbox, { context: ['east', 'west', 'again'] }, { kubeconfig: stringify(kubeconfig) });
    expect(report.clusters.map(({ name }) => name)).toEqual(['east', 'west']);
    expect(notes).toEqual(['Contexts west and again reach one cluster; it is judged once, as west.']);
  });

  test('the kubeconfig that was given stands in every command', async () => {
    const file = join(folder, 'with space');
    writeFileSync(file, sandbox.kubeconfig({ user: 'admin' }));
    const { report } = await checkLive(sandbox, { kubeconfig: file, service: ['nothing.shop'] });
    const commands = report.findings.flatMap(({ confirm, remedy }) => [...confirm, ...remedy.flatMap(({ command }) => command)]);
    const kubectl = commands.filter((line) => line.includes('kubectl '));
    expect(kubectl.length).toBeGreaterThan(0);
    for (const line of kubectl) expect(line).toContain(`kubectl --kubeconfig '${file}' --context`);
  });
});

describe('an end before the end', () => {
  test('an interruption leaves a partial report that says so, and nothing open', async () => {
    const abort = new AbortController();
    sandbox.clusters.get('west')!.setFault({ kind: 'stall', match: /\/pods\?/, milliseconds: 30_000, phase: 'headers' });
    let interrupted: 'SIGINT' | undefined;
    setTimeout(() => {
      interrupted = 'SIGINT';
      abort.abort();
    }, 300);
    const { report } = await checkLive(sandbox, { requestTimeout: '20s' }, { signal: abort.signal, interrupted: () => interrupted });
    expect(report.exit).toEqual({ code: 130, reason: 'interrupted by SIGINT' });
    expect(loud(report)).toEqual([]);
  });

  test('the deadline of the run is a promise: what is not known by then is not checked', async () => {
    sandbox.clusters.get('west')!.setFault({ kind: 'stall', match: /\/pods\?/, milliseconds: 30_000, phase: 'headers' });
    const { report } = await checkLive(sandbox, { timeout: '1500ms', requestTimeout: '20s' });
    expect(report.exit.code).toBe(3);
    expect(loud(report)).toEqual([]);
    expect(
      report.notChecked.some(({ missing }) => missing.some(({ failure, cluster }) => failure === 'timeout' && cluster === 'west')),
    ).toBe(true);
  });
});
