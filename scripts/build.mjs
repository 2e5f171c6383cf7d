import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const out = join(root, 'dist');

/** What is shipped. The command line and the two exports share their chunks, so a plug-in meets the api that runs it. */
const entries = {
  cli: 'src/cli/main.ts',
  'aside-thread': 'src/source/aside-thread.ts',
  'src/api/index': 'src/api/index.ts',
  'src/testkit/index': 'src/testkit/index.ts',
};

/** Of undici only its Agent is used: its fetch, caches and mocks would be loaded at each start for nothing. */
const onlyOfUndici = {
  name: 'undici',
  setup(bundler) {
    bundler.onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'part' }));
    bundler.onLoad({ filter: /^undici$/, namespace: 'part' }, () => ({
      resolveDir: root,
      contents: `
        Object.assign(require('undici/lib/dispatcher/dispatcher.js').prototype, require('undici/lib/api'));
        exports.Agent = require('undici/lib/dispatcher/agent.js');
        exports.errors = require('undici/lib/core/errors.js');`,
    }));
  },
};

/**
 * Bundles the program into dist/. The published package has no dependencies, so everything but Node and vitest goes in.
 * vitest calls this before the integration tests, so that they never judge a stale bundle.
 */
export default async function bundle() {
  const before = existsSync(out) ? readdirSync(out).filter((name) => name.endsWith('.js')) : [];
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(join(root, file)))),
    outdir: out,
    bundle: true,
    splitting: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    conditions: ['meshdoctor-source'],
    external: ['vitest'],
    plugins: [onlyOfUndici],
    // Some dependencies are CommonJS and call require().
    banner: { js: "import{createRequire as meshdoctorRequire}from'node:module';const require=meshdoctorRequire(import.meta.url);" },
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  // Only now: whoever runs the program meanwhile finds what it was started with.
  for (const name of before) if (!(`dist/${name}` in metafile.outputs)) rmSync(join(out, name));
  writeFileSync(join(out, 'THIRD-PARTY-LICENSES.txt'), licencesOf(Object.keys(metafile.inputs)));
}

/** Names, versions and licence texts of the packages that the bundled files come from. */
function licencesOf(files) {
  const folders = new Set(
    files.map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]).filter((folder) => folder !== undefined),
  );
  return [...folders]
    .toSorted()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
      const text = readdirSync(join(root, folder)).find((file) => /^(un)?licen[cs]e/i.test(file));
      if (text === undefined) throw new Error(`${folder} is bundled but has no licence file.`);
      return `${name} ${version} (${license})\n\n${readFileSync(join(root, folder, text), 'utf8').trim()}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  rmSync(out, { recursive: true, force: true });
  await bundle();
}
