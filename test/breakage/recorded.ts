import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepEqual } from '../../src/base/equal.ts';
import { EditError, inOrder } from '../../src/builder/edits/edit.ts';
import type { KindCollector } from '../../src/collect/kind.ts';
import { reduceObject } from '../../src/collect/kind.ts';
import { kindOf } from '../../src/collect/kinds.ts';
import { tally } from '../../src/model/decode.ts';
import type { KubeObject, MeshObjects } from '../../src/model/kube.ts';
import type { ClusterSnapshot, KindRead, ReducedObject, Snapshot } from '../../src/model/snapshot.ts';
import { factsOf } from '../../src/run/check.ts';
import { readRecording } from '../../src/source/recording.ts';
import { run } from '../corpus/corpus.ts';
import type { Fault } from './fault.ts';
import type { MeshName } from './meshes.ts';
import { type Answer, firedIn, strangersIn, type Told, toldOf } from './runs.ts';

/*
 * Scripted faults in recordings of real healthy meshes. A recording holds reduced objects, edits are written for whole ones: a fault fits
 * where everything that it changes is kept as Kubernetes has it. The others are counted and left. What probes saw is left out, since it
 * was seen of the healthy mesh.
 */

const folder = 'fixtures/recorded';

/** Recordings of healthy meshes, which mesh of the builder each is like, and its clusters by the names that faults use. */
const likenesses: Readonly<Record<string, { readonly like: readonly MeshName[]; readonly clusters: Readonly<Record<string, string>> }>> = {
  'primary-remote': {
    like: ['primary-remote with a revision', 'primary-remote'],
    clusters: { cluster1: 'east', cluster2: 'west' },
  },
  'multi-primary': { like: ['two primaries'], clusters: { cluster1: 'east', cluster2: 'west' } },
  'primary-remote-one-network': { like: ['primary-remote on one network'], clusters: { cluster1: 'east', cluster2: 'west' } },
  'multi-primary-one-network': { like: ['two primaries on one network'], clusters: { cluster1: 'east', cluster2: 'west' } },
  canary: { like: ['an upgrade in flight'], clusters: { cluster1: 'east', cluster2: 'west' } },
  external: { like: ['an external control plane'], clusters: { cluster1: 'outside', cluster2: 'inside' } },
  ambient: { like: ['ambient'], clusters: { cluster1: 'east', cluster2: 'west' } },
};

export interface RecordedSingle {
  readonly recording: string;
  readonly fault: Fault;
  readonly told: Told;
  readonly fired: readonly string[];
  readonly strangers: readonly string[];
}

export interface Recorded {
  readonly singles: readonly RecordedSingle[];
  /** Faults that would go with a recording and do not fit reduced objects. */
  readonly unfit: number;
}

/** Every fault in every recording that it fits. */
export async function recordedSinglesOf(faults: readonly Fault[]): Promise<Recorded> {
  const singles: RecordedSingle[] = [];
  let unfit = 0;
  for (const [recording, { like, clusters }] of Object.entries(likenesses)) {
    const { snapshot } = await readRecording(resolve(folder, `${recording}.json.gz`));
    const healthy: Snapshot = { ...snapshot, observations: [] };
    const baseline = new Set((await judged(healthy)).judgement.findings.map(({ fingerprint }) => fingerprint));
    for (const fault of faults.filter(({ meshes, observed }) => observed === undefined && meshes.some((mesh) => like.includes(mesh)))) {
      const broken = brokenRecording(healthy, clusters, fault);
      if (broken === undefined) {
        unfit += 1;
        continue;
      }
      const answer: Answer = { run: await judged(broken), baseline };
      singles.push({
        recording,
        fault,
        told: toldOf(fault, answer),
        fired: firedIn(answer),
        strangers: strangersIn([fault], answer),
      });
    }
  }
  return { singles, unfit };
}

/** Checks that fired in recordings, each with the recordings. */
export async function firedInRecordings(): Promise<ReadonlyMap<string, readonly string[]>> {
  const fired = new Map<string, string[]>();
  const names = readdirSync(resolve(folder))
    .filter((file) => file.endsWith('.json.gz'))
    .map((file) => file.slice(0, -'.json.gz'.length))
    .sort();
  for (const name of names) {
    const { at, snapshot } = await readRecording(join(folder, `${name}.json.gz`));
    const { judgement } = await judged(snapshot, at);
    for (const check of new Set(judgement.findings.map((finding) => finding.check))) {
      const known = fired.get(check);
      if (known === undefined) fired.set(check, [name]);
      else known.push(name);
    }
  }
  return fired;
}

async function judged(snapshot: Snapshot, now = '2026-11-30T00:00:00Z'): ReturnType<typeof run> {
  return await run(snapshot, {}, factsOf(snapshot, now));
}

/** The recording after the fault; nothing where that cannot be said of reduced objects. */
function brokenRecording(snapshot: Snapshot, clusters: Readonly<Record<string, string>>, fault: Fault): Snapshot | undefined {
  const before: MeshObjects = new Map(
    snapshot.clusters.map((cluster): [string, readonly KubeObject[]] => [clusters[cluster.name] ?? cluster.name, objectsOf(cluster)]),
  );
  let after: MeshObjects;
  try {
    after = inOrder(...fault.edits)(before);
  } catch (error) {
    if (error instanceof EditError) return undefined;
    throw error;
  }
  const known = new Set([...before.values()].flat());
  const result: ClusterSnapshot[] = [];
  let isChanged = false;
  for (const cluster of snapshot.clusters) {
    const name = clusters[cluster.name] ?? cluster.name;
    const originals = new Map((before.get(name) ?? []).map((object) => [keyOf(object), object]));
    const namespaces = new Set((after.get(name) ?? []).filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name));
    const reduced: ReducedObject[] = [];
    for (const object of after.get(name) ?? []) {
      const next = known.has(object) ? object : again(object, originals.get(keyOf(object)));
      // Nobody can create anything in a namespace that is not there.
      const isPlaced = object.metadata.namespace === undefined || namespaces.has(object.metadata.namespace);
      if (next === undefined || !isPlaced) return undefined;
      if (next !== object) isChanged = true;
      reduced.push(next);
    }
    isChanged ||= reduced.length !== originals.size;
    result.push({ ...cluster, kinds: withObjects(cluster, reduced) });
  }
  return isChanged ? { ...snapshot, clusters: result } : undefined;
}

/** An object that an edit changed or made, reduced anew. Of what was reduced otherwise than it is written nobody can say what the edit means. */
function again(object: KubeObject, original: KubeObject | undefined): ReducedObject | undefined {
  const kind = kindOf(object);
  if (kind === undefined) return undefined;
  if (original === undefined) return isWritable(kind) ? reduceObject(kind, object, tally()) : undefined;
  const { apiVersion, kind: name, metadata } = original;
  if (!isDeepEqual(JSON.parse(JSON.stringify({ apiVersion, kind: name, metadata, ...kind.reduce(original, tally()) })), plain(original)))
    return undefined;
  return { apiVersion: object.apiVersion, kind: object.kind, metadata: object.metadata, ...kind.reduce(object, tally()) };
}

/** New objects come from faults and are whole, or are copies of reduced ones under another name; of these kinds both are the same. */
function isWritable(kind: KindCollector): boolean {
  return !['Pod', 'Deployment', 'DaemonSet', 'Secret', 'ConfigMap', 'MutatingWebhookConfiguration'].includes(kind.kind);
}

function plain(object: KubeObject): unknown {
  const { origin: _origin, ...rest }: ReducedObject = object;
  return JSON.parse(JSON.stringify(rest));
}

function objectsOf({ kinds }: ClusterSnapshot): readonly KubeObject[] {
  return Object.values(kinds).flatMap((read) => (read.status === 'read' ? read.objects : []));
}

function withObjects({ kinds }: ClusterSnapshot, objects: readonly ReducedObject[]): Readonly<Record<string, KindRead>> {
  return Object.fromEntries(
    Object.entries(kinds).map(([id, read]): [string, KindRead] => [
      id,
      read.status === 'read' ? { ...read, objects: objects.filter((object) => kindOf(object)?.id === id) } : read,
    ]),
  );
}

function keyOf({ kind, apiVersion, metadata }: KubeObject): string {
  return [kind, apiVersion.split('/')[0], metadata.namespace ?? '', metadata.name].join(' ');
}
