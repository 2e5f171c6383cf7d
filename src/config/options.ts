import { relative, resolve } from 'node:path';
import { ConfigError, UsageError } from '../base/errors.ts';
import { distinct } from '../base/sort.ts';
import { list, nearest } from '../base/text.ts';
import type { ConfigFile } from './schema.ts';
import type { LoadedConfig } from './file.ts';
import { type LiveSource, liveSource, refuseMixture, sourceOf } from './live.ts';
import { oneOf, parseDays, parseTime, words } from './values.ts';

/** One cluster to read, as the user names it. */
export interface ClusterSource {
  readonly name: string;
  /** `-`: standard input; absent: only its values are given. */
  readonly dir?: string;
  readonly values?: readonly ChartValues[];
  readonly complete?: boolean | undefined;
  readonly takenAt?: string | undefined;
}

/** A file of values for one of Istio's charts; which one, and under what name it is installed where, only where the user says it. */
export interface ChartValues {
  readonly file: string;
  readonly chart?: 'istiod' | 'gateway' | 'base';
  readonly release?: { readonly name: string; readonly namespace: string };
}

export interface NamedService {
  readonly namespace: string;
  readonly name: string;
  readonly port?: number;
}

/** A plug-in to load: what the user wrote, and the folder it was written in. */
export interface PluginSpec {
  readonly spec: string;
  readonly from: string;
}

export interface RecordingFile {
  readonly path: string;
  readonly shown: string;
  readonly as?: string;
}

/** Everything that decides what a run reads, judges and calls a failure. What is printed where is the command line's. */
export interface RunOptions {
  readonly clusters: readonly ClusterSource[];
  /** Instead of `clusters`. */
  readonly live?: LiveSource;
  /** Instead of either: files of recordings, and how the user calls each; `as`: what its only cluster is to be called. */
  readonly from?: readonly [RecordingFile, ...RecordingFile[]];
  readonly topology?: ConfigFile['topology'];
  /** Every directory holds its whole cluster. */
  readonly complete?: boolean | undefined;
  /** RFC 3339: the present of every cluster. */
  readonly takenAt?: string | undefined;
  /** RFC 3339: the run's clock, which expiry falls back to. */
  readonly now: string;
  readonly services: readonly NamedService[];
  /** The file of findings that are known, how the user calls it, and what becomes of it. */
  readonly baseline?: { readonly path: string; readonly shown: string; readonly write?: 'all' | 'pruned' };
  /** Findings that are not to count, as the configuration file says. */
  readonly suppressions?: NonNullable<ConfigFile['suppressions']>;
  /** What is laid over clusters before they are judged, each a directory of one of them. */
  readonly overlays?: readonly ClusterSource[];
  /** What is taken out of them then: an object as `KIND/NAMESPACE/NAME`, and how the user wrote it. */
  readonly without?: readonly { readonly cluster: string; readonly path: string; readonly shown: string }[];
  /** The one call that the run is about, as it was written: probes then ask what concerns it. No flag: `path` takes it as arguments. */
  readonly call?: { readonly from: string; readonly to: string };
  /** Ids, areas, globs and catalogue ids; empty = all. */
  readonly only: readonly string[];
  readonly skip: readonly string[];
  readonly failOn: 'error' | 'warning' | 'info' | 'never';
  readonly minCertainty: 'certain' | 'likely';
  readonly advice: boolean;
  /** Days to look ahead for what ends by itself; absent = not asked for. */
  readonly forecast?: number;
  readonly requireComplete: boolean;
  readonly allowIncomplete: 'all' | readonly ('forbidden' | 'unreachable')[];
  readonly exitZero: boolean;
  readonly plugins: readonly PluginSpec[];
}

/** The flags as the command line gives them: absent = not given. */
export interface Flags {
  readonly manifests?: readonly string[] | undefined;
  readonly from?: readonly string[] | undefined;
  readonly values?: readonly string[] | undefined;
  readonly complete?: boolean | undefined;
  readonly takenAt?: string | undefined;
  readonly now?: string | undefined;
  readonly service?: readonly string[] | undefined;
  readonly baseline?: string | undefined;
  readonly writeBaseline?: boolean | undefined;
  readonly pruneBaseline?: boolean | undefined;
  readonly overlay?: readonly string[] | undefined;
  readonly without?: readonly string[] | undefined;
  readonly only?: readonly string[] | undefined;
  readonly skip?: readonly string[] | undefined;
  readonly failOn?: string | undefined;
  readonly minCertainty?: string | undefined;
  readonly advice?: boolean | undefined;
  /** Empty text: the bare flag. */
  readonly forecast?: string | undefined;
  readonly requireComplete?: boolean | undefined;
  /** Empty text: the bare flag. */
  readonly allowIncomplete?: string | undefined;
  readonly exitZero?: boolean | undefined;
  readonly plugin?: readonly string[] | undefined;
  readonly kubeconfig?: string | undefined;
  readonly context?: readonly string[] | undefined;
  readonly contextIndex?: string | undefined;
  readonly allContexts?: boolean | undefined;
  readonly inCluster?: boolean | undefined;
  readonly as?: string | undefined;
  readonly asGroup?: readonly string[] | undefined;
  readonly asUid?: string | undefined;
  readonly istioNamespace?: string | undefined;
  readonly requestTimeout?: string | undefined;
  readonly timeout?: string | undefined;
  readonly resolve?: readonly string[] | undefined;
  readonly probe?: string | undefined;
  readonly probeImage?: string | undefined;
  readonly probeNamespace?: string | undefined;
  readonly maxTargets?: string | undefined;
  readonly sample?: string | undefined;
  /** No flag of the command line: the clusters are simulated, and their addresses are nobody's outside the mappings. */
  readonly onlyMapped?: boolean | undefined;
}

/** Flags over file over defaults. `now` is what the run's clock says unless a flag fixes it. */
export function runOptions(flags: Flags, config: LoadedConfig | undefined, where: { cwd: string; now: string }): RunOptions {
  const file = config?.values ?? {};
  const takenAt = flags.takenAt === undefined ? undefined : parseTime('--taken-at', flags.takenAt);
  const source = sourceOf(flags, file);
  refuseMixture(flags, source);
  const clusters = source === 'directories' ? directoriesOf(flags, config, where.cwd) : [];
  const asked = source === 'live' ? liveSource(flags, config, where.cwd) : undefined;
  // What probes would see is the mesh without the overlay.
  const live = asked !== undefined && (flags.overlay ?? flags.without) !== undefined ? { ...asked, probe: 'off' as const } : asked;
  const services = (flags.service ?? file.services ?? []).map(parseService);
  // Which clusters a recording holds is only known once it is read.
  if (config !== undefined && file.topology !== undefined && source !== 'recording') checkTopology(config, file.topology, clusters, live);
  return {
    clusters,
    ...(live === undefined ? {} : { live }),
    ...recordingsOf(flags.from, where.cwd),
    ...(file.topology === undefined ? {} : { topology: file.topology }),
    complete: flags.complete,
    takenAt,
    now: flags.now === undefined ? where.now : parseTime('--now', flags.now),
    services,
    ...baselineOf(flags, config, where.cwd),
    ...(file.suppressions === undefined ? {} : { suppressions: file.suppressions }),
    ...overlaysOf(flags),
    only: words(flags.only) ?? file.only ?? [],
    skip: words(flags.skip) ?? file.skip ?? [],
    failOn: oneOf('--fail-on', flags.failOn, ['error', 'warning', 'info', 'never'] as const) ?? file.failOn ?? 'error',
    minCertainty: oneOf('--min-certainty', flags.minCertainty, ['certain', 'likely'] as const) ?? file.minCertainty ?? 'likely',
    advice: flags.advice ?? file.advice ?? false,
    ...(flags.forecast === undefined ? {} : { forecast: flags.forecast === '' ? 365 : parseDays('--forecast', flags.forecast) }),
    requireComplete: flags.requireComplete ?? file.requireComplete ?? false,
    allowIncomplete: allowed(flags.allowIncomplete, file.allowIncomplete),
    exitZero: flags.exitZero ?? false,
    plugins: [
      ...(config === undefined ? [] : (file.plugins ?? []).map((spec) => ({ spec, from: config.dir }))),
      ...(flags.plugin ?? []).map((spec) => ({ spec, from: where.cwd })),
    ],
  };
}

/** `FILE`, or `NAME=FILE` for a recording of one cluster; a name has no slash or dot in it, so that no path is taken for one. */
function recordingsOf(given: Flags['from'], cwd: string): Pick<RunOptions, 'from'> {
  const [first, ...rest] = (given ?? []).map((text): RecordingFile => {
    const [, as, file] = /^([^=/.]+)=(.+)$/.exec(text) ?? [];
    return as === undefined || file === undefined
      ? { path: resolve(cwd, text), shown: text }
      : { path: resolve(cwd, file), shown: file, as };
  });
  return first === undefined ? {} : { from: [first, ...rest] };
}

function baselineOf(flags: Flags, config: LoadedConfig | undefined, cwd: string): Pick<RunOptions, 'baseline'> {
  const own = config?.values.baseline;
  const file = flags.baseline ?? (config === undefined || own === undefined ? undefined : relative(cwd, resolve(config.dir, own)));
  const asked = [
    ...(flags.writeBaseline === true ? ['--write-baseline'] : []),
    ...(flags.pruneBaseline === true ? ['--prune-baseline'] : []),
  ];
  if (asked.length === 2) throw new UsageError('ERR_USAGE', `${list(asked)} cannot go together.`);
  if (file === undefined || file === '') {
    if (asked.length === 0 && file === undefined) return {};
    throw new UsageError('ERR_BAD_VALUE', `${asked[0] ?? '--baseline'} needs a file.`, {
      hint: 'For example: --baseline mesh-baseline.json',
    });
  }
  const write = flags.writeBaseline === true ? 'all' : flags.pruneBaseline === true ? 'pruned' : undefined;
  return { baseline: { path: resolve(cwd, file), shown: file, ...(write === undefined ? {} : { write }) } };
}

function overlaysOf({ overlay, without, baseline }: Flags): Pick<RunOptions, 'overlays' | 'without'> {
  const given = overlay === undefined ? '--without' : '--overlay';
  if ((overlay ?? without) === undefined) return {};
  if (baseline !== undefined)
    throw new UsageError(
      'ERR_USAGE',
      `${given} compares with the clusters as they are, and --baseline with a file: only one of them can be asked for.`,
    );
  return {
    overlays: (overlay ?? []).map((text) => parseNamed('--overlay', text)),
    ...(without === undefined ? {} : { without: without.map(parseObject) }),
  };
}

/** `CLUSTER:KIND/NAMESPACE/NAME`, or `CLUSTER:KIND/NAME`, as findings and suppressions name objects. */
function parseObject(shown: string): NonNullable<RunOptions['without']>[number] {
  const [, cluster, path] = /^(.+?):([A-Za-z][\w.-]*(?:\/[^/\s]+){1,2})$/.exec(shown) ?? [];
  if (cluster === undefined || path === undefined)
    throw new UsageError('ERR_BAD_VALUE', `--without needs CLUSTER:KIND/NAMESPACE/NAME, not ${JSON.stringify(shown)}.`, {
      hint: 'For example: --without east:Gateway/istio-system/cross-network-gateway',
    });
  return { cluster, path, shown };
}

function directoriesOf(flags: Flags, config: LoadedConfig | undefined, cwd: string): ClusterSource[] {
  const named = flags.manifests?.map(parseManifests) ?? (flags.values === undefined ? clustersOf(config, cwd) : []);
  refuseTwice(named);
  const values = (flags.values ?? []).map(parseValues);
  const strangers = distinct(values.map(({ name }) => name)).filter((name) => named.every((cluster) => cluster.name !== name));
  return [...named, ...strangers.map((name): ClusterSource => ({ name }))].map((cluster) => {
    const own = values.filter(({ name }) => name === cluster.name).map((one) => one.values);
    return own.length === 0 ? cluster : { ...cluster, values: [...(cluster.values ?? []), ...own] };
  });
}

function clustersOf(config: LoadedConfig | undefined, cwd: string): ClusterSource[] {
  if (config === undefined) return [];
  const inPlace = (file: string): string => relative(cwd, resolve(config.dir, file)) || '.';
  return Object.entries(config.values.clusters ?? {}).map(([name, { manifests, values, complete, takenAt }]) => {
    return {
      name,
      ...(manifests === undefined ? {} : { dir: inPlace(manifests) }),
      ...(values === undefined
        ? {}
        : { values: values.map((spec) => chartValues(spec)).map((one) => ({ ...one, file: inPlace(one.file) })) }),
      complete,
      takenAt,
    };
  });
}

/** `NAME=[CHART[:NAMESPACE/RELEASE]:]FILE`. */
function parseValues(text: string): { readonly name: string; readonly values: ChartValues } {
  const at = text.indexOf('=');
  if (at <= 0 || at === text.length - 1)
    throw new UsageError('ERR_BAD_VALUE', `--values needs NAME=FILE, not ${JSON.stringify(text)}.`, {
      hint: 'For example: --values east=istiod-values.yaml, or --values east=gateway:istio-system/istio-eastwestgateway:gateway.yaml',
    });
  return { name: text.slice(0, at), values: chartValues(text.slice(at + 1)) };
}

function chartValues(spec: string): ChartValues {
  const match = /^(istiod|gateway|base):(?:([a-z0-9][-a-z0-9]*)\/([a-z0-9][-a-z0-9.]*):)?(.+)$/.exec(spec);
  const [, chart, namespace, release, file] = match ?? [];
  if (file === undefined || (chart !== 'istiod' && chart !== 'gateway' && chart !== 'base')) return { file: spec };
  return { file, chart, ...(namespace === undefined || release === undefined ? {} : { release: { name: release, namespace } }) };
}

function parseManifests(text: string): ClusterSource {
  return parseNamed('--manifests', text);
}

function parseNamed(flag: string, text: string): ClusterSource {
  const at = text.indexOf('=');
  const name = text.slice(0, at);
  const dir = text.slice(at + 1);
  if (at <= 0 || dir === '')
    throw new UsageError('ERR_BAD_VALUE', `${flag} needs NAME=DIR, not ${JSON.stringify(text)}.`, {
      hint: `For example: ${flag} east=./east`,
    });
  return { name, dir };
}

function refuseTwice(clusters: readonly ClusterSource[]): void {
  const piped = clusters.filter(({ dir }) => dir === '-').map(({ name }) => name);
  if (piped.length > 1)
    throw new UsageError('ERR_BAD_VALUE', `Clusters ${list(piped)} would share standard input, which holds one cluster.`);
  const seen = new Map<string, string>();
  for (const { name, dir = 'values' } of clusters) {
    const before = seen.get(name);
    if (before !== undefined) throw new UsageError('ERR_BAD_VALUE', `Cluster ${name} is given twice: ${before} and ${dir}.`);
    seen.set(name, dir);
  }
}

/** `NAME.NS[:PORT]`. */
function parseService(text: string): NamedService {
  const match = /^([a-z0-9]([-a-z0-9]*[a-z0-9])?)\.([a-z0-9]([-a-z0-9]*[a-z0-9])?)(?::(\d{1,5}))?$/.exec(text);
  const [, name, , namespace, , port] = match ?? [];
  if (name === undefined || namespace === undefined || Number(port ?? 1) > 65_535 || Number(port ?? 1) < 1) {
    throw new UsageError('ERR_BAD_VALUE', `--service needs NAME.NAMESPACE or NAME.NAMESPACE:PORT, not ${JSON.stringify(text)}.`, {
      hint: 'For example: --service abc.default:5000',
    });
  }
  return { namespace, name, ...(port === undefined ? {} : { port: Number(port) }) };
}

function allowed(flag: string | undefined, file: ConfigFile['allowIncomplete']): RunOptions['allowIncomplete'] {
  if (flag === '') return 'all';
  if (flag !== undefined)
    return (words([flag]) ?? []).flatMap((word) => oneOf('--allow-incomplete', word, ['forbidden', 'unreachable'] as const) ?? []);
  if (typeof file === 'boolean') return file ? 'all' : [];
  return file ?? [];
}

/** A declaration about a cluster that is not there is a typing error, not a wish. */
function checkTopology(
  config: LoadedConfig,
  topology: NonNullable<ConfigFile['topology']>,
  clusters: readonly ClusterSource[],
  live: LiveSource | undefined,
): void {
  // Which contexts a pattern means is only known from the kubeconfig.
  if (live !== undefined && (live.contexts.length === 0 || live.contexts.some((name) => name.includes('*')))) return;
  const known = new Set([...clusters.map(({ name }) => name), ...Object.keys(config.values.clusters ?? {}), ...(live?.contexts ?? [])]);
  const named = [
    ...(topology.meshes ?? []).flatMap((mesh) => mesh.clusters),
    ...Object.entries(topology.clusters ?? {}).flatMap(([name, { servedBy }]) => [name, ...(servedBy ?? [])]),
    ...(topology.withoutSecret ?? []).flatMap(({ reader, read }) => [reader, read]),
  ];
  const stranger = named.find((name) => !known.has(name));
  if (stranger === undefined) return;
  const meant = nearest(stranger, known);
  throw new ConfigError(
    'ERR_CONFIG_INVALID',
    `${config.file}: topology names cluster ${stranger}, which is not one of the clusters given.`,
    {
      hint: meant === undefined ? undefined : `Did you mean ${meant}?`,
    },
  );
}
