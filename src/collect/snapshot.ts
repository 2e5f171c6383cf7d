import { alike } from '../base/alike.ts';
import { isDeepEqual } from '../base/equal.ts';
import { deepFreeze } from '../base/freeze.ts';
import { compareText } from '../base/sort.ts';
import { type Fields, type Tally, tally } from '../model/decode.ts';
import type { ClusterName } from '../model/ids.ts';
import { clusterName } from '../model/ids.ts';
import type { MeshObjects } from '../model/kube.ts';
import type { Origin } from '../model/refs.ts';
import type { ClusterSnapshot, KindRead, ReducedObject, Snapshot } from '../model/snapshot.ts';
import { clusterRoleBindings, clusterRoles, namespaces, serviceAccounts } from './cluster-objects.ts';
import { type KindCollector, reduceObject } from './kind.ts';
import { kindOf, kinds } from './kinds.ts';
import { pods } from './pods.ts';
import { secrets } from './secrets.ts';
import { endpointSlices } from './services.ts';
import { deployments } from './workloads.ts';

/** A raw object with where it was read. */
export interface RawObject {
  readonly object: Fields;
  readonly origin?: Origin;
}

/** What is known of a cluster's source once it has been read to its end. */
export interface ClusterSource {
  readonly name: ClusterName;
  /** The source says that it holds every object of the cluster: absence is then evidence. */
  readonly complete: boolean;
  readonly takenAt?: string;
  readonly version?: NonNullable<ClusterSnapshot['version']>;
  readonly unread?: ClusterSnapshot['unread'];
  /** Ids of kinds that were listed to their end: that there are none is then known, whatever else the source says of itself. */
  readonly listed?: ReadonlySet<string>;
  /** The cluster could not be asked at all. */
  readonly unreached?: NonNullable<ClusterSnapshot['unreached']>;
  /** Kinds that could not be listed, and why; objects of theirs do not count. */
  readonly states?: Readonly<Record<string, Exclude<KindRead, { status: 'read' }>>>;
  /** Reading was stopped before the end. */
  readonly interrupted?: boolean;
  /** Documents that are no objects. */
  readonly skipped?: number;
  /** Ids of kinds of which the source does not hold every object, whatever it says of itself. */
  readonly partial?: ReadonlySet<string>;
  /** Odd things met outside objects. */
  readonly odd?: number;
}

interface Pile {
  readonly kind: KindCollector;
  readonly odd: Tally;
  readonly byName: Map<string, ReducedObject>;
  contradiction?: string;
  /** Lists have what is alike one after the other: pods of a workload, objects of a namespace. */
  last?: ReducedObject;
}

function emptyPile(kind: KindCollector): Pile {
  return { kind, odd: tally(), byName: new Map() };
}

/** A cluster's objects while they are read: each is reduced at once, so that no secret outlives the call that brought it. */
export interface Intake {
  /** The object as it is kept; nothing where it is of no kind that is read. */
  readonly add: (raw: RawObject) => ReducedObject | undefined;
  /** The same for some of a kind that were reduced elsewhere, with how many odd things were met there. */
  readonly addReduced: (kind: KindCollector, objects: readonly ReducedObject[], odd: number) => readonly ReducedObject[];
  /** What was added of a kind so far, reduced. */
  readonly objects: (kind: KindCollector) => readonly ReducedObject[];
  /** Drops what was added of a kind: its list begins again. */
  readonly forget: (kindId: string) => void;
  /** The frozen result. */
  readonly finish: (source: ClusterSource) => ClusterSnapshot;
}

export function openIntake(): Intake {
  const piles = new Map<string, Pile>();
  return {
    add: (raw) => put(piles, raw),
    addReduced(kind, found, odd) {
      const pile = pileOf(piles, kind);
      pile.odd.odd += odd;
      return found.map((object) => keep(pile, object));
    },
    objects: (kind) => [...(piles.get(kind.id)?.byName.values() ?? [])],
    forget: (kindId) => piles.delete(kindId),
    finish: (source) => finish(piles, source),
  };
}

function finish(piles: ReadonlyMap<string, Pile>, source: ClusterSource): ClusterSnapshot {
  const unread = source.unread ?? [];
  const complete = source.complete && unread.length === 0 && source.interrupted !== true;
  const reads: Record<string, KindRead> = {};
  const oddities: Record<string, number> = {};
  for (const kind of kinds) {
    const pile = piles.get(kind.id);
    reads[kind.id] =
      source.states?.[kind.id] ??
      (source.listed?.has(kind.id) === true
        ? readOf(pile ?? emptyPile(kind), true)
        : pile === undefined
          ? unseen(source, isNeverMissing(kind, piles) || source.partial?.has(kind.id) === true)
          : readOf(pile, complete && source.partial?.has(kind.id) !== true));
    if (pile !== undefined && pile.odd.odd > 0) oddities[kind.id] = pile.odd.odd;
  }
  if (source.odd !== undefined && source.odd > 0) oddities['documents'] = source.odd;
  return Object.freeze({
    name: source.name,
    ...(source.takenAt === undefined ? undefined : { takenAt: source.takenAt }),
    ...(source.version === undefined ? undefined : { version: source.version }),
    ...(source.unreached === undefined ? undefined : { unreached: source.unreached }),
    kinds: Object.freeze(reads),
    oddities: Object.freeze(oddities),
    ...(source.skipped === undefined || source.skipped === 0 ? undefined : { skipped: source.skipped }),
    unread,
  });
}

function put(piles: Map<string, Pile>, raw: RawObject): ReducedObject | undefined {
  const kind = kindOf(raw.object);
  if (kind === undefined) return undefined;
  const pile = pileOf(piles, kind);
  const own = reduceObject(kind, raw.object, pile.odd, raw.origin);
  return own === undefined ? undefined : keep(pile, own);
}

function pileOf(piles: Map<string, Pile>, kind: KindCollector): Pile {
  const known = piles.get(kind.id);
  if (known !== undefined) return known;
  const pile = emptyPile(kind);
  piles.set(kind.id, pile);
  return pile;
}

function keep(pile: Pile, own: ReducedObject): ReducedObject {
  const { kind } = pile;
  const reduced = alike(pile.last, own);
  pile.last = reduced;
  const key = reduced.metadata.namespace === undefined ? reduced.metadata.name : `${reduced.metadata.namespace}/${reduced.metadata.name}`;
  const known = pile.byName.get(key);
  if (known === undefined) pile.byName.set(key, reduced);
  else if (isOfServer(known) && isOfServer(reduced))
    pile.byName.set(key, reduced); // Met by two lists: the later answer is the newer one.
  else if (!isSameObject(known, reduced))
    pile.contradiction ??= `${kind.kind} ${key} differs between ${placeOf(known)} and ${placeOf(reduced)}`;
  return reduced;
}

function isOfServer({ origin }: ReducedObject): boolean {
  return origin !== undefined && 'resourceVersion' in origin;
}

/** Two copies are one object when they agree in everything that is read; when and by whom they were fetched does not matter. */
function isSameObject(a: ReducedObject, b: ReducedObject): boolean {
  return isDeepEqual(comparable(a), comparable(b));
}

function comparable(object: ReducedObject): Fields {
  const { resourceVersion: _version, managers: _managers, ...metadata } = object.metadata;
  const { origin: _origin, apiVersion: _apiVersion, ...rest } = object;
  return { ...rest, metadata };
}

function placeOf(object: ReducedObject): string {
  const origin = object.origin;
  return origin === undefined ? 'two copies' : 'file' in origin ? `${origin.file}:${origin.line}` : `version ${origin.resourceVersion}`;
}

/** Kinds of which every cluster has some, made by Kubernetes itself. */
const everywhere: ReadonlySet<KindCollector> = new Set([namespaces, serviceAccounts, clusterRoles, clusterRoleBindings]);

/**
 * Where such a kind does not occur at all it was left out, whatever the source says of itself: dumps are made kind by kind, and often
 * without Secrets, of which a cluster with an istiod has at least the one with its CA.
 */
function isNeverMissing(kind: KindCollector, piles: ReadonlyMap<string, Pile>): boolean {
  const found = [...(piles.get(deployments.id)?.byName.values() ?? [])];
  // Manifests that were never applied: what Kubernetes makes of them is not there to be seen.
  if (kind === pods || kind === endpointSlices) return found.some((object) => object['status'] === undefined);
  if (kind === secrets) return found.some((object) => object.metadata.labels?.['app'] === 'istiod');
  return everywhere.has(kind);
}

/** A kind of which no object was met. What could not be read may have held some. */
function unseen(source: ClusterSource, isNeverMissing: boolean): KindRead {
  if (source.interrupted === true) return { status: 'failed', code: 'interrupted', reason: 'reading was interrupted' };
  const [first] = source.unread ?? [];
  if (first !== undefined) return { status: 'failed', code: 'unreadable-file', reason: `${first.what}: ${first.reason}` };
  return source.complete && !isNeverMissing
    ? { status: 'read', objects: [], complete: true }
    : { status: 'not-asked', because: 'directory does not say' };
}

function readOf(pile: Pile, complete: boolean): KindRead {
  if (pile.contradiction !== undefined) return { status: 'failed', code: 'contradicting-copies', reason: pile.contradiction };
  const entries = [...pile.byName];
  if (entries.some(([key], i) => key < (entries[i - 1]?.[0] ?? ''))) entries.sort(([a], [b]) => compareText(a, b));
  // Frozen as a list only: what checks see are facts, and those are frozen whole.
  const objects = Object.freeze(entries.map(([, object]) => object));
  return Object.freeze({ status: 'read', objects, complete: complete && !objects.some((object) => object['withheld'] === true) });
}

/** What is said of a whole mesh of objects that come from no file. */
export interface MeshSource {
  /** Whether the objects are all there are; true when not said. */
  readonly complete?: boolean;
  readonly takenAt?: string;
  readonly version?: NonNullable<ClusterSnapshot['version']>;
}

/** A whole mesh of raw objects as a Snapshot: how the builder and tests get there, through the same reduction as any other source. */
export function snapshotOf(mesh: MeshObjects, source: MeshSource = {}): Snapshot {
  return deepFreeze({
    schema: 1,
    source: { kind: 'manifests' },
    clusters: [...mesh].map(([name, objects]) => {
      const intake = openIntake();
      for (const object of objects) intake.add({ object });
      return intake.finish({ ...source, complete: source.complete ?? true, name: clusterName(name) });
    }),
    observations: [],
  });
}
