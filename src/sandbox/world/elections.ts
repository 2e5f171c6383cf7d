import { isRecord } from '../../builder/edits/json.ts';
import { annotations, names } from '../../istio/labels.ts';
import { flag } from '../../mesh/istiod-view.ts';
import type { ClusterName } from '../../model/ids.ts';
import type { KubeObject } from '../../model/kube.ts';
import { type IstiodProcess, type Istiods, managesCluster } from './istiods.ts';
import type { Knowledge } from './knowledge.ts';
import { type Change, type ClusterState, isLock, isNamespaceElection } from './state.ts';

/*
 * Locks of istiods: ConfigMaps with a record in an annotation, and Leases (pilot/pkg/leaderelection).
 */

/** A lock as its holder remembers it: its UID, and whether it can no longer write, so that the lock runs out under its name. */
export interface Hold {
  readonly uid: string;
  readonly isLost: boolean;
}

export type Held = ReadonlyMap<string, Hold>;

/** Locks that running istiods hold when the world begins. */
export function firstHeld(knowledge: Knowledge): Held {
  const held = new Map<string, Hold>();
  for (const cluster of knowledge.state.clusters.values()) {
    for (const lock of locksOf(cluster)) {
      const holder = holderOf(lock, knowledge.istiods);
      if (holder === undefined) continue;
      const may = mayHold(holder, lock, cluster.name);
      // One that could write and did not for long: who knows why. It is not taken for a leader.
      if (!may || isFresh(lock, knowledge.state.now)) held.set(keyOf(cluster, lock), { uid: holder.uid, isLost: !may });
    }
  }
  return held;
}

/** Elections are won, run out and are given up. `past` are the processes there were a moment ago. */
export function elections(knowledge: Knowledge, before: Held, past: Istiods): { readonly changes: Change[]; readonly held: Held } {
  const { state, istiods } = knowledge;
  const changes: Change[] = [];
  const held = new Map<string, Hold>();
  for (const cluster of state.clusters.values()) {
    for (const lock of locksOf(cluster)) {
      const key = keyOf(cluster, lock);
      const hold = before.get(key);
      const holder = holderOf(lock, istiods);
      const isIts = hold !== undefined && holder?.uid === hold.uid;
      if (isIts && mayHold(holder, lock, cluster.name)) {
        held.set(key, { uid: hold.uid, isLost: false });
        if (hold.isLost) changes.push({ cluster: cluster.name, put: withRecord(lock, { renewTime: state.now }) });
        continue;
      }
      if (isIts && isRegistered(holder, cluster.name)) {
        // It would renew it and may not: the lock runs out, and another takes it then.
        held.set(key, { uid: hold.uid, isLost: true });
        if (isFresh(lock, state.now)) continue;
      }
      const previous = hold === undefined || hold.isLost ? undefined : past.get(hold.uid);
      const isGivenUp = previous !== undefined && mayHold(previous, lock, cluster.name) && !held.has(key);
      const next = isGivenUp || !isFresh(lock, state.now) ? candidatesFor(lock, cluster, knowledge)[0] : undefined;
      if (next !== undefined) {
        held.set(key, { uid: next.uid, isLost: false });
        changes.push({ cluster: cluster.name, put: takenBy(lock, next, cluster.name, state.now) });
      } else if (isGivenUp) changes.push({ cluster: cluster.name, put: released(lock, state.now) });
    }
    changes.push(...firstElections(cluster, knowledge, held));
  }
  return { changes, held };
}

/** Whether a process still has a cluster in its registry, or reads its configuration there. */
function isRegistered(process: IstiodProcess, cluster: ClusterName): boolean {
  return (
    process.config === cluster || [...process.registrations.values()].some(({ target, joined }) => target === cluster && joined === true)
  );
}

/** Elections that were never held: the ConfigMap is made by the first to win it. */
function firstElections(cluster: ClusterState, { istiods, state }: Knowledge, held: Map<string, Hold>): Change[] {
  const changes: Change[] = [];
  for (const process of istiods.values()) {
    const { namespace } = process.controlPlane;
    if (!runsElections(process) || !managesCluster(process, cluster.name)) continue;
    if (cluster.objects.get('Namespace', undefined, namespace) === undefined) continue;
    const lock: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: names.namespaceElection, namespace } };
    const key = keyOf(cluster, lock);
    if (held.has(key) || cluster.objects.get('ConfigMap', namespace, names.namespaceElection) !== undefined) continue;
    held.set(key, { uid: process.uid, isLost: false });
    changes.push({ cluster: cluster.name, put: takenBy(lock, process, cluster.name, state.now) });
  }
  return changes;
}

/** Processes that want a lock and may write it. The election of root certificates is open to all that manage the cluster, others to processes of its own cluster and revision. */
function candidatesFor(lock: KubeObject, cluster: ClusterState, { istiods }: Knowledge): IstiodProcess[] {
  return [...istiods.values()].filter((process) => {
    if (process.controlPlane.namespace !== lock.metadata.namespace || !runsElections(process)) return false;
    if (isNamespaceElection(lock)) return managesCluster(process, cluster.name);
    if (process.config !== cluster.name) return false;
    const key = recordOf(lock)['holderKey'] ?? lock.metadata.annotations?.['leader.istio.io/holder-key'];
    const { revision } = process.controlPlane;
    return typeof key === 'string' && key !== ''
      ? key === revision
      : lock.kind === 'ConfigMap' || lock.metadata.name.endsWith(`-${revision}`);
  });
}

/** Elections may be off, and an istiod that is no CA hands out no root. */
function runsElections({ controlPlane: { env } }: IstiodProcess): boolean {
  return flag(env, 'ENABLE_LEADER_ELECTION', true) && flag(env, 'ENABLE_CA_SERVER', true) && env['PILOT_CERT_PROVIDER'] !== 'none';
}

function mayHold(process: IstiodProcess, lock: KubeObject, cluster: ClusterName): boolean {
  return isNamespaceElection(lock) ? managesCluster(process, cluster) : process.config === cluster || process.cluster === cluster;
}

function locksOf(cluster: ClusterState): KubeObject[] {
  return [...cluster.objects.list('ConfigMap'), ...cluster.objects.list('Lease')].filter(isLock);
}

/** `cluster/kind/namespace/name`. */
export function keyOf(cluster: ClusterState, object: KubeObject): string {
  return `${cluster.name}/${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

function recordOf(lock: KubeObject): Readonly<Record<string, unknown>> {
  if (lock.kind === 'Lease') return isRecord(lock['spec']) ? lock['spec'] : {};
  try {
    const record: unknown = JSON.parse(lock.metadata.annotations?.[annotations.leader] ?? '{}');
    return isRecord(record) ? record : {};
  } catch {
    return {};
  }
}

function holderOf(lock: KubeObject, istiods: Istiods): IstiodProcess | undefined {
  const identity = recordOf(lock)['holderIdentity'];
  if (typeof identity !== 'string' || identity === '') return undefined;
  return [...istiods.values()].find((process) => process.pod === identity && process.controlPlane.namespace === lock.metadata.namespace);
}

/** Renewed within the last two terms of its lease. */
function isFresh(lock: KubeObject, now: string): boolean {
  const record = recordOf(lock);
  const { renewTime, holderIdentity, leaseDurationSeconds } = record;
  if (typeof renewTime !== 'string' || holderIdentity === '' || holderIdentity === undefined) return false;
  const lease = typeof leaseDurationSeconds === 'number' && leaseDurationSeconds > 0 ? leaseDurationSeconds : 30;
  return Date.parse(now) - Date.parse(renewTime) < 2 * lease * 1000;
}

function withRecord(lock: KubeObject, change: Readonly<Record<string, unknown>>): KubeObject {
  const record = recordOf(lock);
  if (lock.kind === 'Lease') {
    const micro = (value: unknown): unknown =>
      typeof value === 'string' ? value.replace(/(\.\d+)?Z$/, (_, part: string | undefined) => `${(part ?? '.').padEnd(7, '0')}Z`) : value;
    const { renewTime, acquireTime, ...rest } = change;
    const times = {
      ...(acquireTime === undefined ? {} : { acquireTime: micro(acquireTime) }),
      ...(renewTime === undefined ? {} : { renewTime: micro(renewTime) }),
    };
    return { ...lock, spec: { ...record, ...rest, ...times } };
  }
  const seconds = Object.fromEntries(
    Object.entries(change).map(([key, value]) => [
      key,
      key.endsWith('Time') && typeof value === 'string' ? value.replace(/\.\d+Z$/, 'Z') : value,
    ]),
  );
  const text = JSON.stringify({ ...record, ...seconds });
  return { ...lock, metadata: { ...lock.metadata, annotations: { ...lock.metadata.annotations, [annotations.leader]: text } } };
}

function takenBy(lock: KubeObject, process: IstiodProcess, cluster: ClusterName, now: string): KubeObject {
  const record = recordOf(lock);
  const { revision } = process.controlPlane;
  const isFirst = record['renewTime'] === undefined;
  const count = (key: string): number => (typeof record[key] === 'number' ? record[key] : 0) + (isFirst ? 0 : 1);
  const times = { leaseDurationSeconds: 30, acquireTime: now, renewTime: now };
  if (lock.kind === 'Lease')
    return withRecord(lock, { holderIdentity: process.pod, ...times, leaseTransitions: count('leaseTransitions') });
  const holderKey = process.config === cluster ? revision : `^${revision}`;
  return withRecord(lock, { holderIdentity: process.pod, holderKey, ...times, leaderTransitions: count('leaderTransitions') });
}

/** What a leader leaves that stops by itself. */
function released(lock: KubeObject, now: string): KubeObject {
  const times = { leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
  return withRecord(lock, lock.kind === 'Lease' ? { holderIdentity: '', ...times } : { holderIdentity: '', holderKey: '', ...times });
}

/** Every lock that is held, renewed now. */
export function renewedLocks(knowledge: Knowledge, held: Held): Change[] {
  const { state, istiods } = knowledge;
  return [...state.clusters.values()].flatMap((cluster) =>
    locksOf(cluster).flatMap((lock): Change[] => {
      const hold = held.get(keyOf(cluster, lock));
      const holder = hold === undefined || hold.isLost ? undefined : istiods.get(hold.uid);
      if (holder === undefined || holderOf(lock, istiods) !== holder || !mayHold(holder, lock, cluster.name)) return [];
      return [{ cluster: cluster.name, put: withRecord(lock, { renewTime: state.now }) }];
    }),
  );
}
