import {
  type ClusterName,
  defineCheck,
  distinct,
  type endpoints,
  hosts,
  kubectl,
  list,
  meshRoutes,
  refKey,
  remedy,
  type Remedy,
  routeTargets,
  shellWord,
  unknownHosts,
  type VirtualService,
  type worlds,
} from 'meshdoctor/api';
import { isOfUsers, readingOf, unknownReading, worldNeeds, worldsIn, worldUses } from '../_area.ts';

export default defineCheck({
  id: 'unknown-destination',
  title: 'Routes of services lead to services that the istiod of their callers knows',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  needs: [...worldNeeds, 'virtualServices'],
  uses: [...worldUses, 'remoteSecrets'],
  applies: { dataPlane: 'sidecar' },
  path: { hops: ['route'] },
  catalogue: ['POL-17'],
  docs: {
    why: 'A VirtualService leads calls to hosts. Where the istiod of the callers has no service of such a host, proxies have no cluster for it: callers get HTTP 503, or their connection is closed. A service that was removed from the only cluster that had it, or that lies in a cluster which this istiod does not read, ends so; so does a name that is written as for DNS, for istiod completes none with a dot in it.',
    confirm: 'istioctl --context CLUSTER analyze -n NAMESPACE; istioctl --context CLUSTER proxy-config cluster POD.NAMESPACE --fqdn HOST',
    fix: 'Lead the route to a service that is there, by its full name, or have istiod read the cluster that has it.',
    notWhen:
      'Routes that no caller follows are passed over, and so are mirrors and shares of 0. Hosts outside the cluster are left to whoever has no ServiceEntry for them.',
    see: ['https://istio.io/latest/docs/reference/config/analysis/ist0101/'],
  },
  messages: {
    unknown: (a: Led) => ({
      text: `VirtualService ${a.route.namespace}/${a.route.name} in ${a.route.ref.cluster} leads ${shareOf(a)} from ${list(a.callers)} to ${a.service.namespace}/${a.service.name} on to ${a.host}, which istiod there does not know: no cluster that it reads has such a Service.`,
      ...gradeOf(a),
      expected: `a Service or ServiceEntry of ${a.host}`,
      found: 'none',
      effect: `${shareOf(a)} to ${a.service.namespace}/${a.service.name} fail`,
    }),
    elsewhere: (a: Led) => ({
      text: `VirtualService ${a.route.namespace}/${a.route.name} in ${a.route.ref.cluster} leads ${shareOf(a)} from ${list(a.callers)} to ${a.service.namespace}/${a.service.name} on to ${a.host}, which istiod there does not know: it is in ${list(a.holders)}.`,
      ...gradeOf(a),
      expected: `an istiod that knows the Service of ${list(a.holders)}`,
      found: 'none',
      effect: `${shareOf(a)} to ${a.service.namespace}/${a.service.name} fail`,
    }),
    short: (a: Led & { readonly meant: string }) => ({
      text: `VirtualService ${a.route.namespace}/${a.route.name} in ${a.route.ref.cluster} leads ${shareOf(a)} from ${list(a.callers)} to ${a.service.namespace}/${a.service.name} on to ${a.host}, a name that istiod takes as it stands and does not know; ${a.meant} is one.`,
      ...gradeOf(a),
      expected: a.meant,
      found: a.host,
      effect: `${shareOf(a)} to ${a.service.namespace}/${a.service.name} fail`,
      remedy: [writtenOut(a)],
    }),
  },
  *run({ clusters, mesh, finding, undecided }) {
    const all = worldsIn(mesh, clusters);
    const { known, missing } = readingOf(all);
    if (missing.length > 0 && all.some(({ applied }) => applied.virtualServices.length > 0)) yield undecided(unknownReading, { missing });
    const found = new Map<string, Led>();
    for (const world of known) {
      const lost = lostIn(world);
      if (lost.size === 0 || world.callers.length === 0) continue;
      const secrets = clusters.find(({ name }) => name === world.config)?.remoteSecrets;
      if (secrets?.status !== 'collected' || secrets.partial === true) {
        yield undecided(unknownReading, { missing: [{ cluster: world.config, fact: 'remoteSecrets' }] });
        continue;
      }
      for (const service of world.predictions.services.values()) {
        const first = service.instances[0]?.service;
        if (first === undefined || !isOfUsers(first, mesh)) continue;
        if (![...lost.keys()].some((route) => isAbout(route, service, world))) continue;
        for (const call of callsOf(world, service)) note(found, call, lost);
      }
    }
    for (const led of found.values()) {
      const { meant } = led;
      const holders = clusters.flatMap(({ name, services }) => {
        const one = hosts.serviceOfFqdn(led.host, led.clusterDomain);
        return services.some((service) => service.namespace === one?.namespace && service.name === one.name) ? [name] : [];
      });
      const args = { ...led, holders };
      const where = {
        at: led.route.ref,
        field: '.spec',
        related: [led.service.instances[0]?.service.ref ?? led.route.ref],
        evidence: [{ ref: led.route.ref, field: '.spec', observed: `destination ${led.host}` }],
        concerns: led.callers,
        lacks: clusters.flatMap(({ name }) =>
          (['services', 'istioResources', 'namespaces'] as const).map((fact) => ({ cluster: name, fact })),
        ),
        subject: `${led.service.host} ${led.host}`,
      };
      if (meant !== undefined) yield finding('short', { ...args, meant }, where);
      else yield holders.length > 0 ? finding('elsewhere', args, where) : finding('unknown', args, where);
    }
  },
});

interface Led {
  readonly route: VirtualService;
  readonly service: endpoints.RegisteredService;
  readonly host: string;
  /** What it may mean. */
  readonly meant: string | undefined;
  readonly clusterDomain: string;
  /** Whether it is some of the calls, or all. */
  readonly isSome: boolean;
  readonly callers: readonly ClusterName[];
  /** Clusters that have the Service. */
  readonly holders: readonly ClusterName[];
}

/** Hosts that nobody has, by the route that leads there. */
type Lost = ReadonlyMap<VirtualService, ReadonlyMap<string, unknownHosts.UnknownHost>>;

function lostIn(world: worlds.World): Lost {
  const { virtualServices, clusterDomain } = world.applied;
  return new Map(
    virtualServices.flatMap((route) => {
      if (!routeTargets.isForSidecars(route)) return [];
      const unknown = routeTargets.routeTargets(route, clusterDomain).flatMap(({ host }) => unknownHosts.unknownHost(world, host) ?? []);
      return unknown.length === 0 ? [] : [[route, new Map(unknown.map((one) => [one.host, one]))] as const];
    }),
  );
}

function isAbout(route: VirtualService, { host }: endpoints.RegisteredService, { applied: { clusterDomain } }: worlds.World): boolean {
  return routeTargets.hostsOf(route, clusterDomain).some((pattern) => hosts.hostMatches(pattern, host));
}

interface Call {
  readonly world: worlds.World;
  readonly service: endpoints.RegisteredService;
  readonly caller: ClusterName;
  readonly route: meshRoutes.MeshRoute;
}

/** What sidecars make of calls to each port of a service, from every namespace that has some. */
function* callsOf(world: worlds.World, service: endpoints.RegisteredService): Iterable<Call> {
  for (const { cluster, namespaces, pod } of world.callers) {
    for (const namespace of namespaces) {
      for (const port of service.instances[0]?.service.ports ?? []) {
        const route = meshRoutes.meshRoute(world.applied, { host: service.host, port, client: { namespace, labels: pod.labels } });
        if (route !== undefined) yield { world, service, caller: cluster, route };
      }
    }
  }
}

function note(found: Map<string, Led>, { world, service, caller, route }: Call, lost: Lost): void {
  const unknown = lost.get(route.object);
  for (const { host } of route.destinations) {
    const one = unknown?.get(host);
    if (one === undefined) continue;
    const key = `${refKey(route.object.ref)} ${service.host} ${host} ${world.config}`;
    const same = found.get(key);
    const isSome = route.isByRequest || route.destinations.some((other) => !unknown?.has(other.host));
    found.set(key, {
      route: route.object,
      service,
      host,
      meant: one.meant,
      clusterDomain: world.applied.clusterDomain,
      isSome: (same?.isSome ?? true) && isSome,
      callers: distinct<ClusterName>([...(same?.callers ?? []), caller]),
      holders: [],
    });
  }
}

function shareOf({ isSome }: Led): string {
  return isSome ? 'some of the calls' : 'calls';
}

function gradeOf({ isSome }: Led) {
  return isSome ? { severity: 'warning' as const } : {};
}

/** Only what is read: of a route this program does not keep the values of headers. */
function writtenOut({ route: { ref }, host, meant }: Led & { readonly meant: string }): Remedy {
  const renamed = `s/"host": "${host.replaceAll('.', String.raw`\.`)}"/"host": "${meant}"/`;
  return remedy.command(ref.cluster, [
    `${kubectl(ref)} get virtualservice ${shellWord(ref.name)} -o json | sed ${shellWord(renamed)} | ${kubectl(ref)} replace -f -`,
  ]);
}
