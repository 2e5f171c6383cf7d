import { gatewayHost, hostMatches } from '../istio/hosts.ts';
import type { Gateway, GatewayServer } from '../model/facts.ts';
import { oldestFirst } from './applied-config.ts';
import { appliedServers, type ExposureObjects } from './exposure.ts';

/** Servers of Gateways that meet on the cross-network port of the same pods. */
export type Collision =
  /** Two let the same service through: Envoy refuses a listener with two ways for one server name. */
  | { readonly is: 'doubled'; readonly first: Gateway; readonly second: Gateway; readonly hosts: readonly string[] }
  /** istiod passes a server over that shares a host, or plain text, with one of an older Gateway; nobody else lets these services through. */
  | {
      readonly is: 'skipped';
      readonly first: Gateway;
      readonly second: Gateway;
      readonly hosts: readonly string[];
      /** No server is left that lets anything through. */
      readonly closes: boolean;
      /** Which of the two is older is not known. */
      readonly isUndated: boolean;
    };

interface Active {
  readonly gateway: Gateway;
  readonly server: GatewayServer;
}

/**
 * What comes of several servers on one port (pilot/pkg/model/gateway.go: mergeGateways): the older Gateway wins a host written the same
 * way and the port itself if it is plain text; servers that remain are all built, service by service. `hosts` are those of the services
 * that the gateway may know. Servers bound to different addresses are not told apart.
 */
export function crossNetworkCollisions(
  objects: Pick<ExposureObjects, 'reader' | 'gateways' | 'proxies'>,
  port: number,
  targetPort: number | string,
  hosts: readonly string[],
): Collision[] {
  const servers = appliedServers({ ...objects, gateways: oldestFirst(objects.gateways) }, port, targetPort);
  if (servers.length < 2) return [];
  const active: Active[] = [];
  const skipped: { readonly by: Active; readonly one: Active }[] = [];
  const owners = new Map<string, Active>();
  for (const one of servers) {
    const written = one.server.hosts.map((host) => sanitised(host, one.gateway.namespace));
    const plain = active.find(({ server }) => server.tlsMode === '');
    const owner = written.map((host) => owners.get(host)).find((found) => found !== undefined);
    const by = one.server.tlsMode === '' ? undefined : (plain ?? owner);
    if (by !== undefined) {
      skipped.push({ by, one });
      continue;
    }
    active.push(one);
    if (one.server.tlsMode !== '') for (const host of written) owners.set(host, one);
  }
  const open = active.filter(({ server }) => server.tlsMode === 'AUTO_PASSTHROUGH');
  return [...doubled(open, hosts), ...skipped.flatMap(({ by, one }) => lost(by, one, open, hosts))];
}

function doubled(open: readonly Active[], hosts: readonly string[]): Collision[] {
  const [first, ...rest] = open;
  if (first === undefined) return [];
  const found = rest.flatMap((second): Collision[] => {
    const both = hosts.filter((host) => letsThrough(first, host) && letsThrough(second, host));
    return both.length === 0 ? [] : [{ is: 'doubled', first: first.gateway, second: second.gateway, hosts: both }];
  });
  return [...found, ...doubled(rest, hosts)];
}

function lost(by: Active, one: Active, open: readonly Active[], hosts: readonly string[]): Collision[] {
  if (one.server.tlsMode !== 'AUTO_PASSTHROUGH') return [];
  const without = hosts.filter((host) => letsThrough(one, host) && !open.some((other) => letsThrough(other, host)));
  if (without.length === 0) return [];
  const isUndated = by.gateway !== one.gateway && (by.gateway.createdAt === undefined || one.gateway.createdAt === undefined);
  return [{ is: 'skipped', first: by.gateway, second: one.gateway, hosts: without, closes: open.length === 0, isUndated }];
}

function letsThrough({ server }: Active, host: string): boolean {
  return server.hosts.some((pattern) => hostMatches(gatewayHost(pattern).host, host));
}

/** As istiod writes hosts before it compares them: `*` for any namespace goes, `.` is the Gateway's own. */
function sanitised(host: string, namespace: string): string {
  if (host.startsWith('./')) return `${namespace}${host.slice(1)}`;
  return host.startsWith('*/') ? host.slice(2) : host;
}
