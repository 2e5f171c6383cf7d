import {
  type ClusterName,
  defineCheck,
  distinct,
  hosts,
  list,
  measured,
  mtlsBarriers,
  type Pod,
  refKey,
  remedy,
  shellWord,
  type SidecarState,
  sidecarEndpoints,
  workloadOf,
  worlds,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'unexpected-sidecar-endpoints',
  title: 'Sidecars have the endpoints in other clusters that istiod should send them',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  needs: [...worlds.worldNeeds, 'sidecars'],
  uses: [...worlds.worldUses, 'clock'],
  applies: { dataPlane: 'sidecar', probed: ['sidecars'] },
  catalogue: ['EW-18'],
  path: { hops: ['endpoints'] },
  docs: {
    why: 'What a call does is decided by what the sidecar of the caller holds, not by what istiod shows. For a service on another network it must hold the address of a gateway there: an address of a pod cannot be reached, and where it holds neither, calls never leave the own cluster.',
    confirm: 'istioctl --context CLUSTER proxy-config endpoints POD.NAMESPACE | grep SERVICE; istioctl --context CLUSTER proxy-status',
    fix: 'See whether the proxy is connected to istiod and takes what it is sent (istioctl proxy-status); restart the workload where it keeps something old.',
    notWhen:
      'For some seconds after a rollout or a change of a gateway. EnvoyFilters that rewrite endpoints on purpose are not known to this check.',
  },
  messages: {
    podAddresses: (a: Seen) => ({
      text: `The sidecar of ${podOf(a)} sends calls to ${list(a.services)} to pods in ${a.of} (${list(a.held, 'none', 2)}), which are on another network, instead of ${list(a.expected, 'nobody', 2)}.`,
      expected: list(a.expected),
      found: list(a.held),
      effect: `calls from ${a.caller} to ${list(a.services)} in ${a.of} time out`,
      remedy: remedyFor(a),
      ...graded(a),
    }),
    missing: (a: Seen) => ({
      text: `The sidecar of ${podOf(a)} has no way to ${list(a.services)} in ${a.of}, where it should have ${list(a.expected, 'none', 2)}.`,
      expected: list(a.expected),
      found: list(a.held),
      effect: `calls from ${a.caller} never reach ${list(a.services)} in ${a.of}`,
      remedy: remedyFor(a),
      ...graded(a),
    }),
  },
  *run({ clusters, mesh, finding, undecided }) {
    const all = worlds.worldsIn(mesh, clusters);
    const { known, missing } = worlds.readingOf(all);
    if (missing.length > 0) yield undecided(worlds.unknownReading, { missing });
    const policies = new Map(known.map((world) => [world, mtlsBarriers.policiesOf(world)]));
    const found = new Map<string, { key: 'podAddresses' | 'missing'; seen: Seen; services: Set<string> }>();
    for (const cluster of clusters) {
      if (cluster.sidecars.some(({ endpoints }) => 'failed' in endpoints))
        yield undecided('not every sidecar that was asked tells its endpoints', { clusters: [cluster.name] });
      for (const sidecar of cluster.sidecars) {
        const pod = cluster.pods.find(({ ref }) => refKey(ref) === refKey(sidecar.pod));
        const world = worlds.worldServing(known, cluster.name, pod?.proxy?.revision);
        const own = world === undefined ? undefined : policies.get(world);
        if (pod === undefined || world === undefined || own === undefined) continue;
        const isOfCaller = hasNothing(sidecar);
        for (const difference of differences(sidecar, pod, world, own)) {
          const of = world.members.get(difference.id);
          if (of === undefined) continue;
          const id = `${difference.key} ${refKey(pod.ref)} ${of}`;
          const isSettled = difference.behind.some((one) => measured.isSettled(one, cluster.clock));
          const before = found.get(id);
          const seen: Seen = {
            pod,
            caller: cluster.name,
            of,
            services: [],
            expected: distinct([...(before?.seen.expected ?? []), ...difference.expected]),
            held: distinct([...(before?.seen.held ?? []), ...difference.held]),
            isOfCaller,
            isSettled: isSettled || before?.seen.isSettled === true,
          };
          found.set(id, { key: difference.key, seen, services: (before?.services ?? new Set()).add(difference.service) });
        }
      }
    }
    const lacks = clusters.flatMap(({ name }) =>
      (['services', 'endpointSlices', 'pods', 'namespaces', 'meshConfigs', 'istioResources'] as const).map((fact) => ({
        cluster: name,
        fact,
      })),
    );
    for (const { key, seen, services } of found.values()) {
      yield finding(
        key,
        { ...seen, services: distinct(services) },
        {
          at: seen.pod.ref,
          ...(seen.of === seen.caller ? {} : { between: { from: seen.caller, to: seen.of } }),
          evidence: [{ ref: seen.pod.ref, observed: `endpoints in Envoy: ${list(seen.held)}`, expected: list(seen.expected) }],
          // A sidecar that has nothing of anybody is a matter of its own cluster; otherwise what is wrong may be wrong over there.
          concerns: [seen.isOfCaller ? seen.caller : seen.of],
          lacks,
          subject: seen.of,
        },
      );
    }
  },
});

interface Seen {
  readonly pod: Pod;
  readonly caller: ClusterName;
  readonly of: ClusterName;
  readonly services: readonly string[];
  readonly expected: readonly string[];
  readonly held: readonly string[];
  readonly isOfCaller: boolean;
  /** Some endpoint was there long before the sidecar was asked. */
  readonly isSettled: boolean;
}

interface Difference {
  readonly key: 'podAddresses' | 'missing';
  readonly id: Parameters<worlds.World['members']['get']>[0];
  readonly service: string;
  readonly expected: readonly string[];
  readonly held: readonly string[];
  readonly behind: readonly (Pod | undefined)[];
}

/** How a sidecar differs from what it should be sent, by cluster. */
function* differences(
  { hosts: asked, endpoints }: SidecarState,
  pod: Pod,
  world: worlds.World,
  policies: mtlsBarriers.Policies,
): Iterable<Difference> {
  if ('failed' in endpoints) return;
  for (const host of asked) {
    for (const expected of sidecarEndpoints.endpointsExpected(pod, host, world, policies)) {
      const known = endpoints.answer.find((one) => one.host === host && one.port === expected.port);
      if (known === undefined && expected.mayBeHidden) continue;
      const held = known?.addresses ?? [];
      const named = hosts.serviceOfFqdn(host, world.applied.clusterDomain);
      const service = `${named?.namespace ?? ''}/${named?.name ?? host}:${expected.port}`;
      const common = { service, held: held.map(spelled) };
      const raw = sidecarEndpoints.heldPodAddresses(expected, held);
      const rawOf = new Set(raw.map(({ cluster }) => cluster));
      for (const id of rawOf) {
        const own = raw.filter(({ cluster }) => cluster === id);
        const due = expected.sent.filter(({ endpoints: behind }) => behind.some(({ cluster }) => cluster === id));
        yield {
          ...common,
          key: 'podAddresses',
          id,
          expected: due.map(spelled),
          held: own.map(spelled),
          behind: own.map((one) => one.pod),
        };
      }
      for (const [id, due] of sidecarEndpoints.clustersLacking(expected, held)) {
        if (rawOf.has(id)) continue;
        const behind = due.flatMap((one) => one.endpoints.filter(({ cluster }) => cluster === id).map((endpoint) => endpoint.pod));
        yield { ...common, key: 'missing', id, expected: due.map(spelled), behind };
      }
    }
  }
}

function hasNothing({ endpoints }: SidecarState): boolean {
  return 'answer' in endpoints && endpoints.answer.every(({ addresses }) => addresses.length === 0);
}

function spelled({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') && !address.startsWith('envoy:') ? `[${address}]:${port}` : `${address}:${port}`;
}

function podOf({ pod, caller }: Seen): string {
  return `${pod.namespace}/${pod.name} in ${caller}`;
}

function graded({ isSettled }: Seen) {
  return isSettled ? {} : { certainty: 'possible' as const };
}

function remedyFor({ pod, caller }: Seen) {
  const workload = workloadOf(pod);
  const status = `istioctl --context ${shellWord(caller)} proxy-status ${shellWord(`${pod.name}.${pod.namespace}`)}`;
  return [
    remedy.command(caller, [status], { note: 'reads only: whether the proxy is connected, and takes what it is sent' }),
    ...(workload === undefined ? [] : [remedy.restart(workload, 'where the proxy keeps what istiod no longer sends')]),
  ];
}
