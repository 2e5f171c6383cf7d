import { relative, resolve } from 'node:path';
import { UsageError } from '../base/errors.ts';
import type { LoadedConfig } from './file.ts';
import type { Flags } from './options.ts';
import type { ConfigFile } from './schema.ts';
import { oneOf, parseCount, parseDuration, words } from './values.ts';
import { type Footprint, footprints } from '../base/footprint.ts';

/** Clusters that are asked through their API servers. */
export interface LiveSource {
  /** File given with --kubeconfig; else $KUBECONFIG, else ~/.kube/config. */
  readonly kubeconfig?: string;
  /** Contexts by name or with `*`; empty: the only one there is. */
  readonly contexts: readonly string[];
  /** Of the contexts the one in this place, from 0: for a Job that opens one cluster per index. */
  readonly contextIndex?: number;
  /** The cluster this runs in, by its service account, and those of `kubeconfig`; without that, those that its remote secrets open. */
  readonly inCluster: boolean;
  readonly impersonate: { readonly user?: string; readonly groups: readonly string[]; readonly uid?: string };
  /** Where Istio is, if nothing says so itself. */
  readonly istioNamespace?: string;
  /** Milliseconds that one request may take. */
  readonly requestTimeout: number;
  /** Milliseconds that reading and probing may take altogether. */
  readonly timeout: number;
  /** Addresses that objects name → where they are from here. */
  readonly resolve: readonly AddressMapping[];
  /** Addresses without a mapping are of nobody: they are refused instead of dialled. For clusters that are simulated. */
  readonly onlyMapped?: boolean;
  /** How far probes may go. */
  readonly probe: Footprint;
  /** Where a pod of its own is made, and of which image instead of that of sidecars. */
  readonly probePod: { readonly namespace: string; readonly image?: string };
  /** Services that are tried at each address of a gateway; absent: as probes see fit. */
  readonly maxTargets?: number;
  /** Milliseconds after which the counters of istiods are read once more. */
  readonly sample?: number;
}

export interface AddressMapping {
  readonly from: { readonly host: string; readonly port: number };
  readonly to: { readonly host: string; readonly port: number };
}

/** Flags that only mean something when clusters are asked. */
const liveFlags: readonly (readonly [name: keyof Flags, spelled: string])[] = [
  ['kubeconfig', '--kubeconfig'],
  ['context', '--context'],
  ['contextIndex', '--context-index'],
  ['allContexts', '--all-contexts'],
  ['inCluster', '--in-cluster'],
  ['as', '--as'],
  ['asGroup', '--as-group'],
  ['asUid', '--as-uid'],
  ['istioNamespace', '--istio-namespace'],
  ['requestTimeout', '--request-timeout'],
  ['timeout', '--timeout'],
  ['resolve', '--resolve'],
  ['probe', '--probe'],
  ['probeImage', '--probe-image'],
  ['probeNamespace', '--probe-namespace'],
  ['maxTargets', '--max-targets'],
  ['sample', '--sample'],
];

/** Flags that only mean something when directories are read. */
const directoryFlags: readonly (readonly [name: keyof Flags, spelled: string])[] = [
  ['complete', '--complete'],
  ['takenAt', '--taken-at'],
];

export type SourceKind = 'live' | 'directories' | 'recording';

/** Where a run reads: what the command line names wins over the file. */
export function sourceOf(flags: Flags, file: ConfigFile): SourceKind {
  if (flags.from !== undefined) return 'recording';
  if (flags.manifests !== undefined || flags.values !== undefined) return 'directories';
  return asksForLive(flags, file) || file.clusters === undefined ? 'live' : 'directories';
}

function asksForLive(flags: Flags, file: ConfigFile): boolean {
  return (
    flags.context !== undefined ||
    flags.allContexts === true ||
    flags.inCluster === true ||
    flags.kubeconfig !== undefined ||
    file.contexts !== undefined
  );
}

/** A flag that nothing would read is a misunderstanding. */
export function refuseMixture(flags: Flags, source: SourceKind): void {
  const given = (among: typeof liveFlags): string | undefined => among.find(([name]) => flags[name] !== undefined)?.[1];
  const live = given(liveFlags);
  const directory = given(directoryFlags);
  if (source === 'recording') {
    const other = given([['manifests', '--manifests'], ...liveFlags, ...directoryFlags, ['now', '--now']]);
    if (other === undefined) return;
    throw new UsageError('ERR_BAD_VALUE', `${other} does not go with --from: clusters and their present come from the recording.`, {
      hint: 'Leave out one of them.',
    });
  }
  if (source === 'directories' && live !== undefined) {
    throw new UsageError('ERR_BAD_VALUE', `${live} is about live clusters, and the clusters are read from directories.`, {
      hint: 'Leave it out, or give --context instead of --manifests.',
    });
  }
  if (source === 'live' && directory !== undefined) {
    throw new UsageError('ERR_BAD_VALUE', `${directory} is about directories, and the clusters are asked themselves.`, {
      hint: 'Directories are given with --manifests NAME=DIR.',
    });
  }
}

export function liveSource(flags: Flags, config: LoadedConfig | undefined, cwd: string): LiveSource {
  const file = config?.values ?? {};
  const contexts = flags.allContexts === true ? ['*'] : (words(flags.context) ?? file.contexts ?? []);
  const ofFile = config === undefined || file.kubeconfig === undefined ? undefined : relative(cwd, resolve(config.dir, file.kubeconfig));
  const kubeconfig = flags.kubeconfig ?? ofFile;
  if (flags.inCluster === true && contexts.length > 0 && kubeconfig === undefined)
    throw new UsageError('ERR_BAD_VALUE', '--in-cluster reads the cluster it runs in, so there is no context to choose.', {
      hint: 'With --kubeconfig FILE it also reads the contexts of that file, instead of what its remote secrets open.',
    });
  if ((flags.asGroup !== undefined || flags.asUid !== undefined) && flags.as === undefined)
    throw new UsageError('ERR_BAD_VALUE', `${flags.asGroup === undefined ? '--as-uid' : '--as-group'} needs --as.`);
  const probe = oneOf('--probe', flags.probe, footprints) ?? file.probe ?? 'query';
  const podFlag = flags.probeImage === undefined ? (flags.probeNamespace === undefined ? undefined : '--probe-namespace') : '--probe-image';
  if (podFlag !== undefined && probe !== 'pod')
    throw new UsageError('ERR_BAD_VALUE', `${podFlag} is about the pod of --probe=pod, and none is made.`, { hint: 'Add --probe=pod.' });
  const sample = flags.sample === undefined ? undefined : parseDuration('--sample', flags.sample);
  if (sample !== undefined && (probe === 'off' || probe === 'connect'))
    throw new UsageError('ERR_BAD_VALUE', `--sample asks istiods twice, and --probe=${probe} asks none.`, {
      hint: 'Leave out one of them.',
    });
  const timeout = flags.timeout === undefined ? 60_000 + (sample ?? 0) : parseDuration('--timeout', flags.timeout);
  if (sample !== undefined && sample >= timeout)
    throw new UsageError('ERR_BAD_VALUE', `--sample ${flags.sample ?? ''} takes longer than --timeout ${flags.timeout ?? ''} allows.`);
  return {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    contexts,
    ...(flags.contextIndex === undefined ? {} : { contextIndex: parseIndex(flags.contextIndex) }),
    inCluster: flags.inCluster === true,
    impersonate: {
      ...(flags.as === undefined ? {} : { user: flags.as }),
      groups: flags.asGroup ?? [],
      ...(flags.asUid === undefined ? {} : { uid: flags.asUid }),
    },
    ...(flags.istioNamespace === undefined ? {} : { istioNamespace: flags.istioNamespace }),
    requestTimeout: flags.requestTimeout === undefined ? 10_000 : parseDuration('--request-timeout', flags.requestTimeout),
    timeout,
    resolve: (flags.resolve ?? []).map(parseMapping),
    ...(flags.onlyMapped === true ? { onlyMapped: true } : {}),
    probe,
    probePod: { namespace: flags.probeNamespace ?? 'default', ...(flags.probeImage === undefined ? {} : { image: flags.probeImage }) },
    ...(flags.maxTargets === undefined ? {} : { maxTargets: parseCount('--max-targets', flags.maxTargets, 100) }),
    ...(sample === undefined ? {} : { sample }),
  };
}

function parseIndex(text: string): number {
  if (!/^\d{1,5}$/.test(text))
    throw new UsageError('ERR_BAD_VALUE', `--context-index needs a number from 0 on, not ${JSON.stringify(text)}.`);
  return Number(text);
}

/** `ADDR:PORT=HOST:PORT`; IPv6 addresses in brackets. */
function parseMapping(text: string): AddressMapping {
  const match = /^(\[[^\]]+\]|[^:=[\]]+):(\d{1,5})=(\[[^\]]+\]|[^:=[\]]+):(\d{1,5})$/.exec(text);
  const [, host, port, toHost, toPort] = match ?? [];
  if (host === undefined || toHost === undefined || ![port, toPort].every((one) => Number(one) >= 1 && Number(one) <= 65_535)) {
    throw new UsageError('ERR_BAD_VALUE', `--resolve needs ADDRESS:PORT=HOST:PORT, not ${JSON.stringify(text)}.`, {
      hint: 'For example: --resolve 192.0.2.1:15443=127.0.0.1:31443',
    });
  }
  const bare = (one: string): string => one.replace(/^\[|\]$/g, '');
  return { from: { host: bare(host), port: Number(port) }, to: { host: bare(toHost), port: Number(toPort) } };
}
