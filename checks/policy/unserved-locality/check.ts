import {
  type ClusterName,
  defineCheck,
  destinationRules,
  distinct,
  endpoints,
  type IstioResource,
  list,
  listOf,
  localities,
  type Node,
  type Pod,
  type worlds,
} from 'meshdoctor/api';
import { isOfUsers, readingOf, unknownReading, worldNeeds, worldsIn, worldUses } from '../_area.ts';

export default defineCheck({
  id: 'unserved-locality',
  title: 'Rules send calls to localities that have endpoints',
  severity: 'error',
  certainty: 'certain',
  scope: 'mesh',
  needs: worldNeeds,
  uses: worldUses,
  applies: { dataPlane: 'sidecar' },
  path: { hops: ['endpoints'] },
  catalogue: ['POL-14'],
  explains: [
    { code: 'failing-pod-call', match: 'cluster' },
    { code: 'missing-caller-rules', match: 'cluster' },
  ],
  docs: {
    why: 'A DestinationRule that distributes calls from a locality names where they go, and istiod takes all other endpoints away from these callers. Where nothing runs in the localities that it names, as after a cluster was drained, moved or never had the service, callers have no endpoint at all, however many there are elsewhere.',
    confirm:
      'kubectl --context CLUSTER get nodes -L topology.kubernetes.io/region,topology.kubernetes.io/zone; istioctl --context CLUSTER proxy-config endpoints POD.NAMESPACE | grep HOST',
    fix: 'Name a locality that has endpoints beside the others in distribute, with a small weight; or use failover with outlierDetection, which leaves a locality that has none.',
    notWhen: 'Services that nobody calls from there.',
    see: ['https://istio.io/latest/docs/tasks/traffic-management/locality-load-balancing/distribute/'],
  },
  messages: {
    unserved: (a: Unserved) => ({
      text: `DestinationRule ${a.rule.namespace}/${a.rule.name} in ${a.rule.ref.cluster} sends calls of ${a.host} from ${a.from} to ${list(a.to, 'nowhere')} only, where it has no endpoint; it has some in ${list(a.elsewhere, 'none', 3)}.`,
      expected: `a locality of ${list(a.elsewhere, 'none', 3)} under distribute`,
      found: list(a.to, 'nowhere'),
      effect: `callers in ${list(a.callers)} have no endpoint`,
      // Where their own cluster has no such Service, nothing but the name that sidecars resolve says that they call it.
      ...(a.isKnown ? {} : { severity: 'warning' as const, certainty: 'likely' as const }),
    }),
  },
  *run({ clusters, mesh, finding, undecided }) {
    const all = worldsIn(mesh, clusters);
    if (!all.some(({ applied }) => destinationRules.allRules(applied).some((rule) => distributions(rule).length > 0))) return;
    const blind = clusters.filter(({ nodes }) => nodes.status !== 'collected');
    if (blind.length > 0) {
      yield undecided('it is not known where nodes are', { missing: blind.map(({ name }) => ({ cluster: name, fact: 'nodes' as const })) });
      return;
    }
    const { known, missing } = readingOf(all);
    if (missing.length > 0) yield undecided(unknownReading, { missing });
    const places = new Map(clusters.map(({ name, nodes }) => [name, placesOf(listOf(nodes))]));
    for (const world of known) {
      for (const found of unservedIn(world, clusters, places)) {
        const service = world.predictions.services.get(found.host)?.instances[0]?.service;
        if (service === undefined || !isOfUsers(service, mesh)) continue;
        yield finding('unserved', found, {
          at: found.rule.ref,
          field: '.spec.trafficPolicy.loadBalancer.localityLbSetting.distribute',
          related: [service.ref],
          evidence: [{ ref: found.rule.ref, observed: `from ${found.from} to ${list(found.to, 'nowhere')}` }],
          lacks: clusters.flatMap(({ name }) => (['endpointSlices', 'pods'] as const).map((fact) => ({ cluster: name, fact }))),
          subject: `${found.host} ${found.from}`,
          concerns: found.callers,
        });
      }
    }
  },
});

interface Unserved {
  readonly rule: IstioResource;
  readonly host: string;
  readonly from: string;
  readonly to: readonly string[];
  /** Localities that have endpoints. */
  readonly elsewhere: readonly string[];
  readonly callers: readonly ClusterName[];
  readonly isKnown: boolean;
}

type Places = ReadonlyMap<string, localities.Locality>;
type Seen = Parameters<typeof worldsIn>[1][number];

/** By name of the node. */
function placesOf(nodes: readonly Node[]): Places {
  return new Map(
    nodes.flatMap((node) => {
      const locality = localities.localityOf(node);
      return locality === undefined ? [] : [[node.name, locality] as const];
    }),
  );
}

function distributions({ policy }: destinationRules.AppliedRule): readonly localities.Distribution[] {
  // Ports with settings of their own are left out: they replace those of the rule.
  return policy === undefined || policy.ports.length > 0 ? [] : localities.distributionsOf(policy.localityLbSetting);
}

function* unservedIn(world: worlds.World, clusters: readonly Seen[], places: ReadonlyMap<ClusterName, Places>): Iterable<Unserved> {
  const rules = destinationRules.destinationRules(world.applied);
  const hosts = distinct(
    destinationRules.allRules(world.applied).flatMap((rule) => (distributions(rule).length > 0 ? [rule.host] : [])),
  ).filter((host) => world.predictions.services.has(host));
  for (const host of hosts) {
    const service = world.predictions.services.get(host);
    const [first] = service?.instances ?? [];
    if (service === undefined || first === undefined || world.predictions.isClusterLocal(host)) continue;
    const served = servedFrom(world, host, places);
    // An endpoint of which nobody knows where it is may be anywhere.
    if (served === undefined || served.length === 0) continue;
    const found = new Map<string, Unserved>();
    for (const cluster of clusters.filter(({ name }) => world.serves.includes(name))) {
      for (const pod of cluster.pods.filter((one) => isCaller(one, world))) {
        const own = pod.nodeName === undefined ? undefined : places.get(cluster.name)?.get(pod.nodeName);
        if (own === undefined || !endpoints.isExportedTo(first.service, pod.namespace, world.applied.meshConfig?.defaultServiceExportTo))
          continue;
        const rule = rules(service, pod.namespace);
        const way = rule === undefined ? undefined : distributions(rule).find(({ from }) => localities.isMeant(from, own));
        if (rule === undefined || way === undefined) continue;
        if (served.some((place) => way.to.some((to) => localities.isMeant(to, place)))) continue;
        const isKnown = service.instances.some((one) => world.members.get(one.cluster) === cluster.name);
        if (!isKnown && pod.proxy?.dnsCapture !== true) continue;
        const key = `${rule.object.namespace}/${rule.object.name} ${way.from}`;
        const before = found.get(key);
        found.set(key, {
          rule: rule.object,
          host,
          from: way.from,
          to: way.to,
          elsewhere: distinct(served.map(({ region, zone }) => (zone === '' ? region : `${region}/${zone}`))),
          callers: distinct<ClusterName>([...(before?.callers ?? []), cluster.name]),
          isKnown: isKnown || before?.isKnown === true,
        });
      }
    }
    yield* found.values();
  }
}

/** Localities of the healthy endpoints of a host; nothing where that of one is not known. */
function servedFrom(world: worlds.World, host: string, places: ReadonlyMap<ClusterName, Places>): localities.Locality[] | undefined {
  const served: localities.Locality[] = [];
  for (const [id, own] of world.predictions.shards.get(host)?.clusters ?? []) {
    const cluster = world.members.get(id);
    for (const { health, nodeName, pod } of own) {
      if (health !== 'healthy') continue;
      const node = nodeName ?? pod?.nodeName;
      const place = cluster === undefined || node === undefined ? undefined : places.get(cluster)?.get(node);
      if (place === undefined || pod?.labels['istio-locality'] !== undefined) return undefined;
      served.push(place);
    }
  }
  return served;
}

function isCaller({ proxy, phase, labels }: Pod, { controlPlane }: worlds.World): boolean {
  return (
    proxy?.kind === 'sidecar' &&
    (phase === 'Running' || phase === '') &&
    (proxy.revision ?? controlPlane.revision) === controlPlane.revision &&
    labels['istio-locality'] === undefined
  );
}
