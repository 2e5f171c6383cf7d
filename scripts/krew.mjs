// Prints the manifest by which krew installs a packed release: `node scripts/krew.mjs TARBALL ADDRESS`.
// ADDRESS is where the tarball will be downloaded from. The plug-in is a Node program; where no shebang is read there is none for krew.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';

const [tarball, uri] = process.argv.slice(2);
if (tarball === undefined || uri === undefined) {
  console.error('krew.mjs needs TARBALL and ADDRESS.');
  process.exit(2);
}
const { version, description } = JSON.parse(readFileSync(join(resolve(import.meta.dirname, '..'), 'package.json'), 'utf8'));
const platform = (os) => ({
  selector: { matchLabels: { os } },
  uri,
  sha256: createHash('sha256').update(readFileSync(tarball)).digest('hex'),
  files: [{ from: 'package/*', to: '.' }],
  bin: 'bin/meshdoctor.js',
});
const manifest = {
  apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
  kind: 'Plugin',
  metadata: { name: 'meshdoctor' },
  spec: {
    version: `v${version}`,
    shortDescription: 'Diagnose Istio meshes of several clusters',
    description: `${description}.\n`,
    caveats: 'Needs Node.js 20.19 or newer.\n',
    platforms: ['linux', 'darwin'].map(platform),
  },
};
process.stdout.write(stringify(manifest));
