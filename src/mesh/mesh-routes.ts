import { hostMatches, resolveHost } from '../istio/hosts.ts';
import { fields, type Fields, filled, objects, optionalFields, port, tally, text, textMap, texts } from '../model/decode.ts';
import type { ServicePort, VirtualService } from '../model/facts.ts';
import type { StringMap } from '../model/kube.ts';
import type { AppliedConfig } from './applied-config.ts';
import { hasLabels } from './selectors.ts';
import { hostsOf, isForSidecars } from './route-targets.ts';

/** Where a sidecar sends a call: a host, perhaps a subset of it, perhaps another port. */
export interface Destination {
  readonly host: string;
  readonly subset?: string;
  readonly port?: number;
  /** As written; absent for the only destination. */
  readonly weight?: number;
}

/** What a VirtualService makes of a call. */
export interface MeshRoute {
  readonly object: VirtualService;
  /** Everything the call may be sent to. Empty: no rule takes it. */
  readonly destinations: readonly Destination[];
  /** Which of them depends on what only a request shows: its headers or path. */
  readonly isByRequest: boolean;
  /** A rule answers itself: a redirect or a response without upstream. */
  readonly answersItself: boolean;
}

export interface RoutedCall {
  /** FQDN. */
  readonly host: string;
  readonly port: ServicePort;
  readonly client: { readonly namespace: string; readonly labels: StringMap };
}

/** How istiod takes a port, by its appProtocol or the prefix of its name (pkg/config/kube/conversion.go: ConvertProtocol). `auto` is sniffed. */
export function protocolOf({ name, appProtocol }: Pick<ServicePort, 'name' | 'appProtocol'>): 'http' | 'tls' | 'tcp' | 'auto' {
  const word = (appProtocol ?? name.split('-')[0] ?? '').toLowerCase();
  if (['http', 'http2', 'grpc', 'grpc-web', 'kubernetes.io/h2c', 'kubernetes.io/ws'].includes(word)) return 'http';
  if (word === 'https' || word === 'tls' || word === 'kubernetes.io/wss') return 'tls';
  return ['tcp', 'mongo', 'mysql', 'redis'].includes(word) ? 'tcp' : 'auto';
}

/**
 * The VirtualService that a sidecar follows for a call: of those exported to it the one with the most specific host, then the oldest
 * (pilot/pkg/model/virtualservice.go: SelectVirtualServices). Nothing: the call goes where it was addressed to. Delegates are not followed.
 */
export function meshRoute(config: AppliedConfig, call: RoutedCall): MeshRoute | undefined {
  const candidates = config.virtualServices.flatMap((object) => {
    if (!isForSidecars(object) || !isExported(object, call.client.namespace)) return [];
    const host = hostsOf(object, config.clusterDomain)
      .filter((pattern) => hostMatches(pattern, call.host))
      .sort((a, b) => specificity(b) - specificity(a))[0];
    return host === undefined ? [] : [{ object, weight: specificity(host) }];
  });
  const chosen = candidates.reduce<(typeof candidates)[number] | undefined>(
    (best, one) => (best === undefined || one.weight > best.weight ? one : best),
    undefined,
  );
  return chosen === undefined ? undefined : routeOf(chosen.object, call, config.clusterDomain);
}

function isExported({ exportTo, namespace }: VirtualService, client: string): boolean {
  return exportTo.length === 0 || exportTo.some((to) => to === '*' || to === client || (to === '.' && namespace === client));
}

function specificity(pattern: string): number {
  return pattern.startsWith('*') ? pattern.length : Number.MAX_SAFE_INTEGER;
}

function routeOf(object: VirtualService, call: RoutedCall, domain: string): MeshRoute {
  const odd = tally();
  const spec = fields(odd, object.spec);
  const protocol = protocolOf(call.port);
  const parts = protocol === 'http' ? ['http'] : protocol === 'auto' ? ['http', 'tcp'] : protocol === 'tls' ? ['tls', 'tcp'] : ['tcp'];
  const rules = parts.flatMap((part) => objects(odd, spec[part]));
  // A VirtualService for another protocol does not touch the call.
  if (rules.length === 0) return { object, destinations: [{ host: call.host }], isByRequest: false, answersItself: false };
  const destinations: Destination[] = [];
  let answersItself = false;
  for (const rule of rules) {
    const match = matchOf(rule, call);
    if (match === 'no') continue;
    if (rule['redirect'] !== undefined || rule['directResponse'] !== undefined) answersItself = true;
    for (const one of objects(odd, rule['route'])) destinations.push(...destinationOf(one, object.namespace, domain));
    if (match === 'yes') return { object, destinations: once(destinations), isByRequest: false, answersItself };
  }
  return { object, destinations: once(destinations), isByRequest: destinations.length > 0, answersItself };
}

/** Settings of a match that a call shows before any request; all others depend on the request. */
function matchOf(rule: Fields, { port: called, client }: RoutedCall): 'yes' | 'maybe' | 'no' {
  const odd = tally();
  const matches = objects(odd, rule['match']);
  if (matches.length === 0) return 'yes';
  const found = matches.map((match): 'yes' | 'maybe' | 'no' => {
    const only = port(odd, match['port']);
    const gateways = texts(odd, match['gateways']);
    const from = filled(odd, match['sourceNamespace']);
    if (only !== undefined && only !== called.port) return 'no';
    if (gateways.length > 0 && !gateways.includes('mesh')) return 'no';
    if (from !== undefined && from !== client.namespace) return 'no';
    if (!hasLabels(textMap(odd, match['sourceLabels']), client.labels)) return 'no';
    return Object.keys(match).every((key) => ofCaller.has(key)) ? 'yes' : 'maybe';
  });
  return found.includes('yes') ? 'yes' : found.includes('maybe') ? 'maybe' : 'no';
}

const ofCaller: ReadonlySet<string> = new Set(['port', 'gateways', 'sourceNamespace', 'sourceLabels', 'name']);

function destinationOf(route: Fields, namespace: string, domain: string): Destination[] {
  const odd = tally();
  const destination = optionalFields(odd, route['destination']);
  const host = destination === undefined ? undefined : text(odd, destination['host']);
  if (destination === undefined || host === undefined) return [];
  const weight = typeof route['weight'] === 'number' ? route['weight'] : undefined;
  if (weight === 0) return [];
  const subset = filled(odd, destination['subset']);
  const to = port(odd, optionalFields(odd, destination['port'])?.['number']);
  return [
    {
      host: resolveHost(host, namespace, domain),
      ...(subset === undefined ? {} : { subset }),
      ...(to === undefined ? {} : { port: to }),
      ...(weight === undefined ? {} : { weight }),
    },
  ];
}

function once(destinations: readonly Destination[]): Destination[] {
  const found = new Map<string, Destination>();
  for (const one of destinations) {
    const key = `${one.host} ${one.subset ?? ''} ${one.port ?? ''}`;
    if (!found.has(key)) found.set(key, one);
  }
  return [...found.values()];
}
