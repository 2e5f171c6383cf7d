import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { UsageError } from '../../base/errors.ts';
import { list, nearest, shellWord } from '../../base/text.ts';
import { runOptions } from '../../config/options.ts';
import type { KubeObject } from '../../model/kube.ts';
import { reporters } from '../../report/formats.ts';
import { judgeClusters, prepare } from '../../run/check.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { flag } from '../flags.ts';
import type { Host } from '../host.ts';
import { outputsOf, writeOutputs } from '../outputs.ts';
import type { Given } from '../parser.ts';
import { liveIo, runIo, styleFlags } from './common.ts';

/** A mesh that comes with meshdoctor. */
interface Mesh {
  readonly name: string;
  readonly folder: string;
  /** What `check` is asked about it. */
  readonly services: readonly string[];
}

/**
 * Serves a mesh that comes with meshdoctor as clusters of its own on this machine, and judges it as any other. It always ends well:
 * what is wrong with that mesh is meant to be.
 */
export async function demoCommand(given: Given, host: Host): Promise<number> {
  const stories = await storiesOf(join(fixtures(), 'stories'));
  if (flag.on(given, 'list') === true) {
    host.stdout.write(`${['broken (default)', 'healthy', ...stories].join('\n')}\n`);
    return 0;
  }
  const chosen = chosenMesh(given, stories);
  const { startSandbox } = await import('../../sandbox/start.ts');
  const { objects, takenAt } = await objectsOf(chosen.folder);
  const sandbox = await startSandbox(objects, takenAt === undefined ? {} : { takenAt });
  const place = await mkdtemp(join(tmpdir(), 'meshdoctor-demo-'));
  const kubeconfig = join(place, 'kubeconfig');
  try {
    await writeFile(kubeconfig, sandbox.kubeconfig(), { mode: 0o600 });
    return flag.on(given, 'serve') === true
      ? await serve(sandbox, chosen, kubeconfig, host)
      : await judge(sandbox, chosen, kubeconfig, given, host);
  } finally {
    await sandbox.close();
    await rm(place, { recursive: true, force: true });
  }
}

async function judge(sandbox: Sandbox, chosen: Mesh, kubeconfig: string, given: Given, host: Host): Promise<number> {
  const contexts = [...sandbox.clusters.keys()];
  const options = runOptions({ context: contexts, service: chosen.services, resolve: resolveFlags(sandbox), onlyMapped: true }, undefined, {
    cwd: host.cwd,
    now: host.now(),
  });
  const io = { ...runIo(host), live: liveIo({ ...host, env: { KUBECONFIG: kubeconfig } }) };
  const report = await judgeClusters(options, await prepare(options, io), io);
  await writeOutputs(report, await outputsOf([], reporters, host.cwd), styleFlags(given), host, {
    endedAt: host.now(),
    seconds: host.seconds(),
  });
  host.stderr.write(
    [
      '',
      `This was a demonstration on simulated clusters; on real ones ${host.program} check would end with exit code ${report.exit.code}.`,
      `${host.program} demo ${againWith(chosen)}--serve keeps the clusters up, to break and repair them with kubectl.`,
      ...(chosen.name === 'broken' ? [`${host.program} demo --healthy shows the same mesh in order.`] : []),
      '',
    ].join('\n'),
  );
  return 0;
}

function againWith({ name }: Mesh): string {
  return name === 'broken' ? '' : name === 'healthy' ? '--healthy ' : `--story ${name} `;
}

/** Keeps the clusters up until it is interrupted, and says how to get at them. */
async function serve(sandbox: Sandbox, chosen: Mesh, kubeconfig: string, host: Host): Promise<number> {
  const contexts = [...sandbox.clusters.keys()];
  const [first = '', last = first] = [contexts[0], contexts.at(-1)];
  const flags = [
    ...contexts.map((name) => `--context ${name}`),
    ...chosen.services.map((service) => `--service ${service}`),
    ...resolveFlags(sandbox).map((mapping) => `--resolve ${mapping}`),
  ];
  host.stdout.write(
    [
      `Serving ${list(contexts)} of ${chosen.name} until it is interrupted. In another terminal:`,
      '',
      `  export KUBECONFIG=${shellWord(kubeconfig)}`,
      `  kubectl --context ${first} get pods -A`,
      `  kubectl --context ${last} -n istio-system get services,endpointslices`,
      `  ${host.program} check ${flags.join(' ')}`,
      '',
      '',
    ].join('\n'),
  );
  await new Promise<void>((resolve) => {
    if (host.signal.aborted) resolve();
    else host.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  return 0;
}

function resolveFlags(sandbox: Sandbox): string[] {
  const bracketed = (name: string): string => (name.includes(':') ? `[${name}]` : name);
  return sandbox.resolve.map(({ from, to }) => `${bracketed(from.host)}:${from.port}=${bracketed(to.host)}:${to.port}`);
}

function chosenMesh(given: Given, stories: readonly string[]): Mesh {
  const story = flag.text(given, 'story');
  const isHealthy = flag.on(given, 'healthy') === true;
  if (story === undefined) {
    const name = isHealthy ? 'healthy' : 'broken';
    return { name, folder: join(fixtures(), 'demo', name), services: ['abc.default:5000'] };
  }
  if (isHealthy) throw new UsageError('ERR_BAD_VALUE', '--healthy and --story name two meshes; give one of them.');
  // Stories are numbered; the number, or the words behind it, are enough.
  const matching = stories.filter((name) => name === story || name.split('-')[0] === story || name.slice(name.indexOf('-') + 1) === story);
  const [found] = matching;
  if (found === undefined) {
    const meant = nearest(story, stories);
    throw new UsageError('ERR_BAD_VALUE', `There is no story ${JSON.stringify(story)}.`, {
      hint: meant === undefined ? `Stories are ${list(stories, 'none', 20)}.` : `Did you mean ${meant}?`,
    });
  }
  return { name: found, folder: join(fixtures(), 'stories', found), services: [] };
}

async function storiesOf(folder: string): Promise<string[]> {
  return (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

/** The objects of a mesh's folder, which has a folder per cluster, completed to what API servers have. */
async function objectsOf(folder: string): Promise<{ objects: ReadonlyMap<string, readonly KubeObject[]>; takenAt?: string }> {
  const [{ rawManifests }, { complete }] = await Promise.all([import('../../source/manifests.ts'), import('../../sandbox/complete.ts')]);
  const mesh = new Map<string, readonly KubeObject[]>();
  let takenAt: string | undefined;
  for (const cluster of await storiesOf(folder)) {
    const raw = await rawManifests(join(folder, cluster));
    mesh.set(cluster, raw.objects.filter(isKubeObject));
    takenAt ??= raw.takenAt;
  }
  return { objects: complete(mesh), ...(takenAt === undefined ? {} : { takenAt }) };
}

function isKubeObject(value: unknown): value is KubeObject {
  return typeof value === 'object' && value !== null && 'apiVersion' in value && 'kind' in value && 'metadata' in value;
}

/** fixtures of the package, from the bundle as from the source. */
function fixtures(): string {
  for (let dir = import.meta.dirname; ; dir = dirname(dir)) {
    const folder = join(dir, 'fixtures');
    if (existsSync(join(folder, 'demo'))) return folder;
    if (dirname(dir) === dir) throw new Error('fixtures/demo is missing from this installation');
  }
}
