import { resolveHost } from '../istio/hosts.ts';
import { fields, type Fields, objects, optionalFields, tally, text } from '../model/decode.ts';
import type { VirtualService } from '../model/facts.ts';

/** One destination of a route. */
export interface RouteTarget {
  /** With the short name resolved. */
  readonly host: string;
  readonly subset?: string;
}

/** Where a VirtualService sends requests and connections: routes of HTTP, TLS and TCP, and mirrors. */
export function routeTargets(virtualService: VirtualService, clusterDomain: string): RouteTarget[] {
  const odd = tally();
  const spec = fields(odd, virtualService.spec);
  const found = [...objects(odd, spec['http']), ...objects(odd, spec['tls']), ...objects(odd, spec['tcp'])].flatMap((rule) => [
    ...objects(odd, rule['route']).map((entry) => optionalFields(odd, entry['destination'])),
    optionalFields(odd, rule['mirror']),
    ...objects(odd, rule['mirrors']).map((entry) => optionalFields(odd, entry['destination'])),
  ]);
  return found.flatMap((destination) => targetOf(destination, virtualService.namespace, clusterDomain));
}

function targetOf(destination: Fields | undefined, namespace: string, clusterDomain: string): RouteTarget[] {
  const odd = tally();
  const host = destination === undefined ? undefined : text(odd, destination['host']);
  if (destination === undefined || host === undefined) return [];
  const subset = text(odd, destination['subset']);
  return [{ host: resolveHost(host, namespace, clusterDomain), ...(subset === undefined || subset === '' ? undefined : { subset }) }];
}

/** Whether sidecars follow it, and not only gateways: `mesh` is the default. */
export function isForSidecars({ gateways }: Pick<VirtualService, 'gateways'>): boolean {
  return gateways.length === 0 || gateways.includes('mesh');
}

/** Hosts it is about, with short names resolved. */
export function hostsOf({ hosts, namespace }: Pick<VirtualService, 'hosts' | 'namespace'>, clusterDomain: string): string[] {
  return hosts.map((host) => resolveHost(host, namespace, clusterDomain));
}
