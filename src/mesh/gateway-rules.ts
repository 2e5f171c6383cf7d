import { distinct } from '../base/sort.ts';
import { hostMatches } from '../istio/hosts.ts';
import type { VirtualService } from '../model/facts.ts';
import type { Json } from '../model/kube.ts';

/* What a VirtualService says for one port of one Gateway. */

/** `namespace/name` of a Gateway that a VirtualService refers to: a name alone, `./name` and old FQDNs are of its own or the named namespace; `mesh` stays. */
export function gatewayReference(reference: string, namespace: string): string {
  const slash = reference.indexOf('/');
  if (slash >= 0) return reference.startsWith('./') ? `${namespace}${reference.slice(1)}` : reference;
  if (reference === 'mesh') return reference;
  const [name, ofNamespace] = reference.split('.');
  return ofNamespace === undefined ? `${namespace}/${reference}` : `${ofNamespace}/${name}`;
}

/** One rule of a VirtualService for a port of a gateway. */
export interface Rule {
  /** SNI hosts (or hosts of an HTTP route) it takes; `*` takes all. */
  readonly hosts: readonly string[];
  readonly destinations: readonly { readonly host: string; readonly port?: number }[];
}

/** Whether any of the rules is for a host. */
export function takes(rules: readonly Rule[], host: string): boolean {
  return rules.some((rule) => rule.hosts.some((pattern) => hostMatches(pattern, host)));
}

/** Hosts that the rules are for. */
export function routed(rules: readonly Rule[]): string[] {
  return distinct(rules.flatMap((rule) => rule.hosts));
}

/** Rules of a VirtualService that can apply to this port of this gateway: `tls` where TLS is passed through, `http` where it ends. */
export function rulesOf(virtualService: VirtualService, mode: 'passthrough' | 'terminating', port: number, gateway: string): Rule[] {
  if (mode === 'terminating') return httpRules(virtualService, port);
  return virtualService.tls.flatMap((route) => {
    const hosts = route.matches
      .filter((match) => match.port === undefined || match.port === port)
      .filter(
        (match) =>
          match.gateways.length === 0 ||
          match.gateways.some((reference) => gatewayReference(reference, virtualService.namespace) === gateway),
      )
      .flatMap((match) => match.sniHosts);
    return hosts.length === 0 || route.destinations.length === 0 ? [] : [{ hosts, destinations: route.destinations }];
  });
}

/** The typed part of a VirtualService has no `http`; what is odd in its spec is passed over. */
function httpRules(virtualService: VirtualService, port: number): Rule[] {
  return items(field(virtualService.spec, 'http')).flatMap((route) => {
    const matches = items(field(route, 'match'));
    const isMeant = matches.length === 0 || matches.some((match) => [undefined, port].includes(number(field(match, 'port'))));
    if (!isMeant) return [];
    const destinations = items(field(route, 'route')).flatMap((weighted) => {
      const host = field(field(weighted, 'destination'), 'host');
      const to = number(field(field(field(weighted, 'destination'), 'port'), 'number'));
      return typeof host === 'string' ? [to === undefined ? { host } : { host, port: to }] : [];
    });
    return destinations.length === 0 ? [] : [{ hosts: virtualService.hosts, destinations }];
  });
}

function field(value: Json | undefined, key: string): Json | undefined {
  return typeof value === 'object' && value !== null && !isList(value) ? value[key] : undefined;
}

function items(value: Json | undefined): readonly Json[] {
  return isList(value) ? value : [];
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function number(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
