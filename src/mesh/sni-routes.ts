import { compareText } from '../base/sort.ts';
import type { TlsRoute, VirtualService } from '../model/facts.ts';
import { gatewayReference } from './gateway-rules.ts';

/** One match of a VirtualService's `tls` for a port of a gateway, as istiod makes a filter chain of it. */
export interface SniMatch {
  readonly virtualService: VirtualService;
  /** Where it stands: `.spec.tls[route].match[match]`. */
  readonly route: number;
  readonly match: number;
  readonly sniHosts: readonly string[];
  readonly destinations: TlsRoute['destinations'];
  /** Set when an earlier match has one of these hosts, letter for letter: istiod then leaves this match out, with all of its hosts. */
  readonly skippedFor?: { readonly earlier: SniMatch; readonly hosts: readonly string[] };
}

/**
 * The matches that apply to a port of a Gateway (`namespace/name`), in the order in which istiod takes them: the older VirtualService
 * first, then by name and namespace (pilot/pkg/networking/core/gateway.go: buildGatewayNetworkFiltersFromTLSRoutes). Hosts that merely
 * overlap do not disturb each other: Envoy takes the most specific name.
 */
export function sniMatches(virtualServices: readonly VirtualService[], gateway: string, port: number): SniMatch[] {
  const isBound = (references: readonly string[], namespace: string): boolean =>
    references.some((reference) => gatewayReference(reference, namespace) === gateway);
  const bound = virtualServices.filter(({ gateways, namespace, tls }) => tls.length > 0 && isBound(gateways, namespace)).sort(inOrder);
  const taken = new Map<string, SniMatch>();
  const found: SniMatch[] = [];
  for (const virtualService of bound) {
    virtualService.tls.forEach(({ matches, destinations }, route) => {
      matches.forEach((one, match) => {
        const applies =
          (one.port === undefined || one.port === port) && (one.gateways.length === 0 || isBound(one.gateways, virtualService.namespace));
        if (!applies || one.sniHosts.length === 0) return;
        const hosts = one.sniHosts.filter((host) => taken.has(host));
        const earlier = hosts[0] === undefined ? undefined : taken.get(hosts[0]);
        const entry: SniMatch = {
          virtualService,
          route,
          match,
          sniHosts: one.sniHosts,
          destinations,
          ...(earlier === undefined ? {} : { skippedFor: { earlier, hosts } }),
        };
        found.push(entry);
        if (earlier === undefined) for (const host of one.sniHosts) taken.set(host, entry);
      });
    });
  }
  return found;
}

function inOrder(a: VirtualService, b: VirtualService): number {
  return compareText(a.createdAt ?? '', b.createdAt ?? '') || compareText(a.name, b.name) || compareText(a.namespace, b.namespace);
}
