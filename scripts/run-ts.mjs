// Runs a TypeScript file of this repository: node scripts/run-ts.mjs FILE [ARGUMENT…]
// Node 20 does not strip types, so the file is bundled first. Paths in it start at the working directory, the repository.
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundled } from './bundled.mjs';

const root = resolve(import.meta.dirname, '..');
const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  console.error('usage: node scripts/run-ts.mjs FILE [ARGUMENT…]');
  process.exit(2);
}

const folder = join(root, 'node_modules/.cache/run-ts');
// Process numbers repeat between process namespaces.
const outfile = join(folder, `${process.pid}-${Date.now()}.mjs`);
mkdirSync(folder, { recursive: true });
process.on('exit', () => rmSync(outfile, { force: true }));

await bundled(resolve(file), outfile);
process.setSourceMapsEnabled(true);
process.argv = [process.argv[0], resolve(file), ...args];
await import(pathToFileURL(outfile).href);
