import {
  annotations,
  type ClusterName,
  count,
  defineCheck,
  distinct,
  endpoints,
  groupBy,
  labels,
  list,
  type Mesh,
  ports,
  remedy,
  type Service,
  serviceCopies,
  valueOf,
} from 'meshdoctor/api';
import { isKept, needed, readyIn, type Seen, type World, worldOf } from '../_area.ts';

export default defineCheck({
  id: 'unexported-service',
  title: 'What callers of other networks may see, the gateway between them may see, too',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  partial: true,
  needs: needed,
  applies: { networks: 'multi', dataPlane: 'sidecar' },
  // Whom it is shown to finds the name; it is the gateway that does not know it.
  path: { hops: ['sni', 'name', 'route'] },
  catalogue: ['DNS-11'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
    { code: 'unresolvable-service/hidden', match: 'object' },
  ],
  docs: {
    why: 'exportTo is a rule for namespaces, and a gateway to other networks is a proxy in a namespace like any other. A service that is not exported to it has no way through it: callers of its own namespace in another network see its endpoints, are sent to the gateway, and their calls are reset there. The annotation that counts is that of the copy in the cluster whose configuration istiod uses.',
    confirm:
      'kubectl --context CLUSTER -n NAMESPACE get service NAME -o jsonpath="{.metadata.annotations}"; istioctl proxy-config listeners GATEWAY --port 15443',
    fix: 'Name the namespace of the gateway in the annotation, too, or keep the service to its cluster with serviceSettings.',
    notWhen:
      'A service that is kept to its cluster, or has callers and endpoints in one network only, needs no gateway. Where the cluster of the callers has no such Service, it may be meant for its own.',
  },
  messages: {
    barred: (a: Barred) => ({
      text: `Service ${name(a.service)} in ${a.service.ref.cluster} is exported to ${list(a.exportTo)}, not to ${list(a.gateways)}: the gateway there resets calls from ${list(a.callers)} to ${count(a.endpoints, 'endpoint')} in ${list(a.of)}.`,
      expected: `${annotations.exportTo} with ${list(a.gateways)}`,
      found: list(a.exportTo),
      effect: 'calls into the other network fail, those that stay at home succeed',
      // Where callers' own cluster has no such Service, nothing but the name that sidecars resolve says that it may be called from there.
      ...(a.isKnown ? {} : { severity: 'info' as const, certainty: 'possible' as const }),
      remedy: [remedy.annotate(a.service.ref, { [annotations.exportTo]: [...a.exportTo, ...a.gateways].join(',') })],
    }),
    contradicted: (a: Contradicted) => ({
      text: `Annotation ${annotations.exportTo} of Service ${name(a.service)} in ${a.service.ref.cluster} (${a.own}) has no effect: the copy in ${a.first.ref.cluster} decides (${a.deciding}).`,
      severity: 'warning',
      expected: `${a.own} in ${a.first.ref.cluster}, too`,
      found: a.deciding,
      effect: `callers in ${list(a.namespaces)} of ${a.service.ref.cluster} see it as ${a.first.ref.cluster} says`,
    }),
  },
  *run({ clusters, mesh, finding }) {
    const world = worldOf(clusters, mesh);
    const services = restricted(clusters, world);
    if (services.length === 0) return;
    const networks = networksOf(clusters, mesh);
    const said: Bar[] = [];
    for (const shared of services) {
      for (const reader of world.readers) {
        const first = decidedBy(reader, shared);
        if (first === undefined) continue;
        said.push(...barsOf(world, networks, reader, first, shared));
        for (const { cluster, service } of shared.copies) {
          if (service === first || cluster === reader.home || !reader.serves.includes(cluster) || !reader.reads.has(cluster)) continue;
          const defaults = reader.meshConfig.defaultServiceExportTo;
          const namespaces = [...world.callers(cluster)].filter(
            (namespace) => endpoints.isExportedTo(service, namespace, defaults) !== endpoints.isExportedTo(first, namespace, defaults),
          );
          if (namespaces.length === 0) continue;
          yield finding(
            'contradicted',
            { service, first, own: exportOf(service, defaults), deciding: exportOf(first, defaults), namespaces: distinct(namespaces) },
            {
              at: service.ref,
              field: '.metadata.annotations["networking.istio.io/exportTo"]',
              related: [first.ref],
              concerns: [cluster],
            },
          );
        }
      }
    }
    for (const same of groupBy(said, ({ deciding }) => `${name(deciding)} ${deciding.ref.cluster}`).values()) {
      const [one] = same;
      if (one === undefined) continue;
      const { deciding, gateways, exportTo } = one;
      const of = distinct<ClusterName>(same.map((bar) => bar.of));
      const callers = distinct<ClusterName>(same.flatMap((bar) => bar.callers));
      const number = new Map(same.map((bar) => [bar.of, bar.endpoints]));
      yield finding(
        'barred',
        {
          service: deciding,
          exportTo,
          gateways,
          of,
          callers,
          endpoints: [...number.values()].reduce((sum, one) => sum + one, 0),
          isKnown: same.some((bar) => bar.isKnown),
        },
        {
          at: deciding.ref,
          field: '.metadata.annotations["networking.istio.io/exportTo"]',
          evidence: [{ ref: deciding.ref, observed: `exported to ${list(exportTo)}`, expected: `${list(gateways)} too` }],
          concerns: distinct<ClusterName>([...callers, ...of]),
        },
      );
    }
  },
});

interface Barred {
  /** The copy that decides for the gateway. */
  readonly service: Service;
  readonly exportTo: readonly string[];
  /** Namespaces of the gateways. */
  readonly gateways: readonly string[];
  readonly of: readonly ClusterName[];
  readonly callers: readonly ClusterName[];
  readonly endpoints: number;
  readonly isKnown: boolean;
}

interface Contradicted {
  readonly service: Service;
  readonly first: Service;
  readonly own: string;
  readonly deciding: string;
  readonly namespaces: readonly string[];
}

/** Calls of one istiod's proxies into one cluster that the gateways there refuse. */
interface Bar {
  readonly deciding: Service;
  readonly exportTo: readonly string[];
  readonly gateways: readonly string[];
  readonly of: ClusterName;
  readonly callers: readonly ClusterName[];
  readonly endpoints: number;
  /** Some cluster of the callers has the Service, too, or it is exported to a namespace that has callers there and is not its own. */
  readonly isKnown: boolean;
}

function namesOthers(service: Service, callers: ReadonlySet<string>, { meshConfig }: serviceCopies.Reader): boolean {
  const given = exportOf(service, meshConfig.defaultServiceExportTo).split(',');
  return given.some((part) => part.trim() !== service.namespace && callers.has(part.trim()));
}

function name({ namespace, name: own }: Service): string {
  return `${namespace}/${own}`;
}

function exportOf({ annotations: own }: Service, defaults: readonly string[]): string {
  return own[annotations.exportTo] ?? (defaults.length === 0 ? '*' : defaults.join(','));
}

/** Services that some copy or some istiod keeps from somebody, with all their copies. */
function restricted(clusters: readonly Seen[], { readers }: World): serviceCopies.SharedService[] {
  const isByDefault = readers.some(({ meshConfig }) => isNarrow(meshConfig.defaultServiceExportTo));
  const narrow = new Set(
    clusters.flatMap(({ services }) =>
      services.filter((one) => isByDefault || isNarrow((one.annotations[annotations.exportTo] ?? '').split(','))).map(name),
    ),
  );
  if (narrow.size === 0) return [];
  const all = clusters.flatMap(({ name: cluster, services }) =>
    services.filter((service) => service.type !== 'ExternalName' && narrow.has(name(service))).map((service) => ({ cluster, service })),
  );
  return [...groupBy(all, ({ service }) => name(service)).values()].flatMap((copies) => {
    const [one] = copies;
    return one === undefined ? [] : [{ namespace: one.service.namespace, name: one.service.name, copies }];
  });
}

function isNarrow(exportTo: readonly string[]): boolean {
  const given = exportTo.map((part) => part.trim()).filter((part) => part !== '');
  return given.length > 0 && !given.includes('*');
}

/** The copy that decides for proxies of an istiod; nothing where that is chance. */
function decidedBy(reader: serviceCopies.Reader, { namespace, copies }: serviceCopies.SharedService): Service | undefined {
  const known = copies.filter(({ cluster }) => reader.reads.has(cluster) && reader.sees(cluster, namespace));
  const [one, ...more] = known;
  return known.find(({ cluster }) => cluster === reader.home)?.service ?? (more.length === 0 ? one?.service : undefined);
}

interface Network {
  readonly name: string;
  /** Where gateways into it are: cluster and namespace. */
  readonly gateways: readonly { readonly cluster: ClusterName; readonly namespace: string }[];
}

function networksOf(clusters: readonly Seen[], mesh: Mesh): ReadonlyMap<ClusterName, Network> {
  const named = clusters.flatMap((cluster) => {
    const network = valueOf(mesh.members.get(cluster.name)?.network ?? { unknown: [] });
    return network === undefined ? [] : [{ cluster, network }];
  });
  return new Map(
    named.map(({ cluster, network }) => {
      const gateways = named
        .filter((other) => other.network === network)
        .flatMap(({ cluster: { name: place, services } }) =>
          services
            .filter(
              (service) => service.labels[labels.network] === network && service.ports.some(({ port }) => port === ports.crossNetwork),
            )
            .map(({ namespace }) => ({ cluster: place, namespace })),
        );
      return [cluster.name, { name: network, gateways }];
    }),
  );
}

function* barsOf(
  world: World,
  networks: ReadonlyMap<ClusterName, Network>,
  reader: serviceCopies.Reader,
  first: Service,
  shared: serviceCopies.SharedService,
): Iterable<Bar> {
  if (isKept(reader, first)) return;
  for (const { cluster: of, service } of shared.copies) {
    const network = networks.get(of);
    if (network === undefined || !reader.reads.has(of) || !reader.sees(of, shared.namespace)) continue;
    const ready = readyIn(world, of, service).length;
    if (ready === 0) continue;
    const callers = reader.serves.filter((cluster) => {
      const own = networks.get(cluster);
      return own !== undefined && own.name !== network.name && serviceCopies.isShownTo(first, world.callers(cluster), reader.meshConfig);
    });
    if (callers.length === 0) continue;
    const views = network.gateways.flatMap((gateway) =>
      world.readers
        .filter(({ serves }) => serves.includes(gateway.cluster))
        .map((own) => ({ gateway, own, deciding: decidedBy(own, shared) })),
    );
    const isOpen = views.some(
      ({ gateway, own, deciding }) =>
        deciding === undefined || endpoints.isExportedTo(deciding, gateway.namespace, own.meshConfig.defaultServiceExportTo),
    );
    const [view] = views;
    if (view?.deciding === undefined || isOpen) continue;
    yield {
      deciding: view.deciding,
      exportTo: exportOf(view.deciding, view.own.meshConfig.defaultServiceExportTo)
        .split(',')
        .map((part) => part.trim()),
      gateways: distinct(network.gateways.map(({ namespace }) => namespace)),
      of,
      callers,
      endpoints: ready,
      isKnown: callers.some(
        (cluster) => shared.copies.some((copy) => copy.cluster === cluster) || namesOthers(first, world.callers(cluster), reader),
      ),
    };
  }
}
