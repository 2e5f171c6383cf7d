import {
  type ClusterName,
  count,
  defineCheck,
  distinct,
  groupBy,
  injection,
  labels,
  list,
  type Namespace,
  remedy,
  type Service,
  serviceCopies,
  valueOf,
} from 'meshdoctor/api';
import { callersOf, isKept, needed, readyIn, type World, worldOf } from '../_area.ts';

export default defineCheck({
  id: 'unmeshed-namespace',
  title: 'A namespace that belongs to the mesh in one cluster does so in all that have its services',
  severity: 'warning',
  certainty: 'likely',
  scope: 'mesh',
  partial: true,
  needs: needed,
  applies: { networks: 'multi', dataPlane: 'sidecar' },
  path: { hops: ['endpoints'] },
  catalogue: ['DNS-08'],
  explains: [
    { code: 'uninjected-endpoints', match: 'object' },
    { code: 'rejected-cross-network-call', match: 'cluster' },
    { code: 'failing-pod-call/rejected', match: 'cluster' },
  ],
  docs: {
    why: 'Namespaces of one name are one namespace to the mesh, but each cluster labels its own. Where the label for injection was left out, pods have no sidecar, and gateways between networks lead to pods with sidecars only. Policies are read from the cluster whose configuration istiod uses: for a namespace that does not exist there none can be written.',
    confirm: 'kubectl --context CLUSTER get namespace NAMESPACE --show-labels',
    fix: 'Label the namespace for injection and restart its workloads; create it in the primary where policies for it are wanted.',
    notWhen:
      'While a namespace joins the mesh cluster by cluster this is expected. A label that says no, on the namespace or on its pods, is taken for a choice.',
    see: ['https://github.com/istio/istio/issues/31211'],
  },
  messages: {
    unlabelled: (a: Unlabelled) => ({
      text: `Namespace ${a.namespace.name} of ${a.cluster} has no label for injection, as it has in ${list(a.others)}: callers in ${list(a.callers)} are sent to none of ${count(a.pods, 'pod')} of ${list(a.services, 'none', 2)} there.`,
      expected: a.wanted ?? 'a label for injection',
      found: 'no label',
      effect: `calls to ${list(a.services, 'none', 2)} stay out of ${a.cluster}`,
      remedy: a.wanted === undefined ? [] : [remedy.label(a.namespace.ref, pairOf(a.wanted), 'then restart its workloads')],
    }),
    absent: (a: { namespaces: readonly string[]; cluster: ClusterName; home: ClusterName }) => ({
      text: `Cluster ${a.cluster} has pods with sidecars in ${list(a.namespaces, 'none', 3)}, which ${a.home} does not have, where istiod reads policies: none can be written for ${a.namespaces.length === 1 ? 'it' : 'them'}.`,
      severity: 'info',
      expected: `the same namespaces in ${a.home}`,
      found: 'none',
    }),
  },
  *run({ clusters, mesh, finding }) {
    const world = worldOf(clusters, mesh);
    const namespaces = new Map(
      clusters.flatMap((cluster) => cluster.namespaces.map((one) => [`${cluster.name}/${one.name}`, one] as const)),
    );
    const networkOf = (cluster: ClusterName): string | undefined => valueOf(mesh.members.get(cluster)?.network ?? { unknown: [] });
    const found: Found[] = [];
    for (const shared of world.shared) {
      if (serviceCopies.isSystemNamespace(shared.namespace)) continue;
      for (const copy of shared.copies) found.push(...unlabelledAt(world, shared, copy, namespaces, networkOf));
    }
    for (const same of groupBy(found, ({ cluster, namespace }) => `${cluster} ${namespace.name}`).values()) {
      const [one] = same;
      if (one === undefined) continue;
      const callers = distinct<ClusterName>(same.flatMap((each) => each.callers));
      const others = distinct<ClusterName>(same.flatMap((each) => each.others));
      const [first] = others;
      const model = first === undefined ? undefined : namespaces.get(`${first}/${one.namespace.name}`);
      yield finding(
        'unlabelled',
        {
          namespace: one.namespace,
          cluster: one.cluster,
          others,
          callers,
          services: distinct(same.map(({ service }) => service.name)),
          pods: same.reduce((sum, { pods }) => sum + pods, 0),
          wanted: model === undefined ? undefined : wantedLabel(model),
        },
        {
          at: one.namespace.ref,
          field: '.metadata.labels',
          related: same.slice(0, 5).map(({ service }) => service.ref),
          evidence: [{ ref: one.namespace.ref, field: '.metadata.labels', observed: 'no label for injection' }],
          lacks: [{ cluster: one.cluster, fact: 'namespaces' }],
          concerns: distinct<ClusterName>([...callers, one.cluster]),
        },
      );
    }
    for (const { home, serves } of world.readers) {
      for (const cluster of serves) {
        if (cluster === home) continue;
        const without = [...world.callers(cluster)].filter((namespace) => !namespaces.has(`${home}/${namespace}`));
        const at = clusters.find(({ name }) => name === cluster)?.ref;
        if (without.length === 0 || at === undefined) continue;
        yield finding(
          'absent',
          { namespaces: distinct(without), cluster, home },
          { at, lacks: [{ cluster: home, fact: 'namespaces' }], subject: home, concerns: [cluster] },
        );
      }
    }
  },
});

interface Unlabelled {
  readonly namespace: Namespace;
  readonly cluster: ClusterName;
  /** Clusters in which it belongs to the mesh. */
  readonly others: readonly ClusterName[];
  readonly callers: readonly ClusterName[];
  readonly services: readonly string[];
  readonly pods: number;
  readonly wanted: string | undefined;
}

interface Found {
  readonly cluster: ClusterName;
  readonly namespace: Namespace;
  readonly service: Service;
  readonly others: readonly ClusterName[];
  readonly callers: readonly ClusterName[];
  readonly pods: number;
}

/** A copy without any sidecar, in a namespace without a word about injection, of a service that has sidecars elsewhere. */
function unlabelledAt(
  world: World,
  shared: serviceCopies.SharedService,
  { cluster, service }: serviceCopies.Copy,
  namespaces: ReadonlyMap<string, Namespace>,
  networkOf: (cluster: ClusterName) => string | undefined,
): Found[] {
  const namespace = namespaces.get(`${cluster}/${shared.namespace}`);
  const network = networkOf(cluster);
  if (namespace === undefined || network === undefined || saysAnything(namespace)) return [];
  const own = world.backends(cluster, service).filter(({ endpoint, pod }) => endpoint.ready && pod !== undefined);
  if (
    own.length === 0 ||
    own.some(({ isMeshed, pod }) => isMeshed || pod === undefined || pod.proxy !== undefined || injection.isExempt(namespace, pod))
  )
    return [];
  const others = shared.copies.filter((copy) => copy.cluster !== cluster && readyIn(world, copy.cluster, copy.service).length > 0);
  const joined = others.filter((copy) => {
    const there = namespaces.get(`${copy.cluster}/${shared.namespace}`);
    return there !== undefined && wantedLabel(there) !== undefined;
  });
  if (joined.length === 0) return [];
  const callers = serviceCopies.mergedBy(world.readers, shared).flatMap((merged) => {
    const first = merged.first?.service ?? service;
    if (isKept(merged.reader, service)) return [];
    return callersOf(world, merged, first, cluster).filter((caller) => {
      const theirs = networkOf(caller);
      return theirs !== undefined && theirs !== network && merged.copies.some((copy) => copy.cluster === cluster);
    });
  });
  return callers.length === 0
    ? []
    : [
        {
          cluster,
          namespace,
          service,
          others: joined.map((copy) => copy.cluster),
          callers: distinct<ClusterName>(callers),
          pods: own.length,
        },
      ];
}

function saysAnything({ labels: own }: Namespace): boolean {
  return [labels.injection, labels.revision, labels.dataplaneMode].some((key) => own[key] !== undefined);
}

/** `istio-injection=enabled`, `istio.io/rev=1-31-0`; nothing where the namespace asks for nothing. */
function wantedLabel(namespace: Namespace): string | undefined {
  const wanted = injection.wantedRevision(namespace);
  if (wanted === undefined) return undefined;
  return namespace.labels[labels.injection] === 'enabled' ? `${labels.injection}=enabled` : `${labels.revision}=${wanted}`;
}

function pairOf(label: string): Readonly<Record<string, string>> {
  const [key = '', value = ''] = label.split('=');
  return { [key]: value };
}
