import {
  type ClusterName,
  count,
  defineCheck,
  effectsOfCutOff,
  exposure,
  hosts,
  list,
  remedy,
  type Remedy,
  sniRoutes,
  valueOf,
  type VirtualService,
} from 'meshdoctor/api';

type SniMatch = sniRoutes.SniMatch;

export default defineCheck({
  id: 'shadowed-istiod-route',
  title: 'No route to istiod is left out because another has the same host',
  severity: 'error',
  certainty: 'likely',
  scope: 'cluster',
  needs: ['gateways', 'virtualServices', 'controlPlanes'],
  applies: { topology: ['primary-remote', 'multi-primary', 'external'] },
  path: { hops: ['caller'] },
  catalogue: ['CPX-08'],
  explains: [
    ...effectsOfCutOff,
    { code: 'rejected-istiod-call', match: 'cluster' },
    { code: 'foreign-istiod-certificate', match: 'cluster' },
    { code: 'mismatched-exposed-revision', match: 'same-cluster' },
    { code: 'unexposed-istiod', match: 'same-cluster' },
    { code: 'unready-east-west-gateway/uncreated', match: 'cluster' },
    { code: 'unreachable-injector', match: 'cluster' },
    { code: 'failing-injection', match: 'cluster' },
  ],
  docs: {
    why: 'istiod makes a filter chain for each match of a VirtualService on a port. Envoy would refuse two chains of one name, so of two matches with one sniHost the younger VirtualService is left out, with all of its hosts and without a word but in the log of istiod. The sample takes every name ("*"): a second copy of it, for another revision or another service, never gets a connection.',
    confirm:
      "kubectl get virtualservices -A -o yaml | grep -B2 -A8 sniHosts; kubectl -n istio-system logs deployment/istiod | grep 'duplicate SNI'",
    fix: 'Name the hosts: istiod-REVISION.istio-system.svc in sniHosts, as samples/multicluster/expose-istiod-rev.yaml.tmpl has it.',
    notWhen: 'A route for every host beside a route for a named one disturbs nobody: Envoy takes the most specific name.',
    see: ['https://github.com/istio/istio/blob/master/pilot/pkg/networking/core/gateway.go'],
  },
  messages: {
    shadowed: (a: Shadowed) => ({
      text: `VirtualService ${named(a.skipped.virtualService)} of ${a.cluster} is left out on port ${list(a.ports)}: ${named(a.earlier.virtualService)}, which is older, has sniHost ${list(a.shared)} already.`,
      expected: 'one route for each sniHost',
      found: `${count(a.shared.length, 'host')} in both, to ${destination(a.earlier)} and ${destination(a.skipped)}`,
      effect: `what asks for ${list(a.skipped.sniHosts)} gets to ${destination(a.earlier)}`,
      remedy: fixes(a),
    }),
  },
  *run({ cluster, mesh, finding }) {
    const seen = new Set<string>();
    const role = valueOf(cluster.member.role);
    if (cluster.controlPlanes.length === 0 && role !== 'config') return;
    const routes = cluster.virtualServices.filter(
      (route) =>
        route.tls.length > 0 && (cluster.controlPlanes.length === 0 || cluster.controlPlanes.some((own) => exposure.isSeenBy(route, own))),
    );
    for (const gateway of cluster.gateways) {
      for (const port of exposure.exposedPorts) {
        if (!gateway.servers.some((server) => server.port === port && server.tlsMode === 'PASSTHROUGH')) continue;
        const matches = sniRoutes.sniMatches(routes, `${gateway.namespace}/${gateway.name}`, port);
        for (const skipped of matches) {
          const { earlier, hosts: shared } = skipped.skippedFor ?? {};
          if (earlier === undefined || shared === undefined || destination(earlier) === destination(skipped)) continue;
          if (!isIstiods(earlier) && !isIstiods(skipped)) continue;
          const key = `${named(skipped.virtualService)} ${named(earlier.virtualService)}`;
          if (seen.has(key)) continue;
          seen.add(key);
          yield finding(
            'shadowed',
            { cluster: cluster.name, skipped, earlier, shared, ports: portsOf(skipped, gateway) },
            {
              at: skipped.virtualService.ref,
              field: `.spec.tls[${skipped.route}].match[${skipped.match}].sniHosts`,
              related: [earlier.virtualService.ref, gateway.ref],
              evidence: [earlier, skipped].map((one) => ({
                ref: one.virtualService.ref,
                field: `.spec.tls[${one.route}].match[${one.match}].sniHosts`,
                observed: `${list(one.sniHosts)} to ${destination(one)}`,
              })),
              subject: named(earlier.virtualService),
              concerns: [
                cluster.name,
                ...mesh.couples
                  .filter(({ kind, controlPlane }) => kind === 'remote' && controlPlane.cluster === cluster.name)
                  .map(({ member }) => member),
              ],
            },
          );
        }
      }
    }
  },
});

interface Shadowed {
  readonly cluster: ClusterName;
  readonly skipped: SniMatch;
  readonly earlier: SniMatch;
  readonly shared: readonly string[];
  readonly ports: readonly string[];
}

const named = ({ namespace, name }: VirtualService): string => `${namespace}/${name}`;

function portsOf(
  { virtualService, route, match }: SniMatch,
  { servers }: { readonly servers: readonly { readonly port: number }[] },
): string[] {
  const port = virtualService.tls[route]?.matches[match]?.port;
  const all = exposure.exposedPorts.filter((one) => servers.some((server) => server.port === one));
  return (port === undefined ? all : [port]).map(String);
}

function destination({ destinations }: SniMatch): string {
  const [first] = destinations;
  return first === undefined ? 'nothing' : first.host;
}

function isIstiods({ destinations }: SniMatch): boolean {
  return destinations.some(({ host }) => hosts.revisionOfIstiodService(host.split('.')[0] ?? '') !== undefined);
}

/** A route for every name that leads to a named istiod is given that istiod's names. */
function fixes({ skipped }: Shadowed): Remedy[] {
  const service = destination(skipped).split('.')[0] ?? '';
  const { virtualService } = skipped;
  if (hosts.revisionOfIstiodService(service) === undefined || !skipped.sniHosts.includes('*')) return [];
  const host = `${service}.${virtualService.namespace}.svc`;
  const tls = virtualService.tls.map(({ matches, destinations }) => ({
    match: matches.map((one) => ({
      ...(one.port === undefined ? {} : { port: one.port }),
      sniHosts: one.sniHosts.includes('*') ? [host, destination({ ...skipped, destinations })] : [...one.sniHosts],
    })),
    route: destinations.map(({ host: to, port }) => ({
      destination: { host: to, ...(port === undefined ? {} : { port: { number: port } }) },
    })),
  }));
  return [remedy.patch(virtualService.ref, { spec: { tls } }, { note: 'names only what this istiod is asked for' })];
}
