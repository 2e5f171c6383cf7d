import { compareText } from '../base/sort.ts';
import { kinds } from '../collect/kinds.ts';
import { objects, tally, text } from '../model/decode.ts';
import { type ObjectRef, refKey } from '../model/refs.ts';
import type { ClusterSnapshot, KindRead, ReducedObject, Snapshot } from '../model/snapshot.ts';
import { changedFields, type FieldChange } from './fields.ts';

/** Who wrote an object, as its managedFields say. */
export interface Writer {
  readonly manager: string;
  readonly operation: string;
  readonly at?: string;
}

/** An object that is not as it was. */
export interface ObjectChange {
  readonly ref: ObjectRef;
  /** recreated: deleted and made anew in between. */
  readonly change: 'added' | 'removed' | 'changed' | 'recreated';
  readonly fields: readonly FieldChange[];
  /** Who wrote it since, newest first; empty where nobody says. */
  readonly by: readonly Writer[];
  /** Controllers make and change objects of this kind all the time. */
  readonly isDerived: boolean;
}

/** A kind of object of a cluster that one side does not hold in full. */
export interface NotCompared {
  readonly cluster: string;
  readonly kind: string;
  readonly side: 'before' | 'after';
  readonly why: string;
}

const derived: ReadonlySet<string> = new Set(['pods', 'endpoints', 'endpointslices.discovery.k8s.io', 'nodes']);
/** Fields that nobody but controllers writes. */
const ofControllers = /^\.(?:status|leader)\b/;
/** Fields that a server gives anew to whatever is made on it. */
const ofServer = /\.(?:clusterIPs?|nodePort|healthCheckNodePort)\b/;
const none: readonly ReducedObject[] = [];

/** Objects that differ between two snapshots, in the clusters that both have, sorted by their references. */
export function changedObjects(
  before: Snapshot,
  after: Snapshot,
): { readonly changes: readonly ObjectChange[]; readonly notCompared: readonly NotCompared[]; readonly remade: readonly string[] } {
  const changes: ObjectChange[] = [];
  const notCompared: NotCompared[] = [];
  const remade: string[] = [];
  for (const cluster of after.clusters) {
    const earlier = before.clusters.find(({ name }) => name === cluster.name);
    if (earlier === undefined) continue;
    const isOther = isKnownToDiffer(uidOf(earlier), uidOf(cluster));
    if (isOther) remade.push(cluster.name);
    for (const { id } of kinds) {
      const [one, other] = [earlier.kinds[id], cluster.kinds[id]];
      if (one === undefined || other === undefined || isDeselected(one) || isDeselected(other)) continue;
      const gaps = [...gapOf('before', cluster, id, one), ...gapOf('after', cluster, id, other)];
      notCompared.push(...gaps);
      changes.push(...changesOf(cluster, id, one, other, isOther));
    }
  }
  return { changes: changes.sort((a, b) => compareText(refKey(a.ref), refKey(b.ref))), notCompared, remade };
}

function uidOf({ kinds: reads }: ClusterSnapshot): string | undefined {
  const read = reads['namespaces'];
  return read?.status === 'read' ? read.objects.find(({ metadata }) => metadata.name === 'kube-system')?.metadata.uid : undefined;
}

function isKnownToDiffer(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

function isDeselected(read: KindRead): boolean {
  return read.status === 'not-asked' && read.because === 'deselected';
}

function gapOf(side: NotCompared['side'], { name }: ClusterSnapshot, kind: string, read: KindRead): NotCompared[] {
  const gap = (why: string): NotCompared[] => [{ cluster: name, kind, side, why }];
  switch (read.status) {
    case 'read':
      return read.complete ? [] : gap('not all of them are known');
    case 'absent':
      return [];
    case 'forbidden':
      return gap('forbidden');
    case 'failed':
      return gap(read.reason);
    case 'not-asked':
      return gap(read.because);
    default:
      return read satisfies never;
  }
}

/** What was seen on one side only is a change where the other side was read to its end. In another cluster everything is made anew: that says nothing. */
function changesOf({ name: cluster }: ClusterSnapshot, id: string, one: KindRead, other: KindRead, isOther: boolean): ObjectChange[] {
  const [left, right] = [byName(one), byName(other)];
  const isDerived = derived.has(id);
  const found: ObjectChange[] = [];
  const refOf = ({ kind, metadata: { namespace, name } }: ReducedObject): ObjectRef => ({
    cluster,
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
  });
  for (const [key, object] of right) {
    const earlier = left.get(key);
    if (earlier === undefined) {
      if (isWhole(one)) found.push({ ref: refOf(object), change: 'added', fields: [], by: writersSince(undefined, object), isDerived });
      continue;
    }
    const fields = changedFields(earlier, object).filter(({ path }) => !isOther || !ofServer.test(path));
    const isAnew = !isOther && isKnownToDiffer(earlier.metadata.uid, object.metadata.uid);
    if (fields.length === 0 && !isAnew) continue;
    found.push({
      ref: refOf(object),
      change: isAnew ? 'recreated' : 'changed',
      fields,
      by: writersSince(isAnew ? undefined : earlier, object),
      isDerived: isDerived || (fields.length > 0 && fields.every(({ path }) => ofControllers.test(path))),
    });
  }
  for (const [key, object] of left)
    if (!right.has(key) && isWhole(other)) found.push({ ref: refOf(object), change: 'removed', fields: [], by: [], isDerived });
  return found;
}

function isWhole(read: KindRead): boolean {
  return read.status === 'absent' || (read.status === 'read' && read.complete);
}

function byName(read: KindRead): ReadonlyMap<string, ReducedObject> {
  const items = read.status === 'read' ? read.objects : none;
  return new Map(items.map((object) => [`${object.metadata.namespace ?? ''}/${object.metadata.name}`, object]));
}

/** Entries of managedFields that are newer than they were. */
function writersSince(earlier: ReducedObject | undefined, object: ReducedObject): readonly Writer[] {
  const known = new Set(earlier === undefined ? [] : writersOf(earlier).map(keyOf));
  return writersOf(object).filter((writer) => !known.has(keyOf(writer)));
}

function writersOf({ metadata }: ReducedObject): readonly Writer[] {
  const odd = tally();
  return objects(odd, metadata['managers'] ?? []).map((entry) => {
    const at = text(odd, entry['time']);
    return {
      manager: text(odd, entry['manager']) ?? '',
      operation: text(odd, entry['operation']) ?? '',
      ...(at === undefined ? {} : { at }),
    };
  });
}

function keyOf({ manager, operation, at }: Writer): string {
  return `${manager} ${operation} ${at ?? ''}`;
}
