import {
  type ClusterName,
  defineCheck,
  distinct,
  groupBy,
  hosts,
  type Json,
  kubectl,
  list,
  remedy,
  type Service,
  serviceCopies,
  shellWord,
  type VirtualService,
} from 'meshdoctor/api';
import { needed } from '../_area.ts';

export default defineCheck({
  id: 'unrouted-stub-service',
  title: 'A service that exists by its routes alone has these routes wherever it is called',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  partial: true,
  needs: [...needed, 'virtualServices'],
  applies: { topology: ['multi-primary'], dataPlane: 'sidecar' },
  path: { hops: ['route', 'endpoints'] },
  catalogue: ['DNS-13'],
  explains: [{ code: 'missing-caller-rules', match: 'cluster' }],
  docs: {
    why: 'A Service without pods may serve as a name, behind which a VirtualService leads to other services. The Service is known in every cluster that istiod reads, so that its name resolves; the VirtualService is followed only by callers whose own primary has it. All others are sent to a service without endpoints.',
    confirm:
      'kubectl --context PRIMARY -n NAMESPACE get virtualservices; istioctl --context PRIMARY proxy-config routes CLIENT --name PORT',
    fix: 'Apply the VirtualService in every primary with callers, or let them call a Service that has pods.',
    notWhen: 'A Service whose pods are scaled to zero everywhere looks the same, and fails in the same way.',
    see: ['https://github.com/istio/istio/issues/35142', 'https://github.com/istio/istio/issues/17418'],
  },
  messages: {
    unrouted: (a: Unrouted) => ({
      text: `Service ${a.service.namespace}/${a.service.name} has no pods, only routes by VirtualService ${a.route.namespace}/${a.route.name} in ${a.route.ref.cluster}: callers in ${list(a.callers)}, whose primary has no such routes, find no endpoint behind it.`,
      expected: `VirtualService for ${a.host} in ${list(a.without)}`,
      found: 'none',
      effect: 'the name resolves, and every call fails',
      remedy: [
        remedy.command(
          a.route.ref.cluster,
          a.without.map(
            (cluster) =>
              `${kubectl(a.route.ref)} get virtualservice ${shellWord(a.route.name)} -o yaml | grep -vE '^  (uid|resourceVersion|creationTimestamp|generation):' | kubectl --context ${shellWord(cluster)} apply -f -`,
          ),
        ),
      ],
    }),
  },
  *run({ clusters, mesh, finding }) {
    const readers = serviceCopies.readersOf(mesh, clusters);
    const homes = new Set(readers.map(({ home }) => home));
    const routes = clusters.flatMap(({ name, virtualServices }) =>
      homes.has(name) ? virtualServices.flatMap((route) => routed(route, readers)) : [],
    );
    if (routes.length === 0) return;
    const has = new Set(routes.map(({ route, host }) => `${route.ref.cluster} ${host}`));
    const backends = serviceCopies.backendFinder(clusters);
    const callersIn = serviceCopies.callerFinder(clusters);
    const capturing = new Set(
      clusters.filter(({ pods }) => pods.some(({ proxy }) => proxy?.kind === 'sidecar' && proxy.dnsCapture)).map(({ name }) => name),
    );
    const copies = groupBy(
      clusters.flatMap(({ name: cluster, services }) => services.map((service) => ({ cluster, service }))),
      ({ service }) => `${service.namespace}/${service.name}`,
    );
    for (const [host, same] of groupBy(routes, (one) => one.host)) {
      const [one] = same;
      const all = one === undefined ? [] : (copies.get(`${one.namespace}/${one.name}`) ?? []);
      const [some] = all;
      if (one === undefined || some === undefined || !all.every(({ service }) => isPlain(service))) continue;
      if (all.some(({ cluster, service }) => backends(cluster, service).length > 0)) continue;
      const lacking = readers.flatMap((reader) => {
        const known = all.filter(({ cluster }) => reader.reads.has(cluster) && reader.sees(cluster, one.namespace));
        const first = known.find(({ cluster }) => cluster === reader.home) ?? known[0];
        if (first === undefined || has.has(`${reader.home} ${host}`)) return [];
        const callers = reader.serves.filter(
          (cluster) =>
            serviceCopies.isShownTo(first.service, callersIn(cluster), reader.meshConfig) &&
            (all.some((copy) => copy.cluster === cluster) || capturing.has(cluster)),
        );
        return callers.length === 0 ? [] : [{ home: reader.home, callers }];
      });
      if (lacking.length === 0) continue;
      const [route] = same.map((each) => each.route);
      if (route === undefined) continue;
      const service = all.find(({ cluster }) => cluster === route.ref.cluster)?.service ?? some.service;
      const callers = distinct<ClusterName>(lacking.flatMap((each) => each.callers));
      const without = distinct<ClusterName>(lacking.map(({ home }) => home));
      yield finding(
        'unrouted',
        { service, route, host, callers, without },
        {
          at: service.ref,
          related: [route.ref, ...all.map((copy) => copy.service.ref)],
          evidence: [{ ref: route.ref, field: '.spec.hosts', observed: host, expected: `the same in ${list(without)}` }],
          lacks: [
            ...without.map((cluster) => ({ cluster, fact: 'virtualServices' as const })),
            ...clusters.map(({ name }) => ({ cluster: name, fact: 'endpointSlices' as const })),
          ],
          subject: list(without),
          concerns: callers,
        },
      );
    }
  },
});

interface Unrouted {
  readonly service: Service;
  readonly route: VirtualService;
  readonly host: string;
  readonly callers: readonly ClusterName[];
  /** Primaries that lack the routes. */
  readonly without: readonly ClusterName[];
}

interface Routed {
  readonly route: VirtualService;
  readonly host: string;
  readonly namespace: string;
  readonly name: string;
}

function isPlain({ type, clusterIP }: Service): boolean {
  return type !== 'ExternalName' && clusterIP !== 'None';
}

/** Services whose calls in the mesh this route leads to others. */
function routed(route: VirtualService, readers: readonly serviceCopies.Reader[]): Routed[] {
  if (route.gateways.length > 0 && !route.gateways.includes('mesh')) return [];
  const own = readers.find(({ home }) => home === route.ref.cluster);
  if (own === undefined) return [];
  const { clusterDomain } = own.controlPlane;
  return route.hosts.flatMap((given): Routed[] => {
    const host = hosts.resolveHost(given, route.namespace, clusterDomain);
    const service = hosts.serviceOfFqdn(host, clusterDomain);
    return service === undefined || !leadsElsewhere(route.spec, host, (other) => hosts.resolveHost(other, route.namespace, clusterDomain))
      ? []
      : [{ route, host, ...service }];
  });
}

function leadsElsewhere(value: Json, host: string, full: (host: string) => string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (isList(value)) return value.some((one) => leadsElsewhere(one, host, full));
  return Object.entries(value).some(([key, inner]) => {
    if (key !== 'destination') return leadsElsewhere(inner, host, full);
    const to = typeof inner === 'object' && inner !== null && !isList(inner) ? inner['host'] : undefined;
    return typeof to === 'string' && full(to) !== host;
  });
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
