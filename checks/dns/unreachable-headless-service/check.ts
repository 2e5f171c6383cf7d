import {
  type ClusterName,
  clusterRef,
  count,
  defineCheck,
  distinct,
  hosts,
  labels,
  list,
  networkId,
  type NetworkId,
  selectors,
  type Service,
  serviceCopies,
  valueOf,
} from 'meshdoctor/api';
import { needed } from '../_area.ts';

export default defineCheck({
  id: 'unreachable-headless-service',
  title: 'Headless services have pods on the networks of their callers',
  severity: 'error',
  certainty: 'likely',
  scope: 'service',
  needs: needed,
  applies: { networks: 'multi', dataPlane: 'sidecar' },
  path: { hops: ['name', 'endpoints'] },
  catalogue: ['DNS-03'],
  explains: [{ code: 'unresolvable-service/headless', match: 'object' }],
  docs: {
    why: 'A headless service has no address of its own: its name stands for its pods, and a gateway between networks leads to services, not to pods. Its name resolves to pods of the caller’s own network only; where there are none it does not resolve at all.',
    confirm: 'kubectl --context CLUSTER -n NAMESPACE exec deploy/CLIENT -- getent hosts NAME.NAMESPACE',
    fix: 'Call a Service with an address beside it (one per pod where pods are addressed one by one), or ServiceEntry objects for the pods behind a gateway of their own.',
    notWhen:
      'A headless service whose callers all have pods of it on their own network works. One that merely lies in another cluster, as the databases of most clusters do, is not reported unless it was asked for.',
    see: ['https://github.com/istio/istio/issues/36733', 'https://github.com/istio/istio/issues/38327'],
  },
  messages: {
    asked: (a: Apart) => ({
      text: `Headless Service ${name(a)} has its ${count(a.pods, 'ready pod')} on ${list(a.networks)} in ${list(a.of)}: callers in ${list(a.callers)} neither resolve nor reach it.`,
      expected: `pods of it on the network of ${list(a.callers)}, or a Service with an address`,
      found: `clusterIP: None, pods on ${list(a.networks)} only`,
      effect: 'callers get "could not resolve host"',
    }),
    stub: (a: Apart) => ({
      text: `Headless Service ${name(a)} stands in ${list(a.callers)} without pods, and those in ${list(a.of)} are on another network: its name resolves to nothing there.`,
      severity: 'warning',
      ...(a.isSelecting ? { certainty: 'possible' as const } : {}),
      expected: 'a Service with an address, which leads through the gateway',
      found: `clusterIP: None, pods on ${list(a.networks)} only`,
      effect: `callers in ${list(a.callers)} get no address`,
    }),
  },
  *run({ service, named, clusters, mesh, finding }) {
    const { namespace, instances } = service;
    const copies = [...instances].map(([cluster, one]) => ({ cluster, service: one }));
    if (!copies.some((copy) => isHeadless(copy.service)) || copies.some((copy) => !isHeadless(copy.service))) return;
    const [some] = copies;
    if (some === undefined) return;
    const backends = serviceCopies.backendFinder(clusters);
    const byName = new Map(clusters.map((cluster) => [cluster.name, cluster]));
    const networkOf = (cluster: ClusterName): NetworkId | undefined => valueOf(mesh.members.get(cluster)?.network ?? { unknown: [] });
    const places = copies.flatMap(({ cluster }) => {
      const own = byName.get(cluster);
      const network = networkOf(cluster);
      if (own === undefined || network === undefined) return [];
      const endpoints = backends(cluster, service).map(({ endpoint }) => endpoint);
      const selector = instances.get(cluster)?.selector ?? {};
      const pods = serviceCopies.podsIn(own.pods, namespace).filter((pod) => selectors.selectsPods(selector, pod.labels));
      const networks = new Set(pods.map((pod) => networkId(pod.labels[labels.network] ?? network)));
      return [{ cluster, network, ready: endpoints.filter(({ ready }) => ready).length, all: endpoints.length + pods.length, networks }];
    });
    const full = places.filter(({ ready }) => ready > 0);
    if (full.length === 0) return;
    const networks = new Set(full.flatMap(({ networks: own, network }) => [...(own.size === 0 ? [network] : own)]));
    const readers = serviceCopies.readersOf(mesh, clusters);
    const callersIn = serviceCopies.callerFinder(clusters);
    const without = clusters.filter(({ name: cluster }) => {
      const network = networkOf(cluster);
      if (network === undefined || networks.has(network) || callersIn(cluster).size === 0) return false;
      const serving = readers.filter(({ serves }) => serves.includes(cluster));
      // Kept to its cluster on purpose, or unknown to the istiod of these callers: another question.
      return serving.some(
        ({ reads, sees, isClusterLocal, controlPlane }) =>
          full.some((place) => reads.has(place.cluster) && sees(place.cluster, namespace)) &&
          !isClusterLocal(hosts.fqdnOf(namespace, service.name, controlPlane.clusterDomain)),
      );
    });
    const stubs = without.filter(
      ({ name: cluster }) => places.some((place) => place.cluster === cluster && place.all === 0) && callersIn(cluster).has(namespace),
    );
    const callers = (named === undefined ? stubs : without).map((cluster) => cluster.name);
    const [first] = named === undefined ? stubs : without;
    if (first === undefined) return;
    const decisive = full.map(({ cluster }) => instances.get(cluster)).filter((one) => one !== undefined);
    const [at = some.service] = named === undefined ? stubs.flatMap(({ name: cluster }) => instances.get(cluster) ?? []) : decisive;
    yield finding(
      named === undefined ? 'stub' : 'asked',
      {
        service: at,
        of: distinct(full.map(({ cluster }) => cluster)),
        networks: [...networks].sort(),
        callers: callers.sort(),
        pods: full.reduce((sum, { ready }) => sum + ready, 0),
        isSelecting: stubs.some(({ name: cluster }) => Object.keys(instances.get(cluster)?.selector ?? {}).length > 0),
      },
      {
        at: at.ref,
        field: '.spec.clusterIP',
        related: [
          ...copies.map((copy) => copy.service.ref),
          ...(named === undefined ? [] : without.map(({ name: cluster }) => clusterRef(cluster))),
        ],
        evidence: decisive.map(({ ref }) => ({ ref, field: '.spec.clusterIP', observed: 'None' })),
        lacks: clusters.flatMap(({ name: cluster }) =>
          (['services', 'endpointSlices', 'pods'] as const).map((fact) => ({ cluster, fact })),
        ),
        concerns: callers,
      },
    );
  },
});

interface Apart {
  readonly service: Service;
  readonly of: readonly ClusterName[];
  readonly networks: readonly string[];
  readonly callers: readonly ClusterName[];
  readonly pods: number;
  /** The copy without pods selects some: it may be scaled to zero. */
  readonly isSelecting: boolean;
}

function isHeadless({ type, clusterIP }: Service): boolean {
  return type !== 'ExternalName' && clusterIP === 'None';
}

function name({ service: { namespace, name: own } }: Apart): string {
  return `${namespace}/${own}`;
}
