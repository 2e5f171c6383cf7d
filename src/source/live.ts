import { distinct } from '../base/sort.ts';
import { type Read as PlannedRead, possibleSystemNamespaces } from '../collect/facts.ts';
import type { Ask, KindCollector } from '../collect/kind.ts';
import { customResourceDefinitions } from '../collect/cluster-objects.ts';
import { kinds } from '../collect/kinds.ts';
import { mutatingWebhooks } from '../collect/webhooks.ts';
import { deployments } from '../collect/workloads.ts';
import { type Intake, openIntake } from '../collect/snapshot.ts';
import type { Connection, ListRequest, Read } from '../kube/connection.ts';
import { type Fields, fields, tally, text } from '../model/decode.ts';
import type { ClusterName } from '../model/ids.ts';
import type { ClusterSnapshot, KindRead, ReducedObject } from '../model/snapshot.ts';
import { openAside } from './aside.ts';
import { discoveryAccept, type Served, servedApis } from './discovery.ts';
import { originOf } from './origin.ts';

/** How far reading one cluster has come. */
export type ReadingProgress = { readonly cluster: ClusterName } & (
  | { readonly phase: 'connect' }
  | { readonly phase: 'list'; readonly done: number; readonly planned: number }
  | { readonly phase: 'read'; readonly objects: number }
  | { readonly phase: 'unreached'; readonly reason: string }
);

export interface LiveOptions {
  readonly connections: readonly Connection[];
  /** The lists to read, by what was selected. */
  readonly reads: readonly PlannedRead[];
  /** System namespaces to look into beside those that are found. */
  readonly systemNamespaces?: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** Each object as soon as it is there; one that changes meanwhile comes again. */
  readonly onObject?: (cluster: ClusterName, kind: KindCollector, object: ReducedObject) => void;
  readonly onProgress?: (progress: ReadingProgress) => void;
}

/**
 * Reads clusters through their API servers, all at once. Whatever goes wrong with one of them is part of its snapshot: a kind that
 * could not be listed, or a cluster that could not be asked at all.
 */
export async function openLive(options: LiveOptions): Promise<readonly ClusterSnapshot[]> {
  const shared = sharedNamespaces(options.connections.length, options.systemNamespaces ?? []);
  return await Promise.all(options.connections.map((connection) => readCluster(connection, options, shared)));
}

/** Names of system namespaces met in any cluster: each is looked up in every other one under that name, as istiod does. */
interface SharedNamespaces {
  readonly add: (names: Iterable<string>) => void;
  /** All of them, once every cluster has said its own. */
  readonly all: Promise<readonly string[]>;
}

function sharedNamespaces(clusters: number, given: readonly string[]): SharedNamespaces {
  const names = new Set(given);
  let waitingFor = clusters;
  let finish: (all: readonly string[]) => void = () => {};
  const all = new Promise<readonly string[]>((resolve) => {
    finish = resolve;
  });
  return {
    add: (found) => {
      for (const name of found) names.add(name);
      waitingFor -= 1;
      if (waitingFor === 0) finish(distinct([...names]));
    },
    all,
  };
}

async function readCluster(connection: Connection, options: LiveOptions, shared: SharedNamespaces): Promise<ClusterSnapshot> {
  const { name } = connection;
  options.onProgress?.({ cluster: name, phase: 'connect' });
  const version = await connection.get('/version', { signal: options.signal });
  if (version.status === 'failed') {
    shared.add([]);
    options.onProgress?.({ cluster: name, phase: 'unreached', reason: version.reason });
    return unreached(connection, options.reads, version);
  }
  const reading = openReading(connection, options, streamsLists(version));
  const discovered = reading.served();
  // What tells the system namespaces comes first; everything else is under way meanwhile.
  const first = options.reads.filter(({ kind }) => kind === deployments || kind === mutatingWebhooks);
  const rest = options.reads.filter(({ kind }) => !first.some((read) => read.kind === kind));
  // The longest lists begin at once: their kinds are of every server.
  const long = rest.filter(({ kind }) => kind.group === '' && kind.message !== undefined);
  const early = Promise.all(long.map(async ({ kind }) => await reading.list(kind, unplaced(kind), undefined)));
  // Whatever goes wrong with it is met below, where it is waited for.
  early.catch(() => undefined);
  const served = await discovered;
  const others = rest
    .filter((read) => !long.includes(read))
    .sort((a, b) => Number(b.kind.message !== undefined) - Number(a.kind.message !== undefined));
  const everywhere = Promise.all([early, ...others.map(async ({ kind }) => await reading.list(kind, unplaced(kind), served))]);
  await Promise.all(first.map(async ({ kind }) => await reading.list(kind, unplaced(kind), served)));
  const own = possibleSystemNamespaces(reading.reduced);
  shared.add(own);
  const inNamespaces = async (names: readonly string[]): Promise<void> => {
    await Promise.all(rest.map(async ({ kind }) => await reading.list(kind, placed(kind, names), served)));
  };
  const ownNames = distinct([...own, ...(options.systemNamespaces ?? [])]);
  await inNamespaces(ownNames);
  await inNamespaces((await shared.all).filter((other) => !ownNames.includes(other)));
  await everywhere;
  const snapshot = reading.finish(version);
  options.onProgress?.({ cluster: name, phase: 'read', objects: reading.objects() });
  return snapshot;
}

/** Lists of a kind that need no system namespace to be known. */
function unplaced(kind: KindCollector): readonly Ask[] {
  return kind.asks.filter(({ namespace }) => typeof namespace !== 'object');
}

function placed(kind: KindCollector, names: readonly string[]): readonly Ask[] {
  return kind.asks
    .filter(({ namespace }) => typeof namespace === 'object')
    .flatMap((ask) => names.map((namespace) => ({ ...ask, namespace })));
}

/** One cluster while it is read. */
interface Reading {
  /** What its API server serves; undefined when it does not say. */
  readonly served: () => Promise<Served | undefined>;
  readonly list: (kind: KindCollector, asks: readonly Ask[], served: Served | undefined) => Promise<void>;
  readonly reduced: Intake['objects'];
  readonly objects: () => number;
  readonly finish: (version: Read<unknown>) => ClusterSnapshot;
}

function openReading(connection: Connection, options: LiveOptions, streams: boolean): Reading {
  const intake: Intake = openIntake();
  const states = new Map<string, Exclude<KindRead, { status: 'read' }>>();
  let objectCount = 0;
  let planned = 0;
  let done = 0;

  const ask = async (kind: KindCollector, wanted: Ask, version: string, served: Served | undefined): Promise<void> => {
    const request: ListRequest = {
      group: kind.group,
      version,
      resource: kind.resource,
      kind: kind.kind,
      ...(typeof wanted.namespace === 'string' ? { namespace: wanted.namespace } : {}),
      ...(wanted.labelSelector === undefined ? {} : { labelSelector: wanted.labelSelector }),
      ...(wanted.fieldSelector === undefined ? {} : { fieldSelector: wanted.fieldSelector }),
      ...(wanted.metadataOnly === true ? { metadataOnly: true } : {}),
      ...(kind.managedFields === 'none' ? { withoutManagedFields: true } : {}),
      ...(kind.message === undefined || !streams ? {} : { message: kind.message }),
    };
    // A list that begins again gives its objects once more: what several lists of a kind found is kept until then.
    let pending: Fields[] = [];
    const keepsPages = kind.asks.length > 1;
    const take = (object: Fields): void => {
      objectCount += 1;
      const kept = intake.add({ object, origin: originOf(object) });
      if (kept !== undefined) options.onObject?.(connection.name, kind, kept);
    };
    const read = await connection.list(
      request,
      {
        item(object) {
          const whole = kind === customResourceDefinitions ? withServed(object, served) : object;
          if (keepsPages) pending.push(whole);
          else take(whole);
        },
        aside: () =>
          keepsPages
            ? undefined
            : openAside(kind, request, (objects, odd) => {
                objectCount += objects.length;
                for (const kept of intake.addReduced(kind, objects, odd)) options.onObject?.(connection.name, kind, kept);
              }),
        restart() {
          pending = [];
          if (!keepsPages) intake.forget(kind.id);
        },
      },
      options.signal,
    );
    for (const object of pending) take(object);
    if (read.status !== 'read') states.set(kind.id, worse(states.get(kind.id), read));
  };

  return {
    reduced: intake.objects,
    objects: () => objectCount,
    async served() {
      const groups = await connection.get('/apis', { accept: discoveryAccept, signal: options.signal });
      return groups.status === 'read' ? servedApis(groups.value) : undefined;
    },
    async list(kind, asks, served) {
      if (asks.length === 0) return;
      planned += 1;
      const version = versionOf(kind, served);
      if (version === undefined) states.set(kind.id, { status: 'absent' });
      else {
        const wanted = kind === customResourceDefinitions && served?.kinds !== undefined ? asks.map(metadataOnly) : asks;
        await Promise.all(wanted.map((one) => ask(kind, one, version, served)));
      }
      done += 1;
      options.onProgress?.({ cluster: connection.name, phase: 'list', done, planned });
    },
    finish(version) {
      const takenAt = connection.clock()?.now;
      return intake.finish({
        name: connection.name,
        complete: true,
        ...(takenAt === undefined ? undefined : { takenAt }),
        ...versionFrom(version),
        ...closed(connection, options.reads, states),
        states: { ...deselected(options.reads), ...Object.fromEntries(states) },
        listed: new Set(options.reads.flatMap(({ kind }) => (states.has(kind.id) ? [] : [kind.id]))),
      });
    },
  };
}

function metadataOnly(ask: Ask): Ask {
  return { ...ask, metadataOnly: true };
}

/** A cluster in which this user may list nothing at all is as good as one that does not answer. */
function closed(
  { server }: Connection,
  reads: readonly PlannedRead[],
  states: ReadonlyMap<string, Exclude<KindRead, { status: 'read' }>>,
): { readonly unreached?: NonNullable<ClusterSnapshot['unreached']> } {
  const refused = reads.flatMap(({ kind }) => {
    const state = states.get(kind.id);
    return state?.status === 'forbidden' ? [state.resource] : [];
  });
  const others = reads.filter(({ kind }) => states.get(kind.id)?.status === 'absent').length;
  if (refused.length === 0 || refused.length + others < reads.length) return {};
  const impersonated = reads
    .map(({ kind }) => states.get(kind.id))
    .find((state) => state?.status === 'forbidden' && state.verb === 'impersonate');
  const reason =
    impersonated?.status === 'forbidden'
      ? `forbidden: needs "impersonate" on ${impersonated.resource} to ask as somebody else`
      : `forbidden: this user may list nothing of ${refused.length} kinds (meshdoctor rbac prints the rights)`;
  return { unreached: { server, code: 'forbidden', reason } };
}

/** Kinds that nobody asked for are not known to be empty. */
function deselected(reads: readonly PlannedRead[]): Readonly<Record<string, Exclude<KindRead, { status: 'read' }>>> {
  const asked = new Set(reads.map(({ kind }) => kind));
  return Object.fromEntries(
    kinds.filter((kind) => !asked.has(kind)).map((kind) => [kind.id, { status: 'not-asked', because: 'deselected' }]),
  );
}

/** Of two lists of one kind the worse state counts: what was found is not all there is. */
function worse(
  a: Exclude<KindRead, { status: 'read' }> | undefined,
  b: Exclude<Read<unknown>, { status: 'read' }>,
): Exclude<KindRead, { status: 'read' }> {
  if (a === undefined || a.status === 'absent') return b;
  return a;
}

/** The version of a kind to ask for: the first it knows that is served; nothing when its group or resource is known not to be served. */
function versionOf(kind: KindCollector, served: Served | undefined): string | undefined {
  if (served === undefined || kind.group === '') return kind.versions[0];
  const versions = served.groups.get(kind.group);
  if (versions === undefined) return undefined;
  return kind.versions.find((version) => versions.has(version) && served.kinds?.has(`${kind.group}/${version}/${kind.kind}`) !== false);
}

/** The group, kind and versions of a definition of which only metadata were read, from what is served under its name. */
function withServed(definition: Fields, served: Served | undefined): Fields {
  if (definition['spec'] !== undefined || served?.resources === undefined) return definition;
  const name = text(tally(), fields(tally(), definition['metadata'])['name']) ?? '';
  const resource = served.resources.get(name);
  const group = name.slice(name.indexOf('.') + 1);
  return {
    ...definition,
    spec: {
      group,
      names: { kind: resource?.kind ?? '' },
      versions: (resource?.versions ?? []).map((version) => ({ name: version, served: true })),
    },
  };
}

/**
 * Whether a whole list costs the server less than its pages do: since Kubernetes 1.31 it answers from memory what is not a later page, since 1.33
 * it encodes item by item.
 */
function streamsLists(version: Read<unknown>): boolean {
  const { major, minor } = versionFrom(version).version ?? {};
  return major === '1' && Number.parseInt(minor ?? '', 10) >= 33;
}

function versionFrom(version: Read<unknown>): { readonly version?: NonNullable<ClusterSnapshot['version']> } {
  if (version.status !== 'read') return {};
  const odd = tally();
  const answer = fields(odd, version.value);
  const major = text(odd, answer['major']);
  const minor = text(odd, answer['minor']);
  const gitVersion = text(odd, answer['gitVersion']);
  return major === undefined || minor === undefined || gitVersion === undefined ? {} : { version: { major, minor, gitVersion } };
}

function unreached(
  connection: Connection,
  reads: readonly PlannedRead[],
  { code, reason }: Extract<Read<unknown>, { status: 'failed' }>,
): ClusterSnapshot {
  return openIntake().finish({
    name: connection.name,
    complete: false,
    unreached: { server: connection.server, code, reason },
    states: {
      ...deselected(reads),
      ...Object.fromEntries(
        reads.map(({ kind }) => [kind.id, { status: 'failed', code, reason: `cluster not reached: ${reason}` } as const]),
      ),
    },
  });
}

/** Contexts that lead to one cluster: by the UID of its kube-system namespace. The first of them is kept. */
export function withoutCopies(clusters: readonly ClusterSnapshot[]): {
  readonly clusters: readonly ClusterSnapshot[];
  readonly copies: readonly { readonly of: ClusterName; readonly copy: ClusterName }[];
} {
  const first = new Map<string, ClusterName>();
  const copies: { of: ClusterName; copy: ClusterName }[] = [];
  const kept = clusters.filter((cluster) => {
    const uid = uidOf(cluster);
    if (uid === undefined) return true;
    const known = first.get(uid);
    if (known === undefined) {
      first.set(uid, cluster.name);
      return true;
    }
    copies.push({ of: known, copy: cluster.name });
    return false;
  });
  return { clusters: kept, copies };
}

function uidOf({ kinds }: ClusterSnapshot): string | undefined {
  const read = kinds['namespaces'];
  return read?.status === 'read' ? read.objects.find(({ metadata }) => metadata.name === 'kube-system')?.metadata.uid : undefined;
}
