import { compareText, groupBy } from '../base/sort.ts';
import { labels, names } from '../istio/labels.ts';
import { revisionOfIstiodService } from '../istio/hosts.ts';
import type { ControlPlane, Endpoint, EndpointSlice, MeshConfig, Namespace, Pod, Service } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import { refKey } from '../model/refs.ts';
import { isExportedTo, istioMutual } from './endpoints.ts';
import { clusterLocalHosts, visibleNamespaces } from './istiod-view.ts';
import { unreadBecause } from './remote-secrets.ts';
import type { Mesh } from './topology-types.ts';

/*
 * One name in several clusters is one service to istiod. The copy of the cluster whose configuration it uses decides ports, type and
 * export for everybody it serves (pilot/pkg/serviceregistry/aggregate/controller.go); the others give endpoints.
 */

/** A Service as one cluster has it. */
export interface Copy {
  readonly cluster: ClusterName;
  readonly service: Service;
}

/** A name that several clusters have. */
export interface SharedService {
  readonly namespace: string;
  readonly name: string;
  /** Two or more, in the order of the clusters given. */
  readonly copies: readonly Copy[];
}

/** Names that two clusters or more have, by namespace and name. Services of istiod and gateways of networks differ by design and are not among them. */
export function sharedServices(
  clusters: readonly { readonly name: ClusterName; readonly services: readonly Service[] }[],
): SharedService[] {
  const found = new Map<string, { namespace: string; name: string; copies: Copy[] }>();
  const names = namesInSeveral(clusters.map(({ services }) => services));
  for (const { name: cluster, services } of clusters) {
    for (const service of services) {
      // Of thousands hardly one is in another cluster: only for those it is worth making keys.
      if (!names.has(service.name)) continue;
      const key = `${service.namespace}/${service.name}`;
      const shared = found.get(key);
      if (shared === undefined) found.set(key, { namespace: service.namespace, name: service.name, copies: [{ cluster, service }] });
      else shared.copies.push({ cluster, service });
    }
  }
  return [...found]
    .filter(([, { copies }]) => copies.length > 1 && !copies.some(({ service }) => isPerCluster(service)))
    .sort(([a], [b]) => compareText(a, b))
    .map(([, shared]) => shared);
}

/** Names that occur in more than one of the lists, and some that do not: in each list a name can occur in several namespaces. */
function namesInSeveral(lists: readonly (readonly Service[])[]): ReadonlySet<string> {
  const [largest = [], ...others] = lists.toSorted((a, b) => b.length - a.length);
  const names = new Set(others.flatMap((services) => services.map(({ name }) => name)));
  return lists.length > 2 ? names : new Set(largest.flatMap(({ name }) => (names.has(name) ? [name] : [])));
}

/** What belongs to one cluster by its nature: its API server, its istiod, its gateway to other networks. */
function isPerCluster({ namespace, name, labels: own }: Service): boolean {
  if (namespace === 'default' && name === 'kubernetes') return true;
  if (own[labels.network] !== undefined || own['istio'] === 'eastwestgateway') return true;
  return own['app'] === 'istiod' || revisionOfIstiodService(name) !== undefined || name.startsWith('istiod-revision-tag-');
}

/** One istiod as far as services go. */
export interface Reader {
  readonly controlPlane: ControlPlane;
  readonly meshConfig: MeshConfig;
  /** The cluster whose configuration it uses; its copy of a Service comes first. */
  readonly home: ClusterName;
  /** Clusters whose Services it knows, `home` included. */
  readonly reads: ReadonlySet<ClusterName>;
  /** Clusters whose proxies are its own, as far as is known: `home`, and remotes. */
  readonly serves: readonly ClusterName[];
  readonly isClusterLocal: (host: string) => boolean;
  /** Whether its discoverySelectors let it see a namespace of a cluster. */
  readonly sees: (cluster: ClusterName, namespace: string) => boolean;
}

/** The istiods of a mesh whose own cluster and mesh config are among `clusters`: of others it is not known what they keep from whom. */
export function readersOf(
  mesh: Mesh,
  clusters: readonly {
    readonly name: ClusterName;
    readonly controlPlanes: readonly ControlPlane[];
    readonly meshConfigs: readonly MeshConfig[];
    readonly namespaces: readonly Namespace[];
  }[],
): Reader[] {
  const given = new Map(clusters.map((cluster) => [cluster.name, cluster]));
  return mesh.controlPlanes.flatMap(({ cluster, ref }): Reader[] => {
    const place = given.get(cluster);
    const controlPlane = place?.controlPlanes.find((candidate) => refKey(candidate.ref) === refKey(ref));
    if (place === undefined || controlPlane === undefined) return [];
    const couples = mesh.couples.filter((couple) => refKey(couple.controlPlane.ref) === refKey(ref));
    const selves = couples.filter(({ kind }) => kind === 'self').map(({ member }) => member);
    const home = selves.find((member) => member !== cluster) ?? cluster;
    if (!given.has(home)) return [];
    const meshConfig = [place, given.get(home)]
      .flatMap((one) => one?.meshConfigs ?? [])
      .find(({ namespace, revision }) => namespace === controlPlane.namespace && revision === controlPlane.revision);
    if (meshConfig === undefined || meshConfig.unreadable) return [];
    const read = couples.filter((couple) => couple.kind !== 'self' && unreadBecause(controlPlane, couple) === undefined);
    const serves = couples.filter(({ kind, serves: does }) => kind === 'remote' && 'known' in does && does.known);
    return [
      {
        controlPlane,
        meshConfig,
        home,
        reads: new Set([home, ...read.map(({ member }) => member)]),
        serves: [home, ...serves.map(({ member }) => member)],
        isClusterLocal: clusterLocalHosts({ istiod: controlPlane, meshConfig }),
        sees: seenBy(meshConfig, (name) => given.get(name)?.namespaces ?? []),
      },
    ];
  });
}

function seenBy(meshConfig: MeshConfig, namespacesOf: (cluster: ClusterName) => readonly Namespace[]): Reader['sees'] {
  if (meshConfig.discoverySelectors.length === 0) return () => true;
  const found = new Map<ClusterName, (namespace: string) => boolean>();
  return (cluster, namespace) => {
    let isVisible = found.get(cluster);
    if (isVisible === undefined) {
      isVisible = visibleNamespaces(namespacesOf(cluster), meshConfig);
      found.set(cluster, isVisible);
    }
    return isVisible(namespace);
  };
}

/** What an istiod makes of a name: the copies that it knows, and the one that decides, where that is certain. */
export interface Merged {
  readonly reader: Reader;
  readonly copies: readonly Copy[];
  /** The copy of `home`; without one the order in which clusters were added decides. */
  readonly first: Copy | undefined;
}

/** A shared service as each istiod merges it that knows two copies or more. */
export function mergedBy(readers: readonly Reader[], { namespace, copies }: SharedService): Merged[] {
  return readers.flatMap((reader): Merged[] => {
    const known = copies.filter(({ cluster }) => reader.reads.has(cluster) && reader.sees(cluster, namespace));
    if (known.length < 2) return [];
    return [{ reader, copies: known, first: known.find(({ cluster }) => cluster === reader.home) }];
  });
}

/** One endpoint of a Service in one cluster, with the pod behind it. */
export interface Backend {
  readonly slice: EndpointSlice;
  readonly endpoint: Endpoint;
  /** Absent for an address no pod has. */
  readonly pod?: Pod | undefined;
  /** It takes Istio's mTLS: the pod is labelled as injected. */
  readonly isMeshed: boolean;
}

type Lists = { readonly endpointSlices: readonly EndpointSlice[]; readonly pods: readonly Pod[] };

/** Finds the endpoints of a Service in a cluster. Nothing is looked at before it is asked for: mostly nobody asks. */
export function backendFinder(
  clusters: readonly ({ readonly name: ClusterName } & Lists)[],
): (cluster: ClusterName, service: { readonly namespace: string; readonly name: string }) => readonly Backend[] {
  const given = new Map(clusters.map((cluster) => [cluster.name, cluster]));
  return (cluster, { namespace, name }) => {
    const own = given.get(cluster);
    return own === undefined ? [] : backendsOf(own, namespace, name);
  };
}

function backendsOf({ endpointSlices, pods }: Lists, namespace: string, name: string): readonly Backend[] {
  return (slicesByService(endpointSlices).get(`${namespace}/${name}`) ?? []).flatMap((slice) =>
    slice.endpoints.map((endpoint): Backend => {
      const pod = endpoint.pod === undefined ? undefined : podsByName(pods).get(`${namespace}/${endpoint.pod}`);
      return { slice, endpoint, pod, isMeshed: pod?.labels[labels.tlsMode] === istioMutual };
    }),
  );
}

/** Lists are frozen and large, and checks ask for one service after the other: each is indexed once. */
function remembered<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, V>();
  return (key) => {
    const made = known.get(key) ?? make(key);
    known.set(key, made);
    return made;
  };
}

const slicesByService = remembered((slices: readonly EndpointSlice[]) =>
  groupBy(
    slices.filter((slice) => slice.service !== '' && slice.labels[labels.importedServiceName] === undefined),
    (slice) => `${slice.namespace}/${slice.service}`,
  ),
);

const podsByName = remembered((pods: readonly Pod[]) => new Map(pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod])));

const podsByNamespace = remembered((pods: readonly Pod[]) => groupBy(pods, ({ namespace }) => namespace));

/** The pods of a namespace. */
export function podsIn(pods: readonly Pod[], namespace: string): readonly Pod[] {
  return podsByNamespace(pods).get(namespace) ?? [];
}

const callerNamespaces = remembered(
  (pods: readonly Pod[]): ReadonlySet<string> => new Set(pods.filter(isCaller).map(({ namespace }) => namespace)),
);

/** Namespaces of a cluster in which pods with sidecars run. */
export function callerFinder(
  clusters: readonly { readonly name: ClusterName; readonly pods: readonly Pod[] }[],
): (cluster: ClusterName) => ReadonlySet<string> {
  const given = new Map(clusters.map((cluster) => [cluster.name, cluster.pods]));
  return (cluster) => callerNamespaces(given.get(cluster) ?? []);
}

function isCaller({ proxy, phase }: Pod): boolean {
  return proxy?.kind === 'sidecar' && phase !== 'Succeeded' && phase !== 'Failed';
}

/** Whether a Service of which this is the first copy is shown to somebody in these namespaces. */
export function isShownTo(first: Service, namespaces: ReadonlySet<string>, { defaultServiceExportTo: defaults }: MeshConfig): boolean {
  for (const namespace of namespaces) if (isExportedTo(first, namespace, defaults)) return true;
  return false;
}

/** Namespaces that Kubernetes and its providers keep for themselves. */
export function isSystemNamespace(namespace: string): boolean {
  return /^(?:kube|gke|openshift|gmp|aks|calico|tigera|cattle|anthos)-/.test(namespace) || namespace === names.defaultSystemNamespace;
}
