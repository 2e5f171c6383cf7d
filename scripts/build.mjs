import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const out = join(root, 'dist');

/** What is shipped. The command line and the two exports share their chunks, so a plug-in meets the api that runs it. */
const entries = {
  cli: 'src/cli/main.ts',
  'src/api/index': 'src/api/index.ts',
  'src/testkit/index': 'src/testkit/index.ts',
};

/** Bundles the program into dist/; the published package has no dependencies, so all but Node and vitest goes in. */
export async function bundle() {
  const entryPoints = Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(join(root, file))));
  if (existsSync(out)) {
    for (const name of readdirSync(out)) if (name.endsWith('.js')) rmSync(join(out, name));
  }
  await build({
    absWorkingDir: root,
    entryPoints,
    outdir: out,
    bundle: true,
    splitting: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    conditions: ['meshdoctor-source'],
    external: ['vitest'],
    // Some dependencies are CommonJS and call require().
    banner: { js: "import{createRequire as meshdoctorRequire}from'node:module';const require=meshdoctorRequire(import.meta.url);" },
    logLevel: 'warning',
  });
}

/** vitest runs this before the integration tests, so that they never judge a stale bundle. */
export default bundle;

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
