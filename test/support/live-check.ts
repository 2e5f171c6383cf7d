import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtin } from '../../checks/index.ts';
import { type Flags, type RunOptions, runOptions } from '../../src/config/options.ts';
import type { RegisteredCheck } from '../../src/engine/types.ts';
import type { RequestRecord } from '../../src/kube/connection.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import type { Report } from '../../src/report/schema.ts';
import {
  judgeClusters,
  judgeSnapshot,
  meanwhileOf,
  prepare,
  type Prepared,
  readClusters,
  type ReadMesh,
  readSource,
  type RunIo,
} from '../../src/run/check.ts';
import type { LiveProgress } from '../../src/run/live.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';

export interface LiveRun {
  readonly report: Report;
  readonly requests: readonly RequestRecord[];
  readonly notes: readonly string[];
  readonly progress: readonly LiveProgress[];
}

type Served = Pick<Sandbox, 'kubeconfig' | 'resolve' | 'clusters'>;

interface More {
  readonly kubeconfig?: string;
  readonly signal?: AbortSignal;
  readonly interrupted?: () => 'SIGINT' | undefined;
  readonly probing?: NonNullable<RunIo['live']>['probing'];
}

/** A whole `check` over the live path, in this process. `kubeconfig` instead of the sandbox's own. */
export async function checkLive(sandbox: Served, flags: Flags = {}, more: More = {}): Promise<LiveRun> {
  const { result, ...seen } = await overLive(sandbox, flags, more, async (options, io) => await judgeClusters(options, prepared, io));
  return { report: result, ...seen };
}

export interface KeptRun {
  /** Of the checks that these flags select. */
  readonly report: Report;
  /** What it was made of, with the options of the run. */
  readonly snapshot: Snapshot;
  readonly options: RunOptions;
}

/** The same with what it read, for whoever writes that down. */
export async function checkAndKeep(sandbox: Served, flags: Flags = {}): Promise<KeptRun> {
  const { result } = await overLive(sandbox, flags, {}, async (given, io) => {
    const selected = await prepare(given, io);
    const { snapshot, options, known } = await readSource(given, selected, io, meanwhileOf(given, selected, io));
    return { report: await judgeSnapshot(snapshot, options, selected, io, known), snapshot, options };
  });
  return result;
}

/** What `check` reads and measures, and with which options, before anything of it is judged. */
export async function readLive(
  sandbox: Served,
  flags: Flags = {},
  checks: readonly RegisteredCheck[] = builtin,
): Promise<{ readonly options: RunOptions; readonly read: ReadMesh }> {
  const { result } = await overLive(sandbox, flags, {}, async (options, io) => ({
    options,
    read: await readClusters(options, checks, io),
  }));
  return result;
}

/** All built-in checks, and nothing of the user's. */
export const prepared: Prepared = { checks: builtin, plugins: [], reporters: [] };

async function overLive<T>(
  sandbox: Served,
  flags: Flags,
  more: More,
  run: (options: RunOptions, io: RunIo) => Promise<T>,
): Promise<{ readonly result: T } & Omit<LiveRun, 'report'>> {
  const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-live-'));
  const file = join(folder, 'kubeconfig');
  const requests: RequestRecord[] = [];
  const notes: string[] = [];
  const progress: LiveProgress[] = [];
  try {
    writeFileSync(file, more.kubeconfig ?? sandbox.kubeconfig(), { mode: 0o600 });
    const spelled = (host: string): string => (host.includes(':') ? `[${host}]` : host);
    const resolve = sandbox.resolve.map(({ from, to }) => `${spelled(from.host)}:${from.port}=${to.host}:${to.port}`);
    const options = runOptions({ context: [...sandbox.clusters.keys()], resolve, onlyMapped: true, ...flags }, undefined, {
      cwd: folder,
      now: new Date().toISOString(),
    });
    const result = await run(options, {
      version: '0.0.0',
      nodeVersion: process.versions.node,
      builtIn: builtin,
      ...(more.signal === undefined ? {} : { signal: more.signal }),
      ...(more.interrupted === undefined ? {} : { interrupted: more.interrupted }),
      live: {
        env: { KUBECONFIG: file, PATH: process.env['PATH'] },
        home: folder,
        platform: process.platform,
        cwd: folder,
        isInteractive: false,
        deadline: (milliseconds) => AbortSignal.timeout(milliseconds),
        onRequest: (request) => requests.push(request),
        onNote: (note) => notes.push(note),
        onProgress: (one) => progress.push(one),
        ...(more.probing === undefined ? {} : { probing: more.probing }),
      },
    });
    return { result, requests, notes, progress };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Codes of what was found at warning or above, each once, sorted. */
export function loud(report: Report): string[] {
  return [
    ...new Set(
      report.findings.filter(({ severity, certainty }) => severity !== 'info' && certainty !== 'possible').map(({ code }) => code),
    ),
  ].sort();
}
