import { build } from 'esbuild';

/**
 * Bundles a TypeScript file of this repository for the Node that runs. Installed packages are imported as they are;
 * `meshdoctor/api` is this repository's own source.
 * @param {string} file
 * @param {string} outfile
 */
export async function bundled(file, outfile) {
  await build({
    entryPoints: [file],
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
}

/** @param {import('esbuild').PluginBuild} build */
function keepPackagesOutside({ onResolve }) {
  onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
    if (kind === 'entry-point' || path.startsWith('meshdoctor/')) return undefined;
    return { path, external: true };
  });
}
