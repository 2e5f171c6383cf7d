import {
  type Answer,
  type ClusterName,
  type ControlPlane,
  compareText,
  defineCheck,
  groupBy,
  type IstiodReplica,
  type IstiodState,
  list,
  listOf,
  measured,
  type Mesh,
  type ObjectRef,
  type Pod,
  refKey,
  remedy,
  sortedBy,
} from 'meshdoctor/api';

export default defineCheck({
  id: 'divergent-replicas',
  title: 'Replicas of one istiod hold the same',
  severity: 'warning',
  certainty: 'likely',
  scope: 'cluster',
  needs: ['controlPlanes', 'istiods', 'istiodStates'],
  uses: ['pods', 'clock'],
  applies: { probed: ['istiodStates'] },
  catalogue: ['SEC-13', 'EW-18'],
  explains: [
    { code: 'unanswered-name', match: 'cluster' },
    // Of a cluster that a replica does not read it knows no gateway.
    { code: 'divergent-replicas/gateways', match: 'same-cluster', keys: ['clusters'] },
    { code: 'unexpected-sidecar-endpoints', match: 'cluster' },
  ],
  docs: {
    why: 'Every replica of istiod reads clusters and configuration by itself, and a proxy hears of the one that it is connected to. When replicas hold different things, calls fail for some pods and not for others, and for others again after they connect anew, every half an hour.',
    confirm: 'istioctl remote-clusters --context CLUSTER; istioctl proxy-status --context CLUSTER shows which replica serves which proxy',
    fix: 'Restart the replica that differs from the others, once whatever it could not read can be read.',
    notWhen: 'A replica that has just started, or something that has just been changed, differs for some seconds.',
    see: ['https://github.com/istio/istio/issues/38440', 'https://github.com/istio/istio/issues/45992'],
  },
  messages: {
    clusters: (a: Divergence) => sentence(a, 'the clusters that they read'),
    gateways: (a: Divergence) => sentence(a, 'the gateways between networks'),
    mesh: (a: Divergence) => sentence(a, 'the mesh config that they work with'),
    config: (a: Divergence) => sentence(a, 'the configuration that they took'),
  },
  *run({ cluster, mesh, finding }) {
    const now = cluster.clock.status === 'collected' ? cluster.clock.value.takenAt : undefined;
    for (const controlPlane of measured.istiodsOf(mesh, cluster.controlPlanes)) {
      const byPod = <T extends { readonly pod: ObjectRef }>(all: readonly T[]): T[] => sortedBy(all, ({ pod }) => pod.name);
      const replicas = byPod(measured.replicasOf(controlPlane, cluster.istiods));
      const states = byPod(measured.replicasOf(controlPlane, cluster.istiodStates));
      for (const [key, path, held] of heldBy(replicas, states)) {
        const groups = [...groupBy(held, ({ items }) => [...items.keys()].join('\n')).values()].sort(
          (a, b) => b.length - a.length || compareText(nameOf(a), nameOf(b)),
        );
        const [most, ...others] = groups;
        const [usual] = most ?? [];
        if (most === undefined || usual === undefined || others.length === 0) continue;
        const odd = others.flat().map(({ pod, items }) => ({
          pod,
          lacks: [...usual.items.keys()].filter((item) => !items.has(item)),
          has: [...items.keys()].filter((item) => !usual.items.has(item)),
        }));
        const ids = others.flat().flatMap(({ items }) => differing(usual.items, items));
        const isSettled = held.every(({ pod }) => isOld(pod, listOf(cluster.pods), now));
        yield finding(
          key,
          { controlPlane, odd, usual: most.map(({ pod }) => pod), isSettled },
          {
            at: controlPlane.ref,
            related: held.map(({ pod }) => pod),
            evidence: odd.map(({ pod, lacks, has }) => ({
              ref: pod,
              observed: `${path}: ${differenceOf(lacks, has)}`,
              expected: `as ${list(most.map((one) => one.pod.name))}`,
            })),
            subject: controlPlane.revision,
            concerns: concernedBy(ids, mesh, cluster.name),
          },
        );
      }
    }
  },
});

interface Held {
  readonly pod: ObjectRef;
  /** What can be compared, sorted, each with the id of the cluster that it is about, where it is about one. */
  readonly items: ReadonlyMap<string, string | undefined>;
}

interface Divergence {
  readonly controlPlane: ControlPlane;
  readonly odd: readonly { readonly pod: ObjectRef; readonly lacks: readonly string[]; readonly has: readonly string[] }[];
  readonly usual: readonly ObjectRef[];
  /** All replicas run for longer than it takes to read everything. */
  readonly isSettled: boolean;
}

type Compared = readonly [key: 'clusters' | 'gateways' | 'mesh' | 'config', path: string, held: readonly Held[]];

/** What those replicas hold that say it: sets of words that can be compared. */
function heldBy(replicas: readonly IstiodReplica[], states: readonly IstiodState[]): Compared[] {
  const held = <T>(pod: ObjectRef, answer: Answer<T> | undefined, items: (value: T) => readonly Item[]): Held[] =>
    answer === undefined || 'failed' in answer ? [] : [{ pod, items: new Map(sortedBy(items(answer.answer), ([text]) => text)) }];
  const plain = (text: string): Item => [text, undefined];
  return [
    [
      'clusters',
      '/debug/clusterz',
      replicas.flatMap(({ pod, clusters }) =>
        held(pod, clusters, (all) => all.map(({ id, syncStatus }): Item => [`${id} ${syncStatus}`, id])),
      ),
    ],
    [
      'gateways',
      '/debug/networkz',
      replicas.flatMap(({ pod, gateways }) =>
        held(pod, gateways, (all) =>
          all.map(
            ({ network, cluster, address, port, hbonePort }): Item => [`${address}:${port || hbonePort} of ${cluster ?? network}`, cluster],
          ),
        ),
      ),
    ],
    [
      'mesh',
      '/debug/mesh',
      states.flatMap(({ pod, mesh }) =>
        held(pod, mesh, (settings) => Object.entries(settings).map(([key, value]) => plain(`${key}: ${String(value)}`))),
      ),
    ],
    ['config', '/debug/configz', states.flatMap(({ pod, config }) => held(pod, config, (all) => all.map(plain)))],
  ];
}

type Item = readonly [text: string, about: string | undefined];

/** Clusters that the differences between two replicas are about. */
function differing(a: Held['items'], b: Held['items']): string[] {
  return [...a, ...b].flatMap(([text, id]) => (id === undefined || (a.has(text) && b.has(text)) ? [] : [id]));
}

/** Members that the differences are about; of what is about no cluster, the one that istiod runs in. */
function concernedBy(ids: readonly string[], mesh: Mesh, own: ClusterName): readonly ClusterName[] {
  const members = measured.clustersById(mesh, ids);
  return members.length === 0 ? [own] : members;
}

/** Milliseconds that a replica needs after its start, or more. */
const settling = 60_000;

/** Whether a replica has had the time to read everything; without a clock nobody can tell. */
function isOld(pod: ObjectRef, pods: readonly Pod[], now: string | undefined): boolean {
  const startedAt = pods.find(({ ref }) => refKey(ref) === refKey(pod))?.startedAt;
  return now !== undefined && startedAt !== undefined && Date.parse(now) - Date.parse(startedAt) > settling;
}

function nameOf(group: readonly Held[]): string {
  return group[0]?.pod.name ?? '';
}

function differenceOf(lacks: readonly string[], has: readonly string[]): string {
  return [...(lacks.length === 0 ? [] : [`lacks ${list(lacks, '', 2)}`]), ...(has.length === 0 ? [] : [`has ${list(has, '', 2)}`])].join(
    ', ',
  );
}

function sentence({ controlPlane, odd, usual, isSettled }: Divergence, what: string) {
  const { ref, namespace, name } = controlPlane;
  const found = list(
    odd.map(({ pod, lacks, has }) => `${pod.name} ${differenceOf(lacks, has)}`),
    '',
    2,
  );
  return {
    text: `Replicas of Deployment ${namespace}/${name} in ${ref.cluster} differ in ${what}: ${found}, unlike ${list(
      usual.map((pod) => pod.name),
      '',
      2,
    )}.`,
    expected: 'the same in every replica',
    found,
    effect: 'a proxy is told what the replica knows that it happens to be connected to',
    ...(isSettled ? {} : { certainty: 'possible' as const }),
    remedy: [remedy.restart(ref, 'after whatever a replica could not read can be read')],
  };
}
