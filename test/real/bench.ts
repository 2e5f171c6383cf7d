import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MeshdoctorError, UsageError } from '../../src/base/errors.ts';
import { type Raced, raceTable } from './bench-table.ts';
import { enterNew } from './enter.ts';
import { checkUntil, isGreen, spoken } from './faults/check.ts';
import { at } from './lab/kube.ts';
import { startLab } from './lab/lab.ts';
import { runProgram } from './lab/processes.ts';
import { fill } from './large.ts';
import { missingTool } from './prerequisites.ts';
import { missingParts, root } from './programs.ts';
import { revision } from './topologies/parts.ts';
import { primaryRemote } from './topologies/primary-remote.ts';

/*
 * npm run real:bench [-- --json FILE] [--services N] [--pods N] [--rounds N]: wall time and peak memory of check and of istioctl on the same servers; of
 * check by the Node.js that runs this and by the others that the built program is tried on (npm run smoke installs them).
 * The outer call enters namespaces; the inner one (first argument `inside`) is the first process of them.
 */

const own = ['meshdoctor check --all-contexts', 'meshdoctor check --all-contexts --probe=off'] as const;
const rivals = ['istioctl analyze -A', 'istioctl remote-clusters', 'istioctl proxy-status'] as const;

/** One command as it is shown, and as it is run. */
interface Racer {
  readonly command: string;
  readonly node?: string;
  readonly line: string;
}

async function racers(): Promise<readonly Racer[]> {
  const folder = join(root, 'test/runtimes/node_modules');
  const others = existsSync(folder) ? readdirSync(folder).filter((name) => /^node\d+$/u.test(name)) : [];
  const binaries = [process.execPath, ...others.map((name) => join(folder, name, 'bin/node'))];
  const ours = await Promise.all(
    own.map(async (command) =>
      Promise.all(
        binaries.map(async (binary): Promise<Racer> => {
          const { stdout } = await runProgram(binary, ['--version']);
          return {
            command,
            node: stdout.trim().slice(1),
            line: command.replace('meshdoctor', `${binary} ${join(root, 'bin/meshdoctor.js')}`),
          };
        }),
      ),
    ),
  );
  return [...ours.flat(), ...rivals.map((command) => ({ command, line: `${command} --context cluster1` }))];
}

interface Wish {
  readonly services: number;
  readonly pods: number;
  readonly rounds: number;
  readonly json: string | undefined;
}

async function main(args: readonly string[]): Promise<number> {
  if (args[0] === 'inside') {
    await inside(args[1] ?? '', wishOf(args.slice(2)));
    process.exit(0);
  }
  const missing = await missingTool();
  if (missing !== undefined) throw new UsageError('ERR_USAGE', missing);
  if (missingParts().length > 0)
    throw new UsageError('ERR_USAGE', `Not built yet: ${missingParts().join(', ')}. Run npm run real:build first.`);
  wishOf(args);
  const folder = mkdtempSync(join(tmpdir(), 'meshdoctor-real-bench-'));
  const child = enterNew('test/real/bench.ts', ['inside', folder, ...args]);
  const code = await new Promise<number>((done) => child.on('close', (status) => done(status ?? 1)));
  if (code === 0) rmSync(folder, { recursive: true, force: true });
  else console.error(`Logs are in ${folder}.`);
  return code;
}

async function inside(folder: string, { services, pods, rounds, json }: Wish): Promise<void> {
  const lab = await startLab(folder, primaryRemote.clusters);
  await primaryRemote.build(lab);
  console.error(`${primaryRemote.name} is up; adding ${services} services and ${pods} pods to cluster2`);
  await fill(lab, 'cluster2', revision, { services, pods });
  const checked = await checkUntil(lab, isGreen, { limit: 120_000 });
  if (!isGreen(checked)) throw new Error(`The large mesh is not healthy:\n${spoken(checked)}`);

  const runs = new Map<Racer, Measured[]>((await racers()).map((racer) => [racer, []]));
  // The first round fills caches and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const [racer, all] of runs) {
      const measured = await measure(lab.shell, racer);
      console.error(
        `${round === 0 ? 'warming up' : `round ${round}`}: ${racer.line}: ${measured.seconds.toFixed(2)} s, ${Math.round(measured.mebibytes)} MiB`,
      );
      if (round > 0) all.push(measured);
    }
  }
  const raced: Raced = {
    clusters: lab.clusters().length,
    services,
    pods,
    runs: rounds,
    rows: [...runs].map(([{ command, node }, all]) => ({
      command,
      ...(node === undefined ? {} : { node }),
      seconds: median(all.map(({ seconds }) => seconds)),
      mebibytes: median(all.map(({ mebibytes }) => mebibytes)),
    })),
  };
  console.log(raceTable(raced));
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(raced, undefined, 2)}\n`);
}

interface Measured {
  readonly seconds: number;
  readonly mebibytes: number;
}

/** Wall time and peak resident memory of a command. The interpreter that watches is smaller than anything it starts. */
const stopwatch = `
import json, resource, subprocess, sys, time
start = time.monotonic()
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
took = time.monotonic() - start
print(json.dumps([code, took, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]))`;

async function measure(shell: Awaited<ReturnType<typeof startLab>>['shell'], { command, line }: Racer): Promise<Measured> {
  const ran = await shell(`python3 -c '${stopwatch}' ${line}`, { limit: 300_000 });
  const said: unknown = ran.code === 0 ? JSON.parse(ran.stdout) : undefined;
  const [code, seconds, mebibytes] = [0, 1, 2].map((place) => at(said, place));
  // What istioctl analyze finds on a healthy mesh makes it end otherwise than with 0.
  if (typeof seconds !== 'number' || typeof mebibytes !== 'number' || (command.startsWith('meshdoctor') && code !== 0))
    throw new Error(`${command} ended with ${String(code)}: ${ran.stderr}`);
  return { seconds, mebibytes };
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function wishOf(args: readonly string[]): Wish {
  const given = new Map<string, string>();
  for (let place = 0; place < args.length; place += 2) {
    const [name, value] = [args[place] ?? '', args[place + 1]];
    if (!['--json', '--services', '--pods', '--rounds'].includes(name) || value === undefined)
      throw new UsageError('ERR_USAGE', 'usage: npm run real:bench [-- --json FILE] [--services N] [--pods N] [--rounds N]');
    given.set(name, value);
  }
  const number = (name: string, otherwise: number): number => Number(given.get(name) ?? otherwise);
  const json = given.get('--json');
  return {
    services: number('--services', 2500),
    pods: number('--pods', 10_000),
    rounds: number('--rounds', 5),
    json: json === undefined ? undefined : resolve(json),
  };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (process.argv[2] === 'inside') {
    console.error(error);
    process.exit(1);
  }
  if (!(error instanceof MeshdoctorError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
