import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { builtin } from '../../checks/index.ts';
import { mesh, type MeshBuilder } from '../../src/builder/mesh.ts';
import { listOf } from '../../src/mesh/topology.ts';
import type { ProbePod } from '../../src/model/observations.ts';
import { plannedReads, rulesFor } from '../../src/run/plan.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start.ts';
import { checkLive, loud, readLive } from '../support/live-check.ts';

/* Pods that ask from inside a cluster, and that none of them stays. */

const shop = mesh()
  .multiPrimary('east', 'west', { networks: 2 })
  .namespace('shop', { injected: true })
  .service('abc.shop', { in: ['east'] })
  .service('xyz.shop', { in: ['west'] });

let sandbox: Sandbox | undefined;
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

async function serve(built: MeshBuilder = shop): Promise<Sandbox> {
  sandbox = await startSandbox(built.objects(), { takenAt: built.takenAt });
  return sandbox;
}

const asked = { probe: 'pod', probeNamespace: 'shop', probeImage: 'registry.example/probe@sha256:0a' } as const;

async function podsSeen(running: Sandbox, flags: Parameters<typeof readLive>[1] = asked): Promise<Readonly<Record<string, ProbePod>>> {
  const { read } = await readLive(running, flags);
  return Object.fromEntries([...(read.facts ?? [])].flatMap(([name, facts]) => listOf(facts.probePods).map((pod) => [name, pod])));
}

const left = (running: Sandbox): string[] =>
  [...running.objects().values()]
    .flat()
    .flatMap(({ kind, metadata }) => (kind === 'Pod' && metadata.name.startsWith('meshdoctor') ? [metadata.name] : []));

const requestsOf = ({ clusters }: Sandbox, cluster: string): string[] =>
  (clusters.get(cluster)?.requests ?? []).map(({ method, path }) => `${method} ${path}`);

describe('a healthy mesh', { timeout: 60_000 }, () => {
  test('names, gateways and services are asked from a pod of each cluster, which is gone afterwards', async () => {
    const running = await serve();
    const { east } = await podsSeen(running);
    expect(east).toMatchObject({ namespace: 'shop', image: 'registry.example/probe@sha256:0a', isInjected: true });
    const answers = east !== undefined && 'answer' in east.answers ? east.answers.answer : [];
    expect(answers.map((one) => one.is)).toEqual(['name', 'name', 'handshake', 'handshake', 'call', 'call']);
    expect(answers[0]).toMatchObject({ service: { namespace: 'shop', name: 'abc' }, addresses: [expect.stringMatching(/^10\./)] });
    expect(answers[2]).toMatchObject({
      gateway: { cluster: 'west' },
      purpose: 'target',
      outcome: { stage: 'certificate', uris: ['spiffe://cluster.local/ns/shop/sa/default'], verifiedBy: [expect.any(String)] },
    });
    expect(answers[3]).toMatchObject({ purpose: 'control', outcome: { stage: 'reset' } });
    expect(answers[4]).toMatchObject({ is: 'call', status: 200 });
    expect(left(running)).toEqual([]);
    expect(requestsOf(running, 'east').filter((one) => one.startsWith('DELETE'))).toHaveLength(1);
  });

  test('is found healthy, with the image of its sidecars and without any flag but one', async () => {
    const running = await serve();
    const { report } = await checkLive(running, { probe: 'pod' });
    expect(loud(report)).toEqual([]);
    expect(report.notChecked).toEqual([]);
    expect(left(running)).toEqual([]);
  });

  test('the printed role suffices, and one without the right to make pods does not', async () => {
    const running = await serve();
    for (const cluster of running.clusters.values())
      for (const probe of ['pod', 'query'] as const)
        cluster.addUser(
          probe,
          rulesFor(plannedReads(builtin, probe), probe).map((rule) => ({ ...rule, verbs: [...rule.verbs] })),
        );
    const may = await checkLive(running, asked, { kubeconfig: running.kubeconfig({ user: 'pod' }) });
    expect([may.report.findings.map(({ message }) => message), may.report.notChecked]).toEqual([[], []]);
    const mayNot = await checkLive(running, asked, { kubeconfig: running.kubeconfig({ user: 'query' }) });
    expect(mayNot.report.exit.code).toBe(3);
    expect(mayNot.report.notChecked.flatMap(({ missing }) => missing.map(({ fact }) => fact))).toContain('probePods');
    expect(left(running)).toEqual([]);
  });
});

describe('what goes wrong', { timeout: 60_000 }, () => {
  test('a namespace that is not there, and an API server that lets no pod in, are gaps', async () => {
    const running = await serve();
    const { east } = await podsSeen(running, { ...asked, probeNamespace: 'nowhere' });
    expect(JSON.stringify(east?.answers)).toMatch(/^\{"failed":"not-found".*namespaces .*nowhere.* not found/);
    const body = JSON.stringify({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'Forbidden',
      code: 403,
      message: 'pods "x" is forbidden: violates PodSecurity "restricted:latest": seccompProfile',
    });
    running.clusters.get('east')?.setFault({ kind: 'status', status: 403, body, contentType: 'application/json', match: /\/pods$/ });
    const denied = await podsSeen(running);
    expect(JSON.stringify(denied['east']?.answers)).toMatch(/^\{"failed":"forbidden".*violates PodSecurity/);
    expect(left(running)).toEqual([]);
  });

  test('who may not read logs is told so at once, in whatever words it is refused', async () => {
    const running = await serve();
    for (const cluster of running.clusters.values())
      cluster.setFault({ kind: 'status', status: 403, body: 'not for you', contentType: 'text/plain', match: /\/log\?/ });
    const { report } = await checkLive(running, asked);
    expect(report.exit.code).toBe(3);
    const gap = 'probePods: forbidden: needs "get" on pods/log';
    expect(report.notChecked.flatMap(({ missing }) => missing.map(({ fact, reason }) => `${fact}: ${reason}`))).toEqual([gap, gap]);
    for (const name of running.clusters.keys()) expect(requestsOf(running, name).filter((one) => one.includes('/log?'))).toHaveLength(1);
    expect(left(running)).toEqual([]);
  });

  test('an interruption takes the pod away before anything else ends', async () => {
    const running = await serve();
    running.clusters.get('east')?.setFault({ kind: 'stall', milliseconds: 60_000, phase: 'headers', match: /\/log\?/ });
    const end = new AbortController();
    const waiting = setInterval(() => {
      if (requestsOf(running, 'east').some((one) => one.includes('/log?'))) end.abort();
    }, 20);
    const { report } = await checkLive(running, asked, {
      signal: end.signal,
      interrupted: () => (end.signal.aborted ? 'SIGINT' : undefined),
    });
    clearInterval(waiting);
    expect(report.exit.code).toBe(130);
    expect(left(running)).toEqual([]);
  });
});

describe('the program', { timeout: 120_000 }, () => {
  const root = resolve(import.meta.dirname, '../..');
  const place = mkdtempSync(join(tmpdir(), 'meshdoctor-pod-'));
  const kubeconfig = join(place, 'kubeconfig');
  const run = (args: readonly string[]) => {
    const child = spawn(process.execPath, [join(root, 'bin/meshdoctor.js'), ...args, '--all-contexts', '--kubeconfig', kubeconfig], {
      cwd: place,
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
    return {
      child,
      ended: new Promise<{ code: number | null; text: string }>((done) => child.once('close', (code) => done({ code, text }))),
    };
  };

  test('Ctrl-C leaves no pod; a killed one leaves it to cleanup', async () => {
    const running = await serve();
    try {
      writeFileSync(kubeconfig, running.kubeconfig(), { mode: 0o600 });
      for (const cluster of running.clusters.values())
        cluster.setFault({ kind: 'stall', milliseconds: 60_000, phase: 'headers', match: /\/log\?/ });
      const untilAsked = async (times: number): Promise<void> => {
        while ([...running.clusters.keys()].some((name) => requestsOf(running, name).filter((one) => one.includes('/log?')).length < times))
          await new Promise((next) => setTimeout(next, 20));
      };
      const flags = ['check', '--probe=pod', '--probe-namespace=shop', '--only=failing-pod-call'];
      const first = run(flags);
      await untilAsked(1);
      expect(left(running)).toHaveLength(2);
      first.child.kill('SIGINT');
      expect((await first.ended).code).toBe(130);
      expect(left(running)).toEqual([]);

      const second = run(flags);
      await untilAsked(2);
      second.child.kill('SIGKILL');
      await second.ended;
      expect(left(running)).toHaveLength(2);
      const found = await run(['cleanup', '--dry-run']).ended;
      expect(found.text.match(/would be removed/g)).toHaveLength(2);
      expect(left(running)).toHaveLength(2);
      const cleaned = await run(['cleanup']).ended;
      expect(cleaned.code).toBe(0);
      expect(cleaned.text).toMatch(/^east: pod shop\/meshdoctor-probe-[0-9a-f]{8} removed$/m);
      expect(left(running)).toEqual([]);
      expect((await run(['cleanup']).ended).text).toContain('Nothing of meshdoctor is left');
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });
});
