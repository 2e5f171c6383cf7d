import { join } from 'node:path';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'undici';
import type { Cluster } from './cluster.ts';
import { type Obj, at, keyOf, listAt, textAt } from './kube.ts';
import { type PodNetwork, insidePod, makePodNetwork, removePodNetwork } from './network.ts';
import { type Running, launch, pause, until } from './processes.ts';
import { type Files, filesOf, writeFiles } from './volumes.ts';
import { programOf } from './workloads.ts';

/*
 * The one node of a cluster: what a kubelet does, for the few pods that matter. A pod gets a network namespace and an address, its volumes as files
 * under a folder of its own, and a process for each container that this machine has a program for. Other containers are said to run.
 */

/** A pod on the node. */
export interface RealPod {
  readonly key: string;
  readonly object: Obj;
  readonly network: PodNetwork;
  readonly ready: boolean;
}

export interface Node {
  /** Pods as they are now, by NAMESPACE/NAME. */
  pods(): ReadonlyMap<string, RealPod>;
  /** Ends the process of one container, as a crash would; it is started again as a kubelet would. */
  kill(podKey: string, container: string): Promise<void>;
  /** Called after every change of a pod's readiness or presence. */
  onChange(listener: () => void): void;
}

interface Container {
  readonly name: string;
  readonly spec: unknown;
  files: Files;
  running: Running | undefined;
  restarts: number;
  /** Of a pod that is never restarted, once it has ended. */
  exitCode?: number;
  ready: boolean;
  /** Without a program here it is ready, since nothing says otherwise. */
  hasProgram: boolean;
  /** It runs beside the containers of the pod and ends after them: a native sidecar. */
  readonly isBeside: boolean;
  /** Of a pod that ends by itself: it waits for the sidecars before it. */
  isHeld: boolean;
}

interface Entry {
  object: Obj;
  network: PodNetwork;
  readonly folder: string;
  readonly containers: Container[];
  ready: boolean;
  ending: boolean;
  started: string;
}

export async function startNode(cluster: Cluster): Promise<Node> {
  const { kube } = cluster;
  const entries = new Map<string, Entry>();
  const starting = new Set<string>();
  /** Pods that were deleted before they had been started. */
  const vanished = new Set<string>();
  const sources = { kube, secrets: new Map<string, Obj>(), configmaps: new Map<string, Obj>(), tokens: new Map<string, string>() };
  const listeners: (() => void)[] = [];
  let next = 0;

  const seen = (key: string, pod: Obj | undefined): void => {
    const entry = entries.get(key);
    if (pod === undefined) {
      if (entry !== undefined) void end(key, entry);
      else if (starting.has(key)) vanished.add(key);
      return;
    }
    if (entry !== undefined) {
      entry.object = pod;
      if (pod.metadata.deletionTimestamp !== undefined) void end(key, entry);
      return;
    }
    if (textAt(pod, 'spec', 'nodeName') !== cluster.node || starting.has(key)) return;
    if (pod.metadata.deletionTimestamp !== undefined) {
      void remove(pod);
      return;
    }
    starting.add(key);
    void start(key, pod)
      .catch((error: unknown) => appendFileSync(join(cluster.folder, 'node.log'), `${key}: ${String(error)}\n`))
      .finally(() => starting.delete(key));
  };

  const start = async (key: string, pod: Obj): Promise<void> => {
    next += 1;
    const folder = join(cluster.folder, 'pods', `${pod.metadata.namespace ?? ''}.${pod.metadata.name}`);
    const name = `${cluster.name}.${pod.metadata.namespace ?? ''}.${pod.metadata.name}`;
    mkdirSync(folder, { recursive: true });
    const network = await makePodNetwork(name, cluster.addresses.pod(next), join(folder, 'net'));
    const domain = 'svc.cluster.local';
    writeResolver(network, [
      `nameserver ${cluster.addresses.dns}`,
      `search ${pod.metadata.namespace ?? ''}.${domain} ${domain} cluster.local`,
      'options ndots:5',
    ]);
    const entry: Entry = {
      object: pod,
      network,
      folder,
      ready: false,
      ending: false,
      started: new Date().toISOString(),
      containers: containersOf(pod).map((spec) => ({
        name: textAt(spec, 'name') ?? '',
        spec,
        files: new Map(),
        running: undefined,
        restarts: 0,
        ready: false,
        hasProgram: true,
        isBeside: isNativeSidecar(spec),
        isHeld: isHeldAtFirst(pod, spec),
      })),
    };
    entries.set(key, entry);
    if (vanished.delete(key)) {
      await end(key, entry);
      return;
    }
    await report(entry);
    for (const container of entry.containers) void keep(entry, container);
    void watchReadiness(entry);
  };

  /** Runs a container for as long as its pod lives. */
  const keep = async (entry: Entry, container: Container): Promise<void> => {
    const files = await until(
      `volumes of ${keyOf(entry.object)}`,
      async () => (entry.ending ? new Map<string, Buffer>() : await filesOf(sources, entry.object, container.spec)),
      3_600_000,
    );
    writeFiles(entry.folder, files, container.files);
    container.files = files;
    await released(entry, container);
    while (!entry.ending) {
      const podAddress = { ip: entry.network.address, host: cluster.addresses.kubelet };
      const program = programOf(cluster, withStatus(entry.object, podAddress), container.spec, entry.folder);
      if (program === undefined) {
        container.hasProgram = false;
        return;
      }
      const running = launch({
        command: insidePod(entry.network, withSecrets(entry.folder, program.command)),
        env: program.env,
        cwd: entry.folder,
        log: join(entry.folder, `${container.name}.log`),
      });
      container.running = running;
      const { code } = await running.ended;
      container.running = undefined;
      container.ready = false;
      if (textAt(entry.object, 'spec', 'restartPolicy') === 'Never') {
        container.exitCode = code ?? 137;
        if (entry.containers.every(({ isBeside, exitCode }) => isBeside || exitCode !== undefined))
          for (const { isBeside, running: sidecar } of entry.containers) if (isBeside) void sidecar?.stop();
        await report(entry);
        return;
      }
      container.restarts += 1;
      await pause(1000);
    }
  };

  /** Until a container may be started. */
  const released = async (entry: Entry, container: Container): Promise<void> => {
    if (!container.isHeld) return;
    while (!entry.ending && !entry.containers.every(({ isHeld, ready }) => isHeld || ready)) await pause(100);
    container.isHeld = false;
    await report(entry);
  };

  const watchReadiness = async (entry: Entry): Promise<void> => {
    let reported = false;
    while (!entry.ending) {
      for (const container of entry.containers) {
        container.ready = !container.isHeld && container.exitCode === undefined && (await isReady(entry, container));
      }
      const ready = entry.containers.every((container) => container.ready);
      if (ready !== entry.ready || !reported) {
        entry.ready = ready;
        reported = await report(entry);
        for (const listener of listeners) listener();
      }
      await pause(ready ? 2000 : 300);
    }
  };

  const report = async (entry: Entry): Promise<boolean> => {
    if (entry.ending) return true;
    const { namespace, name } = entry.object.metadata;
    const answer = await kube
      .call(
        'PATCH',
        `/api/v1/namespaces/${namespace ?? ''}/pods/${name}/status`,
        { status: statusOf(entry, cluster) },
        'application/strategic-merge-patch+json',
      )
      .catch(() => undefined);
    return answer?.status === 200;
  };

  const end = async (key: string, entry: Entry): Promise<void> => {
    if (entry.ending) return;
    entry.ending = true;
    await Promise.all(entry.containers.map(async (container) => await container.running?.stop()));
    entries.delete(key);
    for (const listener of listeners) listener();
    await removePodNetwork(entry.network).catch(() => undefined);
    await remove(entry.object);
  };

  const remove = async (pod: Obj): Promise<void> => {
    await kube
      .call('DELETE', `/api/v1/namespaces/${pod.metadata.namespace ?? ''}/pods/${pod.metadata.name}`, {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        gracePeriodSeconds: 0,
        preconditions: { uid: pod.metadata.uid },
      })
      .catch(() => undefined);
  };

  /** Mounted Secrets and ConfigMaps follow their objects, as a kubelet's do; a kubelet takes up to a minute. */
  const refresh = async (): Promise<void> => {
    for (const entry of entries.values()) {
      for (const container of entry.containers) {
        if (container.running === undefined || entry.ending) continue;
        const files = await filesOf(sources, entry.object, container.spec).catch(() => undefined);
        if (files === undefined) continue;
        writeFiles(entry.folder, files, container.files);
        container.files = files;
      }
    }
  };
  let refreshing: NodeJS.Timeout | undefined;
  const into = (map: Map<string, Obj>) => (key: string, object: Obj | undefined) => {
    if (object === undefined) map.delete(key);
    else map.set(key, object);
    refreshing ??= setTimeout(() => {
      refreshing = undefined;
      void refresh();
    }, 1000);
  };

  await kube.follow('/api/v1/secrets', into(sources.secrets));
  await kube.follow('/api/v1/configmaps', into(sources.configmaps));
  await kube.follow(`/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${cluster.node}`)}`, seen);

  return {
    pods: () =>
      new Map(
        [...entries]
          .filter(([, entry]) => !entry.ending)
          .map(([key, entry]) => [key, { key, object: entry.object, network: entry.network, ready: entry.ready }]),
      ),
    kill: async (podKey, container) => {
      const found = entries.get(podKey)?.containers.find(({ name }) => name === container);
      if (found?.running === undefined) throw new Error(`Container ${container} of ${podKey} in ${cluster.name} does not run.`);
      await found.running.stop('SIGKILL');
    },
    onChange: (listener) => void listeners.push(listener),
  };
}

/** Containers that stay: those of the pod, and native sidecars. */
function containersOf(pod: Obj): readonly unknown[] {
  return [...listAt(pod, 'spec', 'initContainers').filter(isNativeSidecar), ...listAt(pod, 'spec', 'containers')];
}

/** An init container that is restarted always. */
function isNativeSidecar(container: unknown): boolean {
  return at(container, 'restartPolicy') === 'Always';
}

/**
 * What comes after a sidecar is started when that is ready: native, or one that holds up the others. Only pods that end by themselves can be told from
 * others by the order.
 */
function isHeldAtFirst(pod: Obj, container: unknown): boolean {
  if (textAt(pod, 'spec', 'restartPolicy') !== 'Never' || isNativeSidecar(container) || textAt(container, 'name') === 'istio-proxy')
    return false;
  return containersOf(pod).some((other) => isNativeSidecar(other) || at(other, 'lifecycle', 'postStart') !== undefined);
}

function withStatus(pod: Obj, { ip, host }: { ip: string; host: string }): Obj {
  return { ...pod, status: { podIP: ip, hostIP: host } };
}

function writeResolver(network: PodNetwork, lines: readonly string[]): void {
  writeFileSync(join(network.folder, 'resolv.conf'), `${lines.join('\n')}\n`);
}

/** The pod's own files under /var/run/secrets, where clients of the API server look for their token. */
function withSecrets(folder: string, command: readonly [string, ...string[]]): readonly [string, ...string[]] {
  const secrets = join(folder, 'var/run/secrets');
  mkdirSync(secrets, { recursive: true });
  return ['sh', '-c', `mkdir -p /run/secrets && mount --bind '${secrets}' /run/secrets && exec "$@"`, 'sh', ...command];
}

async function isReady(entry: Entry, container: Container): Promise<boolean> {
  const probe = at(container.spec, 'readinessProbe');
  if (probe === undefined || !container.hasProgram) return true;
  const get = at(probe, 'httpGet');
  if (get === undefined) return true;
  const named = at(get, 'port');
  const port =
    typeof named === 'number'
      ? named
      : at(
          listAt(container.spec, 'ports').find((candidate) => textAt(candidate, 'name') === named),
          'containerPort',
        );
  try {
    const answer = await request(`http://${entry.network.address}:${String(port)}${textAt(get, 'path') ?? '/'}`, {
      headersTimeout: 1000,
      bodyTimeout: 1000,
    });
    await answer.body.dump();
    return answer.statusCode < 400;
  } catch {
    return false;
  }
}

function statusOf(entry: Entry, cluster: Cluster): Record<string, unknown> {
  const now = new Date().toISOString();
  const condition = (type: string, isTrue: boolean): Record<string, unknown> => ({
    type,
    status: isTrue ? 'True' : 'False',
    lastTransitionTime: now,
  });
  const running = (spec: unknown, ready: boolean, restartCount: number): Record<string, unknown> => ({
    name: textAt(spec, 'name'),
    image: textAt(spec, 'image'),
    imageID: '',
    ready,
    started: true,
    restartCount,
    state: { running: { startedAt: entry.started } },
  });
  const ended = (spec: unknown, exitCode: number): Record<string, unknown> => ({
    ...running(spec, false, 0),
    started: false,
    state: { terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAt: entry.started, finishedAt: now } },
  });
  const waiting = (spec: unknown): Record<string, unknown> => ({
    ...running(spec, false, 0),
    started: false,
    state: { waiting: { reason: 'PodInitializing' } },
  });
  const byName = new Map(entry.containers.map((container) => [container.name, container]));
  const initial = listAt(entry.object, 'spec', 'initContainers').map((spec) => {
    const own = byName.get(textAt(spec, 'name') ?? '');
    if (own !== undefined) return running(spec, own.ready, own.restarts);
    return {
      name: textAt(spec, 'name'),
      image: textAt(spec, 'image'),
      imageID: '',
      ready: true,
      started: false,
      restartCount: 0,
      state: {
        terminated: {
          exitCode: 0,
          reason: 'Completed',
          startedAt: entry.started,
          finishedAt: entry.started,
        },
      },
    };
  });
  return {
    phase: phaseOf(entry),
    startTime: entry.started,
    hostIP: cluster.addresses.kubelet,
    hostIPs: [{ ip: cluster.addresses.kubelet }],
    podIP: entry.network.address,
    podIPs: [{ ip: entry.network.address }],
    conditions: [
      condition('PodScheduled', true),
      condition('PodReadyToStartContainers', true),
      condition('Initialized', true),
      condition('ContainersReady', entry.ready),
      condition('Ready', entry.ready),
    ],
    ...(initial.length === 0 ? {} : { initContainerStatuses: initial }),
    containerStatuses: listAt(entry.object, 'spec', 'containers').map((spec) => {
      const own = byName.get(textAt(spec, 'name') ?? '');
      if (own?.isHeld === true) return waiting(spec);
      if (own?.exitCode !== undefined) return ended(spec, own.exitCode);
      return running(spec, own?.ready ?? true, own?.restarts ?? 0);
    }),
  };
}

function phaseOf({ containers }: Entry): 'Pending' | 'Running' | 'Succeeded' | 'Failed' {
  const own = containers.filter(({ isBeside }) => !isBeside);
  if (own.some(({ isHeld }) => isHeld)) return 'Pending';
  if (own.some(({ exitCode }) => exitCode === undefined)) return 'Running';
  return own.every(({ exitCode }) => exitCode === 0) ? 'Succeeded' : 'Failed';
}
