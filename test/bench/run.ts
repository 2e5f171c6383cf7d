// npm run bench [-- --assert]: ratios of times taken in one run, so that the machine does not matter.
// --assert: exit 1 when a target is missed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { builtin } from '../../checks/index.ts';
import { largeMesh, type LargeMeshOptions, mesh } from '../../src/builder/mesh.ts';
import { takenAt } from '../../src/builder/timeline.ts';
import { snapshotOf } from '../../src/collect/snapshot.ts';
import { runOptions } from '../../src/config/options.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { judgeSnapshot } from '../../src/run/check.ts';
import { writeRecording } from '../../src/source/recording.ts';
import { liveFigures, peakOf, probingFigures, requestsOf } from './live.ts';

interface Row {
  readonly what: string;
  readonly measured: string;
  readonly target: string;
  readonly isMet: boolean;
}

const root = resolve('.');
const rows: Row[] = [];

startUp(process.execPath, 2);
const node24 = join(root, 'test/runtimes/node_modules/node24/bin/node');
if (existsSync(node24)) startUp(node24, 3.3);
else console.log('Node 24 is not installed: npm ci in test/runtimes');
await judging({ services: 2_500, pods: 10_000 }, 0.5);
await judging({ clusters: 3, services: 2_000, pods: 10_000 }, 1);
await scaling();
await fleet();
await reading();
await probing();

const widths = [
  Math.max(...rows.map(({ what }) => what.length)),
  Math.max(...rows.map(({ measured }) => measured.length)),
  Math.max(...rows.map(({ target }) => target.length)),
];
console.log('');
for (const { what, measured, target, isMet } of rows) {
  console.log(
    `${isMet ? 'ok  ' : 'MISS'}  ${what.padEnd(widths[0] ?? 0)}  ${measured.padStart(widths[1] ?? 0)}  ${target.padStart(widths[2] ?? 0)}`,
  );
}
if (process.argv.includes('--assert') && rows.some(({ isMet }) => !isMet)) process.exitCode = 1;

/** `--help` of the bundle against a process that does nothing, taken by turns. */
function startUp(node: string, target: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-bench-'));
  const empty = join(folder, 'empty.mjs');
  writeFileSync(empty, '');
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, LANG: 'C.UTF-8' };
  const once = (args: readonly string[]): number => {
    const start = performance.now();
    const { status } = spawnSync(node, args, { cwd: root, env });
    if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: is the program built?`);
    return performance.now() - start;
  };
  const help = [join(root, 'bin/meshdoctor.js'), '--help'];
  const [nothing, something]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < 16; turn++) {
    nothing.push(once([empty]));
    something.push(once(help));
  }
  rmSync(folder, { recursive: true });
  // The first turn fills caches.
  const [base, taken] = [median(nothing.slice(1)), median(something.slice(1))];
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  rows.push(ratio(`--help ${ms(taken)} : empty process ${ms(base)} on Node ${version}`, taken / base, target));
}

/** From the snapshot of a large mesh to its report, against JSON.parse of the lists that an API server would have sent for it. */
async function judging(size: Size, target: number): Promise<void> {
  const pages = rawPages(size, ['Service', 'Pod']);
  const parsing = await times(5, () => pages.map((page) => JSON.parse(page) as unknown));
  const megabytes = pages.reduce((sum, page) => sum + page.length, 0) / 1e6;
  pages.length = 0;
  const snapshot = snapshotFor(size);
  const judged = await times(5, () => judge(snapshot));
  const [parse, report] = [median(parsing), median(judged)];
  console.log(
    `judging ${size.services} services, ${size.pods} pods in ${size.clusters ?? 2} clusters: first ${ms(judged[0] ?? 0)}, then ${judged.slice(1).map(ms).join(' ')}`,
  );
  console.log(`JSON.parse of ${megabytes.toFixed(0)} MB of Services and Pods: ${parsing.map(ms).join(' ')}`);
  rows.push(
    ratio(
      `${size.clusters ?? 2} clusters: snapshot to report ${ms(report)} : JSON.parse of the same lists ${ms(parse)}`,
      report / parse,
      target,
    ),
  );
}

/** Time for each service must not grow with their number. */
async function scaling(): Promise<void> {
  const perService = await perUnit([500, 1_000, 2_000, 4_000], (services) => snapshotFor({ services, pods: services * 4 }), 'services');
  rows.push(ratio('time a service at 4000 services : at 500', perService, 1.5));
}

/** Nor must the time for each cluster; and a fleet fits into memory: its recording is judged by a process of its own. */
async function fleet(): Promise<void> {
  const perCluster = await perUnit(
    [3, 6, 12, 24],
    (clusters) => snapshotFor({ clusters, services: clusters * 100, pods: clusters * 400, topology: 'primary-remote' }),
    'clusters of 100 services',
  );
  rows.push(ratio('time a cluster of 24 : of 3', perCluster, 1.5));

  await memory(
    '24 clusters, 2000 services, 10000 pods',
    snapshotFor({ clusters: 24, services: 2_000, pods: 10_000, topology: 'primary-remote' }),
  );
  await memory('24 clusters of 2000 services, 4000 pods each', fleetFor(24, { services: 2_000, pods: 4_000 }));
}

/** Most memory, as the operating system counts it, of a process that reads a recording of it, judges it with all checks and prints the report. */
async function memory(what: string, snapshot: Snapshot): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-bench-'));
  const file = join(folder, 'fleet.json.gz');
  const asked = { probe: 'off', services: [] } as const;
  await writeRecording(file, { at: takenAt, version: '0.0.0', asked, snapshot: { ...snapshot, source: { kind: 'manifests' } } });
  const mebibytes = peakOf(['bin/meshdoctor.js', 'check', '--from', file]);
  rmSync(folder, { recursive: true });
  rows.push({ what: `${what}: memory`, measured: `${mebibytes.toFixed(0)} MiB`, target: '<= 512 MiB', isMet: mebibytes <= 512 });
}

/** A primary and its remotes with so much in each. Cluster by cluster, since objects that are not reduced yet are several times as large. */
function fleetFor(clusters: number, each: { readonly services: number; readonly pods: number }): Snapshot {
  const [first = '', ...others] = Array.from({ length: clusters }, (_, index) => `cluster${index + 1}`);
  const empty = mesh().primaryRemote(first, others, { revision: '1-31-0' });
  const snapshots = [first, ...others].map((name) =>
    snapshotOf(new Map([[name, empty.load(each, [name]).objects().get(name) ?? []]]), { complete: true, takenAt }),
  );
  return { schema: 1, source: { kind: 'manifests' }, clusters: snapshots.flatMap((one) => one.clusters), observations: [] };
}

/** Judges meshes of several sizes by turns, so that all meet the same heap; gives the time for a unit of the largest as a multiple of that of the smallest. */
async function perUnit(sizes: readonly number[], snapshotOfSize: (size: number) => Snapshot, unit: string): Promise<number> {
  const meshes = sizes.map((size) => ({ size, snapshot: snapshotOfSize(size), taken: [] as number[] }));
  for (let round = 0; round < 6; round++) {
    for (const { snapshot, taken } of meshes) taken.push(...(await times(1, () => judge(snapshot))));
  }
  // The first round fills caches.
  const units = meshes.map(({ size, taken }) => median(taken.slice(1)) / size);
  for (const [place, { size }] of meshes.entries())
    console.log(
      `${String(size).padStart(5)} ${unit}: ${ms((units[place] ?? 0) * size)}, ${((units[place] ?? 0) * 1000).toFixed(1)} µs each`,
    );
  return (units.at(-1) ?? 0) / (units[0] ?? 1);
}

/** `check` on live clusters, start to end, against a process that reads the same lists and throws them away. */
async function reading(): Promise<void> {
  const { check, baseline, listed } = await liveFigures(2_500, 10_000);
  console.log(
    `live: ${listed} lists; check ${ms(check.time)}, ${check.memory.toFixed(0)} MiB; baseline ${ms(baseline.time)}, ${baseline.memory.toFixed(0)} MiB`,
  );
  rows.push(ratio(`check ${ms(check.time)} : reading the same lists ${ms(baseline.time)}`, check.time / baseline.time, 1.3));
  rows.push(
    ratio(`its memory ${check.memory.toFixed(0)} MiB : theirs ${baseline.memory.toFixed(0)} MiB`, check.memory / baseline.memory, 1.3),
  );
  const [few, many] = [await requestsOf(50, 200), await requestsOf(500, 2_000)];
  rows.push(ratio(`lists with 500 services ${many} : with 50 ${few}`, many / few, 1));
}

/** What probing adds where nothing is wrong. */
async function probing(): Promise<void> {
  const { read, probed } = await probingFigures();
  const added = Math.max(0, probed - read);
  rows.push(ratio(`3 healthy clusters: probing adds ${ms(added)} : reading them ${ms(read)}`, added / read, 1));
}

async function judge(snapshot: Snapshot): Promise<unknown> {
  const options = runOptions({ manifests: [] }, undefined, { cwd: root, now: takenAt });
  const report = await judgeSnapshot(
    snapshot,
    options,
    { checks: builtin, plugins: [], reporters: [] },
    { version: '0.0.0', nodeVersion: process.versions.node, builtIn: builtin },
  );
  const loud = report.findings.filter(({ severity }) => severity !== 'info');
  if (loud.length > 0 || report.counts.cells === 0)
    throw new Error(`the mesh should be healthy and judged: ${loud[0]?.message ?? 'no check ran'}`);
  return report;
}

type Size = Pick<LargeMeshOptions, 'clusters' | 'services' | 'pods' | 'topology'>;

function snapshotFor(size: Size): Snapshot {
  return snapshotOf(largeMesh(size), { complete: true, takenAt });
}

/** What a paged list of these kinds would be: 500 objects a page, with managedFields. */
function rawPages(size: Size, kinds: readonly string[]): string[] {
  const pages: string[] = [];
  for (const objects of largeMesh({ ...size, managedFields: true }).values()) {
    for (const kind of kinds) {
      const own = objects.filter((object) => object.kind === kind);
      for (let start = 0; start < own.length; start += 500) {
        pages.push(
          JSON.stringify({
            apiVersion: 'v1',
            kind: `${kind}List`,
            metadata: { resourceVersion: '1' },
            items: own.slice(start, start + 500),
          }),
        );
      }
    }
  }
  return pages;
}

async function times(count: number, work: () => unknown): Promise<number[]> {
  const taken: number[] = [];
  for (let turn = 0; turn < count; turn++) {
    globalThis.gc?.();
    const start = performance.now();
    await work();
    taken.push(performance.now() - start);
  }
  return taken;
}

function ratio(what: string, measured: number, target: number): Row {
  return { what, measured: `${measured.toFixed(2)} x`, target: `<= ${target} x`, isMet: measured <= target };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}
