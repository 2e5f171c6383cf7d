// Tries the built program on every supported Node: the one that runs this file, and the ones that package.json beside it names.
// One line per runtime; exit 1 when one of them failed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const demo = join('fixtures', 'demo', 'broken');
const clusters = existsSync(join(root, demo))
  ? readdirSync(join(root, demo), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  : [];
const manifests = clusters.flatMap(({ name }) => ['--manifests', `${name}=${join(demo, name)}`]);

/** What is run, and how it must end. `same`: every runtime prints what the first one printed. */
const runs = [
  { args: ['bin/meshdoctor.js', '--help'], exit: 0, same: true },
  { args: ['bin/meshdoctor.js', 'version'], exit: 0 },
  { args: ['bin/meshdoctor.js', 'list'], exit: 0, same: true },
  { args: ['bin/meshdoctor.js', 'demo'], exit: 0, same: true },
  { args: ['bin/meshdoctor.js', 'check', '--complete', ...manifests, '--output', 'json'], exit: 1, same: true },
  { args: ['bin/meshdoctor.js', '--no-such-flag'], exit: 2, same: true },
  { args: ['--input-type=module', '--eval', "await import('meshdoctor/api')"], exit: 0 },
];

// A home of its own: nothing of the user's is read, and the compile cache goes where it is removed again.
const home = mkdtempSync(join(tmpdir(), 'meshdoctor-runtimes-'));
process.on('exit', () => rmSync(home, { recursive: true, force: true }));

const first = new Map();
for (const node of [process.execPath, ...others()]) {
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1);
  const faults = runs.flatMap((run) => faultsOf(node, run));
  console.log(`node ${version}: smoke ${faults.length === 0 ? 'passed' : 'failed'}`);
  for (const fault of faults) console.log(`  ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

function faultsOf(node, { args, exit, same = false }) {
  const env = { PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8' };
  const { status, signal, stdout, stderr } = spawnSync(node, args, { cwd: root, env, encoding: 'utf8', timeout: 60_000 });
  const command = args.join(' ');
  if (status !== exit) return [`${command}: exit ${status ?? signal} instead of ${exit}: ${stderr.trim().split('\n', 3).join(' | ')}`];
  if (!same) return [];
  const output = stdout + stderr;
  if (!first.has(command)) first.set(command, output);
  return first.get(command) === output ? [] : [`${command}: prints something else than on the first runtime`];
}

/** The other runtimes' binaries, installed when they are missing or of another version. They exist for one platform only. */
function others() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.log(`other runtimes: skipped, their packages are for linux-x64 and this is ${process.platform}-${process.arch}`);
    return [];
  }
  const { devDependencies } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'));
  const wanted = Object.entries(devDependencies).map(([name, spec]) => {
    return { folder: join(import.meta.dirname, 'node_modules', name), version: spec.slice(spec.lastIndexOf('@') + 1) };
  });
  if (!wanted.every(isInstalled)) {
    const { status } = spawnSync('npm', ['ci', '--prefix', import.meta.dirname, '--no-audit', '--no-fund'], { stdio: 'inherit' });
    if (status !== 0) throw new Error('The other runtimes could not be installed.');
  }
  return wanted.map(({ folder }) => join(folder, 'bin/node'));
}

function isInstalled({ folder, version }) {
  const file = join(folder, 'package.json');
  return existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).version === version;
}
