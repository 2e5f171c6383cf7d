import { classes, labels, ports } from '../istio/labels.ts';
import type { ControlPlane, KubeGateway, LabelSelector, MeshConfig, Namespace, Service } from '../model/facts.ts';
import type { Json, StringMap } from '../model/kube.ts';
import { flag } from './istiod-view.ts';
import { selects } from './selectors.ts';

/** Whether istiod serves ztunnel and waypoints at all. */
export function isAmbient({ env }: Pick<ControlPlane, 'env'>): boolean {
  return flag(env, 'PILOT_ENABLE_AMBIENT', false);
}

/** Whether ambient of this istiod spans clusters: the second setting counts for nothing without the first (pilot/pkg/features/ambient.go). */
export function isMultiNetwork({ env }: Pick<ControlPlane, 'env'>): boolean {
  return isAmbient({ env }) && flag(env, 'AMBIENT_ENABLE_MULTI_NETWORK', false);
}

/** The mesh config of one istiod among those of its cluster. */
export function configOf({ namespace, revision }: ControlPlane, configs: readonly MeshConfig[]): MeshConfig | undefined {
  return configs.find((config) => config.namespace === namespace && config.revision === revision && !config.unreadable);
}

/**
 * Whether an istiod takes a Service for global: the first of its serviceScopeConfigs that selects namespace and Service says so
 * (pilot/pkg/serviceregistry/ambient/services.go: matchServiceScope). It applies its own mesh config to the Services of all clusters.
 */
export function isGlobal(
  service: Pick<Service, 'labels' | 'namespace'>,
  namespaceLabels: StringMap | undefined,
  { serviceScopeConfigs }: Pick<MeshConfig, 'serviceScopeConfigs'>,
): boolean {
  if (namespaceLabels === undefined) return false;
  return serviceScopeConfigs.some((entry) => {
    const scope = recordOf(entry);
    if (scope?.['scope'] !== 'GLOBAL') return false;
    return (
      fits(scope['namespaceSelector'], { 'kubernetes.io/metadata.name': service.namespace, ...namespaceLabels }) &&
      fits(scope['servicesSelector'], service.labels)
    );
  });
}

/** Whether somebody meant the Service to be global: its label, whatever its value, but for a plain no. */
export function asksToBeGlobal({ labels: own }: Pick<Service, 'labels'>): boolean {
  const value = own[labels.global];
  return value !== undefined && value !== 'false';
}

/** No selector at all selects everything. */
function fits(selector: Json | undefined, own: StringMap): boolean {
  return selector === undefined || selects(selectorIn(selector), own);
}

function selectorIn(value: Json): LabelSelector {
  const selector = recordOf(value);
  const expressions = selector?.['matchExpressions'];
  return {
    matchLabels: textsOf(selector?.['matchLabels']),
    matchExpressions: (Array.isArray(expressions) ? expressions : []).map((item: Json) => {
      const expression = recordOf(item);
      const values = expression?.['values'];
      return {
        key: textOf(expression?.['key']),
        operator: textOf(expression?.['operator']),
        values: (Array.isArray(values) ? values : []).map(textOf),
      };
    }),
  };
}

function recordOf(value: Json | undefined): { readonly [key: string]: Json } | undefined {
  return isRecord(value) ? value : undefined;
}

function isRecord(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function textsOf(value: Json | undefined): StringMap {
  return Object.fromEntries(
    Object.entries(recordOf(value) ?? {}).flatMap(([key, item]) => (typeof item === 'string' ? [[key, item] as const] : [])),
  );
}

/** A Service that istiod made for a waypoint or for an ambient east-west gateway: neither has a waypoint itself. */
export function isGatewayService({ labels: own }: Pick<Service, 'labels'>): boolean {
  const managed = own[labels.gatewayManaged];
  return managed === 'istio.io-mesh-controller' || managed === 'istio.io-eastwest-controller';
}

/** Namespace and name of the waypoint that a Service names, itself or by its namespace (pilot/pkg/serviceregistry/ambient/waypoints.go). */
export function waypointNameOf(
  service: Pick<Service, 'labels' | 'namespace'>,
  namespace: Pick<Namespace, 'labels'> | undefined,
): { readonly namespace: string; readonly name: string } | undefined {
  if (isGatewayService(service)) return undefined;
  const holder = service.labels[labels.useWaypoint] === undefined ? namespace?.labels : service.labels;
  const name = holder?.[labels.useWaypoint];
  if (name === undefined || name === '' || name === 'none') return undefined;
  return { namespace: holder?.[labels.useWaypointNamespace] ?? service.namespace, name };
}

/** What a waypoint that is named turns out to be. */
export type WaypointState =
  /** It takes calls for Services: it has had a ready pod, and keeps its address when it is scaled to nothing. */
  | 'serving'
  /** There is no such Gateway. */
  | 'missing'
  /** It has no address yet: istiod takes the Service to have no waypoint. */
  | 'unready'
  /** It is for workloads only, or for nothing. */
  | 'not-for-services'
  /** The source has no status of it. */
  | 'unknown';

export function waypointState(gateway: KubeGateway | undefined): WaypointState {
  if (gateway === undefined) return 'missing';
  const use = gateway.labels[labels.waypointFor];
  if (use !== undefined && use !== 'service' && use !== 'all') return 'not-for-services';
  if (gateway.withoutStatus === true) return 'unknown';
  return gateway.statusAddresses.length > 0 ? 'serving' : 'unready';
}

/** Gateways of Kubernetes by namespace and name. */
export function gatewaysByName(gateways: readonly KubeGateway[]): ReadonlyMap<string, KubeGateway> {
  return new Map(gateways.map((gateway) => [`${gateway.namespace}/${gateway.name}`, gateway]));
}

/**
 * Whether calls of ambient get into such a Gateway by the Service that istiod makes for it, which has the ports of its listeners: its pods take HBONE on
 * 15008 and nowhere else (pilot/pkg/networking/core/listener_waypoint.go). What stands before one with addresses of its own is not in its listeners.
 */
export function takesTunnels({ listeners, specAddresses }: KubeGateway): boolean {
  return listeners.some(
    ({ protocol, tlsMode, port }) => protocol === 'HBONE' && tlsMode === 'Terminate' && (port === ports.hbone || specAddresses.length > 0),
  );
}

/** Whether other clusters find the ambient gateway by its shape: class, network and a listener that ends HBONE. */
export function isEastWestGateway({ className, labels: own, listeners }: KubeGateway): boolean {
  return (
    className === classes.eastWest &&
    (own[labels.network] ?? '') !== '' &&
    listeners.some(({ protocol, tlsMode }) => protocol === 'HBONE' && tlsMode === 'Terminate')
  );
}
