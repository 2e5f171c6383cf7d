import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programPath, root } from '../programs.ts';
import { type Cluster, kubeconfigOf, startCluster, startEtcd } from './cluster.ts';
import { installDns } from './coredns.ts';
import { makeRouter } from './network.ts';
import { startNode } from './node.ts';
import { type Output, type RunOptions, runProgram, until } from './processes.ts';
import { type Place, type ServiceAddresses, startServices } from './services.ts';

/** Clusters that run, and the tools to work on them. Lives inside namespaces of its own; see enter.ts. */
export interface Lab {
  readonly folder: string;
  /** One file with a context per cluster, each named like its cluster; the user is the administrator. */
  readonly kubeconfig: string;
  readonly services: ServiceAddresses;
  cluster(name: string): Place;
  clusters(): readonly Place[];
  /** @throws Error with what the program said, when it fails */
  kubectl(context: string, args: readonly string[], input?: string): Promise<string>;
  /** @throws Error with what the program said, when it fails */
  istioctl(context: string, args: readonly string[], input?: string): Promise<string>;
  /** Applies objects; the lab's user is who did it. */
  apply(context: string, objects: readonly unknown[]): Promise<void>;
  /** A command line as a user would type it: kubectl, istioctl and KUBECONFIG are there. */
  shell(line: string, options?: RunOptions): Promise<Output>;
  /** The program under test, as a user runs it. */
  meshdoctor(args: readonly string[], options?: RunOptions): Promise<Output>;
}

/** Milliseconds until what somebody waits for has failed; longer than istioctl waits itself, so that its own words are heard. */
const mostPatience = 240_000;

export interface LabCluster {
  readonly name: string;
  readonly region: string;
}

export async function startLab(folder: string, wanted: readonly LabCluster[]): Promise<Lab> {
  mkdirSync(folder, { recursive: true });
  await makeRouter();
  const etcd = await startEtcd(join(folder, 'etcd'));
  const places = await Promise.all(
    wanted.map(async ({ name, region }, position): Promise<Place> => {
      const cluster = await startCluster({ name, region, index: position + 1, folder: join(folder, name), etcd });
      const node = await startNode(cluster);
      return { cluster, node };
    }),
  );
  const services = await startServices(places);
  await Promise.all(places.map(async ({ cluster }) => await installDns(cluster)));

  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigOf(places.map(({ cluster }) => entryOf(cluster))), { mode: 0o600 });
  const programs = join(folder, 'bin');
  mkdirSync(programs, { recursive: true });
  // As its users call it; what it installs has none of the filters that upstream Envoy lacks.
  writeFileSync(
    join(programs, 'istioctl'),
    `#!/bin/sh\nfor word in "$@"; do [ "$word" = install ] && set -- "$@" --set values.telemetry.enabled=false; done\nexec "${programPath('istioctl')}" "$@"\n`,
    { mode: 0o755 },
  );
  writeFileSync(join(programs, 'meshdoctor'), `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'bin/meshdoctor.js')}" "$@"\n`, {
    mode: 0o755,
  });
  const env = { KUBECONFIG: kubeconfig, PATH: `${programs}:${process.env['PATH'] ?? ''}`, HOME: folder };

  const run = async (program: string, args: readonly string[], options: RunOptions = {}): Promise<Output> =>
    await runProgram(program, args, { ...options, env: { ...env, ...options.env } });
  const strictly = async (program: string, args: readonly string[], input?: string): Promise<string> => {
    const ran = await run(program, args, { limit: mostPatience, ...(input === undefined ? {} : { input }) });
    if (ran.code !== 0) throw new Error(`${program} ${args.join(' ')}: ${ran.stderr.trim()} ${ran.stdout.trim()}`);
    return ran.stdout;
  };
  const kubectl: Lab['kubectl'] = async (context, args, input) => await strictly('kubectl', ['--context', context, ...args], input);

  return {
    folder,
    kubeconfig,
    services,
    kubectl,
    cluster: (name) => {
      const place = places.find(({ cluster }) => cluster.name === name);
      if (place === undefined) throw new Error(`The lab has no cluster ${name}.`);
      return place;
    },
    clusters: () => places,
    istioctl: async (context, args, input) => await strictly(programPath('istioctl'), [...args, '--context', context], input),
    apply: async (context, objects) => {
      await kubectl(
        context,
        ['apply', '--validate=false', '-f', '-'],
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'List',
          items: objects,
        }),
      );
    },
    shell: async (line, options) => await run('sh', ['-c', line], options),
    meshdoctor: async (args, options) => await run(process.execPath, [join(root, 'bin/meshdoctor.js'), ...args], options),
  };
}

export function entryOf(cluster: Cluster): { name: string; server: string; ca: string; token: string } {
  return { name: cluster.name, server: cluster.server, ca: cluster.ca, token: cluster.tokens.admin };
}

/** Waits until every pod of a namespace that is wanted is there and ready. */
export async function podsReady(lab: Lab, context: string, namespace: string, selector: string): Promise<void> {
  await until(
    `ready pods ${selector} in ${context}`,
    async () => {
      const text = await lab.kubectl(context, [
        'get',
        'pods',
        '-n',
        namespace,
        '-l',
        selector,
        '-o',
        'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {end}',
      ]);
      const states = text.trim().split(/\s+/u).filter(Boolean);
      return states.length > 0 && states.every((state) => state === 'True') ? true : undefined;
    },
    mostPatience,
  );
}
