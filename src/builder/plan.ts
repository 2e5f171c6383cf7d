import type { PluggedInCa } from './certificates.ts';
import type { StringMap } from '../model/kube.ts';
import { traitsOf } from './releases.ts';

/** One cluster of a mesh to build. */
export interface Cluster {
  /** Name that the user gives to the cluster. */
  readonly name: string;
  /** Istio's cluster ID. */
  readonly id: string;
  /** Counts from 1 over the whole mesh; addresses and authorities are told by it. */
  readonly number: number;
  /** Network of its pods; none = Istio was told no network. */
  readonly network: string | undefined;
  /** Whether the system namespace carries the network's label, as on meshes of several networks. */
  readonly labelsNetwork: boolean;
  /** Kubernetes version of its nodes. */
  readonly kubelet: string;
}

/** One revision of istiod, for one cluster or several. */
export interface ControlPlane {
  /** `default` when it was installed without a name. */
  readonly revision: string;
  readonly release: string;
  readonly systemNamespace: string;
  /** CLUSTER_ID: the config cluster's. */
  readonly clusterId: string;
  readonly network: string | undefined;
  readonly meshId: string | undefined;
  readonly trustDomain: string;
  readonly dnsCapture: boolean;
  /** `proxyMetadata` of the mesh beside DNS capture. */
  readonly proxyMetadata: StringMap;
  /** Host and port under which proxies reach it, where that is not its Service. */
  readonly publicAddress: string | undefined;
  /** EXTERNAL_ISTIOD: it manages clusters that ask for it. */
  readonly isExternal: boolean;
  readonly nativeSidecars: boolean;
  /** Root certificate it hands out. */
  readonly root: string;
  /** What is plugged in, where it is not the usual. */
  readonly ca: PluggedInCa | undefined;
  /** Tags that the installer made for it. */
  readonly tags: readonly string[];
  readonly ambient: boolean;
}

/** What an injector writes into a pod: from the control plane, and for the cluster its webhook path names. */
export interface Injection {
  readonly revision: string;
  readonly release: string;
  readonly systemNamespace: string;
  readonly clusterId: string;
  readonly network: string | undefined;
  /** Host and port of istiod, as proxies are told. */
  readonly discoveryAddress: string;
  /** Whether a proxy has to be told: the address of an istiod without a name is built in. */
  readonly tellsAddress: boolean;
  readonly meshId: string | undefined;
  readonly trustDomain: string;
  readonly dnsCapture: boolean;
  readonly proxyMetadata: StringMap;
  readonly nativeSidecars: boolean;
}

/** What the builder remembers of a cluster beside its objects, to go on building in it. */
export interface Site {
  readonly cluster: Cluster;
  /** Root certificate that new namespaces get, and whether a revocation list beside it. */
  readonly root: string | undefined;
  readonly hasCrl: boolean;
  readonly injections: readonly Injection[];
  /** Labels by which a namespace joins the mesh here. */
  readonly joins: StringMap;
  readonly addressesUsed: number;
}

/** `-1-31-0`, or nothing for the revision without a name. */
export function suffixOfRevision(revision: string): string {
  return revision === 'default' ? '' : `-${revision}`;
}

/** Name of istiod's Deployment and Service. */
export function istiodName(plane: Pick<ControlPlane, 'revision'>): string {
  return `istiod${suffixOfRevision(plane.revision)}`;
}

/** Where proxies find it. */
export function istiodAddress(plane: Pick<ControlPlane, 'revision' | 'systemNamespace' | 'publicAddress'>): string {
  return plane.publicAddress ?? `${istiodName(plane)}.${plane.systemNamespace}.svc:15012`;
}

/** What the control plane injects in a cluster: its own, or a remote's. */
export function injectionOf(plane: ControlPlane, cluster: Pick<Cluster, 'id' | 'network'>): Injection {
  const { revision, release, systemNamespace, meshId, trustDomain, dnsCapture, proxyMetadata, nativeSidecars } = plane;
  return {
    revision,
    release,
    systemNamespace,
    clusterId: cluster.id,
    network: cluster.network,
    discoveryAddress: istiodAddress(plane),
    tellsAddress: istiodAddress(plane) !== 'istiod.istio-system.svc:15012',
    meshId,
    trustDomain,
    dnsCapture,
    proxyMetadata,
    nativeSidecars,
  };
}

/** The tags that the installer makes by itself. */
export function usualTags(revision: string, release: string): readonly string[] {
  return revision === 'default' || traitsOf(release).tagsNamedRevision ? ['default'] : [];
}
