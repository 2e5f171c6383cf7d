// Runs a TypeScript file of this repository: node scripts/run-ts.mjs FILE [ARGUMENT…]
// Node 20 does not strip types, so the file is bundled first. Paths in it start at the working directory, the repository.
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  console.error('usage: node scripts/run-ts.mjs FILE [ARGUMENT…]');
  process.exit(2);
}

const folder = join(root, 'node_modules/.cache/run-ts');
const outfile = join(folder, `${process.pid}.mjs`);
mkdirSync(folder, { recursive: true });
process.on('exit', () => rmSync(outfile, { force: true }));

await build({
  entryPoints: [resolve(file)],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  sourcemap: 'inline',
  conditions: ['meshdoctor-source'],
  plugins: [{ name: 'packages-stay-outside', setup: keepPackagesOutside }],
  logLevel: 'warning',
});
process.setSourceMapsEnabled(true);
process.argv = [process.argv[0], resolve(file), ...args];
await import(pathToFileURL(outfile).href);

/** Installed packages are imported as they are; `meshdoctor/api` is this repository's own source. */
function keepPackagesOutside({ onResolve }) {
  onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
    if (kind === 'entry-point' || path.startsWith('meshdoctor/')) return undefined;
    return { path, external: true };
  });
}
