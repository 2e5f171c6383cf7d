import {
  type ClusterName,
  defineCheck,
  destinationRules,
  distinct,
  type EndpointSlice,
  endpoints,
  groupBy,
  type IstioResource,
  list,
  type networkGateways,
  remedy,
  type Service,
  serviceEntries,
  type worlds,
} from 'meshdoctor/api';
import { isOfUsers, readingOf, unknownReading, worldNeeds, worldsIn, worldUses } from '../_area.ts';

export default defineCheck({
  id: 'overriding-service-entry',
  title: 'No ServiceEntry takes the name of a Service that other clusters have',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  needs: worldNeeds,
  uses: worldUses,
  applies: { dataPlane: 'sidecar' },
  // Callers of other namespaces are not touched: whose way meets the entry, the way itself says.
  path: { hops: ['route', 'endpoints'], onlyExplains: true },
  catalogue: ['POL-15'],
  docs: {
    why: 'A ServiceEntry may name the host of a Service of Kubernetes. Beside the Service, in its namespace, it adds its endpoints to those of the Service for everybody. In the namespace of callers it takes the place of the Service for the sidecars there, since what is in their own namespace comes first: one that is resolved by DNS then leads to what the DNS of their cluster knows under that name, its own pods or nobody, in plain text and never to another cluster. In any other namespace the Service wins, and the entry does nothing.',
    confirm:
      'istioctl --context CLUSTER proxy-config cluster POD.NAMESPACE --fqdn NAME.NAMESPACE.svc.cluster.local -o json | grep -e type -e STRICT_DNS',
    fix: 'Delete the ServiceEntry: istiod knows Services of all clusters that it reads by itself. Give what is meant to be called otherwise a host of its own.',
    notWhen:
      'An entry in the namespace of callers that lists endpoints of its own is taken to be meant. So is a Sidecar that lets callers know the entry and not the Service.',
    see: ['https://github.com/istio/istio/issues/18038', 'https://istio.io/latest/news/releases/1.24.x/announcing-1.24/upgrade-notes/'],
  },
  messages: {
    unresolved: (a: Overridden) => ({
      text: `${entryOf(a)} takes the place of Service ${a.service} for sidecars of ${a.entry.namespace} in ${list(a.callers)}, where the DNS of the cluster has nobody behind that name.`,
      expected: `endpoints in ${list(a.elsewhere)}`,
      found: 'what DNS resolves',
      effect: `calls from ${a.entry.namespace} in ${list(a.callers)} to ${a.service} fail`,
      remedy: [remedy.delete(a.entry.ref)],
    }),
    kept: (a: Overridden) => ({
      text: `${entryOf(a)} takes the place of Service ${a.service} for sidecars of ${a.entry.namespace} in ${list(a.callers)}, which are sent to the pods of their own cluster alone, in plain text.`,
      severity: 'warning',
      expected: `endpoints in ${list(a.elsewhere)}, too`,
      found: 'what DNS resolves',
      effect: `calls from ${a.entry.namespace} in ${list(a.callers)} never get to ${list(a.elsewhere)}`,
      remedy: [remedy.delete(a.entry.ref)],
    }),
    joining: (a: Joining) => ({
      text: `${entryOf(a)} adds ${list(a.gateways.map(({ address, port }) => `${address}:${port}`))} to the endpoints of Service ${a.service}: the gateway of ${list(a.gateways.map(({ network }) => network))} takes mutual TLS there, and is sent plain text.`,
      expected: 'endpoints that istiod finds by itself',
      found: list(a.gateways.map(({ address }) => address)),
      effect: `a part of all calls to ${a.service} is reset`,
      remedy: [remedy.delete(a.entry.ref)],
    }),
  },
  *run({ clusters, mesh, finding, undecided }) {
    const all = worldsIn(mesh, clusters);
    const naming = new Map(all.map((world) => [world, serviceEntries.namingEntries(world)]));
    if ([...naming.values()].every((found) => found.length === 0)) return;
    const { known, missing } = readingOf(all);
    if (missing.length > 0) yield undecided(unknownReading, { missing });
    const lacks = clusters.flatMap(({ name }) =>
      (['services', 'endpointSlices', 'pods'] as const).map((fact) => ({ cluster: name, fact })),
    );
    for (const world of known) {
      for (const named of naming.get(world) ?? []) {
        const { entry } = named;
        const first = named.service.instances[0]?.service;
        if (first === undefined || !isOfUsers(first, mesh)) continue;
        const service = `${named.service.namespace}/${named.service.name}`;
        const where = {
          at: entry.ref,
          field: '.spec.hosts',
          related: named.service.instances.map((one) => one.service.ref),
          evidence: [{ ref: entry.ref, field: '.spec.hosts', observed: named.service.host }],
          lacks,
        };
        const gateways = serviceEntries.addedGateways(world, named);
        if (gateways.length > 0 && !isMadeMutual(world, named)) {
          yield finding('joining', { entry, service, gateways }, { ...where, subject: service, concerns: world.serves });
        }
        if (!serviceEntries.isLookedUp(entry)) continue;
        const overridden = world.callers.flatMap((caller) => {
          if (!caller.namespaces.has(entry.namespace) || !serviceEntries.comesFirstIn(world, entry.namespace, named)) return [];
          const others = endpointsElsewhere(world, caller, named);
          const isServed = isServedIn(
            clusters.find(({ name }) => name === caller.cluster),
            named,
          );
          return others.length === 0
            ? []
            : [{ caller: caller.cluster, others, key: isServed ? ('kept' as const) : ('unresolved' as const) }];
        });
        for (const [key, found] of groupBy(overridden, (one) => one.key)) {
          const callers = distinct<ClusterName>(found.map(({ caller }) => caller));
          const elsewhere = distinct<ClusterName>(found.flatMap(({ others }) => others));
          yield finding(
            key === 'kept' ? 'kept' : 'unresolved',
            { entry, service, callers, elsewhere },
            { ...where, subject: `${service} ${key}`, concerns: distinct<ClusterName>([...callers, ...elsewhere]) },
          );
        }
      }
    }
  },
});

interface Overridden {
  readonly entry: IstioResource;
  readonly service: string;
  readonly callers: readonly ClusterName[];
  /** Clusters whose endpoints the Service would have them sent to. */
  readonly elsewhere: readonly ClusterName[];
}

interface Joining {
  readonly entry: IstioResource;
  readonly service: string;
  readonly gateways: readonly networkGateways.NetworkGateway[];
}

function entryOf({ entry }: { readonly entry: IstioResource }): string {
  return `ServiceEntry ${entry.namespace}/${entry.name} in ${entry.ref.cluster}`;
}

/** A DestinationRule that sends mutual TLS to the host does so to every endpoint of it, and a gateway finds the Service by that. */
function isMadeMutual(world: worlds.World, { service }: serviceEntries.NamingEntry): boolean {
  const ruleFor = destinationRules.destinationRules(world.applied);
  const ports = service.instances[0]?.service.ports ?? [];
  return world.callers.some((caller) =>
    [...caller.namespaces].some((namespace) => {
      const rule = ruleFor(service, namespace);
      return ports.some(({ port }) => destinationRules.tlsModeOf(rule, port) === 'ISTIO_MUTUAL');
    }),
  );
}

/** Other clusters to which this caller would be sent by the Service. */
function endpointsElsewhere(
  world: worlds.World,
  { client, cluster }: worlds.Caller,
  { service }: serviceEntries.NamingEntry,
): ClusterName[] {
  const ports = service.instances[0]?.service.ports ?? [];
  const sent = ports.flatMap(({ port }) => endpoints.endpointsSentTo(client, service.host, port, world.predictions)?.endpoints ?? []);
  const clusters = sent.flatMap((one) => one.endpoints.flatMap((endpoint) => world.members.get(endpoint.cluster) ?? []));
  return distinct<ClusterName>(clusters).filter((one) => one !== cluster);
}

/** Whether the DNS of a cluster leads to somebody under the name of the Service. */
function isServedIn(
  own: { readonly services: readonly Service[]; readonly endpointSlices: readonly EndpointSlice[] } | undefined,
  { service: { namespace, name } }: serviceEntries.NamingEntry,
): boolean {
  return (
    own?.services.some((one) => one.namespace === namespace && one.name === name) === true &&
    own.endpointSlices.some(
      (slice) => slice.namespace === namespace && slice.service === name && slice.endpoints.some(({ ready }) => ready),
    )
  );
}
