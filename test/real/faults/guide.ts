import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { Lab } from '../lab/lab.ts';
import { runProgram } from '../lab/processes.ts';
import { root } from '../programs.ts';

/*
 * What somebody has at hand who followed a guide, and what printed commands therefore name without saying where it lies: Istio's samples, and the
 * files that the clusters were installed from.
 */

/** Printed → what it is here. `files`: REMOTE.yaml or PRIMARY.yaml and the IstioOperator in it. */
export async function atHand(lab: Lab, files: Readonly<Record<string, unknown>> = {}): Promise<Readonly<Record<string, string>>> {
  const script = 'samples/multicluster/gen-eastwest-gateway.sh';
  const ownFiles: Record<string, string> = {};
  for (const [name, operator] of Object.entries(files)) {
    const path = join(lab.folder, name);
    writeFileSync(path, stringify(operator));
    ownFiles[name] = path;
  }
  return {
    [script]: `bash ${join(await istioFolder(), script)}`,
    // What it wrote is of no use to the folder that the tests run in.
    'eastwest-gateway.yaml': join(lab.folder, 'eastwest-gateway.yaml'),
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
