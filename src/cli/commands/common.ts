import { areas, builtin } from '../../../checks/index.ts';
import { redact } from '../../base/text.ts';
import { loadConfig, type LoadedConfig } from '../../config/file.ts';
import type { Flags } from '../../config/options.ts';
import type { RegisteredCheck } from '../../engine/types.ts';
import { loadPlugins } from '../../plugin/load.ts';
import { knownFacts, registry, type RunIo } from '../../run/check.ts';
import type { LiveIo } from '../../run/live.ts';
import type { Host } from '../host.ts';
import type { Given } from '../parser.ts';
import type { StyleFlags } from '../style.ts';
import { version } from '../version.ts';
import { flag } from '../flags.ts';

export function styleFlags(given: Given): StyleFlags {
  const color = given.flags['color'];
  return {
    color: color === false ? false : flag.text(given, 'color'),
    ascii: flag.on(given, 'ascii'),
    width: flag.text(given, 'width'),
    quiet: flag.on(given, 'quiet'),
    verbose: flag.count(given, 'verbose'),
  };
}

export function runFlags(given: Given): Flags {
  return {
    manifests: flag.list(given, 'manifests'),
    from: flag.list(given, 'from'),
    values: flag.list(given, 'values'),
    complete: flag.on(given, 'complete'),
    takenAt: flag.text(given, 'taken-at'),
    now: flag.text(given, 'now'),
    service: flag.list(given, 'service'),
    baseline: flag.text(given, 'baseline'),
    writeBaseline: flag.on(given, 'write-baseline'),
    pruneBaseline: flag.on(given, 'prune-baseline'),
    overlay: flag.list(given, 'overlay'),
    without: flag.list(given, 'without'),
    only: flag.list(given, 'only'),
    skip: flag.list(given, 'skip'),
    failOn: flag.text(given, 'fail-on'),
    minCertainty: flag.text(given, 'min-certainty'),
    advice: flag.on(given, 'advice'),
    forecast: flag.text(given, 'forecast'),
    requireComplete: flag.on(given, 'require-complete'),
    allowIncomplete: flag.text(given, 'allow-incomplete'),
    exitZero: flag.on(given, 'exit-zero'),
    plugin: flag.list(given, 'plugin'),
    kubeconfig: flag.text(given, 'kubeconfig'),
    context: flag.list(given, 'context'),
    contextIndex: flag.text(given, 'context-index'),
    allContexts: flag.on(given, 'all-contexts'),
    inCluster: flag.on(given, 'in-cluster'),
    as: flag.text(given, 'as'),
    asGroup: flag.list(given, 'as-group'),
    asUid: flag.text(given, 'as-uid'),
    istioNamespace: flag.text(given, 'istio-namespace'),
    requestTimeout: flag.text(given, 'request-timeout'),
    timeout: flag.text(given, 'timeout'),
    resolve: flag.list(given, 'resolve'),
    probe: flag.text(given, 'probe'),
    probeImage: flag.text(given, 'probe-image'),
    probeNamespace: flag.text(given, 'probe-namespace'),
    maxTargets: flag.text(given, 'max-targets'),
    sample: flag.text(given, 'sample'),
  };
}

export function runIo(host: Host): RunIo {
  return {
    version,
    nodeVersion: host.nodeVersion,
    builtIn: builtin,
    interrupted: host.interrupted,
    signal: host.signal,
    stdin: host.readStdin,
    pause: host.pause,
  };
}

/** The same, for clusters that are asked; `more` is told what happens meanwhile. */
export function liveIo(host: Host, more: Pick<LiveIo, 'onProgress' | 'onRequest'> = {}): LiveIo {
  return {
    env: host.env,
    home: host.home,
    platform: host.platform.split('-')[0] ?? host.platform,
    cwd: host.cwd,
    isInteractive: host.isInteractive,
    deadline: (milliseconds) => AbortSignal.timeout(milliseconds),
    onNote: (note) => host.stderr.write(`${redact(note)}\n`),
    ...more,
  };
}

export async function configOf(given: Given, host: Host): Promise<LoadedConfig | undefined> {
  return await loadConfig(host.cwd, flag.text(given, 'config'));
}

/** Every check that a run with these flags could run, in the order of the areas. */
export async function knownChecks(given: Given, host: Host): Promise<readonly RegisteredCheck[]> {
  const config = await configOf(given, host);
  const specs = [
    ...(config === undefined ? [] : (config.values.plugins ?? []).map((spec) => ({ spec, from: config.dir }))),
    ...(flag.list(given, 'plugin') ?? []).map((spec) => ({ spec, from: host.cwd })),
  ];
  return registry(builtin, await loadPlugins(specs, { nodeVersion: host.nodeVersion, knownFacts }));
}

/** Title of an area; a plug-in's checks have its name. */
export function areaTitle(area: string): string {
  return areas.find(({ id }) => id === area)?.title ?? `Plug-in ${area}`;
}

/** Areas in the order in which people read about them, then plug-ins. */
export function areaOrder(checks: readonly RegisteredCheck[]): string[] {
  const own = areas.map(({ id }) => id);
  return [...own, ...new Set(checks.map(({ area }) => area).filter((area) => !own.includes(area)))].filter((area) =>
    checks.some((check) => check.area === area),
  );
}
