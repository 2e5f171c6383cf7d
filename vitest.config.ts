import { defineConfig } from 'vitest/config';

/** As in tsconfig.json: `meshdoctor/api` is the source here, as it is `dist` for whoever installed the package. */
const conditions = ['meshdoctor-source', 'module', 'node', 'development|production'];
const resolution = { resolve: { conditions }, ssr: { resolve: { conditions } } };

export default defineConfig({
  test: {
    projects: [
      {
        ...resolution,
        test: {
          name: 'unit',
          include: [
            'src/**/*.test.ts',
            'checks/**/*.test.ts',
            'test/{architecture,breakage,catalogue,deploy,docs,golden,healthy,property,stories,corpus,broken,recorded,path}/**/*.test.ts',
          ],
          pool: 'threads',
          isolate: false,
          testTimeout: 30_000,
        },
      },
      {
        ...resolution,
        test: {
          name: 'integration',
          include: ['test/{cli,roads,runtimes,transport}/**/*.test.ts'],
          globalSetup: 'scripts/build.mjs',
          pool: 'forks',
          testTimeout: 30_000,
        },
      },
    ],
  },
});
