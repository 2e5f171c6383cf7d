import { readFileSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { bundled } from '../../scripts/bundled.mjs';
import { MeshdoctorError, UsageError } from '../../src/base/errors.ts';
import { entered, enterNew } from './enter.ts';
import { pause } from './lab/processes.ts';
import { missingTool } from './prerequisites.ts';
import { missingParts, root } from './programs.ts';
import { type Run, newRunFolder, readRun, readRuns, writePid } from './runs.ts';
import { topologies, topologyNamed } from './topologies/all.ts';

const usage = `npm run real -- up TOPOLOGY            builds a mesh and keeps it (${topologies.map(({ name }) => name).join(', ')})
npm run real -- down [TOPOLOGY]        ends it, or all of them
npm run real -- status                 what is up
npm run real -- kubeconfig TOPOLOGY    path of its kubeconfig, of use inside only
npm run real -- exec TOPOLOGY COMMAND… runs a command inside: kubectl, istioctl, meshdoctor, a shell
npm run real -- try TOPOLOGY [NAME…]   tries faults and cases of the real tier on it, as they are written now`;

async function main(args: readonly string[]): Promise<number> {
  const [command, topology, ...rest] = args;
  switch (command) {
    case 'up':
      return await up(topology);
    case 'down':
      return await down(topology);
    case 'status':
      return status();
    case 'kubeconfig':
      console.log(join(running(topology).folder, 'kubeconfig'));
      console.error('Its API servers are reachable inside the run only: npm run real -- exec TOPOLOGY kubectl get pods -A');
      return 0;
    case 'exec':
      return await exec(running(topology), rest);
    case 'try':
      return await tryNow(running(topology), rest);
    default:
      throw new UsageError('ERR_USAGE', `usage:\n${usage}`);
  }
}

async function up(name: string | undefined): Promise<number> {
  const topology = topologyNamed(name ?? '');
  const missing = await missingTool();
  if (missing !== undefined) throw new UsageError('ERR_USAGE', missing);
  if (missingParts().length > 0)
    throw new UsageError('ERR_USAGE', `Not built yet: ${missingParts().join(', ')}. Run npm run real:build first.`);
  if (readRun(topology.name) !== undefined)
    throw new UsageError('ERR_USAGE', `${topology.name} is up already; end it with: npm run real -- down ${topology.name}`);
  const folder = newRunFolder(topology.name);
  const child = enterNew('test/real/inside.ts', [topology.name, folder], { detached: true, stdio: 'ignore' });
  // Whatever becomes of it, it outlives this command.
  child.unref();
  const outer = child.pid ?? -1;
  process.once('SIGINT', () => {
    endRun(outer);
    process.exit(130);
  });
  const start = Date.now();
  for (;;) {
    const pid = childOf(outer);
    if (pid !== undefined) writePid(folder, pid);
    const run = readRun(topology.name);
    if (child.exitCode !== null) throw new UsageError('ERR_USAGE', `${topology.name} ended while it was built; see the logs in ${folder}.`);
    if (run?.failure !== undefined)
      throw new UsageError('ERR_USAGE', `${topology.name} could not be built: ${run.failure}\nIt is left as it is; logs are in ${folder}.`);
    if (run?.isReady === true) break;
    await pause(250);
  }
  console.log(`${topology.name} is up (${Math.round((Date.now() - start) / 1000)} s): ${topology.about}.`);
  console.log(`npm run real -- exec ${topology.name} meshdoctor check --all-contexts`);
  return 0;
}

async function down(name: string | undefined): Promise<number> {
  const runs = name === undefined ? readRuns() : [running(name)];
  for (const run of runs) {
    endRun(run.pid);
    while (readRun(run.topology) !== undefined) await pause(50);
    rmSync(run.folder, { recursive: true, force: true });
    console.log(`${run.topology}: down`);
  }
  if (runs.length === 0) console.log('Nothing is up.');
  return 0;
}

/** The first process of a namespace takes all others with it. */
function endRun(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function status(): number {
  const runs = readRuns();
  for (const run of runs)
    console.log(`${run.topology}: ${run.failure ?? (run.isReady ? 'up' : 'being built')} · process ${run.pid} · ${run.folder}`);
  if (runs.length === 0) console.log('Nothing is up.');
  return 0;
}

async function exec(run: Run, command: readonly string[]): Promise<number> {
  if (command.length === 0) throw new UsageError('ERR_USAGE', `usage:\n${usage}`);
  const [program, ...args] = entered(run.pid, command);
  const env = {
    ...process.env,
    KUBECONFIG: join(run.folder, 'kubeconfig'),
    PATH: `${join(run.folder, 'bin')}:${process.env['PATH'] ?? ''}`,
  };
  const child = spawn(program, args, { stdio: 'inherit', env });
  return await new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
}

/** Bundles what is there now, so that a run need not be put up again for every change. */
async function tryNow(run: Run, names: readonly string[]): Promise<number> {
  const outfile = join(root, 'node_modules/.cache/run-ts', `work-${Date.now()}.mjs`);
  await bundled('test/real/work.ts', outfile);
  const query = names.map((name) => `arg=${encodeURIComponent(name)}`).join('&');
  const answer = await request(`http://run${outfile}?${query}`, {
    dispatcher: new Agent({ connect: { socketPath: join(run.folder, 'work.sock') }, headersTimeout: 0, bodyTimeout: 0 }),
  });
  let failed = false;
  for await (const chunk of answer.body.setEncoding('utf8')) {
    failed ||= String(chunk).includes('✗');
    process.stdout.write(String(chunk));
  }
  rmSync(outfile);
  return failed ? 1 : 0;
}

function running(name: string | undefined): Run {
  const run = readRun(name ?? '');
  if (run !== undefined) return run;
  const up = readRuns().map(({ topology }) => topology);
  throw new UsageError('ERR_USAGE', `${name ?? 'That'} is not up${up.length === 0 ? '' : `; up: ${up.join(', ')}`}.`);
}

/** The one child of unshare: the first process of the namespaces. */
function childOf(pid: number): number | undefined {
  try {
    const child = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
    return child > 0 ? child : undefined;
  } catch {
    return undefined;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof MeshdoctorError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
