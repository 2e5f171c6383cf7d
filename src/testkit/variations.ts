import { type AnyCheck, sideNeeds } from '../api/check.ts';
import type { Fact, FactName } from '../model/facts.ts';
import { sortedBy } from '../base/sort.ts';
import { clusterName, type ClusterName } from '../model/ids.ts';
import type { KubeObject, MeshObjects } from '../model/kube.ts';
import type { Answer, ClusterObservations, Observed, ObservedFactName, ObservedFacts } from '../model/observations.ts';
import type { ObjectRef } from '../model/refs.ts';
import type { DeclaredTopology, KindRead, Snapshot } from '../model/snapshot.ts';
import type { FactsByCluster } from './suite.ts';

/** Another way to look at the same mesh: contracts say what must not change. */

/** Clusters, objects and their labels in another order: reversed, or shuffled by a seed. */
export function reordered(mesh: MeshObjects, seed: number | 'reversed'): MeshObjects {
  const order = <T>(items: Iterable<T>): T[] => (seed === 'reversed' ? [...items].reverse() : shuffled([...items], seed));
  const relabelled = (object: KubeObject): KubeObject => {
    const { labels } = object.metadata;
    return labels === undefined
      ? object
      : { ...object, metadata: { ...object.metadata, labels: Object.fromEntries(order(Object.entries(labels))) } };
  };
  return new Map(order(mesh).map(([name, objects]) => [name, order(objects).map(relabelled)]));
}

/** Names that sort the other way round and occur in no object. */
export function otherNames(mesh: MeshObjects): ReadonlyMap<string, string> {
  const sorted = [...mesh.keys()].sort();
  return new Map(sorted.map((name, index) => [name, `renamed-${String.fromCharCode(122 - index)}-qx`]));
}

/** Only what the user calls the clusters changes; what Istio calls them is in the objects. */
export function renamed(snapshot: Snapshot, names: ReadonlyMap<string, string>): Snapshot {
  const { intent, ...rest } = snapshot;
  const other = (name: string): string => names.get(name) ?? name;
  const clusters = rest.clusters.map((cluster) => ({ ...cluster, name: clusterName(other(cluster.name)) }));
  const observations = rest.observations.map((own) => renamedObservations(own, (name) => clusterName(other(name))));
  return { ...rest, clusters, observations, ...(intent === undefined ? {} : { intent: renamedIntent(intent, other) }) };
}

/** References and nothing else: what Istio calls clusters stays as it was seen. */
function renamedObservations(own: ClusterObservations, other: (name: ClusterName) => ClusterName): ClusterObservations {
  const renamedRef = (ref: ObjectRef): ObjectRef => ({ ...ref, cluster: other(ref.cluster) });
  return {
    cluster: other(own.cluster),
    ...changedIn(own, 'istiods', (replica) => ({
      ...replica,
      pod: renamedRef(replica.pod),
      nameTables: replica.nameTables.map((table) => ({ ...table, proxy: renamedRef(table.proxy) })),
      ...(replica.gatewayProxies === undefined
        ? {}
        : { gatewayProxies: replica.gatewayProxies.map((one) => ({ ...one, proxy: renamedRef(one.proxy) })) }),
    })),
    ...changedIn(own, 'sidecars', (sidecar) => ({ ...sidecar, pod: renamedRef(sidecar.pod) })),
    ...changedIn(own, 'injectionTrials', (trial) => trial),
    ...changedIn(own, 'probePods', (pod) => ({
      ...pod,
      answers:
        'failed' in pod.answers
          ? pod.answers
          : { answer: pod.answers.answer.map((one) => (one.is === 'handshake' ? { ...one, gateway: renamedRef(one.gateway) } : one)) },
    })),
    ...changedIn(own, 'istiodStates', (state) => ({ ...state, pod: renamedRef(state.pod) })),
    ...changedIn(own, 'istiodSamples', (sample) => ({ ...sample, pod: renamedRef(sample.pod) })),
    ...changedIn(own, 'nameAnswers', (answer) => ({ ...answer, pod: renamedRef(answer.pod) })),
    ...changedIn(own, 'gatewayHandshakes', (handshake) => ({
      ...handshake,
      gateway: renamedRef(handshake.gateway),
      ...(handshake.pod === undefined ? {} : { pod: renamedRef(handshake.pod) }),
    })),
    ...changedIn(own, 'istiodHandshakes', (handshake) => ({
      ...handshake,
      controlPlane: renamedRef(handshake.controlPlane),
      members: handshake.members.map(other),
      named: renamedRef(handshake.named),
      ...(handshake.gateway === undefined ? {} : { gateway: renamedRef(handshake.gateway) }),
      ...(handshake.pod === undefined ? {} : { pod: renamedRef(handshake.pod) }),
    })),
    ...changedIn(own, 'gatewayReadiness', (one) => ({ ...one, gateway: renamedRef(one.gateway), pod: renamedRef(one.pod) })),
  };
}

/** What was seen in another order, cluster by cluster and within each list. */
export function reorderedObservations(seen: readonly ClusterObservations[], seed: number | 'reversed'): readonly ClusterObservations[] {
  const order = <T>(items: readonly T[]): T[] => (seed === 'reversed' ? [...items].reverse() : shuffled(items, seed));
  const answered = <T>(answer: Answer<readonly T[]>): Answer<readonly T[]> =>
    'failed' in answer ? answer : { answer: order(answer.answer) };
  return order(seen).map((own): ClusterObservations => {
    const istiods = changedIn(own, 'istiods', (replica) => ({
      ...replica,
      clusters: answered(replica.clusters),
      gateways: answered(replica.gateways),
      shards: answered(replica.shards),
      nameTables: order(replica.nameTables),
      ...(replica.gatewayProxies === undefined ? {} : { gatewayProxies: order(replica.gatewayProxies) }),
    }));
    const sidecars = changedIn(own, 'sidecars', (sidecar) => ({ ...sidecar, endpoints: answered(sidecar.endpoints) }));
    return { ...own, ...orderedIn({ ...own, ...istiods, ...sidecars }, order) };
  });
}

function orderedIn(own: ClusterObservations, order: <T>(items: readonly T[]) => readonly T[]): Partial<ClusterObservations> {
  const ordered = <K extends ObservedFactName>(fact: K): { readonly [P in K]?: Observed<readonly Item<K>[]> } => {
    const state: Observed<readonly Item<K>[]> | undefined = own[fact];
    return state?.status === 'observed' ? asOne(fact, { ...state, value: order(state.value) }) : {};
  };
  return {
    ...ordered('istiods'),
    ...ordered('istiodStates'),
    ...ordered('istiodSamples'),
    ...ordered('sidecars'),
    ...ordered('injectionTrials'),
    ...ordered('probePods'),
    ...ordered('nameAnswers'),
    ...ordered('gatewayHandshakes'),
    ...ordered('istiodHandshakes'),
    ...ordered('gatewayReadiness'),
  };
}

type Item<K extends ObservedFactName> = ObservedFacts[K][number];

/** One list of what was seen, each of its items changed; nothing where it was not seen. */
function changedIn<K extends ObservedFactName>(
  own: ClusterObservations,
  fact: K,
  change: (item: Item<K>) => Item<K>,
): { readonly [P in K]?: Observed<readonly Item<K>[]> } {
  const state: Observed<readonly Item<K>[]> | undefined = own[fact];
  if (state === undefined) return {};
  const changed: Observed<readonly Item<K>[]> = state.status === 'observed' ? { ...state, value: state.value.map(change) } : state;
  return asOne(fact, changed);
}

function asOne<K extends string, V>(key: K, value: V): { readonly [P in K]?: V } {
  const one: { [P in K]?: V } = {};
  one[key] = value;
  return one;
}

function renamedIntent(intent: DeclaredTopology, other: (name: string) => string): DeclaredTopology {
  const { meshes, clusters, withoutSecret } = intent;
  return {
    ...(meshes === undefined ? {} : { meshes: meshes.map((mesh) => ({ ...mesh, clusters: mesh.clusters.map(other) })) }),
    ...(clusters === undefined
      ? {}
      : {
          clusters: Object.fromEntries(
            Object.entries(clusters).map(([name, cluster]) => [
              other(name),
              { ...cluster, ...(cluster.servedBy === undefined ? {} : { servedBy: cluster.servedBy.map(other) }) },
            ]),
          ),
        }),
    ...(withoutSecret === undefined
      ? {}
      : { withoutSecret: withoutSecret.map(({ reader, read }) => ({ reader: other(reader), read: other(read) })) }),
  };
}

/** What a namespace outside the mesh, with a Service and its pods, adds to every cluster: as healthy as it can be. */
export function unrelatedNamespace(mesh: MeshObjects): MeshObjects {
  return new Map([...mesh].map(([name, objects], index) => [name, unrelatedObjects(objects, index)]));
}

/** A snapshot with the objects of another one of the same clusters among its own. */
export function extended(snapshot: Snapshot, more: Snapshot): Snapshot {
  const clusters = snapshot.clusters.map((cluster) => {
    const added = more.clusters.find(({ name }) => name === cluster.name)?.kinds ?? {};
    const kinds = Object.entries(cluster.kinds).map(([id, read]): [string, KindRead] => {
      const other = added[id];
      if (other?.status !== 'read' || other.objects.length === 0) return [id, read];
      if (read.status !== 'read') return [id, other];
      return [
        id,
        {
          ...read,
          objects: sortedBy([...read.objects, ...other.objects], ({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`),
        },
      ];
    });
    return { ...cluster, kinds: Object.fromEntries(kinds) };
  });
  return { ...snapshot, clusters };
}

const unrelated = 'unrelated-zq';

function unrelatedObjects(objects: readonly KubeObject[], index: number): KubeObject[] {
  const uid = (n: number): string => `00000000-0000-4000-8000-0000000${index}${String(n).padStart(4, '0')}`;
  const meta = (name: string, n: number, more: Readonly<Record<string, unknown>> = {}): KubeObject['metadata'] => ({
    name,
    namespace: unrelated,
    uid: uid(n),
    resourceVersion: String(n),
    creationTimestamp: '2026-11-20T10:00:00Z',
    ...more,
  });
  const labels = { app: 'plain' };
  const address = `10.25${index}.77.7`;
  const ports = [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }];
  // Istio and Kubernetes put their roots into every namespace that they see.
  const roots = ['istio-ca-root-cert', 'kube-root-ca.crt', 'istio-ca-crl'].flatMap((name, n) => {
    const root = objects.find(
      (object) => object.kind === 'ConfigMap' && object.metadata.name === name && object.metadata.namespace !== undefined,
    );
    return root === undefined ? [] : [{ ...root, metadata: { ...root.metadata, namespace: unrelated, uid: uid(20 + n) } }];
  });
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: unrelated,
        uid: uid(1),
        resourceVersion: '1',
        creationTimestamp: '2026-11-20T10:00:00Z',
        labels: { 'kubernetes.io/metadata.name': unrelated },
      },
      status: { phase: 'Active' },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta('plain', 2),
      spec: { type: 'ClusterIP', clusterIP: `10.24${index}.77.7`, clusterIPs: [`10.24${index}.77.7`], selector: labels, ports },
      status: { loadBalancer: {} },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: meta('plain-x7k2p', 3, { labels: { 'kubernetes.io/service-name': 'plain' } }),
      addressType: 'IPv4',
      endpoints: [
        {
          addresses: [address],
          conditions: { ready: true, serving: true, terminating: false },
          targetRef: { kind: 'Pod', name: 'plain-1', namespace: unrelated },
        },
      ],
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: meta('plain-1', 4, { labels }),
      spec: { containers: [{ name: 'plain', image: 'registry.example/plain:1.0' }], serviceAccountName: 'default' },
      status: {
        phase: 'Running',
        podIP: address,
        podIPs: [{ ip: address }],
        startTime: '2026-11-20T10:00:01Z',
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    },
    ...roots,
  ];
}

/** Ways of not knowing a fact. */
export const losses = {
  forbidden: { status: 'forbidden', verb: 'list', resource: 'things' },
  failed: { status: 'failed', code: 'timeout', reason: 'no answer within 10 s' },
  'not-asked': { status: 'not-asked', because: 'directory does not say' },
} as const satisfies Record<string, Exclude<Fact<never>, { status: 'collected' }>>;

export type Loss = keyof typeof losses;

/** The same facts without one of one cluster. */
export function without(facts: FactsByCluster, cluster: ClusterName, fact: FactName, how: Loss): FactsByCluster {
  const own = facts.get(cluster);
  return own === undefined ? facts : new Map(facts).set(cluster, { ...own, [fact]: losses[how] });
}

/** The same facts with one cluster that does not answer: one of them, or one more. */
export function withoutCluster(facts: FactsByCluster, cluster: ClusterName = clusterName('unreachable-zq')): FactsByCluster {
  const [sample] = facts.values();
  if (sample === undefined) return facts;
  const lost = Object.fromEntries(Object.keys(sample).map((fact) => [fact, losses.failed]));
  return new Map(facts).set(cluster, { ...sample, ...lost });
}

/** Facts that say what the topology is. */
const telling: readonly FactName[] = [
  'namespaces',
  'controlPlanes',
  'leaderElections',
  'injectors',
  'remoteSecrets',
  'serviceAccountTokens',
  'serviceAccounts',
  'caSecrets',
  'rootConfigMaps',
  'apiServerCa',
  'services',
  'endpointSlices',
  'endpoints',
  'pods',
  'kubeGateways',
];

/** Facts that a check declares. */
export function declaredFacts(check: AnyCheck): readonly FactName[] {
  return [...new Set([...sideNeeds(check.needs, 'any'), ...sideNeeds(check.uses, 'any')])];
}

/** Ways in which a check may come to know less: each of its own facts lost in every way, those that tell the topology in one way each. */
export function lossesFor(check: AnyCheck): readonly { readonly fact: FactName; readonly how: Loss }[] {
  const declared = declaredFacts(check);
  const ways: readonly Loss[] = ['forbidden', 'failed', 'not-asked'];
  return [
    ...declared.flatMap((fact) => ways.map((how) => ({ fact, how }))),
    ...telling.filter((fact) => !declared.includes(fact)).map((fact, index) => ({ fact, how: ways[index % ways.length] ?? 'failed' })),
  ];
}

/** mulberry32: enough to shuffle, and the same on every machine. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = randomOf(seed);
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const [a, b] = [result[i], result[j]];
    if (a !== undefined && b !== undefined) {
      result[i] = b;
      result[j] = a;
    }
  }
  return result;
}
