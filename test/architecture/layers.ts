/** What a layer may use. Types of a layer may be used where its values may not, when `types` names it. */
export interface Layer {
  readonly ours: readonly string[];
  readonly types?: readonly string[];
  readonly node?: readonly string[];
  readonly npm?: readonly string[];
  /** May use console, process, the clock, timers and randomness. */
  readonly isImpure?: true;
}

/** Who may import whom. Each layer may import itself. Layers that are named here but do not exist yet are allowed to come. */
export const layers: Readonly<Record<string, Layer>> = {
  'src/base': { ours: [] },
  'src/istio': { ours: ['src/base'], npm: ['semver'] },
  'src/model': { ours: ['src/base', 'src/istio'] },
  'src/mesh': { ours: ['src/base', 'src/istio', 'src/model'] },
  // A reporter's contract is written in terms of the report it renders.
  'src/api': { ours: ['src/base', 'src/istio', 'src/model', 'src/mesh'], types: ['src/report'] },
  checks: { ours: ['src/api'] },
  // What a cause is made of is a value of the engine and a type of correlation.
  'src/engine': { ours: ['src/base', 'src/model', 'src/mesh', 'src/api'] },
  'src/correlate': { ours: ['src/base', 'src/model', 'src/mesh', 'src/api'], types: ['src/engine'] },
  // The report is built from what the engine and correlation found; it uses their types and calls neither.
  'src/report': {
    ours: ['src/base', 'src/model', 'src/api'],
    types: ['src/engine', 'src/correlate'],
    npm: ['chalk', 'cli-table3', 'yaml', 'zod', 'prom-client'],
  },
  // What runs add up to is told of their reports: of those only the types. It writes its own files, as nobody else writes them.
  'src/history': {
    ours: ['src/base', 'src/model'],
    types: ['src/report'],
    node: ['node:crypto', 'node:fs/promises', 'node:path'],
    npm: ['zod'],
  },
  // What changed, to whoever wants to be told; it goes the way that requests to clusters go.
  'src/notify': {
    ours: ['src/base', 'src/history'],
    types: ['src/report', 'src/kube'],
    node: ['node:crypto', 'node:fs/promises', 'node:path'],
    npm: ['zod'],
  },
  'src/collect': { ours: ['src/base', 'src/istio', 'src/model', 'src/api'], node: ['node:crypto'], npm: ['yaml'] },
  // What two looks differ in: whether a side could have seen what the other saw is decided as a history decides it.
  'src/compare': { ours: ['src/base', 'src/model', 'src/api', 'src/collect', 'src/history'], types: ['src/report'] },
  'src/kube': {
    ours: ['src/base', 'src/model'],
    node: [
      'node:child_process',
      'node:crypto',
      'node:dns',
      'node:events',
      'node:fs',
      'node:fs/promises',
      'node:http',
      'node:https',
      'node:net',
      'node:os',
      'node:path',
      'node:stream',
      'node:stream/promises',
      'node:timers/promises',
      'node:tls',
      'node:util',
      'node:zlib',
    ],
    npm: ['@kubernetes/client-node', 'pbf', 'undici', 'ws', 'yaml'],
    isImpure: true,
  },
  // What istioctl, charts and operators make of the documents that they are given: data and pure functions.
  'src/installer': { ours: ['src/base', 'src/istio', 'src/model'] },
  'src/source': {
    ours: ['src/base', 'src/model', 'src/collect', 'src/kube', 'src/installer'],
    // crypto: addresses of a recording under pseudonyms are made by hashes. v8: how far the heap may grow while a large one is read. worker_threads: long lists.
    node: [
      'node:buffer',
      'node:crypto',
      'node:fs',
      'node:fs/promises',
      'node:os',
      'node:path',
      'node:stream/promises',
      'node:util',
      'node:v8',
      'node:worker_threads',
      'node:zlib',
    ],
    npm: ['yaml', 'zod', 'tar-stream', 'tinyglobby'],
  },
  'src/probe': {
    // Of the way to a cluster only what a read gives; which way it is decides whoever hands out the ports.
    ours: ['src/base', 'src/istio', 'src/model', 'src/mesh', 'src/api'],
    types: ['src/kube'],
    node: ['node:crypto', 'node:http', 'node:net', 'node:stream', 'node:tls'],
    npm: ['dns-packet'],
    isImpure: true,
  },
  // Remedies carried out: what they make of objects is asked of the same reduction as anything read, hence collect. It alone may write; see `writers`.
  'src/remedy': {
    ours: ['src/base', 'src/istio', 'src/model', 'src/mesh', 'src/api', 'src/collect', 'src/kube'],
    types: ['src/report'],
    npm: ['zod'],
  },
  // What is done is said by facts and the report; the guide only knows the order of the steps and how each is done.
  'src/guide': { ours: ['src/base', 'src/istio', 'src/model', 'src/mesh', 'src/api'], types: ['src/report'], npm: ['yaml'] },
  'src/plugin': {
    ours: ['src/base', 'src/api'],
    node: ['node:fs', 'node:fs/promises', 'node:module', 'node:path', 'node:url'],
    npm: ['zod'],
  },
  'src/config': {
    ours: ['src/base', 'src/api'],
    node: ['node:fs', 'node:fs/promises', 'node:path', 'node:url'],
    npm: ['zod', 'lilconfig', 'yaml'],
  },
  'src/builder': { ours: ['src/base', 'src/istio', 'src/model'] },
  'src/sandbox': {
    // What istiod would make of the store is asked of the same facts that checks see: hence collect.
    ours: ['src/base', 'src/istio', 'src/model', 'src/mesh', 'src/collect', 'src/builder'],
    node: [
      'node:crypto',
      'node:http',
      'node:https',
      'node:http2',
      'node:net',
      'node:stream',
      'node:timers/promises',
      'node:tls',
      'node:zlib',
    ],
    npm: ['pbf', 'ws', 'dns-packet', '@peculiar/x509', 'reflect-metadata', 'yaml'],
    isImpure: true,
  },
  'src/run': {
    ours: [
      'src/base',
      'src/istio',
      'src/model',
      'src/mesh',
      'src/api',
      'src/engine',
      'src/correlate',
      'src/report',
      'src/history',
      'src/collect',
      'src/kube',
      'src/source',
      'src/probe',
      'src/plugin',
      'src/config',
      'src/builder',
      'src/sandbox',
    ],
  },
  'src/testkit': {
    ours: [
      'src/base',
      'src/istio',
      'src/model',
      'src/mesh',
      'src/api',
      'src/collect',
      'src/engine',
      'src/correlate',
      'src/report',
      'src/builder',
      'src/remedy',
    ],
    npm: ['vitest'],
    isImpure: true,
  },
  'src/cli': {
    ours: [
      'src/base',
      'src/istio',
      'src/model',
      'src/mesh',
      'src/api',
      'src/engine',
      'src/correlate',
      'src/report',
      'src/history',
      'src/compare',
      'src/notify',
      'src/collect',
      'src/kube',
      'src/source',
      'src/probe',
      'src/plugin',
      'src/config',
      'src/builder',
      'src/sandbox',
      'src/run',
      'src/guide',
      'src/remedy',
      'checks',
    ],
    node: [
      // Command lines that somebody allowed fix to run.
      'node:child_process',
      'node:fs',
      'node:fs/promises',
      'node:path',
      'node:stream',
      'node:stream/promises',
      'node:url',
      'node:os',
      'node:process',
      'node:readline/promises',
      'node:tty',
      'node:util',
      'node:module',
      'node:stream/consumers',
    ],
    npm: ['yargs', 'listr2', 'yaml'],
    isImpure: true,
  },
};

/** Single files that may do what their layer may not, each with its reason. */
export const exceptions: readonly { readonly file: string; readonly imports: string; readonly why: string }[] = [
  { file: 'checks/index.ts', imports: 'src/engine', why: 'generated: the list of checks has the type that the engine runs' },
];

/** Files that are started, exported or listed: what none of them leads to is dead. */
export const entries = ['src/cli/main.ts', 'src/api/index.ts', 'src/testkit/index.ts', 'checks/index.ts'] as const;

/** The one module that changes clusters, and who may import it: nothing else can do more than read. */
export const writer = 'src/kube/write.ts';
export const writers: ReadonlySet<string> = new Set(['src/remedy/carry-out.ts', 'src/remedy/writers.ts']);

/** The one module that makes pods for probes, as a dry run or really, and who may import it. */
export const podMaker = 'src/kube/pod-maker.ts';
export const podMakers: ReadonlySet<string> = new Set(['src/run/own-pods.ts']);

/** Files that load what they only know when they run. */
export const loaders: ReadonlySet<string> = new Set(['src/plugin/load.ts']);

/** Packages that take long to load: never at the start. */
export const slowPackages: ReadonlySet<string> = new Set(['@kubernetes/client-node']);
