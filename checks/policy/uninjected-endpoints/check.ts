import {
  type ClusterName,
  defineCheck,
  endpoints,
  labels,
  list,
  type mtlsBarriers,
  type ObjectRef,
  type Pod,
  refKey,
  remedy,
  workloadOf,
} from 'meshdoctor/api';
import {
  barredFor,
  type BarredFor,
  type Consequence,
  effectOf,
  readingOf,
  servicesOf,
  unknownReading,
  whereOf,
  worldNeeds,
  worldsIn,
  worldUses,
} from '../_area.ts';

export default defineCheck({
  id: 'uninjected-endpoints',
  title: 'Services that are called from other networks have sidecars in every cluster',
  severity: 'error',
  certainty: 'likely',
  scope: 'mesh',
  needs: worldNeeds,
  uses: worldUses,
  applies: { networks: 'multi', dataPlane: 'sidecar' },
  path: { hops: ['endpoints', 'sni', 'mtls'] },
  catalogue: ['POL-08'],
  explains: [
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
  ],
  docs: {
    why: 'Gateways between networks find the service by the server name of mutual TLS, which only a pod with a sidecar takes. istiod leaves all other pods out for callers of other networks, and nobody is told.',
    confirm: 'kubectl --context REMOTE get pods -n NAMESPACE -L security.istio.io/tlsMode',
    fix: 'Let the pods be injected (label the namespace, restart the workload), or accept that the service is of its own network only.',
    notWhen:
      'Infrastructure that every cluster has for itself needs no sidecar: services without sidecars in any cluster are only reported where callers have no endpoint left.',
    see: ['https://github.com/istio/istio/issues/26517'],
  },
  messages: {
    unequal: (a: Uninjected) => ({
      ...grade(a),
      text: `${countOf(a)} of ${servicesOf(a.consequences)} in ${a.of} have no sidecar, as those in other clusters do: ${effectOf(a.consequences)}.`,
      expected: 'pods with label security.istio.io/tlsMode=istio',
      found: list(a.pods, 'none', 3),
      effect: effectOf(a.consequences),
    }),
    unreachable: (a: Uninjected) => ({
      ...grade(a),
      text: `${countOf(a)} of ${servicesOf(a.consequences)} in ${a.of} have no sidecar, and there are no others: ${effectOf(a.consequences)}.`,
      expected: 'pods with label security.istio.io/tlsMode=istio',
      found: list(a.pods, 'none', 3),
      effect: effectOf(a.consequences),
    }),
    mislabelled: (a: Uninjected) => ({
      ...(a.consequences.every(({ outcome }) => outcome === 'fewer') ? { severity: 'warning' as const } : {}),
      text: `${countOf(a)} of ${servicesOf(a.consequences)} in ${a.of} ${a.pods.length === 1 ? 'has a sidecar' : 'have sidecars'}, but no label ${labels.tlsMode}=${endpoints.istioMutual}: ${effectOf(a.consequences)}.`,
      expected: `${labels.tlsMode}=${endpoints.istioMutual}, which the injector sets where nothing else is set`,
      found: list(a.pods, 'none', 3),
      effect: effectOf(a.consequences),
      remedy: a.workloads.map((ref) =>
        remedy.patch(
          ref,
          { spec: { template: { metadata: { labels: { [labels.tlsMode]: null } } } } },
          { disruptive: true, note: 'makes its pods anew' },
        ),
      ),
    }),
  },
  *run({ clusters, mesh, finding, undecided }) {
    if (mesh.dataPlanes.includes('ambient')) return; // pods without sidecar may well be captured
    const all = worldsIn(mesh, clusters);
    const { known, missing } = readingOf(all);
    if (missing.length > 0) yield undecided(unknownReading, { missing });
    const groups = new Map<string, Group>();
    for (const one of barredFor(known, mesh, ({ barrier, endpoint }) => barrier.why === 'no-sidecar' && endpoint.pod !== undefined)) {
      const key = one.barred.every(hasSidecar) ? 'mislabelled' : hasSidecarsElsewhere(one) ? 'unequal' : 'unreachable';
      if (key === 'unreachable' && (one.consequence.outcome !== 'none' || !isMeantToCall(one))) continue;
      for (const of of one.consequence.barred) {
        const { namespace } = one.call.service;
        const id = `${key} ${of} ${namespace}`;
        const group = groups.get(id) ?? { key, of, namespace, found: [] };
        groups.set(id, group);
        group.found.push(one);
      }
    }
    for (const { key, of, namespace, found } of groups.values()) {
      const cluster = clusters.find(({ name }) => name === of);
      const at = cluster?.namespaces.find(({ name }) => name === namespace);
      if (cluster === undefined || at === undefined) continue;
      const pods = podsOf(found, of);
      const consequences = found.map(({ consequence }) => consequence);
      yield finding(
        key,
        {
          of,
          consequences,
          pods: pods.map(({ name }) => name),
          workloads: workloadsOf(pods),
          isJoined: found.some(({ call }) => call.caller.namespaces.has(namespace)),
        },
        {
          at: at.ref,
          related: pods.slice(0, 20).map(({ ref }) => ref),
          evidence: pods.slice(0, 10).map(({ ref, labels: held }) => ({
            ref,
            field: `.metadata.labels["${labels.tlsMode}"]`,
            observed: held[labels.tlsMode] ?? 'not set',
            expected: endpoints.istioMutual,
          })),
          ...whereOf(
            consequences.map((one) => ({ ...one, barred: [of] })),
            clusters,
          ),
          subject: `${of} ${namespace}`,
        },
      );
    }
  },
});

interface Group {
  readonly key: 'unequal' | 'unreachable' | 'mislabelled';
  readonly of: ClusterName;
  readonly namespace: string;
  readonly found: BarredFor[];
}

interface Uninjected {
  readonly of: ClusterName;
  readonly consequences: readonly Consequence[];
  /** Names of pods. */
  readonly pods: readonly string[];
  /** What makes them, where it can be told. */
  readonly workloads: readonly ObjectRef[];
  /** Pods of the same namespace in the callers' cluster have sidecars. */
  readonly isJoined: boolean;
}

/** It was injected, whatever its labels say: the label of its template came first. */
function hasSidecar({ endpoint }: mtlsBarriers.Barred): boolean {
  return endpoint.pod?.proxy?.kind === 'sidecar';
}

function workloadsOf(pods: readonly Pod[]): ObjectRef[] {
  return [...new Map(pods.flatMap((pod) => workloadOf(pod) ?? []).map((ref) => [refKey(ref), ref])).values()];
}

/** The same service has sidecars in another cluster: there it belongs to the mesh. */
function hasSidecarsElsewhere({ call: { world, service }, consequence }: BarredFor): boolean {
  const shards = world.predictions.shards.get(service.host)?.clusters ?? new Map<never, never>();
  return [...shards].some(
    ([id, found]) =>
      !consequence.barred.includes(world.members.get(id) ?? consequence.callers) &&
      found.some((one) => one.health === 'healthy' && one.tlsMode === endpoints.istioMutual),
  );
}

/** A Service without endpoints in the callers' own cluster is there for its name: so that callers get to another cluster. */
function isMeantToCall({ consequence }: BarredFor): boolean {
  return consequence.isKnown;
}

function grade({ consequences, isJoined }: Uninjected) {
  if (consequences.every(({ outcome }) => outcome === 'fewer')) return { severity: 'warning' as const };
  return isJoined ? {} : { severity: 'warning' as const, certainty: 'possible' as const };
}

function countOf({ pods }: Uninjected): string {
  return pods.length === 1 ? 'The pod' : `${pods.length} pods`;
}

function podsOf(found: readonly BarredFor[], of: ClusterName): Pod[] {
  const pods = new Map<string, Pod>();
  for (const { barred, call } of found) {
    for (const { endpoint } of barred) {
      if (endpoint.pod !== undefined && call.world.members.get(endpoint.cluster) === of) pods.set(refKey(endpoint.pod.ref), endpoint.pod);
    }
  }
  return [...pods].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pod]) => pod);
}
