import {
  type ClusterName,
  count,
  defineCheck,
  destinationRules,
  distinct,
  endpoints,
  type Entity,
  hosts,
  kubectl,
  list,
  mtlsBarriers,
  type ObjectRef,
  refKey,
  remedy,
  type Remedy,
  routeTargets,
  shellWord,
  type worlds,
} from 'meshdoctor/api';
import { isOfUsers, readingOf, unknownReading, worldNeeds, worldsIn, worldUses } from '../_area.ts';

export default defineCheck({
  id: 'missing-caller-rules',
  title: 'Every primary with callers of a service has the routes and rules that another has for it',
  severity: 'warning',
  certainty: 'likely',
  scope: 'mesh',
  needs: [...worldNeeds, 'virtualServices'],
  uses: worldUses,
  applies: { topology: ['multi-primary'], dataPlane: 'sidecar' },
  path: { hops: ['cluster'] },
  catalogue: ['POL-05'],
  docs: {
    why: 'VirtualServices and DestinationRules are followed by the caller. Each istiod gives its own proxies those of its own cluster: applied beside the service only, they do nothing for callers of other clusters.',
    confirm: 'kubectl --context PRIMARY get virtualservices,destinationrules -A, in every primary',
    fix: 'Apply them in every primary whose cluster has callers.',
    notWhen:
      'Rules that differ from cluster to cluster on purpose (a canary, a region of its own) are reported where one cluster has none at all for a host. Routes of gateways are not compared.',
    see: ['https://github.com/istio/istio/issues/44863', 'https://github.com/istio/istio/issues/36241'],
  },
  messages: {
    missing: (a: Lacking) => ({
      text: `${what(a)} in ${a.holder} ${a.objects.length === 1 ? 'has' : 'have'} no counterpart in ${a.config}: callers in ${list(a.callers)} of ${list(a.hosts, 'none', 2)} go without.`,
      expected: `the same in ${a.config}`,
      found: `nothing for ${list(a.hosts, 'none', 3)}`,
      effect: 'routing, timeouts, subsets and TLS settings differ from caller to caller',
      remedy: [copies(a)],
    }),
    unused: (a: Lacking) => ({
      text: `${what(a)} in ${a.holder} ${a.objects.length === 1 ? 'has' : 'have'} no counterpart in ${a.config}, where ${list(a.hosts, 'none', 2)} can be called by name.`,
      expected: `the same in ${a.config}, if anybody there calls them`,
      found: `nothing for ${list(a.hosts, 'none', 3)}`,
      severity: 'info',
      certainty: 'possible',
      remedy: [copies(a)],
    }),
  },
  *run({ clusters, mesh, finding, undecided }) {
    const all = worldsIn(mesh, clusters);
    if (new Set(all.map(({ config }) => config)).size < 2) return;
    const { known, missing } = readingOf(all);
    if (missing.length > 0) yield undecided(unknownReading, { missing });
    const rules = new Map(known.map((world) => [world, rulesOf(world)]));
    const groups = new Map<string, Group>();
    for (const world of known) {
      const own = rules.get(world);
      if (own === undefined || world.callers.length === 0) continue;
      for (const [other, theirs] of rules) {
        if (other.config === world.config) continue;
        for (const kind of ['VirtualService', 'DestinationRule'] as const) {
          for (const [host, objects] of theirs[kind]) {
            if (own.covers(kind, host)) continue;
            const service = world.predictions.services.get(host);
            const first = service?.instances[0]?.service;
            if (service === undefined || first === undefined || !isOfUsers(first, mesh)) continue;
            const callers = callersTo(world, service, other);
            if (callers.length === 0) continue;
            const isKnown = callers.some(({ cluster }) => service.instances.some(({ cluster: id }) => world.members.get(id) === cluster));
            if (!isKnown && !callers.some(({ capturesDns }) => capturesDns)) continue;
            const id = `${isKnown} ${world.config} ${other.config}`;
            const group = groups.get(id) ?? {
              key: isKnown ? 'missing' : 'unused',
              world,
              other,
              hosts: new Set(),
              objects: new Map(),
              callers: new Set(),
            };
            groups.set(id, group);
            group.hosts.add(host);
            for (const object of objects) group.objects.set(refKey(object.ref), object);
            for (const { cluster } of callers) group.callers.add(cluster);
          }
        }
      }
    }
    for (const { key, world, other, hosts: names, objects, callers } of groups.values()) {
      const at = clusters.find(({ name }) => name === world.config)?.ref;
      const sorted = [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
      const [first] = sorted;
      if (at === undefined || first === undefined) continue;
      yield finding(
        key,
        {
          objects: sorted.map(({ ref }) => ref),
          hosts: distinct(names),
          callers: distinct<ClusterName>(callers),
          config: world.config,
          holder: other.config,
        },
        {
          at,
          related: sorted.slice(0, 20).map(({ ref }) => ref),
          evidence: [{ ref: first.ref, observed: `for ${list(distinct(names), 'none', 3)}`, expected: `the same in ${world.config}` }],
          concerns: distinct<ClusterName>(callers),
          lacks: (['virtualServices', 'istioResources'] as const).map((fact) => ({ cluster: world.config, fact })),
          subject: other.config,
        },
      );
    }
  },
});

interface Group {
  readonly key: 'missing' | 'unused';
  readonly world: worlds.World;
  readonly other: worlds.World;
  readonly hosts: Set<string>;
  readonly objects: Map<string, Entity>;
  readonly callers: Set<ClusterName>;
}

interface Lacking {
  readonly objects: readonly ObjectRef[];
  readonly hosts: readonly string[];
  readonly callers: readonly ClusterName[];
  /** Where they are missing, and where they are. */
  readonly config: ClusterName;
  readonly holder: ClusterName;
}

type Kind = 'VirtualService' | 'DestinationRule';

interface Rules {
  readonly VirtualService: ReadonlyMap<string, readonly Entity[]>;
  readonly DestinationRule: ReadonlyMap<string, readonly Entity[]>;
  /** Whether something of this kind says anything of a host, whoever it is for. */
  readonly covers: (kind: Kind, host: string) => boolean;
}

/** Rules of one configuration that sidecars follow, by the host that they name. */
function rulesOf({ applied }: worlds.World): Rules {
  const byKind = { VirtualService: new Map<string, Entity[]>(), DestinationRule: new Map<string, Entity[]>() };
  const add = (kind: Kind, host: string, object: Entity): void => {
    const known = byKind[kind].get(host);
    if (known === undefined) byKind[kind].set(host, [object]);
    else known.push(object);
  };
  for (const route of applied.virtualServices) {
    if (!routeTargets.isForSidecars(route)) continue;
    for (const host of routeTargets.hostsOf(route, applied.clusterDomain)) add('VirtualService', host, route);
  }
  for (const { host, object } of destinationRules.allRules(applied)) add('DestinationRule', host, object);
  const patterns = (kind: Kind): string[] => [...byKind[kind].keys()].filter((host) => host.startsWith('*'));
  const wildcards = { VirtualService: patterns('VirtualService'), DestinationRule: patterns('DestinationRule') };
  return {
    ...byKind,
    covers: (kind, host) => byKind[kind].has(host) || wildcards[kind].some((pattern) => hosts.hostMatches(pattern, host)),
  };
}

/** Callers of one primary that are sent to endpoints of clusters of the other: it is their rules that count, not those beside the endpoints. */
function callersTo(world: worlds.World, service: endpoints.RegisteredService, other: worlds.World): worlds.Caller[] {
  const first = service.instances[0]?.service;
  if (first === undefined || world.predictions.isClusterLocal(service.host)) return [];
  const there = new Set(other.serves);
  const { rules } = mtlsBarriers.policiesOf(world);
  return world.callers.filter(({ client }) =>
    first.ports.some(({ port }) => {
      const sent = endpoints.endpointsSentTo(client, service.host, port, world.predictions, {
        destinationRuleMode: destinationRules.tlsModeOf(rules(service, client.namespace), port),
      });
      return sent?.endpoints.some((one) =>
        one.endpoints.some(({ cluster }) => {
          const home = world.members.get(cluster);
          return home !== undefined && there.has(home);
        }),
      );
    }),
  );
}

function what({ objects }: Lacking): string {
  const [first] = objects;
  if (objects.length > 1 || first === undefined) return count(objects.length, 'routing rule');
  return `${first.kind} ${first.namespace ?? ''}/${first.name}`;
}

/** Copies without what only the API server that holds them may set. */
function copies({ objects, config }: Lacking): Remedy {
  const own = "grep -vE '^  (uid|resourceVersion|creationTimestamp|generation):'";
  return remedy.command(
    config,
    objects
      .slice(0, 3)
      .map(
        (ref) =>
          `${kubectl(ref)} get ${ref.kind.toLowerCase()} ${shellWord(ref.name)} -o yaml | ${own} | kubectl --context ${shellWord(config)} apply -f -`,
      ),
    { note: objects.length > 3 ? 'do the same for the others' : '' },
  );
}
