// Reading and judging live clusters, against the least that reading the same lists takes. Another process serves.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { builtin } from '../../checks/index.ts';
import { runOptions } from '../../src/config/options.ts';
import { readClusters } from '../../src/run/check.ts';

const root = resolve('.');
const rounds = 5;

export interface LiveFigures {
  /** Medians: milliseconds, and MiB. */
  readonly check: { readonly time: number; readonly memory: number };
  readonly baseline: { readonly time: number; readonly memory: number };
  readonly listed: number;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

interface Server {
  readonly kubeconfig: string;
  readonly contexts: readonly string[];
  readonly resolve: readonly { readonly from: Address; readonly to: Address }[];
  readonly end: () => Promise<void>;
}

/** Interleaved runs of both on one server; the first round fills caches and does not count. */
export async function liveFigures(services: number, pods: number): Promise<LiveFigures> {
  const server = await serve(services, pods);
  const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-bench-'));
  try {
    const pathsFile = join(folder, 'paths.json');
    const listed = listsOf(server);
    writeFileSync(pathsFile, JSON.stringify(Object.fromEntries(listed)));
    const runs: { check: Run[]; baseline: Run[] } = { check: [], baseline: [] };
    for (let round = 0; round <= rounds; round++) {
      runs.baseline.push(run(['test/bench/baseline.mjs', server.kubeconfig, pathsFile], [0]));
      runs.check.push(run(checkArguments(server), [0]));
    }
    return { check: medians(runs.check), baseline: medians(runs.baseline), listed: [...listed.values()].flat().length };
  } finally {
    rmSync(folder, { recursive: true });
    await server.end();
  }
}

/** Medians of milliseconds in which the clusters of a healthy mesh are read, without probes and with those that are usual, by turns. */
export async function probingFigures(): Promise<{ readonly read: number; readonly probed: number }> {
  const server = await serve('probed');
  try {
    const taken: { off: number[]; query: number[] } = { off: [], query: [] };
    // The first rounds fill caches: keys of the mesh are made when somebody first asks for them.
    for (let round = 0; round < rounds + 2; round++)
      for (const probe of ['off', 'query'] as const) taken[probe].push(await readOnce(server, probe));
    const [read, probed] = [taken.off, taken.query].map((all) => median(all.slice(2)));
    return { read: read ?? Number.NaN, probed: probed ?? Number.NaN };
  } finally {
    await server.end();
  }
}

/** Milliseconds of reading and probing in this process, without its start. Everything that was planned has to be answered. */
async function readOnce({ kubeconfig, contexts, resolve: addresses }: Server, probe: 'off' | 'query'): Promise<number> {
  const mappings = addresses.map(({ from, to }) => `${from.host}:${from.port}=${to.host}:${to.port}`);
  const given = { context: contexts, kubeconfig, probe, resolve: mappings, onlyMapped: true };
  const options = runOptions(given, undefined, { cwd: root, now: new Date().toISOString() });
  const start = performance.now();
  const { snapshot } = await readClusters(options, builtin, {
    version: '0.0.0',
    nodeVersion: process.versions.node,
    builtIn: builtin,
    live: {
      env: { PATH: process.env['PATH'] },
      home: undefined,
      platform: process.platform,
      cwd: root,
      isInteractive: false,
      deadline: (milliseconds) => AbortSignal.timeout(milliseconds),
    },
  });
  const taken = performance.now() - start;
  const seen = snapshot.observations.flatMap((own) => [
    own.istiods,
    own.nameAnswers,
    own.gatewayHandshakes,
    own.istiodHandshakes,
    own.sidecars,
  ]);
  const isProbed = seen.some((one) => one?.status === 'observed');
  if (
    snapshot.clusters.some(({ unreached }) => unreached !== undefined) ||
    isProbed !== (probe === 'query') ||
    /"failed":/.test(JSON.stringify(seen))
  )
    throw new Error(`the mesh should be healthy, and all that is asked answered: ${JSON.stringify(seen).slice(0, 500)}`);
  return taken;
}

/** Requests of a check per cluster, pages apart: they must not grow with services. */
export async function requestsOf(services: number, pods: number): Promise<number> {
  const server = await serve(services, pods);
  try {
    return [...listsOf(server).values()].flat().length;
  } finally {
    await server.end();
  }
}

async function serve(...what: readonly (number | 'probed')[]): Promise<Server> {
  const child = spawn(process.execPath, ['scripts/run-ts.mjs', 'test/bench/serve.ts', ...what.map(String)], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const first = await new Promise<string>((done, failed) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.includes('\n')) done(text);
    });
    child.once('exit', (code) => failed(new Error(`the server ended with ${code}`)));
  });
  // What serve.ts writes.
  const served = JSON.parse(first) as Omit<Server, 'end'>;
  return {
    ...served,
    end: async () => {
      const over = new Promise((done) => child.once('exit', done));
      child.stdin.end();
      await over;
    },
  };
}

function checkArguments({ kubeconfig, contexts }: Server): string[] {
  // No sidecar or gateway runs behind these objects: what is measured is reading and judging.
  return ['bin/meshdoctor.js', 'check', '--kubeconfig', kubeconfig, ...contexts.flatMap((name) => ['--context', name]), '--probe=off'];
}

interface ListedPath {
  readonly path: string;
  readonly accept: string;
}

/** What a check lists, by the log it keeps itself: first pages only. */
function listsOf(server: Server): Map<string, ListedPath[]> {
  const { stderr, status } = spawnSync(process.execPath, [...checkArguments(server), '--stats', '-v'], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`check ended with ${status}: ${stderr}`);
  const lists = new Map<string, ListedPath[]>();
  let cluster = '';
  for (const line of stderr.split('\n')) {
    const head = /^([^\s:]+): \d+ requests?,/.exec(line)?.[1];
    if (head !== undefined) cluster = head;
    const path = /^ {2}GET (\S+) 200 /.exec(line)?.[1];
    // Lists in protobuf come whole; everything else that is asked for is no list.
    if (path === undefined || path.includes('continue=') || ['/version', '/apis'].includes(path)) continue;
    const bare = path.replace(/([?&])limit=\d+&?/, '$1').replace(/[?&]$/, '');
    const metadata = /\/(serviceaccounts|customresourcedefinitions)\b/.test(bare);
    const accept = metadata ? 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json' : 'application/json';
    lists.set(cluster, [...(lists.get(cluster) ?? []), { path: bare, accept }]);
  }
  return lists;
}

interface Run {
  readonly time: number;
  readonly memory: number;
}

function run(args: readonly string[], good: readonly number[]): Run {
  const start = performance.now();
  const { status, output, stderr } = spawnSync(process.execPath, ['--import', join(root, 'test/bench/peak.mjs'), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  });
  const time = performance.now() - start;
  if (!good.includes(status ?? -1)) throw new Error(`${args[0]} ended with ${status}: ${String(stderr)}`);
  return { time, memory: Number(String(output[3])) / 1024 };
}

/** Most memory that a program of ours took, in MiB. It has to end well. */
export function peakOf(args: readonly string[]): number {
  return run(args, [0]).memory;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function medians(runs: readonly Run[]): Run {
  const middle = (of: (run: Run) => number): number => median(runs.slice(1).map(of));
  return { time: middle(({ time }) => time), memory: middle(({ memory }) => memory) };
}
