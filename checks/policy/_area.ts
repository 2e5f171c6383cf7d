import { type ClusterName, count, distinct, list, type Mesh, mtlsBarriers, type endpoints, type Service, worlds } from 'meshdoctor/api';

export const title = 'Configuration and policy';
export const order = 8;

export const { worldNeeds, worldUses, worldsIn, readingOf, unknownReading } = worlds;

/** Services that callers of other clusters may be meant for: not those of Kubernetes and Istio, gateways, and names without an address of their own. */
export function isOfUsers(service: Service, mesh: Mesh): boolean {
  const { namespace, name, type, clusterIP } = service;
  if (namespace.startsWith('kube-') || namespace.startsWith('openshift-') || (namespace === 'default' && name === 'kubernetes'))
    return false;
  if ([...mesh.members.values()].some(({ systemNamespace }) => systemNamespace === namespace)) return false;
  return type !== 'ExternalName' && clusterIP !== 'None' && service.labels['topology.istio.io/network'] === undefined;
}

/** How bad it is for the callers of one kind that endpoints of a service are out of reach. */
export interface Consequence {
  readonly service: string;
  readonly callers: ClusterName;
  /** Clusters whose endpoints they do not get to. */
  readonly barred: readonly ClusterName[];
  /** failing: they are sent to a gateway that ends the connection; none: nobody is left to call; fewer: others are left. */
  readonly outcome: 'failing' | 'none' | 'fewer';
  /** The Service is in the callers' cluster, too. Otherwise only its name, which their sidecars resolve, says that it may be called. */
  readonly isKnown: boolean;
}

export interface BarredFor {
  readonly consequence: Consequence;
  readonly barred: readonly mtlsBarriers.Barred[];
  readonly call: mtlsBarriers.BarredCall;
}

/** Calls that some barrier keeps from endpoints, where the callers can resolve the name at all. */
export function* barredFor(all: readonly worlds.World[], mesh: Mesh, fits: (barred: mtlsBarriers.Barred) => boolean): Iterable<BarredFor> {
  for (const call of mtlsBarriers.barredCalls(all, (_, first) => isOfUsers(first, mesh))) {
    const { world, caller, service, port, left } = call;
    const barred = call.barred.filter(fits);
    const isKnown = service.instances.some(({ cluster }) => world.members.get(cluster) === caller.cluster);
    if (barred.length === 0 || (!isKnown && !caller.capturesDns)) continue;
    const outcome = barred.some(({ where }) => where === 'gateway') ? 'failing' : left.length === 0 ? 'none' : 'fewer';
    const consequence = {
      service: `${service.namespace}/${service.name}:${port.port}`,
      callers: caller.cluster,
      barred: clustersOf(
        barred.map(({ endpoint }) => endpoint),
        world,
      ),
      outcome,
      isKnown,
    } as const;
    yield { consequence, barred, call };
  }
}

function clustersOf(found: readonly endpoints.ShardEndpoint[], { members }: worlds.World): ClusterName[] {
  return distinct<ClusterName>(found.flatMap(({ cluster }) => members.get(cluster) ?? []));
}

/** Services with callers that have nobody left are down for those; where nothing shows that they are called, it may not matter. */
export function gradeOf(consequences: readonly Consequence[]) {
  const down = consequences.filter(({ outcome }) => outcome !== 'fewer');
  if (down.some(({ isKnown }) => isKnown)) return {};
  return { severity: 'warning' as const, certainty: 'likely' as const };
}

/** `so callers in east get no endpoint in west` and the like, for the worst of several. */
export function effectOf(consequences: readonly Consequence[]): string {
  const worst = (['failing', 'none', 'fewer'] as const).find((outcome) => consequences.some((one) => one.outcome === outcome)) ?? 'fewer';
  const such = consequences.filter(({ outcome }) => outcome === worst);
  const callers = list(distinct(such.map((one) => one.callers)));
  const barred = list(distinct(such.flatMap((one) => one.barred)));
  switch (worst) {
    case 'failing':
      return `calls from ${callers} are ended by the gateway of ${barred}`;
    case 'none':
      return `callers in ${callers} have no endpoint at all`;
    case 'fewer':
      return `callers in ${callers} are never sent to endpoints in ${barred}`;
    default:
      return worst satisfies never;
  }
}

/** `shop/cart:80`, `shop/cart:80 and shop/orders:80`, or how many. */
export function servicesOf(consequences: readonly Consequence[]): string {
  const services = distinct(consequences.map(({ service }) => service));
  return services.length > 2 ? `${count(services.length, 'service port')} (${list(services, 'none', 2)})` : list(services);
}

/** Where to point: everybody it touches, and the lists whose silence is part of the evidence. */
export function whereOf(consequences: readonly Consequence[], clusters: readonly { readonly name: ClusterName }[]) {
  const callers = distinct<ClusterName>(consequences.map((one) => one.callers));
  const barred = distinct<ClusterName>(consequences.flatMap((one) => one.barred));
  return {
    concerns: distinct<ClusterName>([...callers, ...barred]),
    lacks: clusters.flatMap(({ name }) =>
      (['istioResources', 'endpointSlices', 'pods', 'services'] as const).map((fact) => ({ cluster: name, fact })),
    ),
  };
}
