// Writes everything that is generated and committed: `npm run gen [-- STEP…] [--check]`.
// Each file of scripts/gen is a step and a program of its own, so that one that fails does not keep the others from running.
// `--check` writes nothing and fails when something is stale.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve('.');
/** The list of checks comes first: other steps run the checks in it. */
const first = 'check-index';
/** Fixtures are made once and then kept as they are, whatever becomes of the builder; pages about scripted faults take a while, and the tests compare them. */
const onDemand: ReadonlySet<string> = new Set(['stories', 'breakage', 'coverage', 'manifests']);

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const flags = process.argv.slice(2).filter((argument) => argument.startsWith('--'));
const steps = readdirSync(join(root, 'scripts/gen'))
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
  .sort((a, b) => Number(b === first) - Number(a === first) || (a < b ? -1 : 1))
  .filter((step) => (wanted.length === 0 ? !onDemand.has(step) : wanted.includes(step)));

for (const step of steps) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/run-ts.mjs'), join(root, 'scripts/gen', `${step}.ts`), ...flags], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
