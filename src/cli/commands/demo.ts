import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { runOptions } from '../../config/options.ts';
import { reporters } from '../../report/formats.ts';
import { judgeClusters, prepare } from '../../run/check.ts';
import { flag } from '../flags.ts';
import type { Host } from '../host.ts';
import { outputsOf, writeOutputs } from '../outputs.ts';
import type { Given } from '../parser.ts';
import { runIo, styleFlags } from './common.ts';

const clusters = ['east', 'west'] as const;

/** Judges the mesh that comes with meshdoctor. It always ends well: what is wrong with that mesh is meant to be. */
export async function demoCommand(given: Given, host: Host): Promise<number> {
  const mesh = flag.on(given, 'healthy') === true ? 'healthy' : 'broken';
  const base = join(demoFolder(), mesh);
  const manifests = clusters.map((name) => `${name}=${relative(host.cwd, join(base, name)) || '.'}`);
  const options = runOptions({ manifests, complete: true, service: ['abc.default:5000'] }, undefined, { cwd: host.cwd, now: host.now() });
  const io = runIo(host);
  const report = await judgeClusters(options, await prepare(options, io), io);
  await writeOutputs(report, await outputsOf([], reporters, host.cwd), styleFlags(given), host);
  const command = ['check', '--complete', '--service abc.default:5000', ...manifests.map((cluster) => `--manifests ${cluster}`)].join(' ');
  const other = mesh === 'broken' ? `\n${host.program} demo --healthy shows the same mesh in order.` : '';
  host.stderr.write(
    `\nThis was a demonstration; by yourself you would run, and get exit code ${report.exit.code} from:\n  ${host.program} ${command}${other}\n`,
  );
  return 0;
}

/** fixtures/demo of the package, from the bundle as from the source. */
function demoFolder(): string {
  for (let dir = import.meta.dirname; ; dir = dirname(dir)) {
    const folder = join(dir, 'fixtures', 'demo');
    if (existsSync(folder)) return folder;
    if (dirname(dir) === dir) throw new Error('fixtures/demo is missing from this installation');
  }
}
