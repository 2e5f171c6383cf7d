import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { Lab } from '../lab/lab.ts';
import { runProgram } from '../lab/processes.ts';
import { root } from '../programs.ts';

/*
 * What somebody has at hand who followed a guide, and what printed commands therefore name without saying where it lies: Istio's samples, and the
 * files that the clusters were installed from.
 */

/** Where somebody works who has unpacked a release: its samples, and files to install from. */
export function workplace(lab: Lab): string {
  return join(lab.folder, 'workplace');
}

/** Printed → what it is here. `files`: REMOTE.yaml or PRIMARY.yaml and the IstioOperator in it, which also come to lie in the workplace. */
export async function atHand(lab: Lab, files: Readonly<Record<string, unknown>> = {}): Promise<Readonly<Record<string, string>>> {
  const script = 'samples/multicluster/gen-eastwest-gateway.sh';
  const place = workplace(lab);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(join(place, dirname(script)), { recursive: true });
  copyFileSync(join(await istioFolder(), script), join(place, script));
  chmodSync(join(place, script), 0o755);
  const ownFiles: Record<string, string> = {};
  for (const [name, operator] of Object.entries(files)) {
    const path = join(place, name);
    writeFileSync(path, stringify(operator));
    ownFiles[name] = path;
  }
  return {
    [script]: join(place, script),
    // What it wrote is of no use to the folder that the tests run in.
    'eastwest-gateway.yaml': join(place, 'eastwest-gateway.yaml'),
    // It asks whether to go on, and whoever reads the report says yes.
    'istioctl install ': 'istioctl install -y ',
    ...ownFiles,
  };
}

/** Folder of the release, samples included. */
async function istioFolder(): Promise<string> {
  const listed = await runProgram('go', ['list', '-m', '-f', '{{.Dir}}', 'istio.io/istio'], {
    cwd: resolve(root, 'test/real/modules/istio'),
    env: { HOME: process.env['HOME'] ?? '', PATH: process.env['PATH'] ?? '' },
  });
  if (listed.code !== 0) throw new Error(`Istio's samples: ${listed.stderr}`);
  return listed.stdout.trim();
}
