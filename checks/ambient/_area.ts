import {
  ambient,
  type ClusterName,
  type ControlPlane,
  distinct,
  type Endpoint,
  type EndpointSlice,
  type Fact,
  labels,
  listOf,
  type Member,
  type Mesh,
  type MeshConfig,
  type Namespace,
  type NetworkId,
  refKey,
  type Service,
  type StringMap,
  valueOf,
  type Pod,
} from 'meshdoctor/api';

export const title = 'Ambient';
export const order = 11;

/** Settings of istiod that decide how far ambient reaches. */
export const settings = {
  ambient: 'PILOT_ENABLE_AMBIENT',
  multiNetwork: 'AMBIENT_ENABLE_MULTI_NETWORK',
  ingress: 'AMBIENT_ENABLE_MULTI_NETWORK_INGRESS',
} as const;

/** istiods of this mesh in a cluster that somebody wants to run: one that is scaled to nothing decides nothing. */
export function istiodsOf({ controlPlanes }: { readonly controlPlanes: readonly ControlPlane[] }, mesh: Mesh): ControlPlane[] {
  const own = new Set(mesh.controlPlanes.map(({ ref }) => refKey(ref)));
  return controlPlanes.filter((istiod) => own.has(refKey(istiod.ref)) && istiod.desiredReplicas > 0);
}

/** The istiod of a cluster by whose settings ambient spans clusters there. */
export function spanningIstiod(cluster: { readonly controlPlanes: readonly ControlPlane[] }, mesh: Mesh): ControlPlane | undefined {
  return istiodsOf(cluster, mesh).find(ambient.isMultiNetwork);
}

/** Whether only one of two clusters spans networks by its settings, so that what is wrong between them does not show yet. */
export function isHalfSpanned(one: { readonly controlPlanes: readonly ControlPlane[] }, other: typeof one, mesh: Mesh): boolean {
  const sides = [one, other].map((view) => istiodsOf(view, mesh));
  const isOff = (istiods: readonly ControlPlane[]): boolean => istiods.some(ambient.isAmbient) && !istiods.some(ambient.isMultiNetwork);
  return sides.some((istiods) => istiods.some(ambient.isMultiNetwork)) && sides.some(isOff);
}

export interface ScopeView {
  readonly name: ClusterName;
  readonly member: Member;
  readonly services: readonly Service[];
  readonly namespaces: readonly Namespace[];
  readonly controlPlanes: readonly ControlPlane[];
  readonly meshConfigs: readonly MeshConfig[];
}

/** A Service of a name that is global somewhere. */
export interface Instance<V extends ScopeView = ScopeView> {
  readonly cluster: V;
  readonly service: Service;
  readonly namespace: Namespace;
  readonly isGlobal: boolean;
}

/** An istiod that spans clusters, with the mesh config that it applies to Services of all of them. */
export interface Scoping {
  readonly istiod: ControlPlane;
  readonly config: MeshConfig;
}

export function scopingsOf(clusters: readonly ScopeView[], mesh: Mesh): Scoping[] {
  return clusters.flatMap((cluster) =>
    istiodsOf(cluster, mesh)
      .filter(ambient.isMultiNetwork)
      .flatMap((istiod) => {
        const config = ambient.configOf(istiod, cluster.meshConfigs);
        return config === undefined ? [] : [{ istiod, config }];
      }),
  );
}

/**
 * Names of Services that some istiod takes for global in some cluster, each with its Services in all clusters. Services whose namespace
 * was not seen are left out, as are those that ambient does not serve.
 */
export function sharedNames<V extends ScopeView>(clusters: readonly V[], mesh: Mesh): ReadonlyMap<string, readonly Instance<V>[]> {
  const scopings = scopingsOf(clusters, mesh);
  const shared = new Map<string, Instance<V>[]>();
  if (scopings.length === 0) return shared;
  const configs = [...new Map(scopings.map(({ config }) => [JSON.stringify(config.serviceScopeConfigs), config])).values()];
  const known = new Map<string, Instance<V>[]>();
  for (const cluster of clusters) {
    const namespaces = new Map(cluster.namespaces.map((namespace) => [namespace.name, namespace]));
    for (const service of cluster.services) {
      const namespace = namespaces.get(service.namespace);
      if (namespace === undefined || namespace.terminating || service.type === 'ExternalName') continue;
      const isGlobal = configs.some((config) => ambient.isGlobal(service, namespace.labels, config));
      const key = nameOf(service);
      const instances = known.get(key) ?? [];
      instances.push({ cluster, service, namespace, isGlobal });
      known.set(key, instances);
      if (isGlobal) shared.set(key, instances);
    }
  }
  return shared;
}

export function nameOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** Names of Services of a cluster that have a ready endpoint. */
export function servedNames(slices: Fact<readonly EndpointSlice[]>): ReadonlySet<string> {
  return new Set(listOf(slices).flatMap((slice) => (slice.endpoints.some(isReady) ? [`${slice.namespace}/${slice.service}`] : [])));
}

function isReady({ ready, addresses }: Endpoint): boolean {
  return ready && addresses.length > 0;
}

/** Pods of applications in the mesh. */
export function isMeshed(pod: Pod): boolean {
  return isRunning(pod) && (pod.proxy?.kind === 'sidecar' || pod.annotations['ambient.istio.io/redirection'] === 'enabled');
}

export function isSidecar(pod: Pod): boolean {
  return isRunning(pod) && pod.proxy?.kind === 'sidecar';
}

export function isZtunnel(pod: Pod): boolean {
  return isRunning(pod) && pod.proxy?.kind === 'ztunnel';
}

/** A gateway for callers from outside the mesh: not one between networks, and none for the way out. */
export function isIngress(pod: Pod): boolean {
  return (
    isRunning(pod) &&
    pod.proxy?.kind === 'gateway' &&
    pod.proxy.requestedNetworkView.length === 0 &&
    pod.labels[labels.network] === undefined &&
    pod.labels[labels.gatewayManaged] !== 'istio.io-eastwest-controller' &&
    !['eastwestgateway', 'egressgateway'].includes(pod.labels['istio'] ?? '')
  );
}

function isRunning({ phase }: Pod): boolean {
  return phase === 'Running' || phase === '';
}

/** The network of a cluster; nothing where it has none, or nobody knows. */
export function networkOf({ member }: { readonly member: Member }): NetworkId | undefined {
  return valueOf(member.network);
}

/** Members of several clusters, each once. */
export function clustersOf(instances: readonly { readonly cluster: { readonly name: ClusterName } }[]): ClusterName[] {
  return distinct(instances.map(({ cluster }) => cluster.name));
}

/** The labels that make a Service global where nothing else was configured. */
export const globalLabel: StringMap = { [labels.global]: 'true' };

/** What lies in a specification as it was given, by keys. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce((here: unknown, key) => (isRecord(here) ? here[key] : undefined), value);
}

export function itemsAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
