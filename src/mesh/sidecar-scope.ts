import { fqdnOf, hostMatches } from '../istio/hosts.ts';
import { fields, objects, optionalFields, port, tally, textMap, texts } from '../model/decode.ts';
import type { IstioResource, MeshConfig } from '../model/facts.ts';
import type { ClusterName } from '../model/ids.ts';
import type { StringMap } from '../model/kube.ts';
import { refKey } from '../model/refs.ts';
import { type AppliedConfig, appliedConfig } from './applied-config.ts';
import { istiodsServing } from './expected-answer.ts';
import { hasLabels } from './selectors.ts';
import type { Mesh } from './topology-types.ts';

/** What a Sidecar lets a workload know of the mesh. */
export interface SidecarScope {
  /** Absent: no Sidecar applies, and everything exported is known. */
  readonly object?: IstioResource;
  /** Whether a Service is among its egress hosts, for a port of it where an egress listener is of one port only. */
  readonly imports: (service: { readonly host: string; readonly namespace: string }, portNumber: number) => boolean;
}

/**
 * The Sidecar of a workload: that of its namespace which selects it, else the one of its namespace without selector, else that of the
 * root namespace; the oldest of each (pilot/pkg/model/push_context.go: getSidecarScope). One without egress takes everything. Hosts
 * that come in with the destinations of a VirtualService are not among those imported.
 */
export function sidecarScope(config: AppliedConfig, workload: { readonly namespace: string; readonly labels: StringMap }): SidecarScope {
  const all = config.ofKind('Sidecar');
  const own = all.filter(({ namespace }) => namespace === workload.namespace);
  const object =
    own.find((one) => selectorOf(one) !== undefined && hasLabels(selectorOf(one) ?? {}, workload.labels)) ??
    own.find((one) => selectorOf(one) === undefined) ??
    all.find((one) => one.namespace === config.rootNamespace && selectorOf(one) === undefined);
  if (object === undefined) return { imports: () => true };
  const odd = tally();
  const egress = objects(odd, fields(odd, object.spec)['egress']);
  if (egress.length === 0) return { object, imports: () => true };
  const listeners = egress.map((listener) => ({
    port: port(odd, optionalFields(odd, listener['port'])?.['number']),
    hosts: texts(odd, listener['hosts']).map((host) => patternOf(host, workload.namespace)),
  }));
  return {
    object,
    imports: ({ host, namespace }, portNumber) =>
      listeners.some(
        ({ port: only, hosts }) =>
          (only === undefined || only === portNumber) &&
          hosts.some((one) => (one.namespace === '*' || one.namespace === namespace) && hostMatches(one.host, host)),
      ),
  };
}

/** What is read of a cluster to tell which Sidecars apply; empty where it is not known. */
export interface ScopingCluster {
  readonly name: ClusterName;
  readonly istioResources: readonly IstioResource[];
  readonly meshConfigs: readonly MeshConfig[];
}

/**
 * The Sidecar that keeps a Service from workloads of a namespace in a cluster, whichever of its istiods serves them. Nothing where one of them
 * lets it through, or where a Sidecar of that namespace selects some workloads: they have another scope than the rest.
 */
export function hidingSidecar(
  service: { readonly namespace: string; readonly name: string; readonly ports: readonly number[] },
  caller: { readonly cluster: ClusterName; readonly namespace: string },
  mesh: Pick<Mesh, 'couples'>,
  clusters: readonly ScopingCluster[],
): IstioResource | undefined {
  const found = istiodsServing(caller.cluster, mesh).map((istiod) => {
    const home = mesh.couples.find(({ kind, controlPlane }) => kind === 'self' && refKey(controlPlane.ref) === refKey(istiod.ref))?.member;
    const own = clusters.find(({ name }) => name === home);
    if (own === undefined) return undefined;
    const meshConfig = own.meshConfigs.find(({ namespace, revision }) => namespace === istiod.namespace && revision === istiod.revision);
    const config = appliedConfig({ ...istiod, clusterDomain: defaultDomain }, own, meshConfig);
    if (config.ofKind('Sidecar').some((one) => one.namespace === caller.namespace && selectorOf(one) !== undefined)) return undefined;
    const { object, imports } = sidecarScope(config, { namespace: caller.namespace, labels: {} });
    const host = fqdnOf(service.namespace, service.name, defaultDomain);
    return service.ports.some((port) => imports({ host, namespace: service.namespace }, port)) ? undefined : object;
  });
  return found.length > 0 && found.every((object) => object !== undefined) ? found[0] : undefined;
}

/** Hosts are compared with names of this domain: what a Sidecar says of another one is written out in full there, too. */
const defaultDomain = 'cluster.local';

function selectorOf({ spec }: IstioResource): StringMap | undefined {
  const odd = tally();
  const selector = optionalFields(odd, fields(odd, spec)['workloadSelector']);
  const labels = selector === undefined ? {} : textMap(odd, selector['labels']);
  return Object.keys(labels).length === 0 ? undefined : labels;
}

/** `./name`, `ns/name`, `~/*` for nothing. */
function patternOf(text: string, ownNamespace: string): { readonly namespace: string; readonly host: string } {
  const slash = text.indexOf('/');
  const namespace = slash < 0 ? '*' : text.slice(0, slash);
  return { namespace: namespace === '.' ? ownNamespace : namespace, host: text.slice(slash + 1) };
}
