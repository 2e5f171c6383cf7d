import { compareText } from '../base/sort.ts';
import { isInCidr } from '../istio/addresses.ts';
import { fqdnOf, hostMatches, hostOfAddress } from '../istio/hosts.ts';
import { labels } from '../istio/labels.ts';
import type { ControlPlane, EndpointSlice, KubeGateway, MeshConfig, Namespace, Node, Pod, Service } from '../model/facts.ts';
import { type ClusterId, type NetworkId, networkId } from '../model/ids.ts';
import { selects } from './selectors.ts';

/** The istiod whose answers are predicted: of one revision, in one namespace. */
export type PredictedIstiod = Pick<ControlPlane, 'clusterId' | 'namespace' | 'clusterDomain' | 'env'> & {
  readonly version?: string | undefined;
};

/** What predictions use of its mesh config; an istiod applies its own to the objects of every cluster it reads. */
export type PredictedMeshConfig = Pick<MeshConfig, 'discoverySelectors' | 'meshNetworks' | 'clusterLocal' | 'defaultServiceExportTo'> & {
  readonly discoveryAddress?: string | undefined;
};

/** A cluster as an istiod reads it: its id there (own CLUSTER_ID, or data key of the remote secret) and the lists a function asks for. */
export interface ReadCluster {
  readonly id: ClusterId;
  readonly namespaces: readonly Namespace[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly pods: readonly Pod[];
  readonly nodes?: readonly Node[] | undefined;
  /** Gateway API Gateways; none where the API is not served. */
  readonly kubeGateways?: readonly KubeGateway[] | undefined;
}

/** Names of the lists a prediction may leave out. */
type Part = Exclude<keyof ReadCluster, 'id'>;

/** Everything one istiod sees. One API server that is read under two ids is two entries, as in istiod. */
export interface IstiodView<P extends Part = Part> {
  readonly istiod: PredictedIstiod;
  readonly meshConfig?: PredictedMeshConfig | undefined;
  /** In any order; the one whose id is istiod's own CLUSTER_ID is the one whose configuration it reads. */
  readonly clusters: readonly Pick<ReadCluster, 'id' | P>[];
}

/** The clusters of a view in the order in which istiod asks its registries: its own first; the order of the others is not fixed, here by id. */
export function inRegistryOrder<C extends Pick<ReadCluster, 'id'>>(view: {
  readonly istiod: Pick<PredictedIstiod, 'clusterId'>;
  readonly clusters: readonly C[];
}): C[] {
  const own = view.istiod.clusterId;
  return [...view.clusters].sort((a, b) => (a.id === b.id ? 0 : a.id === own ? -1 : b.id === own ? 1 : compareText(a.id, b.id)));
}

/** Tells which namespaces of a cluster istiod looks into: those one of its discoverySelectors selects; all, where it has none. */
export function visibleNamespaces(
  namespaces: readonly Namespace[],
  meshConfig: Pick<PredictedMeshConfig, 'discoverySelectors'> | undefined,
): (namespace: string) => boolean {
  const selectors = meshConfig?.discoverySelectors ?? [];
  if (selectors.length === 0) return () => true;
  const hidden = new Set<string>();
  for (const namespace of namespaces) {
    const held = { 'kubernetes.io/metadata.name': namespace.name, ...namespace.labels };
    if (!selectors.some((selector) => selects(selector, held))) hidden.add(namespace.name);
  }
  return (namespace) => !hidden.has(namespace);
}

/**
 * The network of an address of one cluster that has no network label of its own: label of the namespace named like istiod's own, in
 * that cluster; else meshNetworks, by registry and then by CIDR (pilot/pkg/serviceregistry/kube/controller/controller.go: Network).
 */
export function defaultNetwork(
  cluster: Pick<ReadCluster, 'id' | 'namespaces'>,
  view: Pick<IstiodView, 'istiod' | 'meshConfig'>,
): (address: string) => NetworkId | undefined {
  const label = cluster.namespaces.find((namespace) => namespace.name === view.istiod.namespace)?.labels[labels.network];
  if (label !== undefined && label !== '') {
    const network = networkId(label);
    return () => network;
  }
  const networks = view.meshConfig?.meshNetworks ?? [];
  const byRegistry = networks.find((network) => network.fromRegistries.includes(cluster.id))?.network;
  if (byRegistry !== undefined) return () => byRegistry;
  const ranges = networks.flatMap((network) => network.cidrs.map((cidr) => ({ cidr, network: network.network })));
  if (ranges.length === 0) return () => undefined;
  return (address) => ranges.find((range) => isInCidr(address, range.cidr))?.network;
}

/**
 * Whether endpoints of a host are kept to their own cluster: `kube-system`, `kubernetes.default` and the discovery host unless
 * serviceSettings say otherwise, the most specific setting first (pilot/pkg/model/cluster_local.go; exclusions by `false` since 1.24).
 */
export function clusterLocalHosts(view: Pick<IstiodView, 'istiod' | 'meshConfig'>): (host: string) => boolean {
  const domain = view.istiod.clusterDomain;
  const discovery = hostOfAddress(view.meshConfig?.discoveryAddress ?? 'istiod.istio-system.svc:15012');
  const settings = view.meshConfig?.clusterLocal ?? [];
  const byDefault = [
    `*.kube-system.svc.${domain}`,
    fqdnOf('default', 'kubernetes', domain),
    discovery.endsWith(domain) ? discovery : `${discovery}.${domain}`,
  ];
  const kept = byDefault.filter(
    (host) =>
      !settings.some(
        (setting) => !setting.local && (setting.host === host || (host.startsWith('*') && setting.host.endsWith(host.slice(1)))),
      ),
  );
  const exact = new Map<string, boolean>();
  const wildcards = new Map<string, boolean>();
  for (const { host, local } of [...settings, ...kept.map((host) => ({ host, local: true }))])
    (host.startsWith('*') ? wildcards : exact).set(host, local);
  const patterns = [...wildcards].sort(([a], [b]) => b.length - a.length || compareText(a, b));
  return (host) => exact.get(host) ?? patterns.find(([pattern]) => hostMatches(pattern, host))?.[1] ?? false;
}

/** Whether an env flag of istiod is on: what Go reads as true. `fallback` where it is not set. */
export function flag(env: Readonly<Record<string, string>>, name: string, fallback: boolean): boolean {
  const value = env[name];
  if (value === undefined || value === '') return fallback;
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  return /^(0|f|F|false|FALSE|False)$/.test(value) ? false : fallback;
}
