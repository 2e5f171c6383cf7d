import type { KubeObject, StringMap } from '../model/kube.ts';
import { type Addresses, addressesOf } from './addresses.ts';
import type { PluggedInCa } from './certificates.ts';
import { istiodPod, primary, remote } from './control-plane.ts';
import { eastWestAddress, ingressPorts } from './gateways.ts';
import { emptyCluster } from './kubernetes.ts';
import { type Cluster, type ControlPlane, injectionOf, type Site, usualTags } from './plan.ts';
import { traitsOf } from './releases.ts';
import { times } from './timeline.ts';
import { rootOf, type Trust } from './trust.ts';

/** What all topologies can be told. */
export interface PresetOptions {
  /** Istio's cluster IDs; default: the names of the clusters. */
  readonly clusterIds?: Readonly<Record<string, string>>;
  /** Names of the networks; default `network1`, `network2` and so on. */
  readonly networkNames?: Readonly<Record<string, string>>;
  readonly release?: string;
  readonly trust?: Trust;
  readonly meshId?: string;
  readonly trustDomain?: string;
  /** DNS capture by the sidecars of the whole mesh; on unless false. */
  readonly dnsCapture?: boolean;
  /** Sidecars as init containers that go on running. */
  readonly nativeSidecars?: boolean;
  /** Kubernetes version of the nodes. */
  readonly kubelet?: string;
}

export interface PrimaryRemoteOptions extends PresetOptions {
  /** 2: one for each cluster. 1: one for all, labelled nowhere, as Istio's guide has it. 0: Istio is told no network at all. */
  readonly networks?: 0 | 1 | 2;
  /** Default: without a name. */
  readonly revision?: string;
  /** Default: what the installer of the release makes by itself. */
  readonly tags?: readonly string[];
}

export interface MultiPrimaryOptions extends PresetOptions {
  readonly networks?: 0 | 1 | 2;
  /** One for each cluster, or one for all; default: without a name. */
  readonly revisions?: readonly string[];
  readonly tags?: readonly string[];
  /** Authority for each cluster, where they are not of one: then the clusters do not trust each other. */
  readonly authorities?: Readonly<Record<string, PluggedInCa>>;
}

/** One cluster of a preset: its objects, and how to go on. */
export interface BuiltCluster {
  readonly site: Site;
  readonly objects: readonly KubeObject[];
}

export const defaultRelease = '1.31.0';

/** A primary and the remotes it serves. */
export function primaryRemote(
  numberOfFirst: number,
  primaryName: string,
  remoteNames: readonly string[],
  options: PrimaryRemoteOptions,
): BuiltCluster[] {
  const release = options.release ?? defaultRelease;
  const networks = options.networks ?? 2;
  const clusters = clustersOf(numberOfFirst, [primaryName, ...remoteNames], networks, { ...options, release });
  const [first, ...others] = clusters;
  if (first === undefined || others.length === 0) throw new Error('A primary needs a remote.');
  const plane = planeOf(first, { ...options, release, revision: options.revision ?? 'default', isExternal: true });
  const home = addressesOf(first.number);
  const eastWest = (cluster: Cluster) => ({ network: cluster.network });
  const primaryObjects = primary(first, home, plane, {
    trust: options.trust ?? 'plugged-in',
    ingressPorts,
    reads: others,
    isRead: false,
    eastWest: eastWest(first),
    exposes: { services: networks === 2, istiod: true },
  });
  const leader = { plane, pod: istiodPod(primaryObjects), since: times.leading };
  return [
    built(first, plane, [...emptyCluster(first), ...primaryObjects], home),
    ...others.map((cluster) => {
      const away = addressesOf(cluster.number);
      const objects = remote(cluster, away, plane, {
        leader,
        pilotAddress: eastWestAddress(first),
        eastWest: networks === 2 ? eastWest(cluster) : undefined,
      });
      return built(cluster, plane, [...emptyCluster(cluster), ...objects], away);
    }),
  ];
}

/** Clusters with an istiod each, which read each other. */
export function multiPrimary(numberOfFirst: number, clusterNames: readonly string[], options: MultiPrimaryOptions): BuiltCluster[] {
  const networks = options.networks ?? 2;
  const revisions = options.revisions ?? [];
  const clusters = clustersOf(numberOfFirst, clusterNames, networks, { ...options, release: options.release ?? defaultRelease });
  return clusters.map((cluster, index) => {
    const revision = revisions[index] ?? revisions.at(-1) ?? 'default';
    const release =
      revisions.length > 1 || options.release === undefined
        ? (releaseOfRevision(revision) ?? options.release ?? defaultRelease)
        : options.release;
    const plane = planeOf(cluster, { ...options, release, revision, isExternal: false });
    const addresses = addressesOf(cluster.number);
    const objects = primary(cluster, addresses, plane, {
      trust: options.trust ?? 'plugged-in',
      ingressPorts,
      reads: clusters.filter((other) => other !== cluster),
      isRead: true,
      eastWest: networks === 2 ? { network: cluster.network } : undefined,
      exposes: { services: networks === 2, istiod: false },
    });
    return built(cluster, plane, [...emptyCluster(cluster), ...objects], addresses);
  });
}

/** `1.31.0` for `1-31-0`; nothing for a revision that is no version. */
export function releaseOfRevision(revision: string): string | undefined {
  return /^\d+-\d+-\d+$/.test(revision) ? revision.replaceAll('-', '.') : undefined;
}

export function clustersOf(
  numberOfFirst: number,
  names: readonly string[],
  networks: 0 | 1 | 2,
  options: PresetOptions & { readonly release: string },
): Cluster[] {
  return names.map((name, index) => {
    const network = options.networkNames?.[name] ?? (networks === 1 ? 'network1' : `network${index + 1}`);
    return {
      name,
      id: options.clusterIds?.[name] ?? name,
      number: numberOfFirst + index,
      network: networks === 0 ? undefined : network,
      labelsNetwork: networks === 2,
      kubelet: options.kubelet ?? kubeletFor(options.release, options.nativeSidecars === true),
    };
  });
}

export function planeOf(
  cluster: Cluster,
  options: PresetOptions & {
    readonly release: string;
    readonly revision: string;
    readonly isExternal: boolean;
    readonly tags?: readonly string[];
    readonly authorities?: Readonly<Record<string, PluggedInCa>>;
    readonly ambient?: boolean;
    readonly proxyMetadata?: StringMap;
    readonly publicAddress?: string;
    readonly systemNamespace?: string;
  },
): ControlPlane {
  const { release, revision } = options;
  return {
    revision,
    release,
    systemNamespace: options.systemNamespace ?? 'istio-system',
    clusterId: cluster.id,
    network: cluster.network,
    meshId: options.meshId ?? 'mesh1',
    trustDomain: options.trustDomain ?? 'cluster.local',
    dnsCapture: options.dnsCapture ?? true,
    proxyMetadata: options.proxyMetadata ?? {},
    publicAddress: options.publicAddress,
    isExternal: options.isExternal,
    nativeSidecars: options.nativeSidecars ?? false,
    root: rootOf(options.trust ?? 'plugged-in', cluster, options.authorities?.[cluster.name]),
    ca: options.authorities?.[cluster.name],
    tags: options.tags ?? usualTags(revision, release),
    ambient: options.ambient ?? false,
  };
}

/** How a namespace asks for injection by this control plane. */
export function joinsOf(plane: ControlPlane): StringMap {
  if (plane.ambient) return { 'istio.io/dataplane-mode': 'ambient' };
  return plane.revision === 'default' ? { 'istio-injection': 'enabled' } : { 'istio.io/rev': plane.revision };
}

export function built(cluster: Cluster, plane: ControlPlane, objects: readonly KubeObject[], addresses: Addresses): BuiltCluster {
  return {
    objects,
    site: {
      cluster,
      root: plane.root,
      hasCrl: traitsOf(plane.release).hasCrl,
      injections: [injectionOf(plane, cluster)],
      joins: joinsOf(plane),
      addressesUsed: addresses.used(),
    },
  };
}

/** A Kubernetes that the release supports. Nodes of 1.33 or newer make istiod use native sidecars from 1.27 on. */
function kubeletFor(release: string, nativeSidecars: boolean): string {
  if (nativeSidecars) return 'v1.34.4';
  return traitsOf(release).hasCrl || traitsOf(release).backsRemoteBySlice ? 'v1.32.9' : 'v1.31.13';
}
