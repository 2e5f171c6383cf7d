import { createHash } from 'node:crypto';
import { mapAt, textAt } from '../../builder/edits/json.ts';
import { admitsControlPlane } from '../../istio/control-plane-clusters.ts';
import { annotations } from '../../istio/labels.ts';
import { leadershipOf } from '../../mesh/leadership.ts';
import { istiodViewOf } from '../../mesh/read-clusters.ts';
import { entryState, readsSecrets } from '../../mesh/remote-secrets.ts';
import { listOf } from '../../mesh/topology.ts';
import type { ClusterFacts, ControlPlane, Pod, RemoteKubeconfig } from '../../model/facts.ts';
import type { ClusterId, ClusterName } from '../../model/ids.ts';
import { refKey } from '../../model/refs.ts';
import { sortedBy } from '../../base/sort.ts';
import { type ApiAddresses, type Opened, openEntry } from './access.ts';
import { type Ca, caOf } from './ca.ts';
import { isTaken, offeredTo, type WrittenMeshConfig } from './mesh-configs.ts';
import type { ClusterState, WorldState } from './state.ts';

/** A cluster as one istiod process came to know it through a remote secret. What it decided when it was added it never decides again. */
export interface Registration {
  readonly id: ClusterId;
  /** `namespace/name` of the Secret. */
  readonly secret: string;
  /** Hash of the kubeconfig's bytes: other bytes are another cluster to it. */
  readonly hash: string;
  /** RFC 3339. */
  readonly addedAt: string;
  /** The cluster of the sandbox whose API server answers there, if only by refusing; absent when none does. */
  readonly target?: ClusterName;
  /** Whether it joined the election there, which is decided at the first contact. */
  readonly joined?: boolean;
  /** Every list came once; it stays so. */
  readonly isSynced: boolean;
  /** May write there at the moment. */
  readonly manages: boolean;
  /** Can ask that API server whose token it is at the moment. */
  readonly authenticates: boolean;
  /** What it sees of that cluster: nothing, what is, or what was when the connection broke. */
  readonly sees: 'nothing' | 'present' | ClusterFacts;
  /** Lists it may not read. */
  readonly hidden: readonly string[];
}

/** One istiod that runs: a ready pod, and what lives in its memory. */
export interface IstiodProcess {
  readonly uid: string;
  readonly pod: string;
  /** Where it runs. */
  readonly cluster: ClusterName;
  /** Whose configuration it reads. */
  readonly config: ClusterName;
  /** As it was when it started: environment, arguments, version. */
  readonly controlPlane: ControlPlane;
  /** RFC 3339. */
  readonly startedAt: string;
  /** What it signs with and hands out; absent until one was made for it. */
  readonly ca?: Ca;
  /** The mesh config that it took last; absent where it never could. */
  readonly meshConfig?: WrittenMeshConfig;
  readonly registrations: ReadonlyMap<ClusterId, Registration>;
}

/** What is remembered of all istiods, by UID of the pod. */
export type Istiods = ReadonlyMap<string, IstiodProcess>;

/** Whether the way from the istiods of one cluster to the API server of another is cut. */
export type IsCut = (from: ClusterName, to: ClusterName) => boolean;

/** Lists of a cluster that predictions use, as RBAC calls them. */
const readLists = ['namespaces', 'services', 'endpointslices', 'pods', 'nodes'] as const;

/**
 * The istiods that run when the world begins: long enough to have settled. What they decided back then is read off the objects: whoever
 * holds an election joined it, and so did those that could take it over; where nobody holds it nobody joined.
 */
export function foundIstiods(state: WorldState, addresses: ApiAddresses): Istiods {
  const processes = readyIstiods(state).map(({ controlPlane, pod, cluster }): IstiodProcess => {
    const started = startOf(state, cluster, controlPlane, pod, 'found');
    const startedAt = pod.startedAt ?? state.now;
    const registrations = registered(started, state, addresses, () => false).map((one) =>
      found({ ...one, addedAt: startedAt }, started, cluster, state),
    );
    return { ...started, startedAt, registrations: new Map(registrations.map((one) => [one.id, one])) };
  });
  return new Map(processes.map((process) => [process.uid, process]));
}

/** The same some time later: processes that started or ended, secrets that came, went or changed, connections that broke or work again. */
export function steppedIstiods(before: Istiods, state: WorldState, addresses: ApiAddresses, isCut: IsCut = () => false): Istiods {
  const after = readyIstiods(state).map(({ controlPlane, pod, cluster }): IstiodProcess => {
    const known = before.get(pod.uid ?? '');
    const process = known ?? startOf(state, cluster, controlPlane, pod, 'started');
    const withCa = process.ca === undefined ? { ...process, ...caIn(state, process) } : process;
    const registrations = registered(withCa, state, addresses, isCut).map((one): Registration => remembered(withCa, one, state));
    const next = { ...withCa, ...meshConfigIn(state, process), registrations: new Map(registrations.map((one) => [one.id, one])) };
    return known !== undefined && describe(known) === describe(next) ? known : next;
  });
  return new Map(after.map((process) => [process.uid, process]));
}

/** Whether no process came, went or differs from what it was. */
export function isSameIstiods(a: Istiods, b: Istiods): boolean {
  return a.size === b.size && [...a].every(([uid, process]) => process === b.get(uid));
}

/** `synced`, `syncing` or `timeout`, as `/debug/clusterz` has it. */
export function syncStatus(process: IstiodProcess, registration: Registration, now: string): string {
  if (registration.isSynced) return 'synced';
  const patience = Number.parseFloat(process.controlPlane.env['PILOT_REMOTE_CLUSTER_TIMEOUT'] ?? '') || 30;
  return Date.parse(now) - Date.parse(registration.addedAt) < patience * 1000 ? 'syncing' : 'timeout';
}

/** Whether a process writes into a cluster at all: its own, or one whose election it joined and whose API server lets it. */
export function managesCluster(process: IstiodProcess, cluster: ClusterName): boolean {
  if (process.config === cluster) return true;
  return [...process.registrations.values()].some((one) => one.target === cluster && one.joined === true && one.manages);
}

function readyIstiods(
  state: WorldState,
): readonly { readonly cluster: ClusterState; readonly controlPlane: ControlPlane; readonly pod: Pod }[] {
  return [...state.clusters.values()].flatMap((cluster) => {
    const controlPlanes = listOf(cluster.facts.controlPlanes);
    const pods = listOf(cluster.facts.pods).filter((pod) => pod.labels['app'] === 'istiod' && pod.ready && pod.phase === 'Running');
    return pods.flatMap((pod) => {
      const controlPlane = controlPlanes.find((one) => one.namespace === pod.namespace && pod.owner?.name === one.name);
      return controlPlane === undefined ? [] : [{ cluster, controlPlane, pod }];
    });
  });
}

function startOf(state: WorldState, cluster: ClusterState, controlPlane: ControlPlane, pod: Pod, how: 'found' | 'started'): IstiodProcess {
  const couples = state.topology.meshes.flatMap((mesh) => mesh.couples);
  const facts = new Map([...state.clusters.values()].map((one) => [one.name, one.facts]));
  const config = istiodViewOf(controlPlane, couples, facts).members[0]?.cluster ?? cluster.name;
  const process: IstiodProcess = {
    uid: pod.uid ?? pod.name,
    pod: pod.name,
    cluster: cluster.name,
    config,
    controlPlane,
    startedAt: state.now,
    registrations: new Map(),
  };
  const ca = caOf(state, process, how);
  return { ...process, ...(ca === undefined ? {} : { ca }), ...meshConfigIn(state, process) };
}

/** The mesh config that lies there for it, where it can be read. */
function meshConfigIn(state: WorldState, process: IstiodProcess): Pick<IstiodProcess, 'meshConfig'> {
  const offered = offeredTo(process, state);
  return offered === undefined || !isTaken(offered) ? {} : { meshConfig: offered };
}

function caIn(state: WorldState, process: IstiodProcess): { readonly ca?: Ca } {
  const ca = caOf(state, process, 'started');
  return ca === undefined ? {} : { ca };
}

/** Entries of remote secrets that a process reads now, each once, in the order in which they would be met; as if just added. */
function registered(process: IstiodProcess, state: WorldState, addresses: ApiAddresses, isCut: IsCut): readonly Registration[] {
  const { controlPlane } = process;
  const watched = state.clusters.get(
    controlPlane.externalIstiod && !controlPlane.localClusterSecretWatcher ? process.config : process.cluster,
  );
  if (watched === undefined || !readsSecrets(controlPlane)) return [];
  const taken = new Set<ClusterId>();
  const found: Registration[] = [];
  for (const secret of sortedBy(listOf(watched.facts.remoteSecrets), (one) => refKey(one.ref))) {
    for (const entry of secret.entries) {
      if (entryState(controlPlane, secret, entry) !== 'read' || taken.has(entry.clusterId)) continue;
      taken.add(entry.clusterId);
      const raw = textAt(watched.objects.get('Secret', secret.namespace, secret.name), 'data', entry.clusterId);
      const there = openEntry(entry, state, addresses, controlPlane.version);
      const opened: Opened =
        there.cluster !== undefined && isCut(process.cluster, there.cluster) ? { failed: 'unreachable', cluster: there.cluster } : there;
      found.push(added(process, `${secret.namespace}/${secret.name}`, raw ?? '', entry, opened, state.now));
    }
  }
  return found;
}

function added(process: IstiodProcess, secret: string, bytes: string, entry: RemoteKubeconfig, opened: Opened, now: string): Registration {
  const base = { id: entry.clusterId, secret, hash: createHash('sha256').update(bytes).digest('hex'), addedAt: now };
  if ('failed' in opened) {
    const target = opened.cluster === undefined ? {} : { target: opened.cluster };
    return { ...base, ...target, isSynced: false, manages: false, authenticates: false, sees: 'nothing', hidden: [] };
  }
  const { rights } = opened;
  return {
    ...base,
    target: opened.cluster,
    isSynced: rights.syncs,
    manages: rights.manages,
    authenticates: rights.authenticates,
    sees: 'present',
    hidden: readLists.filter((list) => !rights.lists(list)),
  };
}

/** What a process makes of a registration that it may have had before. */
function remembered(process: IstiodProcess, now: Registration, state: WorldState): Registration {
  const before = process.registrations.get(now.id);
  const isSame = before !== undefined && before.hash === now.hash && before.secret === now.secret;
  const decided = isSame && before.joined !== undefined ? before.joined : firstDecision(process, now, state);
  const joined = decided === undefined ? {} : { joined: decided };
  if (!isSame) return { ...now, ...joined };
  const target = now.target ?? before.target;
  return {
    ...now,
    ...joined,
    addedAt: before.addedAt,
    isSynced: before.isSynced || now.isSynced,
    ...(target === undefined ? {} : { target }),
    sees: now.sees === 'present' ? 'present' : before.sees === 'present' ? lastSeen(before, state) : before.sees,
  };
}

/** The decision at the first contact; none before that. */
function firstDecision(process: IstiodProcess, { target, sees }: Registration, state: WorldState): boolean | undefined {
  return target === undefined || sees === 'nothing' ? undefined : shouldLead(process, target, state);
}

/** Informers keep what they had when the connection broke. */
function lastSeen({ target }: Registration, state: WorldState): Registration['sees'] {
  return (target === undefined ? undefined : state.clusters.get(target)?.facts) ?? 'nothing';
}

/** Whether istiod joins the election of a cluster that it adds: EXTERNAL_ISTIOD, and the annotation of the namespace called like its own (checkShouldLead). */
function shouldLead(process: Pick<IstiodProcess, 'controlPlane'>, target: ClusterName, state: WorldState): boolean {
  const { controlPlane } = process;
  if (!controlPlane.externalIstiod) return false;
  const namespace = state.clusters.get(target)?.objects.get('Namespace', undefined, controlPlane.namespace);
  return admitsControlPlane(mapAt(namespace, 'metadata', 'annotations')[annotations.controlPlaneClusters], controlPlane.clusterId);
}

/**
 * What a process that was found running knows of a cluster. Its election tells: the record names the pod that holds it, or held it last
 * before it could no longer write; beside a living leader stand those that would be let in now. Whoever led it once has seen it whole.
 */
function found(registration: Registration, process: IstiodProcess, home: ClusterState, state: WorldState): Registration {
  const { target } = registration;
  const member = target === undefined ? undefined : state.clusters.get(target);
  if (target === undefined || member === undefined) return registration;
  const { controlPlane } = process;
  const leadership = leadershipOf({
    controlPlane,
    primary: home.name,
    pods: home.facts.pods,
    heartbeats: home.facts.leaderElections,
    member: target,
    elections: member.facts.leaderElections,
    clock: { status: 'collected', value: { takenAt: state.now } },
  });
  if (leadership.election?.holderIdentity === process.pod)
    return { ...registration, joined: true, isSynced: true, sees: registration.sees === 'nothing' ? member.facts : registration.sees };
  if (registration.sees === 'nothing') return registration;
  return { ...registration, joined: leadership.state === 'led' && shouldLead(process, target, state) };
}

function describe(process: IstiodProcess): string {
  return JSON.stringify([
    process.uid,
    process.ca,
    process.meshConfig?.yaml,
    [...process.registrations.values()].map(({ sees, ...rest }) => [rest, typeof sees === 'string' ? sees : 'past']),
  ]);
}
